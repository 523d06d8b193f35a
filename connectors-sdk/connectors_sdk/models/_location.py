"""What the kinds of locations have in common."""

from abc import ABC
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from connectors_sdk.models import _ids
from connectors_sdk.models.base_domain_entity import NamedEntity
from connectors_sdk.models.base_object import abstract


@abstract
class BaseLocation(NamedEntity, ABC):
    """A STIX location (section 4.10); its id comes from its name and its type in OpenCTI.

    Attributes:
        name: its name.
        description: what is known.
        aliases: other names.
    """

    _stix_type: ClassVar[str] = "location"
    _stix2_class: ClassVar[str] = "connectors_sdk.models._custom_stix2:LocationStix"
    _stix_keys: ClassVar[Mapping[str, str]] = {"aliases": "x_opencti_aliases"}
    # The STIX property that repeats the name, if there is one for this kind.
    _name_key: ClassVar[str | None] = None

    description: str | None = None
    aliases: list[str] | None = None

    def _make_id(self) -> str:
        return _ids.location(self.name, self._stix_constants["x_opencti_location_type"])

    def _emit(self, form: dict[str, Any]) -> None:
        if self._name_key is not None:
            form[self._name_key] = self.name
        super()._emit(form)


@abstract
class PlacedLocation(BaseLocation, ABC):
    """A location that has a place on the map.

    Attributes:
        latitude: degrees north, -90 to 90; only together with the longitude.
        longitude: degrees east, -180 to 180; only together with the latitude.
    """

    latitude: float | None = Field(default=None, ge=-90, le=90)
    longitude: float | None = Field(default=None, ge=-180, le=180)

    @model_validator(mode="after")
    def _check_coordinates(self) -> Self:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("latitude and longitude must be given together")
        return self

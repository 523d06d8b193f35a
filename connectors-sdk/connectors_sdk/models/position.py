"""A place on the map."""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from connectors_sdk.models import _ids
from connectors_sdk.models._location import PlacedLocation


class Position(PlacedLocation):
    """A place on the map (STIX location, OpenCTI's Position).

    Attributes:
        precision: how exact the coordinates are, in metres.
        street_address: street and number.
        postal_code: postal code.
    """

    _stix_constants: ClassVar[Mapping[str, Any]] = {
        "x_opencti_location_type": "Position"
    }

    precision: float | None = Field(default=None, ge=0)
    street_address: str | None = None
    postal_code: str | None = None

    def _make_id(self) -> str:
        return _ids.position(self.name, self.latitude, self.longitude)

"""A state, province or other part of a country."""

from collections.abc import Mapping
from typing import Any, ClassVar

from connectors_sdk.models._location import PlacedLocation


class AdministrativeArea(PlacedLocation):
    """A state, province or other part of a country (STIX location, OpenCTI's Administrative-Area)."""

    _stix_constants: ClassVar[Mapping[str, Any]] = {
        "x_opencti_location_type": "Administrative-Area"
    }
    _name_key: ClassVar[str | None] = "administrative_area"

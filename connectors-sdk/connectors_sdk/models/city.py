"""A city."""

from collections.abc import Mapping
from typing import Any, ClassVar

from connectors_sdk.models._location import PlacedLocation


class City(PlacedLocation):
    """A city (STIX location, OpenCTI's City)."""

    _stix_constants: ClassVar[Mapping[str, Any]] = {"x_opencti_location_type": "City"}
    _name_key: ClassVar[str | None] = "city"

"""A country."""

from collections.abc import Mapping
from typing import Any, ClassVar

from connectors_sdk.models._location import BaseLocation


class Country(BaseLocation):
    """A country (STIX location, OpenCTI's Country)."""

    _stix_constants: ClassVar[Mapping[str, Any]] = {
        "x_opencti_location_type": "Country"
    }
    _name_key: ClassVar[str | None] = "country"

"""A region of the world."""

from collections.abc import Mapping
from typing import Any, ClassVar

from connectors_sdk.models._location import BaseLocation


class Region(BaseLocation):
    """A region of the world (STIX location, OpenCTI's Region)."""

    _stix_constants: ClassVar[Mapping[str, Any]] = {"x_opencti_location_type": "Region"}
    _name_key: ClassVar[str | None] = "region"

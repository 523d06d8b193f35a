"""A sector."""

from collections.abc import Mapping
from typing import Any, ClassVar

from connectors_sdk.models._identity import BaseIdentity
from connectors_sdk.models.enums import IndustrySector


class Sector(BaseIdentity):
    """A sector of the economy (STIX identity of class `class`).

    Attributes:
        sectors: names of the sector in STIX's vocabulary.
    """

    _stix_constants: ClassVar[Mapping[str, Any]] = {"identity_class": "class"}

    sectors: list[IndustrySector] | None = None

"""A sector."""

from typing import Any, ClassVar

from connectors_sdk.models._identity import BaseIdentity
from connectors_sdk.models.enums import IndustrySector


class Sector(BaseIdentity):
    """A sector of the economy (STIX identity of class `class`).

    Attributes:
        sectors: names of the sector in STIX's vocabulary.
    """

    _identity_class: ClassVar[str] = "class"

    sectors: list[IndustrySector] | None = None

    def _own_properties(self) -> dict[str, Any]:
        return {**super()._own_properties(), "sectors": self.sectors}

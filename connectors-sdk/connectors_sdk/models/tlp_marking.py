"""The Traffic Light Protocol."""

from typing import Any, ClassVar

from connectors_sdk.models.base_identified_object import BaseIdentifiedObject
from connectors_sdk.models.enums import TLPLevel
from connectors_sdk.well_known import TLP_MARKING_CREATED, TLP_MARKING_IDS


class TLPMarking(BaseIdentifiedObject):
    """A TLP marking (STIX 2.1 section 7.2.1.4; CLEAR and AMBER+STRICT as OpenCTI defines them).

    Attributes:
        level: `clear`, `white`, `green`, `amber`, `amber+strict` or `red`.
    """

    _stix_type: ClassVar[str] = "marking-definition"
    _stix2_class: ClassVar[str] = "MarkingDefinition"

    level: TLPLevel

    def _make_id(self) -> str:
        return TLP_MARKING_IDS[self.level]

    def _emit(self, form: dict[str, Any]) -> None:
        form["created"] = TLP_MARKING_CREATED
        if self.level in (TLPLevel.CLEAR, TLPLevel.AMBER_STRICT):
            # STIX has no definition for TLP 2.0; OpenCTI reads the properties with its prefix.
            form["definition_type"] = "statement"
            form["definition"] = {"statement": "custom"}
            form["x_opencti_definition_type"] = "TLP"
            form["x_opencti_definition"] = f"TLP:{self.level.value.upper()}"
        else:
            form["definition_type"] = "tlp"
            form["name"] = f"TLP:{self.level.value.upper()}"
            form["definition"] = {"tlp": self.level.value}

    def to_stix2_object(self) -> Any:
        """Return the stix2 marking; for the four TLP 1 levels stix2's own constants."""
        import stix2

        constants = {
            TLPLevel.WHITE: stix2.v21.TLP_WHITE,
            TLPLevel.GREEN: stix2.v21.TLP_GREEN,
            TLPLevel.AMBER: stix2.v21.TLP_AMBER,
            TLPLevel.RED: stix2.v21.TLP_RED,
        }
        return constants.get(self.level) or super().to_stix2_object()

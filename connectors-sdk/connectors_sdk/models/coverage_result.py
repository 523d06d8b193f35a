"""A score of coverage."""

from typing import Any

from pydantic import Field

from connectors_sdk.models.base_object import BaseObject


class CoverageResult(BaseObject):
    """How well one kind of defence covers something; part of a security coverage.

    Attributes:
        name: kind of defence, for example `detection`.
        score: percent, 0 to 100.
    """

    name: str
    score: float = Field(ge=0, le=100)

    def to_stix2_object(self) -> Any:
        """Return the dictionary form: stix2 has no class for it."""
        return self.to_stix_dict()

"""What an operator can say about how entities are enriched."""

from datetime import timedelta
from typing import Literal

from pydantic import Field

from connectors_sdk.settings.annotated_types import TLPFromString
from connectors_sdk.settings.base_settings import (
    BaseConfigModel,
    BaseInternalEnrichmentConnectorConfig,
)

PAP = Literal["clear", "green", "amber", "red"]


class EnrichmentOptions(BaseConfigModel):
    """How entities are enriched."""

    max_tlp: TLPFromString = Field(
        default="amber+strict",
        description="The highest TLP marking of entities about which the source may be asked.",
    )
    max_pap: PAP | None = Field(
        default=None,
        description="The highest PAP marking of entities about which the source may be asked; not set: any.",
    )
    allow_unmarked: bool = Field(
        default=True,
        description="Whether the source may be asked about entities that have no TLP marking.",
    )
    findings_tlp: TLPFromString = Field(
        default="clear",
        description="TLP marking of findings to which the source gives none. What refers to the entity is marked like the "
        "entity if that is stricter.",
    )
    score_policy: Literal["never-lower", "mean", "replace", "keep"] = Field(
        default="never-lower",
        description="What becomes of the score of an entity when the source has another: the higher one, the mean, the "
        "source's, or the present one.",
    )
    cache_period: timedelta = Field(
        default=timedelta(days=1),
        ge=timedelta(0),
        description="How long the source is not asked again about the same entity. PT0S: it is asked each time.",
    )
    source_attempts: int = Field(
        default=3,
        ge=1,
        description="How often a look-up is tried when the source fails for the moment.",
    )


class EnrichmentConnectorConfig(
    EnrichmentOptions, BaseInternalEnrichmentConnectorConfig
):
    """The `connector` section of an enrichment connector, with everything that the runtime can be told."""

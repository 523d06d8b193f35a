"""How well something is covered."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import AwareDatetime, Field

from connectors_sdk.models import _ids
from connectors_sdk.models.base_domain_entity import BaseDomainEntity
from connectors_sdk.models.base_identified_entity import BaseIdentifiedEntity
from connectors_sdk.models.coverage_result import CoverageResult
from connectors_sdk.models.reference import Reference


class SecurityCoverage(BaseDomainEntity):
    """How well defences cover a threat (OpenCTI's Security-Coverage); its id comes from what is covered.

    Attributes:
        name: its name.
        covered: what is covered.
        description: what is known.
        coverage: scores by kind.
        last_result: when it was measured last.
        valid_from: since when it holds.
        valid_to: until when.
        external_uri: where the measurement is found.
        periodicity: how often it is measured, an ISO 8601 duration.
        duration: how long it takes, an ISO 8601 duration.
        auto_enrichment_disable: true if no connector shall measure by itself.
        type_affinity: kind of measurement that fits.
        platforms_affinity: platforms that fit.
        tenant_id: id of the tenant of the measuring product.
        tenant_name: its name.
    """

    _stix_type: ClassVar[str] = "security-coverage"
    _stix2_class: ClassVar[str] = (
        "connectors_sdk.models._custom_stix2:SecurityCoverageStix"
    )
    _stix_keys: ClassVar[Mapping[str, str]] = {"covered": "covered_ref"}

    name: str = Field(min_length=1)
    covered: BaseIdentifiedEntity | Reference
    description: str | None = None
    coverage: list[CoverageResult] | None = None
    last_result: AwareDatetime | None = None
    valid_from: AwareDatetime | None = None
    valid_to: AwareDatetime | None = None
    external_uri: str | None = None
    periodicity: str | None = None
    duration: str | None = None
    auto_enrichment_disable: bool | None = None
    type_affinity: str | None = None
    platforms_affinity: list[str] | None = None
    tenant_id: str | None = None
    tenant_name: str | None = None

    def _make_id(self) -> str:
        return _ids.make_id(
            self._stix_type, {"covered_ref": _ids.normalised(self.covered.id)}
        )

"""One measurement of coverage."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import AwareDatetime

from connectors_sdk.models import _ids
from connectors_sdk.models.base_domain_entity import BaseDomainEntity
from connectors_sdk.models.coverage_result import CoverageResult
from connectors_sdk.models.reference import Reference
from connectors_sdk.models.security_coverage import SecurityCoverage


class SecurityCoverageResult(BaseDomainEntity):
    """One measurement of a security coverage (OpenCTI's Security-Coverage-Result); its id comes from the coverage, name and URI.

    Attributes:
        result_of: the coverage that was measured.
        name: its name.
        description: what is known.
        external_uri: where the measurement is found.
        coverage: scores by kind.
        coverage_last_result: when it was measured.
        coverage_valid_from: since when it holds.
        coverage_valid_to: until when.
    """

    _stix_type: ClassVar[str] = "security-coverage-result"
    _stix2_class: ClassVar[str] = (
        "connectors_sdk.models._custom_stix2:SecurityCoverageResultStix"
    )
    _stix_keys: ClassVar[Mapping[str, str]] = {"result_of": "result_of_ref"}

    result_of: SecurityCoverage | Reference
    name: str | None = None
    description: str | None = None
    external_uri: str | None = None
    coverage: list[CoverageResult] | None = None
    coverage_last_result: AwareDatetime | None = None
    coverage_valid_from: AwareDatetime | None = None
    coverage_valid_to: AwareDatetime | None = None

    def _make_id(self) -> str:
        return _ids.security_coverage_result(
            self.result_of.id, self.name, self.external_uri
        )

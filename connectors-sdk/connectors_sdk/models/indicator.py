"""A pattern that detects something."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from connectors_sdk.models import _ids, patterns
from connectors_sdk.models._emission import timestamp
from connectors_sdk.models._periods import period
from connectors_sdk.models.associated_file import AssociatedFile
from connectors_sdk.models.base_domain_entity import BaseDomainEntity
from connectors_sdk.models.base_observable_entity import BaseObservableEntity
from connectors_sdk.models.kill_chain_phase import KillChainPhase

MainObservableType = Literal[
    "Stix-Cyber-Observable",
    "Artifact",
    "Autonomous-System",
    "Bank-Account",
    "Credential",
    "Cryptographic-Key",
    "Cryptocurrency-Wallet",
    "Directory",
    "Domain-Name",
    "Email-Addr",
    "Email-Message",
    "Email-Mime-Part-Type",
    "StixFile",
    "Hostname",
    "IPv4-Addr",
    "IPv6-Addr",
    "Mac-Addr",
    "Media-Content",
    "Mutex",
    "Network-Traffic",
    "Payment-Card",
    "Persona",
    "Phone-Number",
    "Process",
    "Software",
    "Text",
    "Tracking-Number",
    "Url",
    "User-Account",
    "User-Agent",
    "Windows-Registry-Key",
    "X509-Certificate",
    # Types that OpenCTI has got since.
    "AI-Prompt",
    "ICCID",
    "IMEI",
    "IMSI",
    "SSH-Key",
    "Windows-Registry-Value-Type",
]


class Indicator(BaseDomainEntity):
    """A pattern that detects something (STIX 2.1 section 4.7); its id comes from the pattern.

    `connectors_sdk.models.patterns` builds patterns from values that nobody has checked; `Indicator.of` makes the
    indicator of an observable.

    Attributes:
        name: its name.
        pattern: the detection rule; a STIX pattern is checked.
        pattern_type: its language: `stix`, `yara`, `sigma`, `snort`, `suricata`, `pcre`, `eql`...
        main_observable_type: OpenCTI's type of what it detects, for example `IPv4-Addr`.
        description: what it detects.
        indicator_types: kinds of indicator, for example `malicious-activity`.
        platforms: operating systems on which it works.
        valid_from: since when it is valid; now, by the SDK's clock, when absent.
        valid_until: until when, after `valid_from`.
        kill_chain_phases: phases that it detects.
        score: how malicious what it detects is, 0 to 100.
        associated_files: files attached to it.
        create_observables: true if the platform shall make observables of it.
    """

    _stix_type: ClassVar[str] = "indicator"
    _stix2_class: ClassVar[str] = "Indicator"
    _stix_keys: ClassVar[Mapping[str, str]] = {
        "platforms": "x_mitre_platforms",
        "main_observable_type": "x_opencti_main_observable_type",
        "score": "x_opencti_score",
        "associated_files": "x_opencti_files",
        "create_observables": "x_opencti_create_observables",
    }

    name: str = Field(min_length=1)
    description: str | None = None
    indicator_types: list[str] | None = None
    pattern: str = Field(min_length=1)
    pattern_type: str = Field(min_length=1)
    valid_from: AwareDatetime | None = None
    valid_until: AwareDatetime | None = None
    kill_chain_phases: list[KillChainPhase] | None = None
    main_observable_type: MainObservableType | None = None
    platforms: list[str] | None = None
    score: int | None = Field(default=None, ge=0, le=100)
    associated_files: list[AssociatedFile] | None = None
    create_observables: bool | None = None

    _check_validity = period("valid_from", "valid_until", moment_will_do=False)

    @classmethod
    def of(cls, observable: BaseObservableEntity, **fields: Any) -> Self:
        """Return the indicator that detects an observable.

        Args:
            observable: what to detect.
            fields: fields of the indicator. `name` is the observable's value when absent; author, markings, score and
                external references are the observable's.

        Raises:
            ValueError: the observable has nothing that a pattern could compare.
        """
        inherited = {
            "name": patterns.value_of(observable),
            "pattern": patterns.of(observable),
            "pattern_type": "stix",
            "main_observable_type": observable.opencti_type,
            "author": observable.author,
            "markings": observable.markings,
            "score": observable.score,
            "external_references": observable.external_references,
        }
        return cls(**{**inherited, **fields})

    @model_validator(mode="after")
    def _check_pattern(self) -> Self:
        if self.pattern_type == "stix":
            patterns.check(self.pattern)
        return self

    def _make_id(self) -> str:
        return _ids.make_id(self._stix_type, {"pattern": self.pattern.strip()})

    def _emit(self, form: dict[str, Any]) -> None:
        super()._emit(form)
        if self.valid_from is None:
            valid_from = self._first_told()
            if self.valid_until is not None and self.valid_until <= valid_from:
                # It was over before we came to know of it.
                earliest = datetime.min.replace(tzinfo=UTC) + timedelta(days=1)
                valid_from = max(self.valid_until, earliest) - timedelta(milliseconds=1)
            form["valid_from"] = timestamp(valid_from)
        if self.pattern_type == "stix":
            form["pattern_version"] = "2.1"

"""What can be configured."""

from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from connectors_sdk import (
    BaseConfigModel,
    BaseConnectorSettings,
    BaseExternalImportConnectorConfig,
    DeprecatedField,
    ListFromString,
)
from connectors_sdk.settings.annotated_types import TLPFromString

COLLECTIONS = "https://raw.githubusercontent.com/mitre-attack/attack-stix-data/master"


def _location(value: Any) -> Any:
    """Let `false` switch a data set off, as users of the public connector are used to."""
    if value is False or str(value).strip().lower() in {"false", "no", "none", ""}:
        return None
    return value


Location = Annotated[str | None, BeforeValidator(_location)]


class MitreConnectorConfig(BaseExternalImportConnectorConfig):
    """The connector itself."""

    name: str = Field(
        default="MITRE ATT&CK", description="Name of the connector on the platform."
    )
    scope: ListFromString = Field(
        default=[
            "tool",
            "report",
            "malware",
            "identity",
            "campaign",
            "intrusion-set",
            "attack-pattern",
            "course-of-action",
            "x-mitre-data-source",
            "x-mitre-data-component",
            "x-mitre-matrix",
            "x-mitre-tactic",
            "x-mitre-collection",
        ],
        description="Types that the connector brings.",
    )
    duration_period: timedelta = Field(
        default=timedelta(days=7),
        description="Time between two runs, as ISO 8601 duration.",
    )


class MitreConfig(BaseConfigModel):
    """What is imported, and from where."""

    enterprise: bool = Field(
        default=True, description="Import the enterprise collection."
    )
    mobile: bool = Field(default=True, description="Import the mobile collection.")
    ics: bool = Field(default=True, description="Import the ICS collection.")
    enterprise_file_url: Location = Field(
        default=f"{COLLECTIONS}/enterprise-attack/enterprise-attack.json",
        description="URL or file path of the enterprise collection; `false` switches it off.",
    )
    mobile_attack_file_url: Location = Field(
        default=f"{COLLECTIONS}/mobile-attack/mobile-attack.json",
        description="URL or file path of the mobile collection; `false` switches it off.",
    )
    ics_attack_file_url: Location = Field(
        default=f"{COLLECTIONS}/ics-attack/ics-attack.json",
        description="URL or file path of the ICS collection; `false` switches it off.",
    )
    include_revoked: bool = Field(
        default=False,
        description="Import objects that are revoked already when they are seen first.",
    )
    include_deprecated: bool = Field(
        default=False,
        description="Import objects that are deprecated already when they are seen first.",
    )
    remove_statement_marking: bool = Field(
        default=False,
        description="Leave out ATT&CK's copyright statement as a marking.",
    )
    tlp: TLPFromString = Field(
        default="clear", description="TLP marking of everything that is imported."
    )
    interval: int | None = DeprecatedField(
        deprecated="Use CONNECTOR_DURATION_PERIOD instead.",
        new_namespace="connector",
        new_namespaced_var="duration_period",
        new_value_factory=lambda days: timedelta(days=int(days)),
        description="Days between two runs.",
    )

    def data_sets(self) -> dict[str, str]:
        """Return {domain: location} of the data sets that are switched on."""
        chosen = {
            "enterprise-attack": (self.enterprise, self.enterprise_file_url),
            "mobile-attack": (self.mobile, self.mobile_attack_file_url),
            "ics-attack": (self.ics, self.ics_attack_file_url),
        }
        return {
            domain: location
            for domain, (wanted, location) in chosen.items()
            if wanted and location
        }


class ConnectorSettings(BaseConnectorSettings):
    """All settings of the connector."""

    connector: MitreConnectorConfig = Field(
        default_factory=lambda: MitreConnectorConfig.model_validate({})
    )
    mitre: MitreConfig = Field(default_factory=lambda: MitreConfig.model_validate({}))

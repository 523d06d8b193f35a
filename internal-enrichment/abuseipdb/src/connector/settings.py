"""What an operator can configure."""

from pydantic import Field, HttpUrl, SecretStr

from connectors_sdk import (
    BaseConfigModel,
    BaseConnectorSettings,
    DeprecatedField,
    ListFromString,
)
from connectors_sdk.connectors.internal_enrichment import EnrichmentConnectorConfig
from connectors_sdk.settings.annotated_types import TLPFromString


class ConnectorConfig(EnrichmentConnectorConfig):
    name: str = Field(
        default="AbuseIPDB", description="Name of the connector on the platform."
    )
    scope: ListFromString = Field(
        default=["IPv4-Addr", "IPv6-Addr"],
        description="Types of entities that can be enriched.",
    )
    max_tlp: TLPFromString = Field(
        default="amber",
        description="The highest TLP marking of entities about which AbuseIPDB may be asked.",
    )
    daily_credits: int | None = Field(
        default=None,
        ge=1,
        description="How many checks the connector may make per day (UTC), remembered across restarts; not set: as many as "
        "it needs. A free key of AbuseIPDB allows 1,000.",
    )


class AbuseIpdbConfig(BaseConfigModel):
    api_key: SecretStr = Field(description="Key of AbuseIPDB's API, version 2.")
    api_url: HttpUrl = Field(
        default=HttpUrl("https://api.abuseipdb.com/api/v2"),
        description="Address of the API.",
    )
    max_age_in_days: int = Field(
        default=90, ge=1, le=365, description="How old reports may be, in days."
    )
    create_sightings: bool = Field(
        default=True,
        description="Make of the reports a sighting for each country that they come from.",
    )
    create_related: bool = Field(
        default=True,
        description="Name provider, domain, host names and country of the address as entities of their own.",
    )
    max_tlp: str | None = DeprecatedField(
        deprecated="Use CONNECTOR_MAX_TLP instead.",
        new_namespace="connector",
        new_namespaced_var="max_tlp",
        description="The highest TLP marking of entities about which AbuseIPDB may be asked.",
    )


class ConnectorSettings(BaseConnectorSettings):
    connector: ConnectorConfig = Field(default_factory=ConnectorConfig)
    abuseipdb: AbuseIpdbConfig = Field(default_factory=AbuseIpdbConfig)

"""What an operator can configure."""

from pydantic import Field, HttpUrl, SecretStr

from connectors_sdk import BaseConfigModel, BaseConnectorSettings, ListFromString
from connectors_sdk.connectors.internal_enrichment import EnrichmentConnectorConfig


class ConnectorConfig(EnrichmentConnectorConfig):
    name: str = Field(default="Template", description="Name on the platform.")
    scope: ListFromString = Field(
        default=["IPv4-Addr", "Domain-Name"],
        description="Types that it can say something about.",
    )


class TemplateConfig(BaseConfigModel):
    api_url: HttpUrl = Field(description="Address of the API.")
    api_key: SecretStr = Field(description="Key for the API.")


class ConnectorSettings(BaseConnectorSettings):
    connector: ConnectorConfig = Field(default_factory=ConnectorConfig)
    template: TemplateConfig = Field(default_factory=TemplateConfig)

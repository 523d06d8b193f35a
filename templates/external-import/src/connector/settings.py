"""What an operator can configure."""

from datetime import timedelta

from pydantic import Field, HttpUrl, SecretStr

from connectors_sdk import (
    BaseConfigModel,
    BaseConnectorSettings,
    BaseExternalImportConnectorConfig,
    ListFromString,
)


class ConnectorConfig(BaseExternalImportConnectorConfig):
    name: str = Field(default="Template", description="Name on the platform.")
    scope: ListFromString = Field(default=["indicator"], description="What it brings.")
    duration_period: timedelta = Field(
        default=timedelta(hours=1),
        description="Time between two runs, as ISO 8601 duration.",
    )


class TemplateConfig(BaseConfigModel):
    api_url: HttpUrl = Field(description="Address of the API.")
    api_key: SecretStr = Field(description="Key for the API.")
    import_since: timedelta = Field(
        default=timedelta(days=30),
        description="How far back the first run goes, as ISO 8601 duration.",
    )


class ConnectorSettings(BaseConnectorSettings):
    connector: ConnectorConfig = Field(default_factory=ConnectorConfig)
    template: TemplateConfig = Field(default_factory=TemplateConfig)

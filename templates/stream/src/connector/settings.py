"""What an operator can configure."""

from pydantic import Field, HttpUrl, SecretStr

from connectors_sdk import BaseConfigModel, BaseConnectorSettings, ListFromString
from connectors_sdk.connectors.stream import StreamConnectorConfig


class ConnectorConfig(StreamConnectorConfig):
    name: str = Field(default="Template", description="Name on the platform.")
    scope: ListFromString = Field(default=["indicator"], description="Types to send.")


class TemplateConfig(BaseConfigModel):
    api_url: HttpUrl = Field(description="Address of the target's API.")
    api_key: SecretStr = Field(description="Key for the target's API.")


class ConnectorSettings(BaseConnectorSettings):
    connector: ConnectorConfig = Field(default_factory=ConnectorConfig)
    template: TemplateConfig = Field(default_factory=TemplateConfig)

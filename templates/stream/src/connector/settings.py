"""What can be configured."""

from pydantic import Field, HttpUrl, SecretStr

from connectors_sdk import BaseConfigModel, BaseConnectorSettings, ListFromString
from connectors_sdk.connectors.stream import StreamConnectorConfig


class ConnectorConfig(StreamConnectorConfig):
    name: str = Field(default="Template", description="Its name on the platform.")
    scope: ListFromString = Field(default=["indicator"], description="Types to send.")


class TemplateConfig(BaseConfigModel):
    api_base_url: HttpUrl = Field(description="The address of the target's API.")
    api_key: SecretStr = Field(description="The key for the target's API.")


class ConnectorSettings(BaseConnectorSettings):
    connector: ConnectorConfig = Field(default_factory=ConnectorConfig)
    template: TemplateConfig = Field(default_factory=TemplateConfig)

"""What an operator can configure."""

from pydantic import Field

from connectors_sdk import BaseConfigModel, BaseConnectorSettings, ListFromString
from connectors_sdk.connectors.internal_import_file import ImportFileConnectorConfig


class ConnectorConfig(ImportFileConnectorConfig):
    name: str = Field(default="Template", description="Name on the platform.")
    scope: ListFromString = Field(
        default=["text/csv"], description="Types of files that it reads."
    )


class TemplateConfig(BaseConfigModel):
    default_score: int = Field(
        default=50, ge=0, le=100, description="Score of indicators that have none."
    )


class ConnectorSettings(BaseConnectorSettings):
    connector: ConnectorConfig = Field(default_factory=ConnectorConfig)
    template: TemplateConfig = Field(default_factory=TemplateConfig)

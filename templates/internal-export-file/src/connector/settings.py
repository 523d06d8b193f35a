"""What an operator can configure."""

from typing import Literal

from pydantic import Field

from connectors_sdk import BaseConfigModel, BaseConnectorSettings, ListFromString
from connectors_sdk.connectors.internal_export_file import ExportFileConnectorConfig


class ConnectorConfig(ExportFileConnectorConfig):
    name: str = Field(default="Template", description="Name on the platform.")
    scope: ListFromString = Field(
        default=["text/csv"], description="Types of files that it makes."
    )


class TemplateConfig(BaseConfigModel):
    delimiter: Literal[",", ";", "|"] = Field(
        default=",", description="What stands between two cells."
    )


class ConnectorSettings(BaseConnectorSettings):
    connector: ConnectorConfig = Field(default_factory=ConnectorConfig)
    template: TemplateConfig = Field(default_factory=TemplateConfig)

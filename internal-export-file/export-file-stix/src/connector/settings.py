"""What an operator can configure."""

from pydantic import Field

from connectors_sdk import BaseConfigModel, BaseConnectorSettings, ListFromString
from connectors_sdk.connectors.internal_export_file import ExportFileConnectorConfig


class ConnectorConfig(ExportFileConnectorConfig):
    name: str = Field(
        default="ExportFileStix2", description="Name of the connector on the platform."
    )
    scope: ListFromString = Field(
        default=["application/json", "application/vnd.oasis.stix+json"],
        description="Types of files that it makes.",
    )


class StixConfig(BaseConfigModel):
    custom_properties: bool = Field(
        default=True,
        description="Keep the platform's own properties (`x_opencti_…`), without which an import elsewhere knows less.",
    )
    extension: bool = Field(
        default=True,
        description="Write the platform's own properties into its extension, as STIX 2.1 wants it; else as `x_opencti_…`.",
    )


class ConnectorSettings(BaseConnectorSettings):
    connector: ConnectorConfig = Field(default_factory=ConnectorConfig)
    export_file_stix: StixConfig = Field(default_factory=StixConfig)

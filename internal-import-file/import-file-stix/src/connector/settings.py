"""What an operator can configure."""

from datetime import timedelta
from typing import Literal

from pydantic import Field

from connectors_sdk import BaseConfigModel, BaseConnectorSettings, ListFromString
from connectors_sdk.connectors.internal_import_file import ImportFileConnectorConfig


class ConnectorConfig(ImportFileConnectorConfig):
    name: str = Field(
        default="ImportFileStix", description="Name of the connector on the platform."
    )
    scope: ListFromString = Field(
        default=[
            "application/json",
            "application/stix+json",
            "application/vnd.oasis.stix+json",
            "application/gzip",
            "application/x-gzip",
        ],
        description="Types of files that it reads.",
    )
    validate_before_import: bool = Field(
        default=True,
        description="Put what a file holds into a draft or a workbench, where somebody looks at it first.",
    )
    # A file of any size is read in little memory, so the limits are high.
    file_max_mb: int = Field(
        default=2000, ge=1, description="How big a file may be, in MB."
    )
    file_deadline: timedelta = Field(
        default=timedelta(hours=1),
        gt=timedelta(0),
        description="How long reading a file may take.",
    )
    file_disk_mb: int = Field(
        default=8000,
        ge=1,
        description="How big a file may be when it is unpacked, and whatever else is written while it is read, in MB.",
    )
    file_max_objects: int = Field(
        default=5_000_000, ge=1, description="How many objects may be found in a file."
    )


class StixConfig(BaseConfigModel):
    strict: bool = Field(
        default=True,
        description="Set aside what breaks a rule of STIX; else import what can be imported and report the rule.",
    )
    missing_references: Literal["keep", "drop"] = Field(
        default="keep",
        description="What becomes of references to objects that the file does not hold: the platform may have them.",
    )


class ConnectorSettings(BaseConnectorSettings):
    connector: ConnectorConfig = Field(default_factory=ConnectorConfig)
    import_file_stix: StixConfig = Field(default_factory=StixConfig)

"""What an operator can say about how files are imported."""

from datetime import timedelta

from pydantic import Field

from connectors_sdk.settings.base_settings import (
    BaseConfigModel,
    BaseInternalImportFileConnectorConfig,
)


class ImportFileOptions(BaseConfigModel):
    """How files are imported."""

    file_max_mb: int = Field(
        default=100, ge=1, description="How big a file may be, in MB."
    )
    file_deadline: timedelta = Field(
        default=timedelta(minutes=10),
        gt=timedelta(0),
        description="How long reading a file may take.",
    )
    file_memory_mb: int = Field(
        default=1024,
        ge=128,
        description="How much memory reading a file may take, in MB.",
    )
    file_disk_mb: int = Field(
        default=1024,
        ge=1,
        description="How big a file may be that is written while a file is read (unpacked, converted), in MB.",
    )
    file_max_objects: int = Field(
        default=100_000,
        ge=1,
        description="How many objects may be found in a file.",
    )


class ImportFileConnectorConfig(
    ImportFileOptions, BaseInternalImportFileConnectorConfig
):
    """The `connector` section of a file import connector, with everything that the runtime can be told."""

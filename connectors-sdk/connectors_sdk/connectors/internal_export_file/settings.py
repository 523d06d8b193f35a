"""What an operator can say about how files are exported."""

from pydantic import Field

from connectors_sdk.settings.base_settings import (
    BaseConfigModel,
    BaseInternalExportFileConnectorConfig,
)


class ExportFileOptions(BaseConfigModel):
    """How files are exported."""

    export_page_size: int = Field(
        default=200,
        ge=1,
        le=5000,
        description="How many entities are read from the platform at a time.",
    )
    export_max_mb: int = Field(
        default=2000, ge=1, description="How big a file may become, in MB."
    )


class ExportFileConnectorConfig(
    ExportFileOptions, BaseInternalExportFileConnectorConfig
):
    """The `connector` section of a file export connector, with everything that the runtime can be told."""

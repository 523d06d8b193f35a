"""What the connector remembers from run to run."""

from pydantic import BaseModel, Field

from connectors_sdk import ExternalImportConnectorState


class DataSetState(BaseModel):
    """What was imported last of one data set.

    Attributes:
        validators: what the source recognises that version by (`etag`, `last_modified`).
        digest: SHA-256 (hex) of the file.
        version: the collection's version.
        newest: latest date of modification in it; what is newer is new or changed.
        withdrawn: short digests of the objects that were revoked or deprecated in it.
    """

    validators: dict[str, str] = Field(default_factory=dict)
    digest: str | None = None
    version: str | None = None
    newest: str | None = None
    withdrawn: list[str] = Field(default_factory=list)


class MitreState(ExternalImportConnectorState):
    """The state of the connector: one entry for each data set."""

    data_sets: dict[str, DataSetState] = Field(default_factory=dict)

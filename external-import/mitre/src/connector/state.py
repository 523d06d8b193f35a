"""What the connector remembers from run to run."""

from pydantic import Field

from connectors_sdk import ExternalImportConnectorState
from connectors_sdk.states import EtagCursor


class ReleaseCursor(EtagCursor):
    """The release of a collection that was imported last.

    Attributes:
        version: the collection's version.
        newest: latest date of modification in it; what is newer is new or changed.
        withdrawn: short digests of the objects that were revoked or deprecated in it.
    """

    version: str | None = None
    newest: str = ""
    withdrawn: list[str] = Field(default_factory=list)


class MitreState(ExternalImportConnectorState):
    """The state of the connector: a cursor for each collection."""

    enterprise: ReleaseCursor = ReleaseCursor()
    mobile: ReleaseCursor = ReleaseCursor()
    ics: ReleaseCursor = ReleaseCursor()

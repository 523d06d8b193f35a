"""The states of the connector types."""

from datetime import datetime

from connectors_sdk.states._base_state import BaseConnectorState


class ExternalImportConnectorState(BaseConnectorState):
    """What every external-import connector remembers.

    Attributes:
        last_run: When the last good run began.
    """

    last_run: datetime | None = None

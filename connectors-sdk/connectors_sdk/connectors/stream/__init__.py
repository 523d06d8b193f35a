"""The runtime of stream connectors."""

from connectors_sdk.connectors.stream.events import (
    Action,
    EventKind,
    StreamEvent,
    attribute,
)
from connectors_sdk.connectors.stream.reconcile import Reconciliation, RemoteItem
from connectors_sdk.connectors.stream.results import (
    Outcome,
    Result,
    TargetUnavailableError,
    accepted,
    refused,
    retry,
)
from connectors_sdk.connectors.stream.settings import (
    StreamConnectorConfig,
    StreamOptions,
)
from connectors_sdk.connectors.stream.stream_connector import StreamConnector
from connectors_sdk.connectors.stream.targets import Known, Targets, TargetsError

__all__ = [
    "Action",
    "EventKind",
    "Known",
    "Outcome",
    "Reconciliation",
    "RemoteItem",
    "Result",
    "StreamConnector",
    "StreamConnectorConfig",
    "StreamEvent",
    "StreamOptions",
    "TargetUnavailableError",
    "Targets",
    "TargetsError",
    "accepted",
    "attribute",
    "refused",
    "retry",
]

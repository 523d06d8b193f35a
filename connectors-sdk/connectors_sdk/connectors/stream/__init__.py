"""The runtime of stream connectors.

Names are loaded when they are first used: a connector's settings must be readable without loading the runtime.
"""

from typing import TYPE_CHECKING

from connectors_sdk._lazy import names_from

if TYPE_CHECKING:
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

_MODULE_OF = {
    "Action": "events",
    "EventKind": "events",
    "Known": "targets",
    "Outcome": "results",
    "Reconciliation": "reconcile",
    "RemoteItem": "reconcile",
    "Result": "results",
    "StreamConnector": "stream_connector",
    "StreamConnectorConfig": "settings",
    "StreamEvent": "events",
    "StreamOptions": "settings",
    "TargetUnavailableError": "results",
    "Targets": "targets",
    "TargetsError": "targets",
    "accepted": "results",
    "attribute": "events",
    "refused": "results",
    "retry": "results",
}


__getattr__ = names_from(__name__, _MODULE_OF)

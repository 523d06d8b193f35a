"""Typed state: what a connector remembers from one run to the next.

Names are loaded when they are first used.
"""

from typing import TYPE_CHECKING

from connectors_sdk._lazy import names_from

if TYPE_CHECKING:
    from connectors_sdk.states._base_state import BaseConnectorState
    from connectors_sdk.states.cursors import (
        Cursor,
        EtagCursor,
        PageCursor,
        TimeCursor,
        TokenCursor,
    )
    from connectors_sdk.states.states import ExternalImportConnectorState

__all__ = [
    "BaseConnectorState",
    "Cursor",
    "EtagCursor",
    "ExternalImportConnectorState",
    "PageCursor",
    "TimeCursor",
    "TokenCursor",
]

_MODULE_OF = {
    "BaseConnectorState": "_base_state",
    "Cursor": "cursors",
    "EtagCursor": "cursors",
    "ExternalImportConnectorState": "states",
    "PageCursor": "cursors",
    "TimeCursor": "cursors",
    "TokenCursor": "cursors",
}


__getattr__ = names_from(__name__, _MODULE_OF)

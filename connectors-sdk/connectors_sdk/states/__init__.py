"""Typed state: what a connector remembers from one run to the next.

Names are loaded when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

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


def __getattr__(name: str) -> Any:
    """Import the module that holds a public name, when the name is first asked for."""
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{module}"), name)

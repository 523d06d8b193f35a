"""A connector's state as a typed model that is read from and written to the platform."""

import warnings
from abc import ABC
from datetime import datetime
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, PrivateAttr

from connectors_sdk.states.cursors import Cursor


class StateHelper(Protocol):
    """The part of pycti's `OpenCTIConnectorHelper` that keeps the state."""

    def get_state(self) -> dict[str, Any] | None:
        """Return the last known state."""

    def set_state(self, state: dict[str, Any] | None) -> None:
        """Remember a state until the next ping."""

    def force_ping(self) -> None:
        """Exchange the state with the platform now."""


class _StateClient:
    """Reads and writes the raw state through pycti's helper."""

    def __init__(self, helper: StateHelper) -> None:
        self._helper = helper

    def load(self) -> dict[str, Any]:
        """Return the last known state, empty if there is none."""
        return self._helper.get_state() or {}

    def save(self, state: dict[str, Any]) -> None:
        """Store a JSON-ready state at the platform, durably: the helper alone would wait for its next ping."""
        self._helper.set_state(state)
        self._helper.force_ping()


class BaseConnectorState(BaseModel, ABC):
    """What a connector remembers. Subclass it and declare fields with defaults; unknown keys are kept as extras."""

    model_config = ConfigDict(extra="allow", validate_assignment=True)

    _client: _StateClient | None = PrivateAttr(default=None)
    _loaded: bool = PrivateAttr(default=False)
    # What the platform remembers, as far as this process knows.
    _stored: dict[str, Any] = PrivateAttr(default_factory=dict)

    def inject_dependencies(self, helper: StateHelper) -> None:
        """Bind the state to the helper that keeps it.

        Args:
            helper: pycti's `OpenCTIConnectorHelper`.
        """
        self._client = _StateClient(helper)

    def load(self, force: bool = False) -> None:
        """Take over what the platform remembers. Keys that it does not know stay as they are.

        Args:
            force: Load even though nothing was saved since the last time.

        Raises:
            RuntimeError: The state is not bound to a helper.
            pydantic.ValidationError: A remembered value does not fit its field.

        Warns:
            UserWarning: Nothing was loaded, because nothing was saved since the last time.
        """
        client = self._bound()
        if self._loaded and not force:
            warnings.warn(
                "The state is loaded already; save it, or load it with force=True.",
                UserWarning,
                stacklevel=2,
            )
            return
        self._stored = client.load()
        for key, value in self._stored.items():
            cursor = getattr(self, key, None)
            if isinstance(cursor, Cursor):
                cursor.restore(value)
            else:
                setattr(self, key, value)
        self._loaded = True

    def save(self) -> None:
        """Store the state at the platform: durations, datetimes (ISO 8601 with offset) and sets in JSON form.

        Raises:
            RuntimeError: The state is not bound to a helper.
        """
        self.save_dump(self.dump())

    def dump(self) -> dict[str, Any]:
        """Return what `save` would store now, JSON-ready."""
        raw = self.model_dump(mode="json")
        # Python's spelling of datetimes (`+00:00`, not `Z`): connectors compare and parse them so.
        raw.update(
            (key, value.isoformat())
            for key, value in self
            if isinstance(value, datetime)
        )
        return raw

    def save_dump(self, raw: dict[str, Any]) -> None:
        """Store what `dump` returned earlier: the state as it was then.

        Raises:
            RuntimeError: The state is not bound to a helper.
        """
        self._bound().save(raw)
        self._stored = raw
        self._loaded = False

    def save_part(self, **values: Any) -> None:
        """Store these values alone; everything else stays as the platform remembers it.

        Args:
            values: JSON-ready values. Attributes of the state that have these names are set, too.

        Raises:
            RuntimeError: The state is not bound to a helper.
        """
        loaded = self._loaded
        for key, value in values.items():
            setattr(self, key, value)
        self.save_dump({**self._stored, **values})
        self._loaded = loaded

    def _bound(self) -> _StateClient:
        if self._client is None:
            raise RuntimeError(
                "The state is not bound to a helper: call inject_dependencies(helper) first."
            )
        return self._client

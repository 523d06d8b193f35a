"""What a connector remembers from one run to the next."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from connectors_sdk import ExternalImportConnectorState
from connectors_sdk.states._base_state import BaseConnectorState

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)


class Helper:
    """Keeps the state as pycti's helper does: in memory until the next ping."""

    def __init__(self, remote: dict[str, Any] | None = None) -> None:
        self.remote = remote
        self.local = remote

    def get_state(self) -> dict[str, Any] | None:
        return self.local

    def set_state(self, state: dict[str, Any] | None) -> None:
        self.local = state

    def force_ping(self) -> None:
        self.remote = self.local


class State(ExternalImportConnectorState):
    seen: set[str] = set()
    pause: timedelta | None = None
    cursor: int = 0


def bound(remote: dict[str, Any] | None = None) -> tuple[State, Helper]:
    state, helper = State(), Helper(remote)
    state.inject_dependencies(helper)
    return state, helper


def test_nothing_is_remembered_at_first() -> None:
    state, _ = bound()
    state.load()
    assert state.model_dump() == State().model_dump()
    assert state.last_run is None


def test_state_is_stored_durably_in_json_form() -> None:
    state, helper = bound()
    state.last_run = NOON
    state.seen = {"a"}
    state.pause = timedelta(minutes=5)
    setattr(state, "extra", "kept")
    setattr(state, "extra_date", NOON)
    state.save()
    assert helper.remote == {
        "last_run": "2026-03-31T12:00:00+00:00",
        "seen": ["a"],
        "pause": "PT5M",
        "cursor": 0,
        "extra": "kept",
        "extra_date": "2026-03-31T12:00:00+00:00",
    }


def test_round_trip() -> None:
    state, helper = bound()
    state.last_run, state.seen, state.pause = NOON, {"a", "b"}, timedelta(hours=1)
    state.save()
    other = State()
    other.inject_dependencies(helper)
    other.load()
    assert other.model_dump() == state.model_dump()


def test_unknown_keys_become_extras_and_absent_ones_stay() -> None:
    state, _ = bound({"cursor": "7", "next_page": "p"})
    state.last_run = NOON
    state.load()
    assert (state.cursor, state.last_run) == (7, NOON)
    assert state.model_extra == {"next_page": "p"}


def test_value_that_does_not_fit() -> None:
    state, _ = bound({"cursor": "many"})
    with pytest.raises(ValidationError, match="cursor"):
        state.load()
    with pytest.raises(ValidationError):
        state.cursor = "many"  # type: ignore[assignment]


def test_second_load_needs_force_or_save() -> None:
    state, helper = bound({"cursor": 1})
    state.load()
    helper.local = {"cursor": 2}
    with pytest.warns(UserWarning, match="force=True"):
        state.load()
    assert state.cursor == 1
    state.load(force=True)
    assert state.cursor == 2
    state.save()
    helper.local = {"cursor": 3}
    state.load()
    assert state.cursor == 3


@pytest.mark.parametrize("action", ["load", "save"])
def test_unbound_state(action: str) -> None:
    with pytest.raises(RuntimeError, match="inject_dependencies"):
        getattr(State(), action)()


def test_base_can_be_subclassed_alone() -> None:
    class Own(BaseConnectorState):
        page: int = 1

    own = Own()
    own.inject_dependencies(Helper({"page": 4}))
    own.load()
    assert own.page == 4

"""Cursors: nothing is lost and nothing is handled twice, wherever a run was cut off."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors_sdk import ExternalImportConnectorState, clock
from connectors_sdk.states import EtagCursor, PageCursor, TimeCursor, TokenCursor

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Helper:
    """Keeps the state."""

    def __init__(self) -> None:
        self.remote: dict[str, Any] | None = None

    def get_state(self) -> dict[str, Any] | None:
        return self.remote

    def set_state(self, state: dict[str, Any] | None) -> None:
        self.remote = state

    def force_ping(self) -> None:
        pass


class State(ExternalImportConnectorState):
    time: TimeCursor = TimeCursor(overlap=timedelta(seconds=3))
    token: TokenCursor = TokenCursor()
    page: PageCursor = PageCursor()
    etag: EtagCursor = EtagCursor()


def bound(helper: Helper) -> State:
    state = State()
    state.inject_dependencies(helper)
    state.load()
    return state


def test_cursors_are_remembered_and_keep_their_configuration() -> None:
    helper = Helper()
    state = bound(helper)
    state.time.note(NOON, "a")
    state.token.token = "t"
    state.page.page = 7
    state.etag.take({"ETag": '"1"', "Last-Modified": "yesterday"}, "d1")
    state.save()
    assert helper.remote is not None
    assert "overlap" not in helper.remote["time"]
    other = bound(helper)
    assert other.time.overlap == timedelta(seconds=3)
    assert other.time.since(NOON) == NOON - 3 * SECOND
    assert not other.time.is_new(NOON, "a")
    assert other.time.is_new(NOON, "b")
    assert (other.token.token, other.page.page) == ("t", 7)
    assert other.etag.digest == "d1"
    assert other.etag.headers() == {
        "If-None-Match": '"1"',
        "If-Modified-Since": "yesterday",
    }
    # Every state has cursors of its own.
    assert State().token.token is None


def test_where_to_begin() -> None:
    cursor = TimeCursor()
    assert cursor.since(NOON) == NOON
    with clock.frozen(NOON):
        assert cursor.since(timedelta(days=2)) == NOON - timedelta(days=2)


def test_what_does_not_fit_is_told() -> None:
    with pytest.raises(TypeError, match="reset the state"):
        TimeCursor().restore("2024-01-01")
    with pytest.raises(ValidationError):
        TimeCursor().restore({"position": "yesterday"})
    cursor = TimeCursor()
    cursor.restore(None)
    cursor.restore({"position": "2024-01-01T00:00:00Z", "gone": 1, "overlap": "PT9H"})
    assert cursor.position == datetime(2024, 1, 1, tzinfo=UTC)
    assert cursor.overlap == timedelta(0)


def test_what_is_older_than_asked_for_is_not_new() -> None:
    cursor = TimeCursor(overlap=2 * SECOND)
    cursor.note(NOON, "a")
    cursor.finish()
    assert not cursor.is_new(NOON - 3 * SECOND, "late")
    assert cursor.is_new(NOON - 2 * SECOND, "late")


def test_a_modified_record_is_new_again() -> None:
    cursor = TimeCursor(overlap=timedelta(hours=1))
    cursor.note(NOON, "a")
    assert cursor.is_new(NOON + SECOND, "a")


def test_only_the_overlap_is_remembered_and_no_more_than_allowed() -> None:
    cursor = TimeCursor(overlap=10 * SECOND, max_seen=5)
    for number in range(2000):
        cursor.note(NOON + number * SECOND, number)
    cursor.finish()
    assert len(cursor.seen) == 5
    assert not cursor.is_new(NOON + 1999 * SECOND, 1999)
    many = TimeCursor(max_seen=10_000)
    for number in range(1000):
        many.note(NOON, number)
    assert len(many.seen) == 1000
    many.note(NOON + SECOND, "x")
    many.finish()
    assert len(many.seen) == 1


def test_out_of_order_the_position_moves_at_the_end() -> None:
    cursor = TimeCursor(in_order=False)
    cursor.note(NOON + SECOND, "new")
    cursor.note(NOON, "old")
    assert cursor.position is None
    assert cursor.since(NOON) == NOON
    assert not cursor.is_new(NOON, "old")
    cursor.finish()
    assert cursor.position == NOON + SECOND
    cursor.finish()
    assert cursor.position == NOON + SECOND


Record = tuple[int, int]


def source(
    records: list[Record], since: datetime, descending: bool, page: int
) -> Iterator[list[Record]]:
    """A source that gives what is at or after a time, page by page."""
    found = sorted(r for r in records if NOON + r[0] * SECOND >= since)
    if descending:
        found.reverse()
    for first in range(0, len(found), page):
        yield found[first : first + page]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(0, 6), max_size=40),
    st.integers(1, 7),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_killed_anywhere_nothing_is_lost_and_checkpoints_are_never_repeated(
    seconds: list[int], page: int, descending: bool, chance: random.Random
) -> None:
    """Ties, pages that cut through them, kills between checkpoints, newcomers between runs."""
    records = [(second, number) for number, second in enumerate(seconds)]
    published = records[: len(records) // 2]
    helper = Helper()
    handled: list[Record] = []
    checkpointed: set[Record] = set()
    for attempt in range(30):
        calm = attempt > 20
        state = bound(helper)
        state.time.overlap = timedelta(0)
        state.time.in_order = not descending
        asked = state.time.since(NOON)
        killed = False
        for records_of_page in source(published, asked, descending, page):
            for second, key in records_of_page:
                if not state.time.is_new(NOON + second * SECOND, key):
                    continue
                assert (second, key) not in checkpointed
                handled.append((second, key))
                state.time.note(NOON + second * SECOND, key)
            if not calm and chance.random() < 0.3:
                killed = True
                break
            state.save()
            checkpointed = set(handled)
        if not killed:
            state.time.finish()
            state.save()
            # What comes later is not older than what there was.
            newest = max((r[0] for r in published), default=0)
            published = [r for r in records if r in published or r[0] >= newest]
        else:
            handled = [r for r in handled if r in checkpointed]
    assert set(published) <= set(handled)

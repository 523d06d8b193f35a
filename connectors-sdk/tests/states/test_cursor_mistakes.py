"""Sources that do not keep to what a cursor expects: nothing is lost for it."""

from datetime import UTC, datetime, timedelta

import pytest

from connectors_sdk import clock
from connectors_sdk.states import TimeCursor

DAY = timedelta(days=1)
START = datetime(2024, 1, 1, tzinfo=UTC)


def handle(cursor: TimeCursor, moments: list[datetime]) -> list[datetime]:
    """Handle records as the page processor does; return those that were new."""
    new = []
    for moment in moments:
        if cursor.is_new(moment, moment):
            new.append(moment)
            cursor.note(moment, moment)
    return new


@pytest.mark.parametrize("known", [None, START - DAY])
def test_the_newest_may_come_first(known: datetime | None) -> None:
    cursor = TimeCursor(position=known)
    moments = [START + number * DAY for number in range(20)][::-1]
    assert handle(cursor, moments[:10]) == moments[:10]
    # Cut off here, the next pass begins where this one did.
    assert cursor.position == known
    assert handle(cursor, moments[10:]) == moments[10:]
    cursor.finish()
    assert cursor.position == moments[0]
    later = [moments[0] + 2 * DAY, moments[0] + DAY, *moments[:2]]
    assert handle(cursor, later) == later[:2]


def test_in_order_the_position_goes_along() -> None:
    cursor = TimeCursor()
    handle(cursor, [START, START + DAY])
    assert cursor.position == START + DAY
    again = TimeCursor()
    again.restore(cursor.model_dump())
    assert handle(again, [START, START + DAY, START + 2 * DAY]) == [START + 2 * DAY]


def test_what_is_dated_in_the_future_is_taken_and_not_believed() -> None:
    cursor = TimeCursor()
    future = clock.now() + 400 * DAY
    assert handle(cursor, [START, future, START + DAY]) == [START, future, START + DAY]
    cursor.finish()
    assert cursor.position == START + DAY
    assert handle(cursor, [START + 2 * DAY]) == [START + 2 * DAY]
    # It is known, and not sent again.
    assert not handle(cursor, [future])


def test_many_in_order_do_not_swell_the_state() -> None:
    cursor = TimeCursor()
    handle(cursor, [START + number * timedelta(seconds=1) for number in range(5_000)])
    assert len(cursor.seen) < 600

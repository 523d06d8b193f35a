"""When a batch is full, and what becomes of several events about one object."""

import time
from datetime import timedelta
from typing import Any

from connectors_sdk.connectors.stream import Action, EventKind, StreamEvent
from connectors_sdk.connectors.stream._batch import Batch


def batch(**limits: Any) -> Batch:
    return Batch(
        limits.get("events", 100),
        limits.get("size", 1_000),
        timedelta(seconds=limits.get("seconds", 60)),
        every_event=limits.get("every_event", False),
    )


def event(
    name: str,
    kind: EventKind = EventKind.UPDATE,
    action: Action = Action.UPSERT,
    **more: Any,
) -> StreamEvent:
    data = {"id": f"malware--{name}", "name": more.pop("value", "x")}
    more.setdefault("size", 10)
    return StreamEvent(action, kind, data, name, "Malware", **more)


def test_by_number() -> None:
    one = batch(events=2)
    one.add(event("a"))
    assert not one.is_full and one.takes(event("b")) and one.time_left > 50
    one.add(event("b"))
    assert one.is_full and not one.takes(event("c")) and one.time_left == 0
    # There is room for what replaces something.
    assert one.takes(event("a"))


def test_by_size() -> None:
    one = batch(size=100)
    one.add(event("a", size=60))
    assert one.takes(event("b", size=40)) and not one.takes(event("b", size=41))
    # Something big is a batch of its own.
    big = batch(size=100)
    assert big.takes(event("a", size=5_000))
    big.add(event("a", size=5_000))
    assert big.is_full


def test_by_time() -> None:
    one = batch(seconds=0.05)
    one.add(event("a"))
    time.sleep(0.03)
    one.add(event("b"))
    time.sleep(0.03)
    assert one.time_left == 0


def test_the_last_event_about_an_object_stays() -> None:
    one = batch()
    before = {"reverse_patch": [{"op": "replace", "path": "/name", "value": "first"}]}
    between = {"reverse_patch": [{"op": "replace", "path": "/name", "value": "second"}]}
    one.add(event("a", value="second", context=before, redelivered=True))
    one.add(event("b"))
    one.add(event("a", value="third", context=between))
    other, last = one
    assert (other.id, last.id) == ("b", "a") and "a" in one and len(one) == 2
    assert last.data["name"] == "third" and last.redelivered
    # Seen from the target, this is the change.
    assert last.previous == {"id": "malware--a", "name": "first"}


def test_what_two_events_are_together() -> None:
    def together(*events: StreamEvent) -> tuple[EventKind, Action]:
        one = batch()
        for each in events:
            one.add(each)
        (left,) = one
        return left.kind, left.action

    create = event("a", EventKind.CREATE)
    delete = event("a", EventKind.DELETE, Action.REMOVE)
    assert together(create, event("a")) == (EventKind.CREATE, Action.UPSERT)
    assert together(create, delete) == (EventKind.DELETE, Action.REMOVE)
    assert together(event("a"), delete) == (EventKind.DELETE, Action.REMOVE)
    assert together(delete, create) == (EventKind.CREATE, Action.UPSERT)


def test_every_event() -> None:
    one = batch(every_event=True)
    one.add(event("a"))
    assert not one.takes(event("a")) and one.takes(event("b"))

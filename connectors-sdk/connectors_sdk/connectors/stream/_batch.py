"""Events that go to the target together."""

import time
from collections.abc import Iterator
from datetime import timedelta

from connectors_sdk.connectors.stream.events import Action, EventKind, StreamEvent


class Batch:
    """Gathers events until there are enough of them, or the first has waited long enough.

    It holds at most one event about an object. Either a later one takes the place of a former (each holds the object
    whole), or, where every event counts, the batch is full before it.

    Attributes:
        position: up to here everything is in this batch, or in a former one, or skipped; empty when nothing came.
    """

    def __init__(
        self,
        max_events: int,
        max_bytes: int,
        period: timedelta,
        *,
        every_event: bool = False,
    ) -> None:
        """Take the limits."""
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._seconds = period.total_seconds()
        self._every_event = every_event
        self._events: dict[str, StreamEvent] = {}
        self._bytes = 0
        self._began = 0.0
        self.position = ""

    def takes(self, event: StreamEvent) -> bool:
        """Whether there is room for an event."""
        if not self._events:
            return True
        if event.id in self._events:
            return not self._every_event
        return (
            len(self._events) < self._max_events
            and self._bytes + event.size <= self._max_bytes
        )

    def add(self, event: StreamEvent) -> None:
        """Add an event for which there is room."""
        if not self._events:
            self._began = time.monotonic()
        former = self._events.pop(event.id, None)
        if former is not None:
            self._bytes -= former.size
            _succeed(former, event)
        self._events[event.id] = event
        self._bytes += event.size

    def __contains__(self, platform_id: object) -> bool:
        """Whether there is an event about an object."""
        return platform_id in self._events

    def __len__(self) -> int:
        return len(self._events)

    def __iter__(self) -> Iterator[StreamEvent]:
        return iter(self._events.values())

    @property
    def is_full(self) -> bool:
        """Whether there is room for nothing more."""
        return len(self._events) >= self._max_events or self._bytes >= self._max_bytes

    @property
    def time_left(self) -> float:
        """How long to wait for more, in seconds; 0 when it is due."""
        if self.is_full:
            return 0.0
        return max(self._began + self._seconds - time.monotonic(), 0.0)


def _succeed(former: StreamEvent, latter: StreamEvent) -> None:
    """Let an event stand for a former one about the same object, too."""
    if former.kind is EventKind.CREATE and latter.action is Action.UPSERT:
        latter.kind = EventKind.CREATE
    latter.redelivered = latter.redelivered or former.redelivered
    # pylint: disable-next=protected-access
    latter._first = former._first or former

"""Deliveries on request, beside the stream: dead letters once more, and what `reconcile` finds.

The connector may be running at the same time. So the target is given what the platform has now, not what it had when
something went wrong, and reading that and delivering it is one turn: nothing newer can come between.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from connectors_sdk.connectors.quarantine import QuarantinedRecord
from connectors_sdk.connectors.stream._dead_letters import read_back
from connectors_sdk.connectors.stream._delivery import Delivery
from connectors_sdk.connectors.stream._frames import Frame
from connectors_sdk.connectors.stream._intake import event_about
from connectors_sdk.connectors.stream._trouble import Trouble
from connectors_sdk.connectors.stream.events import Action, EventKind, StreamEvent

if TYPE_CHECKING:
    from connectors_sdk.connectors.stream.stream_connector import StreamConnector


class ErrandError(Exception):
    """The target did not take it; the text says why."""


class Errands:
    """Delivers on request, on behalf of a connector whose parts are set up."""

    def __init__(self, connector: "StreamConnector") -> None:
        """Bind to a connector."""
        self._connector = connector
        self._platform = connector.parts.platform
        self._intake = connector.parts.intake
        # The state is the running connector's; this process must not send its own copy of it.
        ping = getattr(connector.helper, "ping", None)
        if ping is not None:
            ping.stop()

    def replay(self, record: QuarantinedRecord) -> None:
        """Deliver a dead letter.

        Raises:
            ErrandError: the target does not take it.
            ValueError: the record is no event of a stream.
            PoisonError: it cannot be understood, still.
        """
        back = read_back(record)
        events = list(self._intake.events(back)) if isinstance(back, Frame) else [back]
        with self._connector.targets.turn():
            if not self._connector.every_event:
                events = self.as_of_now(events)
            failed = self.deliver(events)
        if failed:
            raise ErrandError(next(iter(failed.values())))

    def as_of_now(self, events: Sequence[StreamEvent]) -> list[StreamEvent]:
        """Return what is to be done about objects now; what has become superfluous is left out."""
        current = self._platform.current([event.id for event in events])
        fresh: list[StreamEvent | None] = []
        for event in events:
            stix = current.get(event.id)
            if stix is None:
                event.action = Action.REMOVE
                fresh.append(self._intake.decided(event))
                continue
            now = event_about(
                stix,
                EventKind.RECONCILE,
                platform_id=event.id,
                entity_type=event.entity_type,
            )
            now.redelivered = True
            fresh.append(self._intake.decided(now))
        return [event for event in fresh if event is not None]

    def deliver(self, events: Sequence[StreamEvent]) -> dict[str, str]:
        """Deliver events; return what the target does not take: platform id -> reason.

        Raises:
            ErrandError: the target is away.
        """
        connector = self._connector
        failed: dict[str, str] = {}

        def give_up(trouble: Trouble, _: float) -> None:
            raise ErrandError(connector.redact(trouble.reason))

        def note(event: StreamEvent, reason: str) -> None:
            failed[event.id] = connector.redact(reason)

        delivery = Delivery(
            connector.deliver,
            connector.targets,
            attempts=1,
            every_event=connector.every_event,
            expires=connector.remove_expired,
            pause=give_up,
            well=lambda: None,
            settled=lambda event: connector.parts.report.written(event.kind),
            set_aside=note,
        )
        delivery.settle(events)
        for event in delivery.parked:
            failed.setdefault(event.id, "the target does not take it at the moment")
        return failed

"""The runtime, broken on purpose: each function breaks one promise, and a test shows that its checker notices."""

from collections.abc import Sequence
from typing import Any

from connectors_sdk.connectors.egress import Decision, EgressGate
from connectors_sdk.connectors.stream import Action, EventKind, StreamEvent
from connectors_sdk.connectors.stream import _delivery as delivery
from connectors_sdk.connectors.stream import _follower as follower
from connectors_sdk.connectors.stream import _intake as intake
from connectors_sdk.connectors.stream import _reader as reader
from connectors_sdk.connectors.stream._batch import Batch
from connectors_sdk.connectors.stream._position import Start
from connectors_sdk.connectors.stream._scope import TypeScope
from connectors_sdk.connectors.stream.targets import Targets


def deletes_are_lost() -> None:
    usual = intake.Intake.decided

    def decided(self: Any, event: StreamEvent) -> StreamEvent | None:
        found = usual(self, event)
        return None if found and found.kind is EventKind.DELETE else found

    intake.Intake.decided = decided  # type: ignore[method-assign]


def revoked_is_an_update() -> None:
    intake.Intake._follow_validity = lambda self, event: None  # type: ignore[method-assign]


def types_do_not_matter() -> None:
    TypeScope.covers = lambda self, data, entity_type: True  # type: ignore[method-assign]


def position_moves_with_reading() -> None:
    usual = follower.Follower._take

    def take(self: Any, frame: Any) -> None:
        usual(self, frame)
        if frame.id:
            self._position.move(frame.id)
            self._position.save()

    follower.Follower._take = take  # type: ignore[method-assign]


def position_stays_in_memory() -> None:
    follower.StreamPosition.save = lambda self: True  # type: ignore[method-assign]


def nobody_knows_what_was_tried() -> None:
    usual = delivery.Delivery._offer

    def offer(self: Any, events: Sequence[StreamEvent]) -> Any:
        for event in events:
            event.redelivered = False
        return usual(self, events)

    delivery.Delivery._offer = offer  # type: ignore[method-assign]


def map_is_forgotten() -> None:
    Targets.link_all = lambda self, objects: None  # type: ignore[method-assign]


def poison_blocks() -> None:
    delivery.Delivery._judge = lambda self, events, trouble: events  # type: ignore[method-assign]
    delivery.Delivery._may_park = lambda self, events: False  # type: ignore[method-assign]


def poison_takes_its_batch_along() -> None:
    def judge(self: Any, events: list[StreamEvent], trouble: Any) -> list[StreamEvent]:
        self._set_all_aside(events, trouble.reason)
        return []

    delivery.Delivery._judge = judge  # type: ignore[method-assign]


def no_batches() -> None:
    Batch.takes = lambda self, event: not list(self)  # type: ignore[method-assign]


def batches_wait_for_ever() -> None:
    Batch.time_left = property(lambda self: 0.0 if self.is_full else 1e9)  # type: ignore[assignment,method-assign]


def an_outage_is_poison() -> None:
    poison_takes_its_batch_along()


def reads_once() -> None:
    def run(self: Any) -> None:
        import requests

        with requests.Session() as session:
            self._tell(self._attempt(session))

    reader.StreamReader.run = run  # type: ignore[method-assign]


def silence_is_fine() -> None:
    usual = reader.StreamRequest

    def patient(*arguments: Any, **options: Any) -> Any:
        return usual(*arguments, **{**options, "timeout": 3600.0})

    from connectors_sdk.connectors.stream import _platform

    _platform.StreamRequest = patient  # type: ignore[assignment,misc]


def starts_over_after_each_break() -> None:
    usual = reader.StreamReader._attempt

    def attempt(self: Any, session: Any) -> str:
        import time

        self._position = f"{int(time.time() * 1000)}-0"
        return usual(self, session)

    reader.StreamReader._attempt = attempt  # type: ignore[method-assign]


def health_says_nothing() -> None:
    from connectors_sdk.connectors.health import Health

    Health.obstacle = lambda self, name, sentence: None  # type: ignore[method-assign]


def everything_may_leave() -> None:
    EgressGate.decide = lambda self, *_, **__: Decision(True, "broken")  # type: ignore[method-assign]


def raised_markings_are_just_skipped() -> None:
    usual = intake.Intake.decided

    def decided(self: Any, event: StreamEvent) -> StreamEvent | None:
        found = usual(self, event)
        removed = found is not None and found.action is Action.REMOVE
        return None if removed and not self._may_leave(event.data) else found

    intake._bared = lambda event: event
    intake.Intake.decided = decided  # type: ignore[method-assign]


def begins_with_everything() -> None:
    Start.of = classmethod(lambda cls, wanted: cls("0-0", False, "broken"))  # type: ignore[method-assign,assignment]


def begins_now() -> None:
    usual = Start.of
    Start.of = lambda wanted: usual("now")  # type: ignore[method-assign,assignment]


# -- not the runtime, but the author's part ------------------------------------------------------------------------------


def _deliver_with(deliver: Any) -> None:
    import sys

    sys.modules["__main__"].Bulk.deliver = deliver  # type: ignore[attr-defined]


def secrets_leak_from_the_target() -> None:
    def deliver(self: Any, events: Sequence[StreamEvent]) -> None:
        key = self.settings.target.api_key.get_secret_value()
        raise ValueError(f"https://target.example/?key={key} refuses")

    _deliver_with(deliver)


def deliver_returns_too_little() -> None:
    _deliver_with(lambda self, events: [])


def memory_runs_out() -> None:
    from connectors_sdk.connectors.memory_fuse import MemoryLimitError

    def deliver(self: Any, events: Sequence[StreamEvent]) -> None:
        raise MemoryLimitError(95_000_000, 100_000_000)

    _deliver_with(deliver)


def memory_is_used_up_and_nobody_cares() -> None:
    import time

    def deliver(self: Any, events: Sequence[StreamEvent]) -> None:
        held = []
        try:
            for _ in range(100):
                held.append(bytearray(10_000_000))
                time.sleep(0.02)
        except BaseException:  # pylint: disable=broad-exception-caught
            held.clear()

    _deliver_with(deliver)

"""Following the stream: read, sort, batch, deliver, move on."""

import time
from typing import TYPE_CHECKING

from connectors_sdk import clock
from connectors_sdk.connectors.stream._batch import Batch
from connectors_sdk.connectors.stream._delivery import Delivery
from connectors_sdk.connectors.stream._frames import Frame
from connectors_sdk.connectors.stream._intake import PoisonError, UndecidedError
from connectors_sdk.connectors.stream._position import Start, StreamPosition, order_of
from connectors_sdk.connectors.stream._reader import StreamReader
from connectors_sdk.connectors.stream._trouble import Trouble
from connectors_sdk.connectors.stream.events import EventKind, StreamEvent, removal_of
from connectors_sdk.connectors.stream.settings import EVERYTHING, start_of

if TYPE_CHECKING:
    from connectors_sdk.connectors.stream.stream_connector import StreamConnector

# Frames that say where the stream stands, and nothing else.
_SIGNS_OF_LIFE = ("heartbeat", "connected", "consumer_metrics")
_NO_RECOVERY = "no-recover"
_NO_POSITION = "event without position"
# The note in the map: up to this position events were handed to the target.
_ATTEMPTED = "attempted"
# The note in the map: ids of objects that the target may have although the map does not say so. The position alone
# does not tell: recovery leaves out a change that was attempted when the object has changed again, or is gone.
_UNSURE = "unsure"

# Seconds.
_TICK = 0.5
_LONGEST_PAUSE = 30.0
_SAVE_AGAIN = 2.0
_RETRY_SAVING = 5.0
_RETRY_PARKED = 30.0
_EXPIRY_PERIOD = 60.0
_SUMMARY_PERIOD = 300.0


class _StateReset(Exception):
    """Somebody has reset the connector's state while something was waited for."""


class Follower:  # pylint: disable=too-many-instance-attributes
    """Follows the stream on behalf of a connector. One thread uses it."""

    def __init__(self, connector: "StreamConnector") -> None:
        """Bind to a connector whose parts are set up."""
        self._connector = connector
        self._options = connector.options
        self._parts = connector.parts
        self._targets = connector.targets
        self._health = connector.health
        self._logger = connector.logger
        self._position = StreamPosition(
            connector.helper, self._first_start, connector.logger.info
        )
        self._reader: StreamReader | None = None
        self._unsure: set[str] = set()
        self._batch = self._new_batch()
        self._delivery = self._new_delivery()
        self._target_away_since: float | None = None
        # Signs of life move the position, too, but need no call of their own.
        self._is_worth_saving = False
        self._attempted_before = self._attempted = (0, 0)
        self._due: dict[str, float] = {}

    def run(self) -> None:
        """Follow the stream, and begin anew whenever the state is reset; until told to stop."""
        while True:
            self._position.load()
            self._remember_attempts()
            # Once more in a moment: pycti may be about to tell the platform that there is no state.
            self._is_worth_saving = self._position.is_first
            self._due["saving"] = time.monotonic() + _SAVE_AGAIN
            self._follow()
            self._logger.warning(
                "The connector's state was reset on the platform: beginning anew."
            )

    def stop(self) -> None:
        """Stop reading, and save the position for the last time."""
        if self._reader is not None:
            self._reader.stop()
            self._position.save()

    # -- the loop ------------------------------------------------------------------------------------------------

    def _follow(self) -> None:
        """Follow the stream until the state is reset."""
        position, platform = self._position, self._parts.platform
        request = platform.request(self._options, position.recover_until)
        self._reader = reader = StreamReader(
            request, position.start_from, self._tell_of_stream
        )
        self._batch = self._new_batch()
        self._delivery = self._new_delivery()
        self._logger.info(
            f"Following the live stream {platform.stream_id} after {position.start_from}.",
            {
                "recover_until": position.recover_until,
                "types": self._parts.scope.names or "all",
                "max_tlp": self._options.max_tlp,
            },
        )
        reader.start()
        try:
            while not position.was_reset:
                wait = min(self._batch.time_left, _TICK) if self._batch else _TICK
                for frame in reader.take(wait):
                    self._take(frame)
                if not self._batch or self._batch.time_left <= 0:
                    self._settle()
                self._tick()
        except _StateReset:
            pass
        finally:
            reader.stop()

    def _take(self, frame: Frame) -> None:
        """Sort a frame into the batch."""
        if frame.event == _NO_RECOVERY:
            self._position.no_recovery()
        elif frame.event not in _SIGNS_OF_LIFE:
            if not frame.id:
                # Nobody could come back to it.
                self._parts.report.skipped(None, _NO_POSITION)
                return
            self._sort(frame)
        if frame.id:
            self._batch.position = frame.id
        if self._batch.is_full:
            self._settle()

    def _sort(self, frame: Frame) -> None:
        pause = _TICK
        while True:
            try:
                events = list(self._parts.intake.events(frame))
                break
            except PoisonError as error:
                self._parts.dead_letters.add_frame(frame, str(error))
                return
            except UndecidedError as error:
                sentence = f"it cannot be decided what may leave: {error}"
                self._wait(sentence, "gate", pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
        if pause > _TICK:
            self._health.cleared("gate")
        for event in events:
            if self._attempted_before > (0, 0):
                event.redelivered = (
                    event.id in self._unsure
                    or order_of(event.position) <= self._attempted_before
                )
            if not self._batch.takes(event):
                self._settle()
            self._batch.add(event)

    def _settle(self) -> None:
        """Hand the batch to the target; then move the position."""
        batch, self._batch = self._batch, self._new_batch()
        if batch:
            self._deliver(list(batch))
            self._is_worth_saving = True
        if not batch.position:
            return
        if self._delivery.parked:
            # It moves when what is parked is settled.
            self._batch.position = batch.position
        elif batch.position != self._position.start_from:
            # `wants` is the author's, too.
            self._connector.fuse.check()
            self._position.move(batch.position)
            if self._is_worth_saving:
                self._save_position()
            self._health.succeeded()

    def _deliver(self, events: list[StreamEvent]) -> None:
        began = time.monotonic()
        self._note_attempt(events)
        self._health.working("delivering events")
        self._health.data(events[-1].at)
        try:
            self._delivery.settle(events)
        finally:
            self._health.idle("waiting for events")
            self._parts.report.tell()
        self._unsure.difference_update(event.id for event in events)
        self._unsure.update(event.id for event in self._delivery.parked)
        self._parts.report.batch(time.monotonic() - began)

    def _note_attempt(self, events: list[StreamEvent]) -> None:
        """Note what is about to be handed to the target, for whoever comes after a crash in the middle of it."""
        last = max(order_of(event.position) for event in events)
        self._unsure.update(event.id for event in events)
        with self._targets.turn():
            self._targets.set_note(_UNSURE, " ".join(self._unsure))
            if last > self._attempted:
                self._attempted = last
                self._targets.set_note(_ATTEMPTED, "-".join(map(str, last)))

    # -- now and then --------------------------------------------------------------------------------------------

    def _tick(self) -> None:
        report = self._parts.report
        if self._is_worth_saving and self._is_due("saving", _RETRY_SAVING):
            self._save_position()
        if self._delivery.parked and self._is_due("parked", _RETRY_PARKED):
            self._delivery.retry_parked()
        if self._connector.remove_expired and self._is_due("expiry", _EXPIRY_PERIOD):
            self._remove_expired()
        if self._is_due("summary", _SUMMARY_PERIOD):
            report.tell()
            self._connector.metrics.set(
                "quarantine_records", len(self._connector.quarantine)
            )
            if not report.is_empty:
                self._logger.info(report.summary())

    def _is_due(self, what: str, period: float) -> bool:
        now = time.monotonic()
        if now < self._due.get(what, 0.0):
            return False
        self._due[what] = now + period
        return True

    def _save_position(self) -> None:
        self._is_worth_saving = not self._position.save()
        self._due["saving"] = time.monotonic() + _RETRY_SAVING

    def _remove_expired(self) -> None:
        """Remove from the target what has expired without any event."""
        busy = {event.id for event in self._delivery.parked}
        most = self._options.batch_size
        expired = self._targets.expired(clock.now().timestamp(), most + len(busy))
        events = [
            removal_of(known, EventKind.EXPIRE)
            for known in expired
            if known.id not in busy and known.id not in self._batch
        ]
        if events:
            self._deliver(events)
        if len(events) >= most:
            self._due["expiry"] = 0.0

    # -- where to begin ------------------------------------------------------------------------------------------

    def _first_start(self) -> Start:
        wanted = start_of(self._options.live_stream_start)
        helper = self._connector.helper
        timestamp = helper.connect_live_stream_start_timestamp
        recover = helper.connect_live_stream_recover_iso_date
        if wanted == EVERYTHING and (timestamp, recover) != (None, None):
            return Start.of_pycti(timestamp, recover)
        return Start.of(wanted)

    def _remember_attempts(self) -> None:
        """Find out which events may have reached the target before."""
        self._unsure = set((self._targets.note(_UNSURE) or "").split())
        noted = self._targets.note(_ATTEMPTED)
        if noted is not None:
            self._attempted_before = self._attempted = order_of(noted)
        elif not self._position.is_first:
            # The map is lost: whatever happened before now may have been delivered.
            self._attempted_before = (int(clock.now().timestamp() * 1000), 0)

    # -- when something is wrong ---------------------------------------------------------------------------------

    def _tell_of_stream(self, problem: str | None) -> None:
        """Say how the connection is; called by the reading thread."""
        if problem is None:
            self._health.cleared("stream")
            self._logger.info("The live stream is there.")
        else:
            self._health.obstacle("stream", f"the live stream is away: {problem}")
            self._logger.warning(f"The live stream is away: {problem}.")

    def _wait_for_target(self, trouble: Trouble, seconds: float) -> None:
        reason = self._connector.redact(trouble.reason)
        sentence = f"the target does not take everything: {reason}"
        if self._target_away_since is None:
            self._target_away_since = time.monotonic()
            self._logger.warning(f"{sentence.capitalize()}.")
        self._logger.debug(f"Trying again in {seconds:.3g} s: {reason}")
        self._wait(sentence, "target", seconds)

    def _wait(self, sentence: str, obstacle: str, seconds: float) -> None:
        self._health.obstacle(obstacle, sentence)
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _TICK))
            self._health.progress()
            if self._position.was_reset:
                raise _StateReset

    def _target_is_well(self) -> None:
        self._health.progress()
        if self._target_away_since is not None:
            seconds = time.monotonic() - self._target_away_since
            self._target_away_since = None
            self._health.cleared("target")
            self._logger.info(f"The target takes events again after {seconds:.0f} s.")

    def _set_aside(self, event: StreamEvent, reason: str) -> None:
        self._parts.dead_letters.add(event, reason)
        if event.kind is EventKind.EXPIRE and event.id in self._targets:
            # Not again with every look at what has expired; a replay tries again.
            self._targets.link(
                event.id, stix_id=event.stix_id, entity_type=event.entity_type
            )

    # -- making parts --------------------------------------------------------------------------------------------

    def _new_delivery(self) -> Delivery:
        connector = self._connector
        return Delivery(
            connector.deliver,
            connector.targets,
            attempts=self._options.delivery_attempts,
            every_event=connector.every_event,
            expires=connector.remove_expired,
            pause=self._wait_for_target,
            well=self._target_is_well,
            settled=lambda event: self._parts.report.written(event.kind),
            set_aside=self._set_aside,
            check=connector.fuse.check,
        )

    def _new_batch(self) -> Batch:
        options = self._options
        batch = Batch(
            options.batch_size,
            options.batch_max_bytes,
            options.batch_period,
            every_event=self._connector.every_event,
        )
        self._parts.intake.pending = lambda platform_id: (
            platform_id in batch or platform_id in self._unsure
        )
        return batch

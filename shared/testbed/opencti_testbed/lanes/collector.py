"""Takes what connectors push into their queues, as the platform's worker does.

A message is acknowledged when it is on disk: what the broker still holds is never lost, and what the platform holds is
ingested in its order.
"""

import logging
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import orjson
from pika.adapters.blocking_connection import BlockingChannel

from opencti_testbed.ingest.worker import IngestWorker, Offer
from opencti_testbed.lanes.broker import (
    MARKER,
    Broker,
    BrokerAway,
    declare,
    queue_config,
)
from opencti_testbed.lanes.messages import Pushed, UnreadableMessage, read
from opencti_testbed.store import Store
from opencti_testbed.store.works import WorkNotAlive

LOGGER = logging.getLogger("opencti_testbed.lanes")
# So many messages of a connector are taken at once, and so often is looked for new connectors.
PREFETCH = 500
LOOK_SECONDS = 0.2
RETRY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _Message:
    connector_id: str
    tag: int
    body: bytes
    marker: str | None


class Collector:
    """Consumes the queues of all registered connectors in the background."""

    def __init__(self, broker: Broker, store: Store, worker: IngestWorker) -> None:
        """Bind to a broker, and to what takes bundles; `start()` begins."""
        self._broker = broker
        self._store = store
        self._worker = worker
        self._taken: list[_Message] = []
        self._awaited: set[str] = set()
        self._broker_was_there = True
        self._arrival = threading.Condition()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="collector", daemon=True)

    def start(self) -> None:
        """Begin with what waits."""
        self._thread.start()

    def stop(self) -> None:
        """End; what is not acknowledged waits at the broker."""
        self._stopping.set()
        self._thread.join(timeout=10)

    def catch_up(self, timeout: float) -> bool:
        """Return True when all that connectors had pushed before is on disk, False after `timeout` seconds."""
        until = time.monotonic() + timeout
        ids = [str(connector["id"]) for connector in self._store.connectors.all()]
        markers = {str(uuid.uuid4()): connector_id for connector_id in ids}
        with self._arrival:
            self._awaited |= markers.keys()
        try:
            self._broker.mark(markers)
            with self._arrival:
                return self._arrival.wait_for(
                    lambda: self._awaited.isdisjoint(markers),
                    max(until - time.monotonic(), 0),
                )
        except BrokerAway as error:
            LOGGER.warning("Nobody knows what waits: %s", error)
            return False
        finally:
            with self._arrival:
                self._awaited -= markers.keys()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._consume()
            except BrokerAway as error:
                if self._broker_was_there:
                    LOGGER.warning("Messages wait: %s", error)
                self._broker_was_there = False
                self._stopping.wait(RETRY_SECONDS)
            except Exception:  # pylint: disable=broad-exception-caught
                # Nothing may end this thread; what is not acknowledged comes again.
                LOGGER.exception("Messages could not be taken, trying again")
                self._stopping.wait(RETRY_SECONDS)

    def _consume(self) -> None:
        with self._broker.connected() as connection:
            if not self._broker_was_there:
                LOGGER.warning("The broker at %s is back", self._broker.address)
            self._broker_was_there = True
            channel = connection.channel()
            channel.basic_qos(prefetch_count=PREFETCH)
            self._taken.clear()
            # By the tag of their consumer; a queue that is deleted takes its consumer with it.
            consumed: dict[str, str] = {}
            channel.add_on_cancel_callback(
                lambda frame: consumed.pop(frame.method.consumer_tag, None)
            )
            while not self._stopping.is_set():
                for connector in self._store.connectors.all():
                    connector_id = str(connector["id"])
                    if connector_id not in consumed.values():
                        declare(channel, connector)
                        consumed[self._listen(channel, connector_id)] = connector_id
                connection.process_data_events(time_limit=LOOK_SECONDS)
                if self._taken:
                    self._keep(self._taken)
                    channel.basic_ack(self._taken[-1].tag, multiple=True)
                    self._note_markers(self._taken)
                    self._taken.clear()

    def _listen(self, channel: BlockingChannel, connector_id: str) -> str:
        def take(_: BlockingChannel, method: Any, about: Any, body: bytes) -> None:
            marker = about.message_id if about.type == MARKER else None
            self._taken.append(
                _Message(connector_id, method.delivery_tag, body, marker)
            )

        queue = queue_config(connector_id)["push"]
        return str(channel.basic_consume(queue, take))

    def _keep(self, messages: list[_Message]) -> None:
        try:
            self._worker.accept_all(self._offers(messages))
        except sqlite3.OperationalError:
            # The disk, not a message: what is not acknowledged comes again.
            raise
        except Exception as error:  # pylint: disable=broad-exception-caught
            LOGGER.exception("Messages could not be kept together")
            if len(messages) > 1:
                for message in messages:
                    self._keep([message])
            elif not isinstance(error, WorkNotAlive):
                self._report(messages[0].connector_id, str(error))

    def _note_markers(self, messages: list[_Message]) -> None:
        with self._arrival:
            self._awaited -= {one.marker for one in messages if one.marker}
            self._arrival.notify_all()

    def _offers(self, messages: list[_Message]) -> Iterator[Offer]:
        """Yield what the messages bring; neighbours of one work are one bundle."""
        waiting: tuple[str, Pushed] | None = None
        for message in messages:
            pushed = None if message.marker else self._read(message)
            if pushed is None:
                continue
            if waiting is not None and waiting[0] == message.connector_id:
                joined = _joined(waiting[1], pushed)
                if joined is not None:
                    waiting = (message.connector_id, joined)
                    continue
            if waiting is not None:
                yield self._offer(*waiting)
            waiting = (message.connector_id, pushed)
        if waiting is not None:
            yield self._offer(*waiting)

    def _read(self, message: _Message) -> Pushed | None:
        """Return what a message says; None when there is nothing to do about it."""
        try:
            pushed = read(message.body)
        except UnreadableMessage as error:
            self._report(message.connector_id, str(error))
            return None
        if pushed.work_id and self._store.works.get(pushed.work_id) is None:
            LOGGER.info("Work %s is gone: its message is skipped", pushed.work_id)
            return None
        return pushed if pushed.work_id or pushed.objects else None

    def _report(self, connector_id: str, reason: str) -> None:
        LOGGER.error("A message of %s: %s", connector_id, reason)
        work = self._store.works.add(connector_id, "An unreadable message")
        self._store.works.processed(
            work["id"], f"A message could not be read: {reason}", in_error=True
        )

    def _offer(self, connector_id: str, pushed: Pushed) -> Offer:
        connector = self._store.connectors.get(connector_id) or {}
        bundle = {"type": "bundle", "objects": pushed.objects}
        return Offer(
            connector_id,
            str(connector.get("name") or connector_id),
            pushed.work_id,
            orjson.dumps(bundle).decode(),
            len(pushed.objects),
            pushed.expected if pushed.work_id else None,
            pushed.dropped if pushed.work_id else 0,
            pushed.draft_id,
            self._known(pushed.applicant_id),
        )

    def _known(self, user_id: str | None) -> str | None:
        user = self._store.administration.get(user_id, "User") if user_id else None
        return user_id if user else None


def _joined(first: Pushed, second: Pushed) -> Pushed | None:
    """Return two messages as one; None when they do not belong together."""
    if not first.work_id or (first.work_id, first.draft_id) != (
        second.work_id,
        second.draft_id,
    ):
        return None
    return replace(
        first,
        objects=first.objects + second.objects,
        dropped=first.dropped + second.dropped,
        expected=first.expected + second.expected,
    )

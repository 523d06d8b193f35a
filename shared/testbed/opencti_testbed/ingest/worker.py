"""The thread that turns accepted bundles into stored objects."""

import logging
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson

from opencti_testbed.ingest.linker import MissingReference
from opencti_testbed.ingest.order import Step, plan
from opencti_testbed.ingest.refusals import FAULTS, check_shape, describe, source_text
from opencti_testbed.ingest.upsert import Upserter
from opencti_testbed.store import Store
from opencti_testbed.store.changes import Changes
from opencti_testbed.store.queue import SetAside, Waiting

LOGGER = logging.getLogger("opencti_testbed.ingest")
# A transaction's length: long enough to be cheap, short enough that nobody waits for the writer.
BATCH_SECONDS = 0.1
BATCH_STEPS = 500
# How long an object waits for what it refers to, when nothing else is left to ingest.
PATIENCE_SECONDS = 1.0


Counts = Mapping[tuple[str, str], int]
# (draft, objects, whether to go on) -> counts and errors as works take them, or None when broken off.
IntoDraft = Callable[
    [str, list[Any], Callable[[], bool]], tuple[Counts, list[tuple[str, str]]] | None
]


class InvalidBundle(ValueError):
    """The text is no bundle, or an empty one."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A bundle that shall be ingested.

    Attributes:
        work_id: the work that it belongs to; None: one of its own.
        text: the bundle (JSON).
        objects: how many objects are in it.
        expected: by how much the work has to expect more; None: by all objects.
        done: how many further objects the work shall count as dealt with.
        draft_id: the draft workspace that it goes to; None: where its work goes.
        user_id: who brings it, if it has no work yet that says so; None: the platform's own user.
    """

    connector_id: str
    connector_name: str
    work_id: str | None
    text: str
    objects: int
    expected: int | None = None
    done: int = 0
    draft_id: str | None = None
    user_id: str | None = None


def _refuse_drafts(
    draft_id: str, objects: list[Any], _: Callable[[], bool]
) -> tuple[Counts, list[tuple[str, str]]] | None:
    return {("bundle", "rejected"): len(objects)}, [
        (f"There is no draft {draft_id}", "")
    ]


def bundle_objects(text: str) -> list[Any]:
    """Return the objects of a bundle's JSON text.

    Raises:
        InvalidBundle: not JSON, not a bundle, or without objects.
    """
    try:
        bundle = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidBundle(f"Invalid bundle: not JSON ({error})") from error
    if not isinstance(bundle, dict) or bundle.get("type") != "bundle":
        raise InvalidBundle("Invalid bundle: its type is not 'bundle'")
    objects = bundle.get("objects")
    if not isinstance(objects, list) or not objects:
        raise InvalidBundle("Invalid bundle: it holds no objects")
    return objects


class IngestWorker:
    """Ingests bundles in the order of their arrival, in the background.

    Progress is stored in the transaction that made it: a killed process goes on where it was, and counts nothing
    twice.
    """

    def __init__(self, store: Store) -> None:
        """Bind to a store; `start()` begins."""
        self._store = store
        self._changes = Changes(store.database)
        self.upserter = Upserter(store.objects)
        self._created_in_part: set[tuple[int, int]] = set()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._idle = threading.Event()
        # Asked before each bundle: while it is true, everything waits.
        self.is_paused: Callable[[], bool] = lambda: False
        # Ingests objects into a draft; whoever has drafts says how.
        self.into_draft: IntoDraft = _refuse_drafts
        # Held while a bundle is put into the queue and while the queue is found empty.
        self._gate = threading.Lock()
        # Held while a bundle is ingested.
        self._busy = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="ingest", daemon=True)

    def start(self) -> None:
        """Begin with what waits."""
        self._thread.start()

    def stop(self) -> None:
        """End after the present batch; the rest waits for the next start."""
        self._stopping.set()
        self._wake.set()
        self._thread.join(timeout=10)

    def accept(
        self,
        connector_id: str,
        connector_name: str,
        work_id: str | None,
        text: str,
        draft_id: str | None = None,
        user_id: str | None = None,
    ) -> str:
        """Take a bundle: it is on disk and expected by its work when this returns.

        Returns:
            The id of the work; a new one when none was given.

        Raises:
            InvalidBundle: the text is no bundle with objects.
            WorkNotAlive: the work is gone.
        """
        objects = bundle_objects(text)
        offer = Offer(
            connector_id,
            connector_name,
            work_id,
            text,
            len(objects),
            draft_id=draft_id,
            user_id=user_id,
        )
        return self.accept_all([offer])[0]

    def accept_all(self, offers: Iterable[Offer]) -> list[str]:
        """Take bundles: all of them are on disk when this returns, or none.

        Returns:
            The ids of the works; new ones where none was given.

        Raises:
            WorkNotAlive: a work is gone.
        """
        with self._gate:
            with self._store.database.write() as connection:
                taken = [self._take(connection, offer) for offer in offers]
            self._idle.clear()
        self._wake.set()
        return taken

    def _take(self, connection: sqlite3.Connection, offer: Offer) -> str:
        work_id = offer.work_id
        if work_id is None:
            name = f"{offer.connector_name} run"
            work = self._store.works.add(
                offer.connector_id, name, user_id=offer.user_id
            )
            work_id = str(work["id"])
        expected = offer.objects if offer.expected is None else offer.expected
        self._store.works.expect(work_id, expected)
        if offer.draft_id:
            self._store.works.set_draft(work_id, offer.draft_id)
        if offer.done:
            self._store.works.report_batch(connection, work_id, offer.done, {}, [])
        if offer.objects:
            self._store.queue.put(
                offer.connector_id, work_id, offer.text, offer.objects
            )
        return work_id

    def wait_idle(self, timeout: float) -> bool:
        """Return True as soon as nothing waits, False after `timeout` seconds."""
        return self._idle.wait(timeout)

    @contextmanager
    def at_rest(self) -> Iterator[None]:
        """Hold the worker between two bundles for the length of the block."""
        with self._busy:
            yield

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            if self.is_paused():
                self._stopping.wait(0.05)
                continue
            try:
                with self._busy:
                    pause = self._turn()
                if pause:
                    self._wake.wait(timeout=pause)
            except Exception:  # pylint: disable=broad-exception-caught
                # Nothing may end this thread; what waits is tried again.
                LOGGER.exception("Ingestion failed, trying again in a second")
                self._store.objects.forget_known()
                self._stopping.wait(1)

    def _turn(self) -> float:
        """Ingest what waits longest; return the seconds to wait when there was nothing."""
        with self._gate:
            waiting = self._store.queue.first()
            aside = self._store.queue.aside(1)
            if waiting is None and not aside:
                self._idle.set()
        if aside and (waiting is None or _is_overdue(aside[0])):
            self._retry()
        if waiting is not None:
            self._ingest(waiting)
            return 0
        return PATIENCE_SECONDS / 10 if aside else 1

    def _retry(self) -> None:
        """Try again what was set aside; what has waited long enough is rejected."""
        again, last = True, 0
        while again and not self._stopping.is_set():
            again, last = False, 0
            while found := self._store.queue.aside(BATCH_STEPS, last):
                last = found[-1].pk
                # What could be stored may be what others wait for.
                again = self._retry_all(found) or again

    def _retry_all(self, found: list[SetAside]) -> bool:
        try:
            return self._retry_batch(found)
        except sqlite3.OperationalError:
            raise
        except Exception as error:  # pylint: disable=broad-exception-caught
            LOGGER.exception("Objects that were set aside could not be tried again")
            self._store.objects.forget_known()
            if len(found) > 1:
                progress = [self._retry_all([one]) for one in found]
                return any(progress)
            raw = orjson.loads(found[0].body)
            with self._store.database.write() as connection:
                kind, words = describe(raw, error)
                self._take_back(connection, found[0], kind, words, raw)
            return False

    def _retry_batch(self, found: list[SetAside]) -> bool:
        progress = False
        with self._store.database.write() as connection:
            for one in found:
                work = self._store.works.get(one.work_id)
                if work is None:
                    self._store.queue.take_back(connection, one.pk)
                    continue
                raw = orjson.loads(one.body)
                with self._for(connection, work):
                    outcome, error, _ = self._one(connection, raw, partial=False)
                if error and not _is_overdue(one):
                    continue
                progress = progress or not error
                if error:
                    self._take_back(connection, one, outcome[0], error, raw)
                    continue
                self._store.queue.take_back(connection, one.pk)
                self._store.works.report_batch(
                    connection, one.work_id, 1, {outcome: 1}, []
                )
        return progress

    def _take_back(
        self,
        connection: sqlite3.Connection,
        one: SetAside,
        kind: str,
        words: str,
        raw: Any,
    ) -> None:
        """Reject an object that was set aside."""
        self._store.queue.take_back(connection, one.pk)
        self._store.works.report_batch(
            connection,
            one.work_id,
            1,
            {(kind, "rejected"): 1},
            [(words, source_text(raw))],
        )

    def _ingest(self, waiting: Waiting) -> None:
        objects = bundle_objects(waiting.body)
        steps = plan(objects)
        done = waiting.done
        careful_until = 0
        while done < len(steps) and not self._stopping.is_set():
            work = self._store.works.get(waiting.work_id)
            if work is None:
                # Whoever removed the work does not want what it would bring.
                LOGGER.info("Work %s is gone: its bundle is skipped", waiting.work_id)
                break
            if work["draft_id"]:
                self._ingest_elsewhere(waiting, work["draft_id"], objects)
                return
            most = 1 if done < careful_until else BATCH_STEPS
            try:
                done += self._batch(
                    waiting, work, objects, steps[done : done + most], done
                )
            except sqlite3.OperationalError:
                # The disk, not the bundle.
                raise
            except Exception as error:  # pylint: disable=broad-exception-caught
                LOGGER.exception("A batch of %s failed", waiting.work_id)
                self._store.objects.forget_known()
                if most == 1:
                    self._give_up(waiting, objects[steps[done].index], done, error)
                    done += 1
                else:
                    careful_until = done + BATCH_STEPS
        if done >= len(steps) or not self._stopping.is_set():
            with self._store.database.write() as connection:
                self._store.queue.remove(connection, waiting.pk)
            self._created_in_part.clear()

    def _give_up(self, waiting: Waiting, raw: Any, done: int, error: Exception) -> None:
        """Reject an object that failed in a way that nobody foresaw, alone in its transaction."""
        kind, words = describe(raw, error)
        with self._store.database.write() as connection:
            self._store.works.report_batch(
                connection,
                waiting.work_id,
                1,
                {(kind, "rejected"): 1},
                [(words, source_text(raw))],
            )
            self._store.queue.advance(connection, waiting.pk, done + 1)

    def _ingest_elsewhere(
        self, waiting: Waiting, draft_id: str, objects: list[Any]
    ) -> None:
        """Have a bundle ingested into its draft, and report on it here."""
        try:
            outcome = self.into_draft(
                draft_id, objects, lambda: not self._stopping.is_set()
            )
        except sqlite3.OperationalError:
            raise
        except Exception as error:  # pylint: disable=broad-exception-caught
            LOGGER.exception("A bundle could not be ingested into %s", draft_id)
            words = f"The bundle could not be ingested: {error}"
            outcome = {("bundle", "rejected"): len(objects)}, [(words, "")]
        if outcome is None:
            return
        counts, errors = outcome
        with self._store.database.write() as connection:
            self._store.works.report_batch(
                connection, waiting.work_id, len(objects), counts, errors
            )
            self._store.queue.remove(connection, waiting.pk)

    def _batch(
        self,
        waiting: Waiting,
        work: Mapping[str, Any],
        objects: list[Any],
        steps: list[Step],
        before: int,
    ) -> int:
        """Ingest steps in one transaction until its time is up; return how many are done now, `before` were."""
        counts: Counter[tuple[str, str]] = Counter()
        errors: list[tuple[str, str]] = []
        finished = done = 0
        until = time.monotonic() + BATCH_SECONDS
        write = self._store.database.write
        with write() as connection, self._for(connection, work):
            for done, step in enumerate(steps, start=1):
                raw = objects[step.index]
                outcome, error, missing = self._one(connection, raw, step.partial)
                if step.partial:
                    # The second pass counts; what it merely completes was created by the first.
                    if outcome[1] == "created":
                        self._created_in_part.add((waiting.pk, step.index))
                elif error and missing:
                    text = orjson.dumps(raw).decode()
                    self._store.queue.set_aside(connection, waiting, text, error)
                else:
                    finished += 1
                    if error:
                        errors.append((error, source_text(raw)))
                    elif (waiting.pk, step.index) in self._created_in_part:
                        outcome = (outcome[0], "created")
                    counts[outcome] += 1
                if time.monotonic() > until:
                    break
            self._store.works.report_batch(
                connection, waiting.work_id, finished, counts, errors
            )
            self._store.queue.advance(connection, waiting.pk, before + done)
        return done

    @contextmanager
    def _for(
        self, connection: sqlite3.Connection, work: Mapping[str, Any]
    ) -> Iterator[None]:
        """Note that what the block changes is changed by a work, and by the user who started it."""
        user = work["user_id"]
        own = user is None or user == self._store.user_id
        with self._changes.by(connection, work["id"]):
            with self._store.objects.by(None if own else user):
                yield

    def _one(
        self, connection: sqlite3.Connection, raw: Any, partial: bool
    ) -> tuple[tuple[str, str], str | None, bool]:
        """Return ((entity type, outcome), error or None, whether only a reference is missing) of one object."""
        try:
            check_shape(raw)
            with self._store.objects.savepoint(connection):
                return self.upserter.upsert(connection, raw, partial), None, False
        except FAULTS as error:
            kind, words = describe(raw, error)
            return (kind, "rejected"), words, isinstance(error, MissingReference)


def _is_overdue(one: SetAside) -> bool:
    return time.time() - one.since >= PATIENCE_SECONDS

"""What the target should have, next to what it has."""

import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connectors_sdk.connectors._mappers import describe_failure
from connectors_sdk.connectors.stream._errands import Errands
from connectors_sdk.connectors.stream._intake import PoisonError, event_about
from connectors_sdk.connectors.stream.events import Action, EventKind, StreamEvent

if TYPE_CHECKING:
    from connectors_sdk.connectors.stream.stream_connector import StreamConnector

_EXAMPLES = 10
_ROWS = 1000
# Both sides may be larger than memory.
_SCHEMA = """
CREATE TABLE has (remote_id TEXT PRIMARY KEY, fingerprint TEXT) WITHOUT ROWID;
CREATE TABLE should (
    id TEXT PRIMARY KEY, remote_id TEXT, fingerprint TEXT, stix_id TEXT, entity_type TEXT, linked INTEGER
) WITHOUT ROWID;
CREATE INDEX should_remote ON should (remote_id);
"""
_MISSING = """
SELECT id, stix_id, entity_type FROM should WHERE remote_id NOT IN (SELECT remote_id FROM has)
"""
_DIFFERENT = """
SELECT s.id, s.stix_id, s.entity_type FROM should s JOIN has h USING (remote_id) WHERE s.fingerprint <> h.fingerprint
"""
_SURPLUS = """
SELECT remote_id FROM has WHERE remote_id NOT IN (SELECT remote_id FROM should)
"""
_UNLINKED = """
SELECT s.id, s.remote_id, s.stix_id, s.entity_type FROM should s JOIN has USING (remote_id) WHERE NOT s.linked
"""


@dataclass(frozen=True, slots=True)
class RemoteItem:
    """Something that the target has because of this connector.

    Attributes:
        remote_id: its id at the target.
        fingerprint: stands for its content, to be compared with `StreamConnector.fingerprint`; None: only its presence
            is compared.
    """

    remote_id: str
    fingerprint: str | None = None


@dataclass
class Reconciliation:
    """What `reconcile` found, and did.

    Attributes:
        applied: whether the target was changed.
        should_have: how many objects the target should have.
        has: how many it has.
        missing: how many it should have and does not.
        different: how many it has with another content.
        surplus: how many it has and should not.
        unlinked: how many it has rightly, while the map did not know.
        examples: STIX ids (of what is surplus: remote ids) of the first of each kind.
        failed: what could not be put right: id -> reason.
    """

    applied: bool = False
    should_have: int = 0
    has: int = 0
    missing: int = 0
    different: int = 0
    surplus: int = 0
    unlinked: int = 0
    examples: dict[str, list[str]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def in_step(self) -> bool:
        """Whether the target has what it should have, nothing else, and the map knows."""
        return not (self.missing or self.different or self.surplus or self.unlinked)

    def lines(self) -> Iterator[str]:
        """Yield it as lines for a person."""
        did = self.applied
        yield f"The target should have {self.should_have} objects and has {self.has}."
        for name, count, done, to_do in (
            ("missing", self.missing, "written", "to be written"),
            ("different", self.different, "written", "to be written"),
            ("surplus", self.surplus, "removed", "to be removed"),
            ("unlinked", self.unlinked, "linked", "to be linked in the map"),
        ):
            yield f"{name:>10}: {count:>8}  {done if did else to_do}"
            for example in self.examples.get(name, ()):
                yield f"{'':>12}{example}"
        for subject, reason in self.failed.items():
            yield f"not done: {subject}: {reason}"
        if not did and not self.in_step:
            yield "Nothing was changed. Run again with --apply to bring the target in step."


class Reconciler:
    """Compares both sides, and brings the target in step."""

    def __init__(self, connector: "StreamConnector") -> None:
        """Bind to a connector whose parts are set up."""
        self._connector = connector
        self._errands = Errands(connector)

    def run(self, apply: bool) -> Reconciliation:
        """Compare; with `apply` write and remove, too.

        Raises:
            UnsupportedError: the connector does not tell what its target has.
            ErrandError: the target is away.
        """
        with (
            tempfile.TemporaryDirectory(prefix="reconcile-") as folder,
            closing(
                sqlite3.connect(Path(folder) / "both.sqlite", isolation_level=None)
            ) as database,
        ):
            database.executescript(
                "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + _SCHEMA
            )
            # The target first: what is delivered meanwhile then counts as missing and is written again, which is
            # harmless. The other way round it would count as surplus.
            _fill(database, "has", 2, self._has())
            _fill(database, "should", 6, self._should())
            result = self._compare(database)
            if apply:
                result.applied = True
                self._apply(database, result)
        return result

    def _has(self) -> Iterator[tuple[Any, ...]]:
        for item in self._connector.remote_items():
            yield item.remote_id, item.fingerprint

    def _should(self) -> Iterator[tuple[Any, ...]]:
        connector, parts = self._connector, self._connector.parts
        for found in parts.platform.objects(parts.scope):
            event = event_about(
                found.stix,
                EventKind.RECONCILE,
                platform_id=found.id,
                entity_type=found.entity_type,
                size=found.size,
            )
            try:
                wanted = parts.intake.decided(event)
            except PoisonError as error:
                connector.logger.warning(f"{event.stix_id} is left out: {error}")
                continue
            if wanted is None or wanted.action is not Action.UPSERT:
                continue
            known = connector.targets.get(wanted.id)
            wanted.remote_id = known.remote_id if known else None
            try:
                remote_id = connector.remote_id_of(wanted)
                fingerprint = connector.fingerprint(wanted)
            # Whatever is wrong with it: the stream set it aside, and the others are compared.
            except Exception as error:  # pylint: disable=broad-exception-caught
                connector.logger.warning(
                    f"{event.stix_id} is left out: {describe_failure(error)}"
                )
                continue
            yield (
                wanted.id,
                remote_id,
                fingerprint,
                wanted.stix_id,
                wanted.entity_type,
                known is not None,
            )

    def _compare(self, database: sqlite3.Connection) -> Reconciliation:
        def count(table: str) -> int:
            return int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])

        result = Reconciliation(should_have=count("should"), has=count("has"))
        for name, query, column in (
            ("missing", _MISSING, 1),
            ("different", _DIFFERENT, 1),
            ("surplus", _SURPLUS, 0),
            ("unlinked", _UNLINKED, 2),
        ):
            setattr(result, name, count(f"({query})"))
            rows = database.execute(f"{query} LIMIT {_EXAMPLES}")
            result.examples[name] = [str(row[column]) for row in rows]
        return result

    # -- bringing the target in step -----------------------------------------------------------------------------

    def _apply(self, database: sqlite3.Connection, result: Reconciliation) -> None:
        targets = self._connector.targets
        size = self._connector.options.batch_size
        for rows in _chunks(database.execute(_UNLINKED), size):
            with targets.turn():
                for platform_id, remote_id, stix_id, entity_type in rows:
                    if platform_id not in targets:
                        targets.link(
                            platform_id,
                            remote_id,
                            stix_id=stix_id,
                            entity_type=entity_type,
                        )
        for query, is_there in ((_MISSING, False), (_DIFFERENT, True)):
            for rows in _chunks(database.execute(query), size):
                self._write([_expected(*row) for row in rows], is_there, result)
        for rows in _chunks(database.execute(_SURPLUS), size):
            self._remove([row[0] for row in rows], result)

    def _write(
        self, events: list[StreamEvent], is_there: bool, result: Reconciliation
    ) -> None:
        targets = self._connector.targets
        with targets.turn():
            if not is_there:
                # The map is wrong about them.
                targets.unlink_all([event.id for event in events])
            # What has gone meanwhile is told by the stream.
            fresh = [
                event
                for event in self._errands.as_of_now(events)
                if event.action is Action.UPSERT
            ]
            result.failed.update(self._errands.deliver(fresh))

    def _remove(self, remote_ids: list[str], result: Reconciliation) -> None:
        connector = self._connector
        targets = connector.targets
        with targets.turn():
            removals = []
            for remote_id in remote_ids:
                platform_id = targets.platform_id(remote_id) or remote_id
                known = targets.get(platform_id)
                stix_id = known.stix_id if known else ""
                event = _expected(
                    platform_id, stix_id, known.entity_type if known else ""
                )
                event.action, event.remote_id = Action.REMOVE, remote_id
                removals.append(event)
            current = connector.parts.platform.current([e.id for e in removals])
            # Whatever the platform has: perhaps it came back, and the stream is about to tell.
            gone = [e for e in removals if not self._is_rightful(e, current)]
            result.failed.update(self._errands.deliver(gone))

    def _is_rightful(
        self, event: StreamEvent, current: dict[str, dict[str, Any]]
    ) -> bool:
        """Whether the target has something rightly after all."""
        stix = current.get(event.id)
        if stix is None:
            return False
        now = self._connector.parts.intake.decided(
            event_about(
                stix,
                EventKind.RECONCILE,
                platform_id=event.id,
                entity_type=event.entity_type or None,
            )
        )
        if now is None or now.action is not Action.UPSERT:
            return False
        now.remote_id = event.remote_id
        return self._connector.remote_id_of(now) == event.remote_id


def _expected(platform_id: str, stix_id: str, entity_type: str) -> StreamEvent:
    return StreamEvent(
        action=Action.UPSERT,
        kind=EventKind.RECONCILE,
        data=({"id": stix_id, "type": stix_id.partition("--")[0]} if stix_id else {}),
        id=platform_id,
        entity_type=entity_type,
        redelivered=True,
    )


def _fill(
    database: sqlite3.Connection, table: str, columns: int, rows: Iterable[Any]
) -> None:
    marks = ",".join("?" * columns)
    for chunk in _chunks(rows, _ROWS):
        database.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", chunk)


def _chunks(rows: Iterable[Any], size: int) -> Iterator[list[Any]]:
    iterator = iter(rows)
    while chunk := list(islice(iterator, size)):
        yield chunk

"""Who changed what: the journal read by works and by objects.

The one writer makes the changes of a work without a gap between them, so that a work's changes are a few stretches of
the journal, however many they are.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from opencti_testbed.store.database import Database
from opencti_testbed.store.events import Event, from_row

_EVENT = "e.id, e.at, e.kind, e.object_id, e.data, e.context"
_OF_WORK = "FROM work_change w JOIN events e ON e.id BETWEEN w.first AND w.last WHERE w.work_id = ?"


@dataclass(frozen=True, slots=True)
class Change:
    """One change and the work that made it; None when it was made through the API, or by a work that is gone."""

    event: Event
    work_id: str | None


class Changes:
    """Notes and reads which work made which changes."""

    def __init__(self, database: Database) -> None:
        """Bind to a database."""
        self._database = database

    @contextmanager
    def by(self, connection: sqlite3.Connection, work_id: str) -> Iterator[None]:
        """Note that what the block changes, in the writer's open transaction, is changed by a work."""
        event, pk = _last(connection, "events"), _last(connection, "object")
        yield
        last_event, last_pk = _last(connection, "events"), _last(connection, "object")
        if last_event == event:
            return
        grown = connection.execute(
            "UPDATE work_change SET last = ?, last_object = ? WHERE last = ? AND last_object = ? AND work_id = ?"
            " AND first = (SELECT max(first) FROM work_change)",
            (last_event, last_pk, event, pk, work_id),
        ).rowcount
        if not grown:
            connection.execute(
                "INSERT INTO work_change (first, last, work_id, first_object, last_object)"
                " VALUES (?, ?, ?, ?, ?)",
                (event + 1, last_event, work_id, pk + 1, last_pk),
            )

    def of_work(
        self, work_id: str, kind: str = "", after: int = 0, limit: int = 50
    ) -> list[Event]:
        """Return what a work changed, in order: all, or `create`, `update`, `merge` or `delete` alone.

        Args:
            after: number of the last change of the page before.
        """
        # What is neither created nor of any kind has an index of its own: it is seldom, and stands between the others.
        narrowed = "AND e.kind = ? AND e.kind <> 'create'" if kind else ""
        if kind == "create":
            narrowed = "AND e.kind = ?"
        rows = self._database.read.execute(
            f"SELECT {_EVENT} {_OF_WORK} AND w.last > ? AND e.id > ? {narrowed} ORDER BY w.first, e.id LIMIT ?",
            (work_id, after, after, *([kind] if kind else []), limit),
        )
        return [from_row(row) for row in rows]

    def created(self, work_id: str) -> list[tuple[int, int]]:
        """Return the stretches of keys (first, last) of the objects that a work created."""
        rows = self._database.read.execute(
            "SELECT first_object, last_object FROM work_change WHERE work_id = ? AND last_object >= first_object"
            " ORDER BY first_object",
            (work_id,),
        )
        return [(row[0], row[1]) for row in rows]

    def of_object(
        self, object_id: str, before: int | None = None, limit: int = 20
    ) -> list[Change]:
        """Return what happened to an object (internal id), the newest first.

        Args:
            before: number of the last change of the page before; None for the first page.
        """
        rows = self._database.read.execute(
            f"SELECT {_EVENT} FROM events e WHERE e.object_id = ? AND (?2 IS NULL OR e.id < ?2)"
            " ORDER BY e.id DESC LIMIT ?",
            (object_id, before, limit),
        ).fetchall()
        return self.with_works(from_row(row) for row in rows)

    def with_works(self, events: Iterable[Event]) -> list[Change]:
        """Return changes together with the works that made them."""
        return [Change(event, self._work_of(event.id)) for event in events]

    def _work_of(self, event_id: int) -> str | None:
        row = self._database.read.execute(
            "SELECT w.work_id FROM (SELECT work_id, last FROM work_change WHERE first <= ?1"
            " ORDER BY first DESC LIMIT 1) w JOIN work ON work.id = w.work_id WHERE w.last >= ?1",
            (event_id,),
        ).fetchone()
        return str(row[0]) if row else None


def _last(connection: sqlite3.Connection, table: str) -> int:
    """Return the newest key that a table ever had; it survives that the table is emptied."""
    row = connection.execute(
        "SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)
    ).fetchone()
    return int(row[0]) if row else 0

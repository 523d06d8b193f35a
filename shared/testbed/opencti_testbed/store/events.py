"""The journal: one row for every change of a stored object, written in the transaction that made the change.

What a live stream tells, and in which order, is read from here.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from opencti_testbed.store.database import Database, timestamp

Operation = dict[str, Any]
ENDS = ("delete", "merge")
COLUMNS = "id, at, kind, object_id, data, context"


@dataclass(frozen=True, slots=True)
class Event:
    """One change.

    Attributes:
        id: grows with every change, never used twice.
        at: when, `YYYY-MM-DDTHH:MM:SS.mmmZ`.
        kind: `create`, `update`, `delete` or `merge`.
        object_id: internal id of the object that changed.
        data: the STIX object after the change; of a deletion, as it was last.
        context: `patch` and `reverse_patch` (RFC 6902) of an update or merge, `sources` (STIX objects) of a merge.
    """

    id: int
    at: str
    kind: str
    object_id: str
    data: dict[str, Any]
    context: dict[str, Any]

    @property
    def is_end(self) -> bool:
        """Whether an object ceased to be by this change: it was deleted, or swallowed by the one that changed."""
        return self.kind in ENDS


class Events:
    """Writes and reads the journal."""

    def __init__(self, database: Database) -> None:
        """Bind to a database."""
        self._database = database
        # Who makes the changes of the open transaction; None: the platform's own user.
        self.user_id: str | None = None

    def record(
        self,
        connection: sqlite3.Connection,
        kind: str,
        object_id: str,
        data: str,
        context: Mapping[str, Any] | None = None,
        at: str | None = None,
    ) -> None:
        """Note a change in the writer's open transaction; `data` is JSON text, `at` when it was if not now."""
        cursor = connection.execute(
            "INSERT INTO events (at, kind, object_id, data, context) VALUES (?, ?, ?, ?, ?)",
            (
                at or timestamp(),
                kind,
                object_id,
                data,
                orjson.dumps(context).decode() if context else "{}",
            ),
        )
        if self.user_id is not None:
            connection.execute(
                "INSERT INTO event_user VALUES (?, ?)", (cursor.lastrowid, self.user_id)
            )

    def made_by(self, event_id: int) -> str | None:
        """Return the id of the user who made a change, None for the platform's own."""
        row = self._database.read.execute(
            "SELECT user_id FROM event_user WHERE event_id = ?", (event_id,)
        ).fetchone()
        return str(row[0]) if row else None

    def after(self, event_id: int, limit: int = 500) -> list[Event]:
        """Return the changes that followed one, in their order."""
        rows = self._database.read.execute(
            f"SELECT {COLUMNS} FROM events WHERE id > ? ORDER BY id LIMIT ?",
            (event_id, limit),
        )
        return [from_row(row) for row in rows]

    def newest_of_each(
        self, event_id: int, until_id: int, limit: int, *, with_ends: bool
    ) -> list[Event]:
        """Return of each object its newest change among those that followed one, up to another, in their order.

        Args:
            event_id: the changes after this one...
            until_id: ...up to this one, itself included.
            limit: most changes to return.
            with_ends: return all deletions and merges too, whatever followed.
        """
        newest = "NOT EXISTS (SELECT 1 FROM events n WHERE n.object_id = e.object_id AND n.id > e.id AND n.id <= ?2)"
        if with_ends:
            newest = f"(e.kind IN {ENDS} OR {newest})"
        rows = self._database.read.execute(
            f"SELECT {COLUMNS} FROM events e WHERE e.id > ?1 AND e.id <= ?2 AND {newest} ORDER BY e.id LIMIT ?3",
            (event_id, until_id, limit),
        )
        return [from_row(row) for row in rows]

    def at(self, event_id: int) -> str | None:
        """Return the instant of a change, None when the journal does not have it."""
        row = self._database.read.execute(
            "SELECT at FROM events WHERE id = ?", (event_id,)
        ).fetchone()
        return str(row[0]) if row else None

    def first_at(self, object_id: str) -> str | None:
        """Return the instant of an object's first change (internal id), None when there is none."""
        row = self._database.read.execute(
            "SELECT at FROM events WHERE object_id = ? ORDER BY id LIMIT 1",
            (object_id,),
        ).fetchone()
        return str(row[0]) if row else None

    def bounds(self) -> tuple[tuple[int, str], tuple[int, str]] | None:
        """Return (number, instant) of the first and of the last change, None when there was none."""
        found = [
            self._database.read.execute(
                f"SELECT id, at FROM events ORDER BY id {order} LIMIT 1"
            ).fetchone()
            for order in ("ASC", "DESC")
        ]
        if None in found:
            return None
        first, last = ((int(row[0]), str(row[1])) for row in found)
        return first, last

    def last_id_until(self, at: str) -> int:
        """Return the id of the newest change made up to an instant (`YYYY-MM-DDTHH:MM:SS.mmmZ`), 0 if there is none."""
        row = self._database.read.execute(
            "SELECT id FROM events WHERE at <= ? ORDER BY id DESC LIMIT 1", (at,)
        ).fetchone()
        return int(row[0]) if row else 0

    def last_id(self) -> int:
        """Return the id of the newest change, 0 when there was none."""
        row = self._database.read.execute("SELECT max(id) FROM events").fetchone()
        return int(row[0] or 0)


def from_row(row: Iterable[Any]) -> Event:
    """Return the change of a row that holds `COLUMNS`."""
    number, at, kind, object_id, data, context = row
    return Event(number, at, kind, object_id, orjson.loads(data), orjson.loads(context))


def changes(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> dict[str, list[Operation]]:
    """Return `patch` and `reverse_patch` between two states of an object, one operation per changed property.

    Source: RFC 6902 (JSON patch) with RFC 6901 pointers.
    """
    return {
        "patch": list(_operations(before, after)),
        "reverse_patch": list(_operations(after, before)),
    }


def _operations(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Operation]:
    for key in sorted(old.keys() | new.keys()):
        path = "/" + key.replace("~", "~0").replace("/", "~1")
        if key not in new:
            yield {"op": "remove", "path": path}
        elif key not in old:
            yield {"op": "add", "path": path, "value": new[key]}
        elif old[key] != new[key]:
            yield {"op": "replace", "path": path, "value": new[key]}

"""Works: what a run of a connector sent, how far its ingestion is, what went wrong."""

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

from opencti_testbed.store.database import Database, timestamp

LISTED_ERRORS = 100
OUTCOMES = ("created", "updated", "unchanged", "rejected")


class WorkNotAlive(ValueError):
    """No work has this id (any more)."""


class Works:
    """Reads and writes works. Status: `wait`, then `progress`, then `complete`."""

    def __init__(self, database: Database) -> None:
        """Bind to a database."""
        self._database = database

    def add(
        self,
        connector_id: str,
        name: str | None,
        multipart: bool = False,
        user_id: str | None = None,
    ) -> dict[str, Any]:
        """Open a work and return it.

        Args:
            user_id: who creates and changes what the work brings; None: the platform's own user.
        """
        now = timestamp()
        with self._database.write() as connection:
            (running,) = connection.execute("SELECT count(*) FROM work").fetchone()
            work_id = f"work_{connector_id}_{now}_{running + 1}"
            connection.execute(
                "INSERT INTO work (id, connector_id, name, status, timestamp, multipart, user_id)"
                " VALUES (?, ?, ?, 'wait', ?, ?, ?)",
                (
                    work_id,
                    connector_id,
                    name or f"Run @ {now}",
                    now,
                    multipart,
                    user_id,
                ),
            )
            # Read by the writer: nobody else sees the work before the transaction ends.
            row = connection.execute("SELECT * FROM work WHERE id = ?", (work_id,))
            return dict(row.fetchone())

    def get(self, work_id: str) -> dict[str, Any] | None:
        """Return a work's row, or None."""
        row = self._database.read.execute(
            "SELECT * FROM work WHERE id = ?", (work_id,)
        ).fetchone()
        return dict(row) if row else None

    def page(
        self, connector_ids: Iterable[str] = (), limit: int = 50, offset: int = 0
    ) -> list[dict[str, Any]]:
        """Return works, the newest first; of some connectors, or of all when none is named."""
        wanted = list(connector_ids)
        where = (
            f"WHERE connector_id IN ({','.join('?' * len(wanted))})" if wanted else ""
        )
        rows = self._database.read.execute(
            f"SELECT * FROM work {where} ORDER BY timestamp DESC, id DESC LIMIT ? OFFSET ?",
            (*wanted, limit, offset),
        )
        return [dict(row) for row in rows]

    def messages(self, work_id: str, errors: bool) -> list[dict[str, Any]]:
        """Return a work's messages or errors in order; at most 100 errors are listed."""
        rows = self._database.read.execute(
            "SELECT timestamp, message, source, pk AS sequence FROM work_message"
            " WHERE work_id = ? AND is_error = ? ORDER BY pk LIMIT ?",
            (work_id, errors, LISTED_ERRORS),
        )
        return [dict(row) for row in rows]

    def counts(self, work_id: str) -> dict[str, dict[str, int]]:
        """Return {entity type: {outcome: n}} of what a work brought."""
        return _by_type(
            self._database.read.execute(
                "SELECT entity_type, outcome, n FROM work_count WHERE work_id = ?",
                (work_id,),
            )
        )

    def totals(self) -> dict[str, dict[str, int]]:
        """Return {entity type: {outcome: n}} over all works."""
        return _by_type(
            self._database.read.execute(
                "SELECT entity_type, outcome, sum(n) FROM work_count GROUP BY 1, 2"
            )
        )

    def by_status(self) -> dict[str, int]:
        """Return how many works have each status."""
        rows = self._database.read.execute(
            "SELECT status, count(*) FROM work GROUP BY status"
        )
        return {row[0]: row[1] for row in rows}

    def recent_errors(self, limit: int = 50) -> list[dict[str, Any]]:
        """Return the newest errors of all works."""
        rows = self._database.read.execute(
            "SELECT work_id, timestamp, message, source FROM work_message WHERE is_error = 1"
            " ORDER BY pk DESC LIMIT ?",
            (limit,),
        )
        return [dict(row) for row in rows]

    # -- changes ------------------------------------------------------------------------------------------------

    def _change(self, work_id: str, assignments: str, *parameters: Any) -> None:
        with self._database.write() as connection:
            changed = connection.execute(
                f"UPDATE work SET {assignments} WHERE id = ?", (*parameters, work_id)
            ).rowcount
            if not changed:
                raise WorkNotAlive(f"Work {work_id} is not alive")

    def received(self, work_id: str, message: str | None) -> None:
        """Note that the connector has begun."""
        with self._database.write() as connection:
            self._change(work_id, "status = 'progress', received_time = ?", timestamp())
            self._say(connection, work_id, message, is_error=False)

    def processed(self, work_id: str, message: str | None, in_error: bool) -> None:
        """Note that the connector has sent all it will, or failed."""
        with self._database.write() as connection:
            self._change(
                work_id,
                "processed_time = ?, closed = 1, in_error = in_error OR ?,"
                " status = CASE status WHEN 'wait' THEN 'progress' ELSE status END",
                timestamp(),
                in_error,
            )
            self._say(connection, work_id, message, is_error=in_error)
            self._complete_if_done(connection, work_id)

    def expect(self, work_id: str, number: int) -> None:
        """Add to the number of objects whose ingestion completes the work."""
        self._change(
            work_id,
            "expected = expected + ?, status = 'progress', completed_time = NULL,"
            " received_time = coalesce(received_time, ?)",
            number,
            timestamp(),
        )

    def report(self, work_id: str, error: Mapping[str, Any] | None) -> None:
        """Count one object as done, with the error it ended in if any."""
        with self._database.write() as connection:
            self._change(
                work_id, "processed = processed + 1, errors = errors + ?", bool(error)
            )
            if error:
                self._say(
                    connection,
                    work_id,
                    str(error.get("error")),
                    is_error=True,
                    source=str(error.get("source") or ""),
                )
            self._complete_if_done(connection, work_id)

    def report_batch(
        self,
        connection: sqlite3.Connection,
        work_id: str,
        done: int,
        counts: Mapping[tuple[str, str], int],
        errors: list[tuple[str, str]],
    ) -> None:
        """Count a batch of ingested objects in the writer's open transaction.

        Args:
            done: objects that were dealt with.
            counts: {(entity type, outcome): n}.
            errors: (message, source) of each rejected object.
        """
        connection.execute(
            "UPDATE work SET processed = processed + ?, errors = errors + ? WHERE id = ?",
            (done, len(errors), work_id),
        )
        connection.executemany(
            "INSERT INTO work_count VALUES (?, ?, ?, ?)"
            " ON CONFLICT (work_id, entity_type, outcome) DO UPDATE SET n = n + excluded.n",
            [
                (work_id, entity_type, outcome, n)
                for (entity_type, outcome), n in counts.items()
            ],
        )
        if errors:
            (listed,) = connection.execute(
                "SELECT count(*) FROM work_message WHERE work_id = ? AND is_error = 1",
                (work_id,),
            ).fetchone()
            for message, source in errors[: max(0, LISTED_ERRORS - listed)]:
                self._say(connection, work_id, message, is_error=True, source=source)
        self._complete_if_done(connection, work_id)

    def set_draft(self, work_id: str, draft_id: str | None) -> None:
        """Tie a work to a draft workspace."""
        self._change(work_id, "draft_id = ?", draft_id)

    def note(self, work_id: str, message: str) -> None:
        """Say something about a work that changes nothing of its state."""
        self._change(work_id, "status = status")
        with self._database.write() as connection:
            self._say(connection, work_id, message, is_error=False)

    def touch(self, work_id: str) -> None:
        """Raise WorkNotAlive unless the work exists."""
        if self.get(work_id) is None:
            raise WorkNotAlive(f"Work {work_id} is not alive")

    def delete(self, work_id: str) -> None:
        """Remove a work with its messages and counts."""
        self._change(work_id, "status = status")
        with self._database.write() as connection:
            for table, column in (
                ("work", "id"),
                ("work_message", "work_id"),
                ("work_count", "work_id"),
            ):
                connection.execute(
                    f"DELETE FROM {table} WHERE {column} = ?", (work_id,)
                )

    def _say(
        self,
        connection: sqlite3.Connection,
        work_id: str,
        message: str | None,
        *,
        is_error: bool,
        source: str | None = None,
    ) -> None:
        if message:
            connection.execute(
                "INSERT INTO work_message (work_id, is_error, timestamp, message, source)"
                " VALUES (?, ?, ?, ?, ?)",
                (work_id, is_error, timestamp(), message, source),
            )

    def _complete_if_done(self, connection: sqlite3.Connection, work_id: str) -> None:
        # A multipart work is complete only after the connector has said that it sent everything.
        connection.execute(
            "UPDATE work SET status = 'complete', completed_time = ? WHERE id = ? AND status <> 'complete'"
            " AND processed >= expected AND (closed OR (expected > 0 AND NOT multipart))",
            (timestamp(), work_id),
        )


def _by_type(rows: Iterable[Any]) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for entity_type, outcome, n in rows:
        counts.setdefault(entity_type, dict.fromkeys(OUTCOMES, 0))[outcome] = n
    return dict(sorted(counts.items()))

"""Requests to connectors that are not delivered yet."""

import sqlite3
from dataclasses import dataclass
from typing import Any

import orjson

from opencti_testbed.store.database import Database, timestamp


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request on its way.

    Attributes:
        pk: its place in the order.
        connector_id: whom it is for.
        work_id: the work that shows what became of it.
        body: the message, as `{internal, event}`.
    """

    pk: int
    connector_id: str
    work_id: str
    body: dict[str, Any]


class Requests:
    """Keeps requests in the order in which they were made."""

    def __init__(self, database: Database) -> None:
        """Bind to a database."""
        self._database = database

    def put(
        self,
        connection: sqlite3.Connection,
        connector_id: str,
        work_id: str,
        body: dict[str, Any],
    ) -> None:
        """Keep a request, in the writer's open transaction."""
        connection.execute(
            "INSERT INTO request (connector_id, work_id, body, at) VALUES (?, ?, ?, ?)",
            (connector_id, work_id, orjson.dumps(body).decode(), timestamp()),
        )

    def first_of_each(self) -> list[Waiting]:
        """Return the oldest request of each connector."""
        rows = self._database.read.execute(
            "SELECT pk, connector_id, work_id, body FROM request"
            " WHERE pk IN (SELECT min(pk) FROM request GROUP BY connector_id) ORDER BY pk"
        )
        return [Waiting(r[0], r[1], r[2], orjson.loads(r[3])) for r in rows]

    def of(self, connector_id: str, limit: int) -> list[Waiting]:
        """Return the oldest requests of a connector."""
        rows = self._database.read.execute(
            "SELECT pk, connector_id, work_id, body FROM request WHERE connector_id = ? ORDER BY pk LIMIT ?",
            (connector_id, limit),
        )
        return [Waiting(r[0], r[1], r[2], orjson.loads(r[3])) for r in rows]

    def done(self, pk: int) -> None:
        """Forget a request that was delivered or given up."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM request WHERE pk = ?", (pk,))

    def forget(self, connector_id: str) -> None:
        """Forget all requests to a connector that is gone."""
        with self._database.write() as connection:
            connection.execute(
                "DELETE FROM request WHERE connector_id = ?", (connector_id,)
            )

    def count(self, connector_id: str) -> int:
        """Return how many requests wait for a connector."""
        row = self._database.read.execute(
            "SELECT count(*) FROM request WHERE connector_id = ?", (connector_id,)
        ).fetchone()
        return int(row[0])

"""Accepted bundles that wait for ingestion. Accepted means: on disk."""

import sqlite3
import time
from dataclasses import dataclass

from opencti_testbed.store.database import Database


@dataclass(frozen=True, slots=True)
class Waiting:
    """A bundle that is not wholly ingested."""

    pk: int
    connector_id: str
    work_id: str
    body: str
    done: int


@dataclass(frozen=True, slots=True)
class SetAside:
    """An object that refers to something that is not there yet.

    Attributes:
        body: the object (JSON text).
        error: what is missing, in words.
        since: when it was set aside, in seconds since 1970.
    """

    pk: int
    connector_id: str
    work_id: str
    body: str
    error: str
    since: float


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits: numbers of bundles and objects, bytes of their text."""

    bundles: int
    objects: int
    bytes: int


class Queue:
    """First in, first out."""

    def __init__(self, database: Database) -> None:
        """Bind to a database."""
        self._database = database

    def put(self, connector_id: str, work_id: str, body: str, objects: int) -> None:
        """Keep a bundle (JSON text) for ingestion."""
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO bundle (connector_id, work_id, body, objects, bytes) VALUES (?, ?, ?, ?, ?)",
                (connector_id, work_id, body, objects, len(body.encode())),
            )

    def first(self) -> Waiting | None:
        """Return the bundle that waits longest, or None."""
        row = self._database.read.execute(
            "SELECT pk, connector_id, work_id, body, done FROM bundle ORDER BY pk LIMIT 1"
        ).fetchone()
        return Waiting(*row) if row else None

    def advance(self, connection: sqlite3.Connection, pk: int, done: int) -> None:
        """Note how many of a bundle's steps are done, in the transaction that did them."""
        connection.execute("UPDATE bundle SET done = ? WHERE pk = ?", (done, pk))

    def remove(self, connection: sqlite3.Connection, pk: int) -> None:
        """Forget a bundle that is ingested."""
        connection.execute("DELETE FROM bundle WHERE pk = ?", (pk,))

    # -- objects that wait for what they refer to ----------------------------------------------------------------

    def set_aside(
        self, connection: sqlite3.Connection, of: Waiting, body: str, error: str
    ) -> None:
        """Keep an object of a bundle until more has come."""
        connection.execute(
            "INSERT INTO set_aside (connector_id, work_id, body, error, since) VALUES (?, ?, ?, ?, ?)",
            (of.connector_id, of.work_id, body, error, time.time()),
        )

    def aside(self, limit: int, after: int = 0) -> list[SetAside]:
        """Return objects that were set aside, those of long ago first; `after` is the key of the last one seen."""
        rows = self._database.read.execute(
            "SELECT pk, connector_id, work_id, body, error, since FROM set_aside"
            " WHERE pk > ? ORDER BY pk LIMIT ?",
            (after, limit),
        )
        return [SetAside(*row) for row in rows]

    def take_back(self, connection: sqlite3.Connection, pk: int) -> None:
        """Forget an object that was set aside: it is stored or rejected now."""
        connection.execute("DELETE FROM set_aside WHERE pk = ?", (pk,))

    def backlog(self, connector_id: str | None = None) -> Backlog:
        """Return what waits, of one connector or of all."""
        where = "WHERE connector_id = ?" if connector_id else ""
        row = self._database.read.execute(
            "SELECT count(*), coalesce(sum(max(objects - done, 0)), 0), coalesce(sum(bytes), 0)"
            f" FROM bundle {where}",
            (connector_id,) if connector_id else (),
        ).fetchone()
        aside, size = self._database.read.execute(
            f"SELECT count(*), coalesce(sum(length(body)), 0) FROM set_aside {where}",
            (connector_id,) if connector_id else (),
        ).fetchone()
        return Backlog(row[0], row[1] + aside, row[2] + size)

"""Connections to the SQLite file: many readers, one writer at a time."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

SCHEMA_VERSION = "3"


def timestamp() -> str:
    """Return the present instant as `YYYY-MM-DDTHH:MM:SS.mmmZ`."""
    text = datetime.now(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


class Database:
    """One SQLite file.

    Each thread reads through a connection of its own and sees what was committed last; writes go through one
    connection, inside `write()`, and are durable against a killed process when the block ends.
    """

    def __init__(self, path: Path) -> None:
        """Open the file, creating it and its tables when absent.

        Raises:
            RuntimeError: the file was written by another version of the testbed.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        self._lock = threading.RLock()
        self._depth = 0
        # How many transactions have ended: what was read at a lower number may be out of date.
        self.commits = 0
        # What is to be written before a transaction ends, and forgotten when it is taken back.
        self.before_commit: Callable[[sqlite3.Connection], None] = lambda _: None
        self.after_rollback: Callable[[], None] = lambda: None
        self._writer = self._connect()
        self._writer.execute("PRAGMA cache_size = -128000")
        # Pages that change again and again reach the database file once.
        self._writer.execute("PRAGMA wal_autocheckpoint = 16000")
        self._writer.executescript(
            resources.files(__package__)
            .joinpath("schema.sql")
            .read_text(encoding="utf-8")
        )
        found = self._writer.execute(
            "SELECT value FROM meta WHERE key = 'schema'"
        ).fetchone()
        if found is None:
            self._writer.execute(
                "INSERT INTO meta VALUES ('schema', ?)", (SCHEMA_VERSION,)
            )
        elif found[0] != SCHEMA_VERSION:
            raise RuntimeError(
                f"{path} has the layout {found[0]}, this version needs {SCHEMA_VERSION}:"
                " remove the file or choose another data folder"
            )

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=30, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        # Survives a killed process; only a power cut may lose the last moments.
        connection.execute("PRAGMA synchronous = NORMAL")
        # There may be as many readers as request threads: each gets little, the one writer more.
        connection.execute("PRAGMA cache_size = -2000")
        return connection

    @property
    def read(self) -> sqlite3.Connection:
        """The calling thread's connection for reading."""
        connection: sqlite3.Connection | None = getattr(self._local, "reader", None)
        if connection is None:
            connection = self._connect()
            connection.execute("PRAGMA query_only = ON")
            self._local.reader = connection
            with self._lock:
                self._readers.append(connection)
        return connection

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Give the writing connection inside a transaction; nested blocks join the outer one."""
        with self._lock:
            if self._depth:
                yield self._writer
                return
            self._depth = 1
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self.before_commit(self._writer)
            except BaseException:
                self._writer.execute("ROLLBACK")
                self.after_rollback()
                raise
            else:
                self._writer.execute("COMMIT")
                self.commits += 1
            finally:
                self._depth = 0

    def meta(self, key: str) -> str | None:
        """Return a remembered value, or None."""
        row = self.read.execute(
            "SELECT value FROM meta WHERE key = ?", (key,)
        ).fetchone()
        return str(row[0]) if row else None

    def set_meta(self, key: str, value: str) -> None:
        """Remember a value under a key."""
        with self.write() as connection:
            connection.execute(
                "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                (key, value),
            )

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            for connection in (*self._readers, self._writer):
                connection.close()
            self._readers.clear()

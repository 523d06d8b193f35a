"""Where an object came from: the run, the raw record, the mapper. Kept on disk when an operator wants it.

Writing it down costs a fraction of a millisecond per object and the disk space of the raw records (each kept once).
"""

import hashlib
import sqlite3
import threading
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson

from connectors_sdk import clock
from connectors_sdk.connectors._private_files import make_private
from connectors_sdk.connectors.quarantine import encode_raw

_FILE = "provenance.sqlite3"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS record (hash TEXT PRIMARY KEY, raw BLOB NOT NULL, noted TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS made (
    stix_id TEXT NOT NULL, record TEXT NOT NULL, mapper TEXT NOT NULL, run TEXT NOT NULL, noted TEXT NOT NULL,
    PRIMARY KEY (stix_id, record, mapper)
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Origin:
    """One record that an object was made from.

    Attributes:
        run: id of the run that did it last.
        noted: when, ISO 8601.
        mapper: what made it.
        record: the raw record, JSON-ready.
        record_hash: SHA-256 (hex) of the record's JSON.
    """

    run: str
    noted: str
    mapper: str
    record: Any
    record_hash: str


class Provenance:
    """Notes down what objects were made from. Safe to use from any thread."""

    def __init__(
        self, folder: Path, *, max_age: timedelta = timedelta(days=90)
    ) -> None:
        """Bind a folder; it is made when something is noted down.

        Args:
            folder: where the file is kept.
            max_age: how long it is remembered after it was noted last.
        """
        self._file = folder / _FILE
        self._max_age = max_age
        self._lock = threading.Lock()
        self._database: sqlite3.Connection | None = None

    def note(self, stix_id: str, record: Any, *, mapper: str, run_id: str) -> None:
        """Note down that an object was made from a record; durable with `save`.

        Raises:
            sqlite3.Error: the disk does not take it.
        """
        raw = encode_raw(record)
        digest = hashlib.sha256(raw).hexdigest()
        now = clock.now().isoformat(timespec="seconds")
        with self._lock:
            database = self._open()
            database.execute(
                "INSERT INTO record VALUES (?, ?, ?) ON CONFLICT (hash) DO UPDATE SET noted = excluded.noted",
                (digest, raw, now),
            )
            database.execute(
                "INSERT INTO made VALUES (?, ?, ?, ?, ?) ON CONFLICT (stix_id, record, mapper)"
                " DO UPDATE SET run = excluded.run, noted = excluded.noted",
                (stix_id, digest, mapper, run_id, now),
            )

    def save(self) -> None:
        """Bring what was noted down to the disk."""
        with self._lock:
            if self._database is not None:
                self._database.commit()

    def prune(self) -> None:
        """Forget what is too old."""
        if not self._file.exists():
            return
        oldest = (clock.now() - self._max_age).isoformat(timespec="seconds")
        with self._lock:
            database = self._open()
            database.execute("DELETE FROM made WHERE noted < ?", (oldest,))
            database.execute("DELETE FROM record WHERE noted < ?", (oldest,))
            database.commit()

    def explain(self, stix_id: str) -> list[Origin]:
        """Return what an object was made from, the latest first.

        Raises:
            sqlite3.Error: the file cannot be read.
        """
        if not self._file.exists():
            return []
        with closing(sqlite3.connect(self._file, timeout=10)) as database:
            rows = database.execute(
                "SELECT run, made.noted, mapper, raw, hash FROM made JOIN record ON record.hash = made.record"
                " WHERE stix_id = ? ORDER BY made.noted DESC, hash",
                (stix_id,),
            ).fetchall()
        return [
            Origin(run, noted, mapper, orjson.loads(raw), digest)
            for run, noted, mapper, raw, digest in rows
        ]

    def close(self) -> None:
        """Save and let go of the file."""
        with self._lock:
            if self._database is not None:
                self._database.commit()
                self._database.close()
                self._database = None

    def _open(self) -> sqlite3.Connection:
        if self._database is None:
            make_private(self._file)
            database = sqlite3.connect(self._file, timeout=10, check_same_thread=False)
            database.executescript(f"PRAGMA journal_mode = WAL; {_SCHEMA}")
            self._database = database
        return self._database

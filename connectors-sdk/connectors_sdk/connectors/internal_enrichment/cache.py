"""What a source has answered, on disk, for as long as the answer is good.

"Nothing known" is an answer as well. Errors are not. Several processes may share one file. A cache is a convenience:
when the disk does not work, the source is asked instead, and the log says so once.
"""

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import orjson

from connectors_sdk import clock
from connectors_sdk.connectors._private_files import make_private

_TABLE = "CREATE TABLE IF NOT EXISTS answer (key TEXT PRIMARY KEY, at REAL NOT NULL, content BLOB NOT NULL)"
_INDEX = "CREATE INDEX IF NOT EXISTS answer_at ON answer (at)"
# Old answers are looked for once in so many new ones.
_CLEAN_EVERY = 500
_WAIT_SECONDS = 10.0


class CachedAnswer(NamedTuple):
    """An answer and when it was given (aware, UTC)."""

    content: bytes
    at: datetime


def cache_key(*parts: str | int | None) -> str:
    """Return the key for what an answer depends on, e.g. the type and the value of an entity."""
    return hashlib.sha256(orjson.dumps(parts)).hexdigest()


class ResultCache:
    """Answers of one source."""

    def __init__(
        self,
        file: Path,
        period: timedelta,
        *,
        max_answers: int = 100_000,
        log: Callable[[str], None] | None = None,
    ) -> None:
        """Bind a file; it is made when the first answer is kept.

        Args:
            file: SQLite file; its folder is made when absent.
            period: how long an answer is good; zero: nothing is kept.
            max_answers: how many are kept at most; the oldest go first.
            log: takes a warning when the disk does not work.
        """
        self._file = file
        self._period = period
        self._max_answers = max_answers
        self._log = log
        self._warned = False
        self._kept = 0

    def get(self, key: str) -> CachedAnswer | None:
        """Return the answer that was kept under a key, or None when there is none that is still good."""
        now = clock.now().timestamp()
        oldest = now - self._period.total_seconds()
        if not self._period or not self._file.exists():
            return None
        with self._careful(), self._open() as db:
            row = db.execute(
                # A clock that was put back must not keep an answer for ever.
                "SELECT content, at FROM answer WHERE key = ? AND at > ? AND at <= ?",
                (key, oldest, now),
            ).fetchone()
            if row is not None:
                return CachedAnswer(bytes(row[0]), datetime.fromtimestamp(row[1], UTC))
        return None

    def put(self, key: str, content: bytes) -> None:
        """Keep an answer."""
        if not self._period:
            return
        with self._careful():
            with self._open() as db:
                db.execute(
                    "INSERT OR REPLACE INTO answer VALUES (?, ?, ?)",
                    (key, clock.now().timestamp(), content),
                )
                if self._kept % _CLEAN_EVERY == 0:
                    self._clean(db)
            self._kept += 1

    def _clean(self, db: sqlite3.Connection) -> None:
        oldest = clock.now().timestamp() - self._period.total_seconds()
        db.execute("DELETE FROM answer WHERE at <= ?", (oldest,))
        db.execute(
            "DELETE FROM answer WHERE key IN (SELECT key FROM answer ORDER BY at DESC LIMIT -1 OFFSET ?)",
            (self._max_answers,),
        )

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        make_private(self._file)
        with closing(
            sqlite3.connect(self._file, timeout=_WAIT_SECONDS, isolation_level=None)
        ) as db:
            db.execute(_TABLE)
            db.execute(_INDEX)
            yield db

    @contextmanager
    def _careful(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            if not self._warned and self._log is not None:
                self._log(
                    f"Answers of the source cannot be kept in {self._file} ({error}): each time the source is asked."
                )
            self._warned = True
            if isinstance(error, sqlite3.DatabaseError) and not isinstance(
                error, sqlite3.OperationalError
            ):
                # Damaged beyond use, and worth nothing: begin anew.
                self._file.unlink(missing_ok=True)

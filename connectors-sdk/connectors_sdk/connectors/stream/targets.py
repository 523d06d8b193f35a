"""What the target has, as far as the connector knows: platform id <-> remote id, durable on disk.

One SQLite file; several processes may use it at the same time (the connector, and its `reconcile` and
`quarantine replay` commands). Whoever delivers takes a turn, so that no stale state overtakes a newer one.
"""

import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors_sdk.connectors._private_files import make_private

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    target TEXT NOT NULL,
    id TEXT NOT NULL,
    remote_id TEXT,
    stix_id TEXT NOT NULL DEFAULT '',
    entity_type TEXT NOT NULL DEFAULT '',
    expires REAL,
    PRIMARY KEY (target, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS objects_remote ON objects (target, remote_id) WHERE remote_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS objects_expires ON objects (target, expires) WHERE expires IS NOT NULL;
CREATE TABLE IF NOT EXISTS notes (
    target TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (target, key)
) WITHOUT ROWID;
"""
# What is unchanged is not written.
_LINK = """
INSERT INTO objects (target, id, remote_id, stix_id, entity_type, expires) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (target, id) DO UPDATE SET
    remote_id = coalesce(excluded.remote_id, remote_id),
    stix_id = excluded.stix_id,
    entity_type = excluded.entity_type,
    expires = excluded.expires
WHERE coalesce(excluded.remote_id, remote_id) IS NOT remote_id
    OR excluded.stix_id IS NOT stix_id
    OR excluded.entity_type IS NOT entity_type
    OR excluded.expires IS NOT expires
"""
# SQLite waits in C, where no signal is heard; so it waits shortly, and again and again.
_WAIT_SECONDS = 0.2
_PATIENCE_SECONDS = 600.0
# SQLite takes at least this many variables in one statement.
_MOST_VARIABLES = 900


class TargetsError(Exception):
    """The map cannot be read or written; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Known:
    """An object that the target has.

    Attributes:
        id: the platform's id.
        remote_id: its id at the target, when it has one of its own.
        stix_id: its STIX id when it was delivered last.
        entity_type: its type in OpenCTI.
        expires: when its validity ends, seconds since 1970; None for never.
    """

    id: str
    remote_id: str | None = None
    stix_id: str = ""
    entity_type: str = ""
    expires: float | None = None


_COLUMNS = "id, remote_id, stix_id, entity_type, expires"


class Targets:
    """The map of one target."""

    def __init__(self, path: Path, target: str = "") -> None:
        """Open the map, or begin one.

        Args:
            path: the file. Its folder is made when it is not there.
            target: the name of the target: a file can hold the maps of several.

        Raises:
            TargetsError: the file cannot be used.
        """
        self.path = path
        self.target = target
        try:
            make_private(path)
            self._database = sqlite3.connect(
                path, timeout=_WAIT_SECONDS, isolation_level=None
            )
            self._execute("PRAGMA journal_mode = WAL")
            # A map that forgets its last entries when the power fails makes duplicates at the target.
            self._execute("PRAGMA synchronous = FULL")
            for statement in _SCHEMA.split(";"):
                self._execute(statement)
        except (OSError, sqlite3.Error) as error:
            raise TargetsError(
                f"the map of remote ids {path} cannot be used ({error}); if the file is damaged, put it back from a "
                "backup, or remove it and run `reconcile`"
            ) from error

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    # -- what an author uses -------------------------------------------------------------------------------------

    def remote_id(self, platform_id: str) -> str | None:
        """Return the remote id of an object; None when the target does not have it, or has it under no id of its own."""
        known = self.get(platform_id)
        return known.remote_id if known else None

    def platform_id(self, remote_id: str) -> str | None:
        """Return the platform's id of what the target has under a remote id; None when it is not known."""
        found = self._one(
            "SELECT id FROM objects WHERE target = ? AND remote_id = ?", remote_id
        )
        return None if found is None else str(found)

    def link(
        self,
        platform_id: str,
        remote_id: str | None = None,
        *,
        stix_id: str = "",
        entity_type: str = "",
        expires: float | None = None,
    ) -> None:
        """Note that the target has an object. The runtime does it for every event that was accepted.

        Args:
            platform_id: the platform's id.
            remote_id: its id at the target; None leaves a known one as it is.
            stix_id: its STIX id.
            entity_type: its type in OpenCTI.
            expires: when its validity ends, seconds since 1970.
        """
        self.link_all([Known(platform_id, remote_id, stix_id, entity_type, expires)])

    def unlink(self, platform_id: str) -> None:
        """Note that the target does not have an object any longer."""
        self.unlink_all([platform_id])

    def get(self, platform_id: str) -> Known | None:
        """Return what is known of an object at the target; None when the target does not have it."""
        return self.get_all([platform_id]).get(platform_id)

    def __contains__(self, platform_id: object) -> bool:
        """Whether the target has an object."""
        return (
            self._one("SELECT 1 FROM objects WHERE target = ? AND id = ?", platform_id)
            is not None
        )

    def __len__(self) -> int:
        """How many objects the target has."""
        return int(self._one("SELECT count(*) FROM objects WHERE target = ?"))

    def __iter__(self) -> Iterator[Known]:
        """Yield what the target has, by platform id."""
        after = ""
        while True:
            rows = self._execute(
                f"SELECT {_COLUMNS} FROM objects "
                "WHERE target = ? AND id > ? ORDER BY id LIMIT 1000",
                (self.target, after),
            ).fetchall()
            if not rows:
                return
            for row in rows:
                yield Known(*row)
            after = rows[-1][0]

    # -- what the runtime uses -----------------------------------------------------------------------------------

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Within this context no other process delivers, and what is noted is on disk when it ends, however it ends.

        A turn within a turn is part of it.

        Raises:
            TargetsError: another process does not end its turn.
        """
        if self._database.in_transaction:
            yield
            return
        self._execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            # Also after a failure: what the target accepted before, it has.
            self._execute("COMMIT")

    def get_all(self, platform_ids: Sequence[str]) -> dict[str, Known]:
        """Return what is known of objects at the target, by platform id."""
        found: dict[str, Known] = {}
        for start in range(0, len(platform_ids), _MOST_VARIABLES):
            part = platform_ids[start : start + _MOST_VARIABLES]
            marks = ",".join("?" * len(part))
            for row in self._execute(
                f"SELECT {_COLUMNS} FROM objects WHERE target = ? AND id IN ({marks})",
                (self.target, *part),
            ):
                found[row[0]] = Known(*row)
        return found

    def link_all(self, objects: Iterable[Known]) -> None:
        """Note that the target has objects; see `link`."""
        self._many(
            _LINK,
            [
                (
                    self.target,
                    known.id,
                    known.remote_id,
                    known.stix_id,
                    known.entity_type,
                    known.expires,
                )
                for known in objects
            ],
        )

    def unlink_all(self, platform_ids: Iterable[str]) -> None:
        """Note that the target does not have objects any longer."""
        self._many(
            "DELETE FROM objects WHERE target = ? AND id = ?",
            [(self.target, platform_id) for platform_id in platform_ids],
        )

    def expired(self, moment: float, most: int) -> list[Known]:
        """Return objects whose validity has ended, the earliest first.

        Args:
            moment: seconds since 1970.
            most: at most so many.
        """
        rows = self._execute(
            f"SELECT {_COLUMNS} FROM objects "
            "WHERE target = ? AND expires <= ? ORDER BY expires LIMIT ?",
            (self.target, moment, most),
        )
        return [Known(*row) for row in rows]

    def note(self, key: str) -> str | None:
        """Return a note, None when there is none."""
        found = self._one("SELECT value FROM notes WHERE target = ? AND key = ?", key)
        return None if found is None else str(found)

    def set_note(self, key: str, value: str) -> None:
        """Keep a note about the target."""
        self._execute(
            "INSERT INTO notes (target, key, value) VALUES (?, ?, ?) "
            "ON CONFLICT (target, key) DO UPDATE SET value = excluded.value",
            (self.target, key, value),
        )

    # -- SQL -----------------------------------------------------------------------------------------------------

    def _one(self, statement: str, *values: Any) -> Any:
        arguments = (self.target, *values) if "?" in statement else ()
        row = self._execute(statement, arguments).fetchone()
        return row[0] if row else None

    def _many(self, statement: str, rows: list[tuple[Any, ...]]) -> None:
        if not rows:
            return
        with self.turn():
            self._database.executemany(statement, rows)

    def _execute(self, statement: str, values: tuple[Any, ...] = ()) -> sqlite3.Cursor:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                return self._database.execute(statement, values)
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) and "busy" not in str(error):
                    raise
                if time.monotonic() > deadline:
                    raise TargetsError(
                        f"Another process works on {self.path} for {_PATIENCE_SECONDS:.0f} s without a break: {error}"
                    ) from error

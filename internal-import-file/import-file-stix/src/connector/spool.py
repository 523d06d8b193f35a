"""Keeps the objects of a file on disk, by id: a reference may lead anywhere, and memory is small."""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from hashlib import blake2b
from pathlib import Path
from typing import Any, Self

import orjson

from connectors_sdk.bundles import merge_objects

_TABLES = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -2000;
CREATE TABLE held (key INTEGER PRIMARY KEY, at INTEGER, size INTEGER, modified TEXT);
CREATE TABLE lost (key INTEGER PRIMARY KEY, left_out INTEGER);
BEGIN;
"""


class Spool:
    """What is held of a file (the newest version of each object), and what of it is lost. In a folder for temporary files."""

    def __init__(self) -> None:
        """Begin empty."""
        self._closing = ExitStack()
        folder = Path(self._closing.enter_context(tempfile.TemporaryDirectory()))
        self._index = sqlite3.connect(folder / "index", isolation_level=None)
        self._closing.callback(self._index.close)
        self._index.executescript(_TABLES)
        self._objects = self._closing.enter_context(open(folder / "objects", "w+b"))
        self._end = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._closing.close()

    def keep(self, stix: dict[str, Any]) -> bool:
        """Keep an object unless a newer version is held; return whether no version of it was held before.

        Of observables, which have no versions, what was said at different places is joined.
        """
        stix_id, modified = stix["id"], str(stix.get("modified") or "")
        key = _key(stix_id)
        found = self._index.execute("SELECT modified FROM held WHERE key = ?", (key,))
        before = found.fetchone()
        if before and _instant(before[0]) > _instant(modified):
            return False
        if before and not modified and not before[0]:
            stix = merge_objects(self.get(stix_id) or {}, stix)
        data = orjson.dumps(stix) + b"\n"
        self._objects.seek(0, 2)
        self._objects.write(data)
        self._index.execute(
            "INSERT OR REPLACE INTO held VALUES (?, ?, ?, ?)",
            (key, self._end, len(data), modified),
        )
        self._end += len(data)
        return before is None

    def lose(self, stix_id: str, *, left_out: bool) -> None:
        """Note that an object of the file is not imported: left out on purpose, or refused."""
        self._index.execute(
            "INSERT OR REPLACE INTO lost VALUES (?, ?)", (_key(stix_id), left_out)
        )

    def drop(self, stix_id: str) -> None:
        """Hold an object no longer."""
        self._index.execute("DELETE FROM held WHERE key = ?", (_key(stix_id),))

    def has_lost(self) -> bool:
        """Whether any object of the file is lost."""
        return self._index.execute("SELECT 1 FROM lost LIMIT 1").fetchone() is not None

    def left_out(self, stix_id: str) -> bool:
        """Whether the object of an id was left out on purpose."""
        return self._lost(stix_id) == 1

    def refused(self, stix_id: str) -> bool:
        """Whether the object of an id was refused."""
        return self._lost(stix_id) == 0

    def __contains__(self, stix_id: str) -> bool:
        """Whether an object of this id is held."""
        query = "SELECT 1 FROM held WHERE key = ?"
        return self._index.execute(query, (_key(stix_id),)).fetchone() is not None

    def get(self, stix_id: str) -> dict[str, Any] | None:
        """Return the object of an id; None when none is held."""
        query = "SELECT at, size FROM held WHERE key = ?"
        place = self._index.execute(query, (_key(stix_id),)).fetchone()
        if place is None:
            return None
        self._objects.seek(place[0])
        found: dict[str, Any] = orjson.loads(self._objects.read(place[1]))
        return found

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield each object once, in the order of the file."""
        return self.of()

    def of(self, *kinds: str) -> Iterator[dict[str, Any]]:
        """Yield all objects, or those of some types and perhaps some more; what is not of them costs little."""
        self._objects.flush()
        words = [f'"type":"{kind}"'.encode() for kind in kinds]
        at = 0
        with open(self._objects.name, "rb") as lines:
            for line in lines:
                if not words or any(word in line for word in words):
                    stix = orjson.loads(line)
                    query = "SELECT at FROM held WHERE key = ?"
                    place = self._index.execute(query, (_key(stix["id"]),)).fetchone()
                    if place == (at,):
                        yield stix
                at += len(line)

    def _lost(self, stix_id: str) -> int | None:
        query = "SELECT left_out FROM lost WHERE key = ?"
        found = self._index.execute(query, (_key(stix_id),)).fetchone()
        return None if found is None else int(found[0])


def _key(stix_id: str) -> int:
    digest = blake2b(stix_id.encode(errors="replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def _instant(timestamp: str) -> str:
    # 10:00:00Z comes before 10:00:00.5Z once the Z is gone.
    return timestamp.rstrip("Zz")

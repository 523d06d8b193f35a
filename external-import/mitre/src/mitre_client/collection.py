"""A collection on disk: read once as a stream, then looked up by id.

Memory does not grow with the collection. Relationships come after everything else and their ends are needed to send
them, so the objects lie in a temporary SQLite file meanwhile.
"""

import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

BATCH = 500


class CollectionError(ValueError):
    """What the source gave is no ATT&CK collection; the message says why."""


@dataclass(frozen=True, slots=True)
class Record:
    """An object of a collection.

    Attributes:
        id: its STIX id at the source.
        type: its STIX type.
        modified: when it was changed last (ISO 8601 text), the objects whose facts it carries included.
        withdrawn: it is revoked or deprecated.
        data: the object as it came.
    """

    id: str
    type: str
    modified: str
    withdrawn: bool
    data: dict[str, Any]


class Collection:
    """The objects of one collection. A context manager: leaving it deletes the temporary file."""

    def __init__(self) -> None:
        """Make an empty collection."""
        # The object keeps the folder alive; __exit__ removes it.
        # pylint: disable-next=consider-using-with
        self._folder = tempfile.TemporaryDirectory(prefix="attack-")
        self._database = sqlite3.connect(Path(self._folder.name) / "collection.sqlite3")
        self._database.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -4000;"
            "CREATE TABLE object (id TEXT PRIMARY KEY, type TEXT, source TEXT, modified TEXT,"
            " withdrawn INTEGER, data BLOB) WITHOUT ROWID;"
        )
        self.broken = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._database.close()
        self._folder.cleanup()

    def read(self, objects: Iterable[Any]) -> None:
        """Take in a collection's objects.

        What is no object with an id and a type is counted in `broken`; the later version of an id wins.

        Raises:
            CollectionError: there is not a single STIX object.
            ApiDecodeError: what the objects are read from is no whole JSON document.
        """
        rows: list[tuple[Any, ...]] = []
        any_object = False
        for stix in objects:
            row = _row(stix)
            if row is None:
                self.broken += 1
                continue
            any_object = True
            rows.append(row)
            if len(rows) == BATCH:
                self._insert(rows)
                rows.clear()
        self._insert(rows)
        if not any_object:
            raise CollectionError(
                "The source gave a JSON document without STIX objects"
            )
        self._database.execute("CREATE INDEX by_type ON object (type, source, id)")
        self._database.commit()

    def _insert(self, rows: list[tuple[Any, ...]]) -> None:
        self._database.executemany(
            "INSERT INTO object VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET data = excluded.data,"
            " modified = excluded.modified, withdrawn = excluded.withdrawn"
            " WHERE excluded.modified >= object.modified",
            rows,
        )

    def get(self, stix_id: str) -> Record | None:
        """Return the object of an id, or None."""
        row = self._database.execute(
            "SELECT id, type, modified, withdrawn, data FROM object WHERE id = ?",
            (stix_id,),
        ).fetchone()
        return _record(row) if row else None

    def of_type(self, stix_type: str) -> Iterator[Record]:
        """Yield the objects of a type; relationships by their source, so that neighbours share an end."""
        with closing(self._database.cursor()) as cursor:
            cursor.execute(
                "SELECT id, type, modified, withdrawn, data FROM object WHERE type = ? ORDER BY source, id",
                (stix_type,),
            )
            for row in cursor:
                yield _record(row)

    def records(self) -> Iterator[Record]:
        """Yield all objects, type by type, relationships last."""
        for stix_type in sorted(self.counts(), key="relationship".__eq__):
            yield from self.of_type(stix_type)

    def counts(self) -> dict[str, int]:
        """Return how many objects of each type there are, in the order of the types."""
        return dict(
            self._database.execute(
                "SELECT type, count(*) FROM object GROUP BY type ORDER BY type"
            ).fetchall()
        )

    def withdrawn(self) -> list[str]:
        """Return the ids of all revoked and deprecated objects that are no relationships."""
        rows = self._database.execute(
            "SELECT id FROM object WHERE withdrawn AND type <> 'relationship' ORDER BY id"
        )
        return [row[0] for row in rows]

    def newest(self) -> str:
        """Return the latest date of modification of any content (ISO 8601 text).

        The date of the collection itself is that of its release, later than what its next release may hold.
        """
        (newest,) = self._database.execute(
            "SELECT max(modified) FROM object WHERE type <> 'x-mitre-collection'"
        ).fetchone()
        return str(newest or "")

    def version(self) -> str | None:
        """Return the collection's own version (`18.1`), or None when it states none."""
        for record in self.of_type("x-mitre-collection"):
            stated = record.data.get("x_mitre_version")
            return str(stated) if stated else None
        return None


def _row(stix: Any) -> tuple[Any, ...] | None:
    if not isinstance(stix, dict):
        return None
    stix_id, stix_type = stix.get("id"), stix.get("type")
    if not isinstance(stix_id, str) or not isinstance(stix_type, str):
        return None
    withdrawn = bool(stix.get("revoked")) or bool(stix.get("x_mitre_deprecated"))
    return (
        stix_id,
        stix_type,
        str(stix.get("source_ref") or ""),
        str(stix.get("modified") or stix.get("created") or ""),
        withdrawn,
        orjson.dumps(stix),
    )


def _record(row: tuple[Any, ...]) -> Record:
    return Record(row[0], row[1], row[2], bool(row[3]), orjson.loads(row[4]))

"""The stored STIX objects: looked up by any of their ids, written one at a time inside a transaction."""

import sqlite3
import uuid
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson

from opencti_testbed.stix.names import readable_name
from opencti_testbed.stix.types import Family
from opencti_testbed.store.database import Database, timestamp
from opencti_testbed.store.events import Events, changes
from opencti_testbed.store.index import Index

KNOWN_IDS = 50_000
# So many rows are collected rather than looked up one by one.
FEW = 10_000
# So many lists are remembered until something changes: whoever reads one page of a list reads the next.
LISTED = 4


@dataclass(frozen=True, slots=True)
class Stored:
    """One stored object."""

    pk: int
    standard_id: str
    internal_id: str
    family: Family
    entity_type: str
    name: str
    data: dict[str, Any]
    created_at: str
    updated_at: str


COLUMNS = "pk, standard_id, internal_id, family, entity_type, name, data, created_at, updated_at"

BY_STIX_ID = (
    "SELECT pk, standard_id FROM object WHERE standard_id = ?1"
    " UNION ALL SELECT o.pk, o.standard_id FROM alias a JOIN object o ON o.pk = a.pk WHERE a.stix_id = ?1 LIMIT 1"
)
BY_OTHER_ID = (
    "SELECT pk, standard_id FROM object WHERE internal_id = ?1"
    " UNION ALL SELECT o.pk, o.standard_id FROM alias a JOIN object o ON o.pk = a.pk WHERE a.stix_id = ?1 LIMIT 1"
)


def from_row(row: sqlite3.Row) -> Stored:
    """Return the object of a row that holds `COLUMNS`."""
    return Stored(
        row["pk"],
        row["standard_id"],
        row["internal_id"],
        Family(row["family"]),
        row["entity_type"],
        row["name"],
        orjson.loads(row["data"]),
        row["created_at"],
        row["updated_at"],
    )


class Objects:
    """Reads and writes stored objects."""

    def __init__(self, database: Database, events: Events) -> None:
        """Bind to a database and the journal that every change is noted in."""
        self._database = database
        self._events = events
        self._index = Index()
        database.before_commit = self._index.flush
        database.after_rollback = self._forget_all
        # Which key an id stands for. Only the writing thread uses it; objects never change their key.
        self._known: OrderedDict[str, tuple[int, str]] = OrderedDict()
        # The keys that fulfilled a condition, and after which commit.
        self._listed: OrderedDict[tuple[Any, ...], tuple[int, list[int]]] = (
            OrderedDict()
        )

    # -- looking up -------------------------------------------------------------------------------------------

    def resolve(self, connection: sqlite3.Connection, any_id: str) -> int | None:
        """Return the key of the object known by a standard, internal or other STIX id; None when unknown."""
        row = connection.execute(
            "SELECT pk FROM object WHERE standard_id = ?1"
            " UNION ALL SELECT pk FROM object WHERE internal_id = ?1"
            " UNION ALL SELECT pk FROM alias WHERE stix_id = ?1 LIMIT 1",
            (any_id,),
        ).fetchone()
        return int(row[0]) if row else None

    def resolve_for_writing(
        self, connection: sqlite3.Connection, any_id: str
    ) -> tuple[int, str] | None:
        """Return (key, standard id) of an id, through a bounded memory of recent ones."""
        known = self._known.get(any_id)
        if known is None:
            sql = BY_STIX_ID if "--" in any_id else BY_OTHER_ID
            row = connection.execute(sql, (any_id,)).fetchone()
            if row is None:
                return None
            known = (int(row[0]), str(row[1]))
            self.remember(any_id, known)
        return known

    def remember(self, any_id: str, known: tuple[int, str]) -> None:
        """Keep what an id stands for."""
        self._known[any_id] = known
        if len(self._known) > KNOWN_IDS:
            self._known.popitem(last=False)

    def forget_known(self) -> None:
        """Drop the memory of ids: after something was taken back it may be wrong."""
        self._known.clear()

    def _forget_all(self) -> None:
        self._known.clear()
        self._index.discard()

    @contextmanager
    def savepoint(self, connection: sqlite3.Connection) -> Iterator[None]:
        """Take back what the block wrote when it ends in an exception; savepoints are not nested."""
        connection.execute("SAVEPOINT object")
        self._index.attempt()
        kept = False
        try:
            yield
            kept = True
        finally:
            self._index.settle(kept)
            if not kept:
                connection.execute("ROLLBACK TO object")
                self._known.clear()
            connection.execute("RELEASE object")

    def get(self, any_id: str) -> Stored | None:
        """Return the object known by an id, or None."""
        pk = self.resolve(self._database.read, any_id)
        return None if pk is None else self.by_pk(pk)

    def by_pk(self, pk: int) -> Stored | None:
        """Return the object of a key, or None."""
        row = self._database.read.execute(
            f"SELECT {COLUMNS} FROM object WHERE pk = ?", (pk,)
        ).fetchone()
        return from_row(row) if row else None

    def by_pks(self, pks: Iterable[int]) -> list[Stored]:
        """Return the objects of some keys, in the order of their keys."""
        rows = self._database.read.execute(
            f"SELECT {COLUMNS} FROM object WHERE pk IN (SELECT value FROM json_each(?)) ORDER BY pk",
            (orjson.dumps(list(pks)).decode(),),
        )
        return [from_row(row) for row in rows]

    def target_keys(self, pks: Iterable[int], key: str) -> list[tuple[int, int]]:
        """Return (key of an object, key of what it refers to) for all references of some objects under a key."""
        rows = self._database.read.execute(
            "SELECT pk, target FROM ref WHERE key = ? AND pk IN (SELECT value FROM json_each(?))",
            (key, orjson.dumps(list(pks)).decode()),
        )
        return [(row[0], row[1]) for row in rows]

    def targets(self, pk: int, key: str, limit: int = 5_000) -> list[Stored]:
        """Return the objects that an object refers to under a key."""
        found = [target for _, target in self.target_keys([pk], key)]
        return self.by_pks(found[:limit])

    def referrers(
        self,
        pk: int,
        key: str,
        limit: int = 50,
        after: int = 0,
        entity_types: Iterable[str] = (),
    ) -> list[Stored]:
        """Return the objects, of some types or of all, that refer to an object under a key, paged by their key."""
        types = list(entity_types)
        narrowed = (
            f"AND o.entity_type IN ({','.join('?' * len(types))})" if types else ""
        )
        columns = ", ".join(f"o.{column}" for column in COLUMNS.split(", "))
        rows = self._database.read.execute(
            f"SELECT {columns} FROM ref r JOIN object o ON o.pk = r.pk"
            f" WHERE r.target = ? AND r.key = ? AND r.pk > ? {narrowed} ORDER BY r.pk LIMIT ?",
            (pk, key, after, *types, limit),
        )
        return [from_row(row) for row in rows]

    def referring_keys(self, pk: int) -> list[str]:
        """Return under which keys other objects refer to an object."""
        rows = self._database.read.execute(
            "SELECT DISTINCT key FROM ref WHERE target = ?", (pk,)
        )
        return [row[0] for row in rows]

    def keys(
        self, where: str, parameters: Iterable[Any], *, source: str = "object o"
    ) -> list[int]:
        """Return the keys of all objects that fulfil a condition, in no order.

        `where` and `source` (what comes after FROM) are SQL written by this package, over the alias `o`.
        """
        asked = (source, where, *parameters)
        version = self._database.commits
        known = self._listed.get(asked)
        if known is not None and known[0] == version:
            return known[1]
        # One text for all is read several times faster than a row for each.
        (text,) = self._database.read.execute(
            f"SELECT json_group_array(o.pk) FROM {source} WHERE {where}", asked[2:]
        ).fetchone()
        found: list[int] = orjson.loads(text)
        self._listed[asked] = (version, found)
        while len(self._listed) > LISTED:
            self._listed.popitem(last=False)
        return found

    def query(
        self, where: str, parameters: Iterable[Any], order: str, limit: int, offset: int
    ) -> list[Stored]:
        """Return a page of objects; `where` and `order` are SQL written by this package, over the alias `o`."""
        columns = ", ".join(f"o.{column}" for column in COLUMNS.split(", "))
        rows = self._database.read.execute(
            f"SELECT {columns} FROM object o WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?",
            (*parameters, limit, offset),
        )
        return [from_row(row) for row in rows]

    def walk(self, source: str, where: str, order: str) -> Iterator[int]:
        """Yield the keys in an order that an index has; all is SQL written by this package, over the alias `o`."""
        for row in self._database.read.execute(
            f"SELECT o.pk FROM {source} WHERE {where} ORDER BY {order}"
        ):
            yield row[0]

    def hides(self, _: Mapping[str, Any]) -> bool:
        """Return whether an object of such a content (STIX) is not shown to whoever asks."""
        return False

    def are_few(self, rows: str, parameters: Iterable[Any]) -> bool:
        """Return whether a piece of SQL (`FROM … WHERE …`) selects few rows; it looks at no more than that."""
        (found,) = self._database.read.execute(
            f"SELECT count(*) FROM (SELECT 1 {rows} LIMIT ?)", (*parameters, FEW + 1)
        ).fetchone()
        return int(found) <= FEW

    def page(
        self, entity_type: str | None, search: str, after: int, limit: int
    ) -> list[Stored]:
        """Return objects of a type (or all) whose name holds a text, by pages in order of arrival.

        Args:
            after: the `pk` of the last object of the page before; 0 for the first page.
        """
        conditions, parameters = ["pk > ?"], [after]  # type: list[str], list[Any]
        if entity_type:
            conditions.append("entity_type = ?")
            parameters.append(entity_type)
        if search:
            conditions.append("name LIKE ? ESCAPE '\\'")
            parameters.append(like(search))
        return self.query(" AND ".join(conditions), parameters, "pk", limit, 0)

    def counts(self) -> dict[str, int]:
        """Return how many objects of each entity type are stored."""
        rows = self._database.read.execute(
            "SELECT entity_type, n FROM type_count WHERE n > 0 ORDER BY entity_type"
        )
        return {row[0]: row[1] for row in rows}

    def families(self) -> dict[str, str]:
        """Return the family of each stored entity type."""
        rows = self._database.read.execute("SELECT entity_type, family FROM type_count")
        return {row[0]: row[1] for row in rows}

    def everything(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield (standard id, STIX object) of all objects in the order of their ids."""
        for row in self._database.read.execute(
            "SELECT standard_id, data FROM object ORDER BY standard_id"
        ):
            yield row[0], orjson.loads(row[1])

    def creator(self, pk: int) -> str | None:
        """Return the id of the user who created an object, None for the platform's own."""
        row = self._database.read.execute(
            "SELECT user_id FROM creator WHERE pk = ?", (pk,)
        ).fetchone()
        return str(row[0]) if row else None

    # -- writing: always inside Database.write() --------------------------------------------------------------

    @contextmanager
    def by(self, user_id: str | None) -> Iterator[None]:
        """Note that what the block changes, in the writer's open transaction, is changed by a user; None: the platform's."""
        before, self._events.user_id = self._events.user_id, user_id
        try:
            yield
        finally:
            self._events.user_id = before

    def input_hash(self, connection: sqlite3.Connection, pk: int) -> bytes | None:
        """Return the hash of what was ingested last for an object."""
        row = connection.execute(
            "SELECT input_hash FROM object WHERE pk = ?", (pk,)
        ).fetchone()
        return row[0] if row else None

    def entity_type(self, connection: sqlite3.Connection, pk: int) -> str:
        """Return an object's entity type as the writer sees it."""
        row = connection.execute(
            "SELECT entity_type FROM object WHERE pk = ?", (pk,)
        ).fetchone()
        return str(row[0]) if row else ""

    def data(self, connection: sqlite3.Connection, pk: int) -> dict[str, Any]:
        """Return an object's present content as the writer sees it."""
        row = connection.execute(
            "SELECT data FROM object WHERE pk = ?", (pk,)
        ).fetchone()
        content: dict[str, Any] = orjson.loads(row[0])
        return content

    def insert(
        self,
        connection: sqlite3.Connection,
        family: Family,
        entity_type: str,
        data: dict[str, Any],
        input_hash: bytes | None,
    ) -> int:
        """Store a new object under `data["id"]` and return its key."""
        now, text, name = timestamp(), orjson.dumps(data).decode(), readable_name(data)
        internal_id = str(uuid.uuid4())
        cursor = connection.execute(
            "INSERT INTO object (standard_id, internal_id, family, entity_type, name, data, input_hash,"
            " created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                data["id"],
                internal_id,
                family.value,
                entity_type,
                name,
                text,
                input_hash,
                now,
                now,
            ),
        )
        self._index.count(entity_type, family.value, 1)
        pk = cursor.lastrowid
        assert pk is not None
        self._index.change(pk, None, (data, name))
        self._events.record(connection, "create", internal_id, text, at=now)
        if self._events.user_id is not None:
            connection.execute(
                "INSERT INTO creator VALUES (?, ?)", (pk, self._events.user_id)
            )
        self.remember(data["id"], (pk, data["id"]))
        return pk

    def update(
        self,
        connection: sqlite3.Connection,
        pk: int,
        data: dict[str, Any],
        input_hash: bytes | None,
        sources: Iterable[dict[str, Any]] = (),
    ) -> None:
        """Replace an object's content; `sources` are the objects (STIX) that were merged into it."""
        stored, text = self.stored(connection, pk), orjson.dumps(data).decode()
        before, name = stored.data, readable_name(data)
        self._index.change(pk, (before, stored.name), (data, name))
        connection.execute(
            "UPDATE object SET standard_id = ?, name = ?, data = ?, input_hash = ?, updated_at = ? WHERE pk = ?",
            (data["id"], name, text, input_hash, timestamp(), pk),
        )
        context: dict[str, Any] = dict(changes(before, data))
        swallowed = list(sources)
        if swallowed:
            context["sources"] = swallowed
        kind = "merge" if swallowed else "update"
        self._events.record(connection, kind, stored.internal_id, text, context)

    def rewrite(
        self, connection: sqlite3.Connection, pk: int, data: dict[str, Any]
    ) -> None:
        """Replace an object's content where it only follows the change of another object: no change of its own."""
        connection.execute(
            "UPDATE object SET data = ?, input_hash = NULL WHERE pk = ?",
            (orjson.dumps(data).decode(), pk),
        )

    def delete(
        self, connection: sqlite3.Connection, pk: int, silently: bool = False
    ) -> None:
        """Remove an object with its own references and ids; `silently` when another change tells of it."""
        stored = self.stored(connection, pk)
        if not silently:
            text = orjson.dumps(stored.data).decode()
            self._events.record(connection, "delete", stored.internal_id, text)
        self._index.change(pk, (stored.data, stored.name), None)
        connection.execute("DELETE FROM object WHERE pk = ?", (pk,))
        connection.execute("DELETE FROM ref WHERE pk = ?1 OR target = ?1", (pk,))
        connection.execute("DELETE FROM alias WHERE pk = ?", (pk,))
        connection.execute("DELETE FROM creator WHERE pk = ?", (pk,))
        connection.execute("DELETE FROM counted WHERE pk = ?", (pk,))
        self._index.count(stored.entity_type, stored.family.value, -1)
        self.forget_known()

    def referring(
        self, connection: sqlite3.Connection, pk: int
    ) -> list[tuple[int, str]]:
        """Return (key of an object, under which it refers) for everything that refers to an object."""
        rows = connection.execute("SELECT pk, key FROM ref WHERE target = ?", (pk,))
        return [(row[0], row[1]) for row in rows]

    def stored(self, connection: sqlite3.Connection, pk: int) -> Stored:
        """Return an object as the writer sees it.

        Raises:
            LookupError: no object has this key.
        """
        row = connection.execute(
            f"SELECT {COLUMNS} FROM object WHERE pk = ?", (pk,)
        ).fetchone()
        if row is None:
            raise LookupError(f"no object has the key {pk}")
        return from_row(row)

    def set_input_hash(
        self, connection: sqlite3.Connection, pk: int, input_hash: bytes
    ) -> None:
        """Note what was ingested last, although it changed nothing."""
        connection.execute(
            "UPDATE object SET input_hash = ? WHERE pk = ?", (input_hash, pk)
        )

    def count_report(
        self, connection: sqlite3.Connection, pk: int, report: bytes
    ) -> bool:
        """Note a report (a hash) of a sighting; return whether it was not noted before."""
        added = connection.execute(
            "INSERT OR IGNORE INTO counted VALUES (?, ?)", (pk, report)
        )
        return added.rowcount > 0

    def add_aliases(
        self, connection: sqlite3.Connection, pk: int, ids: Iterable[str]
    ) -> None:
        """Make an object known by further ids; an id that is taken stays where it is."""
        connection.executemany(
            "INSERT OR IGNORE INTO alias VALUES (?, ?)",
            [(stix_id, pk) for stix_id in ids],
        )

    def move_aliases(
        self, connection: sqlite3.Connection, source: int, target: int
    ) -> None:
        """Make an object known by all ids of another."""
        connection.execute("UPDATE alias SET pk = ? WHERE pk = ?", (target, source))

    def set_refs(
        self,
        connection: sqlite3.Connection,
        pk: int,
        refs: Iterable[tuple[str, int]],
        fresh: bool,
    ) -> None:
        """Store which objects an object refers to, under which key; `fresh` when it has none yet."""
        if not fresh:
            connection.execute("DELETE FROM ref WHERE pk = ?", (pk,))
        connection.executemany(
            "INSERT OR IGNORE INTO ref VALUES (?, ?, ?)",
            [(pk, key, target) for key, target in refs],
        )


def like(text: str) -> str:
    """Return a LIKE pattern (escape character: backslash) for 'contains this text'."""
    for special in ("\\", "%", "_"):
        text = text.replace(special, f"\\{special}")
    return f"%{text}%"

"""What people look through: long lists by pages, what refers to what in groups, by indexed queries that stay quick."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from opencti_testbed.store.database import Database
from opencti_testbed.store.objects import COLUMNS, FEW, Stored, from_row

# Objects that refer to something are counted up to here; more are not worth waiting for.
MOST_COUNTED = 10_000
_END_KEYS = ("source_ref", "target_ref", "sighting_of_ref", "where_sighted_refs")


@dataclass(frozen=True, slots=True)
class Order:
    """An order of a list.

    Attributes:
        key: SQL over the aliases of a `Selection` that is ordered by; the object's key decides between equals.
        descending: whether the greatest comes first.
    """

    key: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Selection:
    """The objects that fulfil a condition.

    Attributes:
        where: SQL over the alias `o`, and `a` if there is an attribute.
        parameters: of the SQL.
        attribute: the indexed attribute that the objects are looked up by; objects without it are not among them.
    """

    where: str
    parameters: Sequence[Any]
    attribute: str | None = None

    @property
    def sql(self) -> str:
        """The selection as SQL from its FROM on."""
        if self.attribute is None:
            return f"FROM object o WHERE {self.where}"
        # The attribute comes first: by its index the values are in their order already.
        return f"FROM attribute a CROSS JOIN object o ON o.pk = a.pk WHERE a.key = ? AND {self.where}"

    @property
    def all_parameters(self) -> list[Any]:
        """The parameters of all its SQL."""
        return [*([self.attribute] if self.attribute else []), *self.parameters]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ends: what its last object is ordered by, and its key."""

    value: str | int | float
    pk: int


@dataclass(frozen=True, slots=True)
class Group:
    """Objects of one type that refer to an object under one key; `more` when there are more than were counted."""

    key: str
    entity_type: str
    count: int
    more: bool


@dataclass(frozen=True, slots=True)
class Link:
    """One reference between two objects (by their keys), and where a page that ends with it goes on."""

    source: int
    key: str
    target: int
    outgoing: bool


class Browsing:
    """Reads lists for people."""

    def __init__(self, database: Database) -> None:
        """Bind to a database."""
        self._database = database

    def count(self, selection: Selection) -> tuple[int, bool]:
        """Return how many objects are selected, and whether there are more than were counted."""
        (found,) = self._database.read.execute(
            f"SELECT count(*) FROM (SELECT 1 {selection.sql} LIMIT ?)",
            (*selection.all_parameters, FEW + 1),
        ).fetchone()
        return min(int(found), FEW), int(found) > FEW

    def page(
        self,
        selection: Selection,
        order: Order,
        limit: int,
        after: Place | None = None,
    ) -> list[tuple[Stored, Place]]:
        """Return a page of objects and the place of each.

        Args:
            after: the place of the last object of the page before; None for the first page.
        """
        beyond, further = "", list[Any]()
        if after:
            sign = "<" if order.descending else ">"
            # Said twice, because only the first can be looked up in every index.
            beyond = f" AND {order.key} {sign}= ? AND ({order.key}, o.pk) {sign} (?, ?)"
            further = [after.value, after.value, after.pk]
        way = "DESC" if order.descending else "ASC"
        # What is sorted are keys: whole objects would be too much to carry around.
        found = self._database.read.execute(
            f"SELECT o.pk, {order.key} {selection.sql}{beyond}"
            f" ORDER BY {order.key} {way}, o.pk {way} LIMIT ?",
            (*selection.all_parameters, *further, limit),
        ).fetchall()
        objects = self.by_pks(row[0] for row in found)
        return [
            (objects[row[0]], Place(row[1], row[0]))
            for row in found
            if row[0] in objects
        ]

    def by_pks(self, pks: Iterable[int]) -> dict[int, Stored]:
        """Return the objects of some keys."""
        wanted = list(dict.fromkeys(pks))
        rows = self._database.read.execute(
            f"SELECT {COLUMNS} FROM object WHERE pk IN ({','.join('?' * len(wanted))})",
            wanted,
        )
        return {row["pk"]: from_row(row) for row in rows}

    def references(
        self, pks: Iterable[int], keys: Iterable[str]
    ) -> dict[tuple[int, str], list[Stored]]:
        """Return what some objects refer to under some keys: {(key of the object, key): objects}."""
        wanted, named = list(pks), list(keys)
        rows = self._database.read.execute(
            f"SELECT pk, key, target FROM ref WHERE pk IN ({','.join('?' * len(wanted))})"
            f" AND key IN ({','.join('?' * len(named))})",
            (*wanted, *named),
        ).fetchall()
        objects = self.by_pks(row[2] for row in rows)
        found: dict[tuple[int, str], list[Stored]] = {}
        for pk, key, target in rows:
            if target in objects:
                found.setdefault((pk, key), []).append(objects[target])
        return found

    def authors(self, types: Iterable[str], limit: int = 200) -> list[Stored]:
        """Return the objects of some types that are authors, by name."""
        wanted = list(types)
        columns = ", ".join(f"o.{column}" for column in COLUMNS.split(", "))
        rows = self._database.read.execute(
            f"SELECT {columns} FROM object o WHERE o.entity_type IN ({','.join('?' * len(wanted))})"
            " AND EXISTS (SELECT 1 FROM ref x WHERE x.target = o.pk AND x.key = 'created_by_ref')"
            " ORDER BY o.name COLLATE NOCASE LIMIT ?",
            (*wanted, limit),
        )
        return [from_row(row) for row in rows]

    def of_type(self, entity_type: str, limit: int) -> list[Stored]:
        """Return objects of a type by name."""
        rows = self._database.read.execute(
            f"SELECT {COLUMNS} FROM object WHERE entity_type = ? ORDER BY name COLLATE NOCASE LIMIT ?",
            (entity_type, limit),
        )
        return [from_row(row) for row in rows]

    # -- what is around an object -------------------------------------------------------------------------------------

    def groups(self, pk: int, keys: Iterable[str] = _END_KEYS) -> list[Group]:
        """Return in groups what refers to an object under some keys, by default relationships and sightings."""
        groups = []
        for key in keys:
            rows = self._database.read.execute(
                "SELECT entity_type, count(*) FROM (SELECT o.entity_type FROM ref r JOIN object o ON o.pk = r.pk"
                " WHERE r.target = ? AND r.key = ? LIMIT ?) GROUP BY entity_type ORDER BY 2 DESC, 1",
                (pk, key, MOST_COUNTED),
            ).fetchall()
            more = sum(row[1] for row in rows) >= MOST_COUNTED
            groups += [Group(key, row[0], row[1], more) for row in rows]
        return groups

    def links(
        self, pk: int, without: Iterable[str], limit: int, after: Link | None = None
    ) -> list[Link]:
        """Return references from and to an object, those from it first.

        Args:
            without: keys of references that are left out.
            after: the last reference of the page before; None for the first page.
        """
        left_out = list(without)
        marks = ",".join("?" * len(left_out))
        found: list[Link] = []
        if after is None or after.outgoing:
            place = (after.key, after.target) if after else ("", 0)
            rows = self._database.read.execute(
                f"SELECT key, target FROM ref WHERE pk = ? AND (key, target) > (?, ?) AND key NOT IN ({marks})"
                " ORDER BY key, target LIMIT ?",
                (pk, *place, *left_out, limit),
            )
            found += [Link(pk, row[0], row[1], True) for row in rows]
        if len(found) < limit:
            place = (
                (after.key, after.source) if after and not after.outgoing else ("", 0)
            )
            rows = self._database.read.execute(
                f"SELECT key, pk FROM ref WHERE target = ? AND (key, pk) > (?, ?) AND key NOT IN ({marks})"
                " ORDER BY key, pk LIMIT ?",
                (pk, *place, *left_out, limit - len(found)),
            )
            found += [Link(row[1], row[0], pk, False) for row in rows]
        return found

    # -- what is around works -----------------------------------------------------------------------------------------

    def files_of_work(self, work_id: str) -> list[str]:
        """Return the ids of the files that a work reads or makes; a file that is yet to be made is among them."""
        rows = self._database.read.execute(
            "SELECT file_id FROM file_work WHERE work_id = ? ORDER BY file_id",
            (work_id,),
        )
        return [row[0] for row in rows]

    def steps_of_work(self, work_id: str) -> list[str]:
        """Return the ids of the executions of playbook steps that a work stands for."""
        rows = self._database.read.execute(
            "SELECT execution_id FROM playbook_step WHERE work_id = ?", (work_id,)
        )
        return [row[0] for row in rows]

    def works_of_draft(self, draft_id: str, limit: int = 50) -> list[str]:
        """Return the ids of the works that go to a draft, the newest first."""
        rows = self._database.read.execute(
            "SELECT id FROM work WHERE draft_id = ? ORDER BY timestamp DESC LIMIT ?",
            (draft_id, limit),
        )
        return [row[0] for row in rows]

    def requests(self, connector_id: str) -> tuple[int, str | None]:
        """Return how many requests wait for a connector, and since when the oldest does."""
        row = self._database.read.execute(
            "SELECT count(*), min(at) FROM request WHERE connector_id = ?",
            (connector_id,),
        ).fetchone()
        return int(row[0]), row[1]

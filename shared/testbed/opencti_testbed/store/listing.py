"""Long lists by pages: objects that fulfil a condition, in an order, without sorting more of them than a few.

The condition is evaluated once: to the keys of all objects that fulfil it, which are counted and of which the page is
chosen. When there are many, an index that has them in the order asked for is walked along until the page is full; when
there are few, these are sorted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

import orjson

from opencti_testbed.store.objects import Objects, Stored

# So many objects are sorted at once.
SORTED = 1_000


@dataclass(frozen=True, slots=True)
class Sort:
    """An order of a list; between equals the order of arrival decides, objects without a value come last.

    Attributes:
        column: a column of `object`, as SQL.
        index: the index that is in the order of the column.
        attribute: an attribute of the objects' content to order by instead of a column.
        indexed: whether each value of the attribute is in the index of attributes, once for an object.
        descending: whether the greatest comes first.
    """

    column: str = "o.pk"
    index: str = ""
    attribute: str = ""
    indexed: bool = False
    descending: bool = False

    @property
    def way(self) -> str:
        """The direction as SQL."""
        return "DESC" if self.descending else "ASC"

    @property
    def terms(self) -> str:
        """The ORDER BY terms over the alias `o`."""
        if self.attribute:
            value = f"json_extract(o.data, '$.{self.attribute}') COLLATE NOCASE"
            return f"{value} {self.way} NULLS LAST, o.pk {self.way}"
        if self.column == "o.pk":
            return f"o.pk {self.way}"
        return f"{self.column} {self.way}, o.pk {self.way}"


ARRIVAL = Sort()


class Listing:
    """The objects that fulfil a condition and have some words, in an order."""

    def __init__(
        self,
        objects: Objects,
        where: str,
        parameters: Sequence[Any],
        *,
        words: str = "",
        sort: Sort = ARRIVAL,
    ) -> None:
        """Choose what is listed; nothing is read yet.

        Args:
            objects: where they are, seen by whoever asks.
            where: SQL over the alias `o`.
            parameters: of the condition.
            words: a full-text query that their names and descriptions match; empty for all.
            sort: the order.
        """
        self._objects, self._sort = objects, sort
        self._source, self._where = "object o", where
        self._parameters = list(parameters)
        if words:
            self._source = "words w CROSS JOIN object o ON o.pk = w.rowid"
            self._where = f"w.words MATCH ? AND {where}"
            self._parameters.insert(0, words)

    def page(self, limit: int, offset: int) -> list[Stored]:
        """Return a page of the objects."""
        sort = self._sort
        if len(self._keys) > SORTED or sort == ARRIVAL:
            along = self._in_order()
            if along is not None:
                found = list(islice(along, offset, offset + limit))
                by_key = {one.pk: one for one in self._objects.by_pks(found)}
                return [by_key[pk] for pk in found if pk in by_key]
        among = "o.pk IN (SELECT value FROM json_each(?))"
        keys = orjson.dumps(self._keys).decode()
        return self._objects.query(among, (keys,), sort.terms, limit, offset)

    def count(self) -> int:
        """Return how many objects there are in all."""
        return len(self._keys)

    @cached_property
    def _keys(self) -> Sequence[int]:
        return self._objects.keys(self._where, self._parameters, source=self._source)

    def _in_order(self) -> Iterator[int] | None:
        """Return the keys in the order asked for; None when no index has it."""
        sort = self._sort
        if sort.column == "o.pk" and not sort.attribute:
            return iter(sorted(self._keys, reverse=sort.descending))
        if sort.index:
            return self._along(f"object o INDEXED BY {sort.index}", "1", sort.terms)
        if sort.indexed:
            # The name is one that `Sort` was given: there is nothing in it but letters, digits and underscores.
            has = f"o.key = '{sort.attribute}'"
            terms = f"o.value {sort.way}, o.pk {sort.way}"
            return self._along("attribute o", has, terms)
        return None

    def _along(self, source: str, where: str, terms: str) -> Iterator[int]:
        """Yield the keys along an index, then those that are not in it."""
        left = set(self._keys)
        for pk in self._objects.walk(source, where, terms):
            if pk in left:
                left.remove(pk)
                yield pk
        yield from sorted(left, reverse=self._sort.descending)

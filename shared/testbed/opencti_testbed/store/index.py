"""What objects are found by: their attributes, and the words of their names and descriptions; and how many there are.

The index is written with the objects, once for each transaction: written object by object it would cost more than all
else together.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

# Of longer texts the index says only that they are there: under the name of their attribute and this.
LONGEST_VALUE = 400
LONG = " (long)"
# Found by columns or references of their own, or never asked for.
NOT_INDEXED = frozenset(
    {
        "content",
        "description",
        "extensions",
        "external_references",
        "id",
        "kill_chain_phases",
        "labels",
        "payload_bin",
        "relationship_type",
        "spec_version",
        "type",
        "x_opencti_description",
        "x_opencti_stix_ids",
    }
)
# What these are called is the name of their type.
NAMELESS = frozenset({"relationship", "sighting"})

Entry = tuple[str, Any, int]
Words = tuple[str, str]


def entries(pk: int, data: Mapping[str, Any]) -> Iterator[Entry]:
    """Yield (attribute, value, key of the object) for every value that an object is found by."""
    for key, value in data.items():
        if key in NOT_INDEXED or key.endswith(("_ref", "_refs")):
            continue
        if isinstance(value, list):
            for member in value:
                yield from _entry(pk, key, member)
        elif isinstance(value, dict):
            for part, member in value.items():
                yield from _entry(pk, f"{key}.{part}", member)
        else:
            yield from _entry(pk, key, value)


def _entry(pk: int, key: str, value: Any) -> Iterator[Entry]:
    if isinstance(value, bool):
        yield key, "true" if value else "false", pk
    elif isinstance(value, str) and len(value) > LONGEST_VALUE:
        yield key + LONG, "", pk
    elif isinstance(value, str | int | float):
        yield key, value, pk


def words(data: Mapping[str, Any], name: str) -> Words | None:
    """Return the texts whose words an object is found by: its names, and its description; None when it has neither."""
    names = "" if data.get("type") in NAMELESS else name
    aliases = data.get("aliases") or data.get("x_opencti_aliases")
    if isinstance(aliases, list):
        names = " ".join([names, *map(str, aliases)])
    text = data.get("description") or data.get("x_opencti_description") or ""
    return (names, str(text)) if names or text else None


@dataclass
class Pending:
    """Changes that are not written yet.

    Attributes:
        attributes: whether an entry is to be there.
        words: key of an object -> (words that are in the index, words that are to be).
        counts: (entity type, family) -> how many objects there are more.
    """

    attributes: dict[Entry, bool] = field(default_factory=dict)
    words: dict[int, tuple[Words | None, Words | None]] = field(default_factory=dict)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def note(self, pk: int, before: Words | None, after: Words | None) -> None:
        """Note that an object's words change."""
        written = self.words[pk][0] if pk in self.words else before
        self.words[pk] = (written, after)

    def take(self, later: "Pending") -> None:
        """Take over changes that came later."""
        self.attributes |= later.attributes
        for kind, number in later.counts.items():
            self.counts[kind] += number
        for pk, (before, after) in later.words.items():
            self.note(pk, before, after)


class Index:
    """Collects changes and writes them at the end of the writer's transaction."""

    def __init__(self) -> None:
        """Begin with nothing to write."""
        self._pending = Pending()
        self._attempt: Pending | None = None

    def change(
        self,
        pk: int,
        before: tuple[Mapping[str, Any], str] | None,
        after: tuple[Mapping[str, Any], str] | None,
    ) -> None:
        """Note what an object was and is; each is (content, name), or None when it was or is not there."""
        pending = self._now
        if before:
            pending.attributes.update(dict.fromkeys(entries(pk, before[0]), False))
        if after:
            pending.attributes.update(dict.fromkeys(entries(pk, after[0]), True))
        old = words(*before) if before else None
        new = words(*after) if after else None
        if old != new:
            pending.note(pk, old, new)

    def count(self, entity_type: str, family: str, more: int) -> None:
        """Note that there are more objects of a type, or fewer."""
        self._now.counts[entity_type, family] += more

    @property
    def _now(self) -> Pending:
        return self._pending if self._attempt is None else self._attempt

    def attempt(self) -> None:
        """Begin changes that may be taken back."""
        self._attempt = Pending()

    def settle(self, kept: bool) -> None:
        """End them: they are kept, or taken back."""
        if kept and self._attempt is not None:
            self._pending.take(self._attempt)
        self._attempt = None

    def discard(self) -> None:
        """Forget all changes: the transaction is rolled back."""
        self._pending, self._attempt = Pending(), None

    def flush(self, connection: sqlite3.Connection) -> None:
        """Write all changes."""
        pending, self._pending = self._pending, Pending()
        if pending.attributes:
            # In the order of the index, each page of it is touched once.
            ordered = sorted(pending.attributes.items(), key=_order)
            connection.executemany(
                "DELETE FROM attribute WHERE key = ? AND value = ? AND pk = ?",
                [entry for entry, there in ordered if not there],
            )
            connection.executemany(
                "INSERT OR IGNORE INTO attribute VALUES (?, ?, ?)",
                [entry for entry, there in ordered if there],
            )
        connection.executemany(
            "INSERT INTO words (words, rowid, name, description) VALUES ('delete', ?, ?, ?)",
            [(pk, *old) for pk, (old, _) in pending.words.items() if old],
        )
        connection.executemany(
            "INSERT INTO words (rowid, name, description) VALUES (?, ?, ?)",
            [(pk, *new) for pk, (_, new) in pending.words.items() if new],
        )
        connection.executemany(
            "INSERT INTO type_count VALUES (?1, ?2, ?3) ON CONFLICT (entity_type) DO UPDATE SET n = n + ?3",
            [(*kind, number) for kind, number in pending.counts.items() if number],
        )


def _order(item: tuple[Entry, bool]) -> tuple[str, str, int]:
    (key, value, pk), _ = item
    return key, str(value), pk

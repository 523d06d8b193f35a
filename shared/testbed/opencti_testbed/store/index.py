"""What objects are found by: their attributes, and the words of their name and description.

The index is written with the object: whoever writes says what was there before and what is there now.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any

# Longer texts are found by their words, not by their value.
LONGEST_VALUE = 400
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

Entry = tuple[str, Any, int]


def entries(pk: int, data: Mapping[str, Any]) -> Iterator[Entry]:
    """Yield (attribute, value, key of the object) for everything that an object is found by."""
    for key, value in data.items():
        if key in NOT_INDEXED or key.endswith(("_ref", "_refs")):
            continue
        if isinstance(value, list):
            for member in value:
                if isinstance(member, str | int | float):
                    yield from _entry(pk, key, member)
        elif isinstance(value, dict):
            for part, member in value.items():
                yield from _entry(pk, f"{key}.{part}", member)
        else:
            yield from _entry(pk, key, value)


def _entry(pk: int, key: str, value: Any) -> Iterator[Entry]:
    if isinstance(value, bool):
        yield key, "true" if value else "false", pk
    elif isinstance(value, int | float):
        yield key, value, pk
    elif isinstance(value, str) and len(value) <= LONGEST_VALUE:
        yield key, value, pk


def words(data: Mapping[str, Any], name: str) -> tuple[str, str]:
    """Return the texts whose words an object is found by: its name with aliases, and its description."""
    aliases = data.get("aliases") or data.get("x_opencti_aliases") or ()
    text = data.get("description") or data.get("x_opencti_description") or ""
    return " ".join([name, *map(str, aliases)]), str(text)


class Index:
    """Writes the index, in the writer's open transaction."""

    def add(
        self,
        connection: sqlite3.Connection,
        pk: int,
        data: Mapping[str, Any],
        name: str,
    ) -> None:
        """Make a new object found."""
        connection.executemany(
            "INSERT OR IGNORE INTO attribute VALUES (?, ?, ?)", entries(pk, data)
        )
        connection.execute(
            "INSERT INTO words (rowid, name, description) VALUES (?, ?, ?)",
            (pk, *words(data, name)),
        )

    def remove(
        self,
        connection: sqlite3.Connection,
        pk: int,
        data: Mapping[str, Any],
        name: str,
    ) -> None:
        """Make an object no longer found by what it was."""
        connection.executemany(
            "DELETE FROM attribute WHERE key = ? AND value = ? AND pk = ?",
            entries(pk, data),
        )
        connection.execute(
            "INSERT INTO words (words, rowid, name, description) VALUES ('delete', ?, ?, ?)",
            (pk, *words(data, name)),
        )

    def change(
        self,
        connection: sqlite3.Connection,
        pk: int,
        before: tuple[Mapping[str, Any], str],
        after: tuple[Mapping[str, Any], str],
    ) -> None:
        """Make an object found by what it is now; both states are (content, name)."""
        old, new = set(entries(pk, before[0])), set(entries(pk, after[0]))
        connection.executemany(
            "DELETE FROM attribute WHERE key = ? AND value = ? AND pk = ?", old - new
        )
        connection.executemany(
            "INSERT OR IGNORE INTO attribute VALUES (?, ?, ?)", new - old
        )
        if words(*before) != words(*after):
            connection.execute(
                "INSERT INTO words (words, rowid, name, description) VALUES ('delete', ?, ?, ?)",
                (pk, *words(*before)),
            )
            connection.execute(
                "INSERT INTO words (rowid, name, description) VALUES (?, ?, ?)",
                (pk, *words(*after)),
            )

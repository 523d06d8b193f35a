"""What is chosen in the data browser: read from the address of a page, turned into conditions and filters."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import orjson

from opencti_testbed.graphql.filters import (
    TRUE,
    Condition,
    Few,
    filter_group,
    join,
    of_types,
    searched,
)
from opencti_testbed.store.browsing import Order, Place

# Kind -> (the types it stands for, what it is called, what a list of it is called in an export).
KINDS: dict[str, tuple[tuple[str, ...], str, str]] = {
    "entities": (("Stix-Domain-Object",), "Entities", "Stix-Domain-Object"),
    "observables": (
        ("Stix-Cyber-Observable",),
        "Observables",
        "Stix-Cyber-Observable",
    ),
    "relationships": (
        ("stix-relationship",),
        "Relationships",
        "stix-core-relationship",
    ),
    "all": ((), "Everything", "Stix-Core-Object"),
}
KIND_OF_FAMILY = {
    "sdo": "entities",
    "sco": "observables",
    "relationship": "relationships",
    "sighting": "relationships",
    "meta": "all",
}
SCORE = "x_opencti_score"
ORDERS: dict[str, tuple[str, Order]] = {
    "newest": ("newest first", Order("o.pk", descending=True)),
    "oldest": ("oldest first", Order("o.pk")),
    "changed": ("changed last", Order("o.updated_at", descending=True)),
    "name": ("by name", Order("o.name COLLATE NOCASE")),
    "score": ("highest score", Order("a.value", descending=True, attribute=SCORE)),
}
# The same orders as the API's lists call them.
API_ORDERS = {
    "newest": ("created_at", "desc"),
    "oldest": ("created_at", "asc"),
    "changed": ("updated_at", "desc"),
    "name": ("name", "asc"),
    "score": (SCORE, "desc"),
}
_MADE = "work_change w JOIN events e ON e.id BETWEEN w.first AND w.last"
# The words of what a relationship joins; relationships have no words of their own.
_ENDS_SEARCHED = (
    "o.pk IN (SELECT r.pk FROM words f JOIN ref r ON r.target = f.rowid"
    " WHERE f.words MATCH ? AND r.key IN ('source_ref', 'target_ref', 'sighting_of_ref', 'where_sighted_refs'))"
)


@dataclass(frozen=True)
class Choice:
    """What is chosen; nothing is an empty text.

    Attributes:
        kind: one of `KINDS`.
        type: an entity type.
        search: words that names, aliases or descriptions have; of relationships what they join.
        label: the text of a label.
        marking: id of a marking definition.
        author: id of the author.
        score_from: the least score.
        score_to: the greatest score.
        work: id of the work that created them.
        of: id of an object that relationships join.
        order: one of `ORDERS`.
    """

    kind: str = ""
    type: str = ""
    search: str = ""
    label: str = ""
    marking: str = ""
    author: str = ""
    score_from: str = ""
    score_to: str = ""
    work: str = ""
    of: str = ""
    order: str = ""

    @classmethod
    def of_query(
        cls, query: Mapping[str, str], families: Mapping[str, str]
    ) -> "Choice":
        """Read a choice from an address; what cannot be understood is left out.

        Args:
            families: the family of each stored type.
        """
        given = cls(**{f.name: query.get(f.name, "").strip() for f in fields(cls)})
        kind = given.kind
        if kind not in KINDS:
            other = any(
                getattr(given, f.name) for f in fields(cls) if f.name != "order"
            )
            kind = "all" if other else "entities"
            kind = KIND_OF_FAMILY.get(families.get(given.type, ""), kind)
        chosen = KIND_OF_FAMILY.get(families.get(given.type, ""))
        return replace(
            given,
            kind=kind,
            type=given.type if kind in (chosen, "all") else "",
            order=given.order if given.order in ORDERS else "newest",
            score_from=_score(given.score_from),
            score_to=_score(given.score_to),
        )

    @property
    def narrows(self) -> bool:
        """Whether more is chosen than a kind or a type."""
        return any(
            getattr(self, f.name)
            for f in fields(self)
            if f.name not in ("kind", "type", "order")
        )

    def query(self, **changed: str) -> dict[str, str]:
        """Return the members of the address of this choice, some of them changed."""
        chosen = replace(self, **changed)
        return {
            f.name: value
            for f in fields(chosen)
            if (value := getattr(chosen, f.name))
            and (f.name, value) != ("order", "newest")
        }

    @property
    def types(self) -> list[str]:
        """The types that are listed; none for all."""
        return [self.type] if self.type else list(KINDS[self.kind][0])

    def filters(self) -> dict[str, Any]:
        """Return what the API's filters can say of this choice, as a FilterGroup."""
        chosen = [
            ("objectLabel", self.label, "eq"),
            ("objectMarking", self.marking, "eq"),
            ("createdBy", self.author, "eq"),
            (SCORE, self.score_from, "gte"),
            (SCORE, self.score_to, "lte"),
        ]
        filters: list[dict[str, Any]] = [
            {"key": key, "values": [value], "operator": operator, "mode": "or"}
            for key, value, operator in chosen
            if value
        ]
        if self.of:
            filters.append({"key": ["fromId", "toId"], "values": [self.of]})
        return {"mode": "and", "filters": filters, "filterGroups": []}

    @property
    def is_sayable(self) -> bool:
        """Whether filters and search of the API can say all of this choice."""
        return not self.work and not (self.search and self.kind == "relationships")

    def condition(self, few: Few, *, hidden: bool = False) -> Condition:
        """Return the whole choice as a condition over the alias `o`.

        Args:
            hidden: keep the database from looking for the types first; its order is another one then.
        """
        # A plus before a column keeps its index out of the game and changes nothing else.
        parts = [of_types(self.types, "+o" if hidden else "o")] if self.types else []
        parts.append(filter_group(self.filters(), few))
        if self.search:
            words = searched(self.search)
            if words is TRUE:
                words = Condition("0")
            elif self.kind == "relationships":
                words = Condition(_ENDS_SEARCHED, words.parameters)
            parts.append(words)
        if self.work:
            parts.append(_created_by(self.work, few))
        if self.order == "score":
            parts.append(
                Condition(
                    "o.pk IN (SELECT s.pk FROM attribute s WHERE s.key = ?)", [SCORE]
                )
                if not hidden
                else TRUE
            )
        return join("AND", [part for part in parts if part is not TRUE])


def _created_by(work_id: str, few: Few) -> Condition:
    made = f"FROM {_MADE} WHERE w.work_id = ? AND e.kind = 'create'"
    if few(made, [work_id]):
        return Condition(f"o.internal_id IN (SELECT e.object_id {made})", [work_id])
    return Condition(
        "EXISTS (SELECT 1 FROM events e, work_change w WHERE e.object_id = o.internal_id AND +e.kind = 'create'"
        " AND w.work_id = ? AND e.id BETWEEN w.first AND w.last)",
        [work_id],
    )


def _score(text: str) -> str:
    return text if text.isascii() and text.isdigit() and len(text) < 4 else ""


def place_of(text: str) -> Place | None:
    """Read where a page ends from an address; None when it is no place."""
    try:
        value, pk = orjson.loads(text)
    except (orjson.JSONDecodeError, ValueError, TypeError):
        return None
    known = isinstance(value, str | int | float) and isinstance(pk, int)
    return Place(value, pk) if known and abs(pk) < 1 << 62 else None


def place_text(place: Place) -> str:
    """Write where a page ends for an address."""
    return orjson.dumps([place.value, place.pk]).decode()

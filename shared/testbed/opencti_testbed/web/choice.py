"""What is chosen in the data browser: read from the address of a page, turned into conditions and filters."""

from collections.abc import Mapping, Sequence
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
from opencti_testbed.store.browsing import Order, Place, Selection
from opencti_testbed.web.site import Site

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
    "score": ("highest score", Order("a.value", descending=True)),
}
# The same orders as the API's lists call them.
API_ORDERS = {
    "newest": ("created_at", "desc"),
    "oldest": ("created_at", "asc"),
    "changed": ("updated_at", "desc"),
    "name": ("name", "asc"),
    "score": (SCORE, "desc"),
}
# A work that was interrupted more often is looked for in another way.
MOST_STRETCHES = 50
_ENDS = "r.key IN ('source_ref', 'target_ref', 'sighting_of_ref', 'where_sighted_refs')"


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
        scores = [(SCORE, self.score_from, "gte"), (SCORE, self.score_to, "lte")]
        return self._group([*self._named, *scores])

    @property
    def _named(self) -> list[tuple[str, str, str]]:
        return [
            ("objectLabel", self.label, "eq"),
            ("objectMarking", self.marking, "eq"),
            ("createdBy", self.author, "eq"),
        ]

    def _group(self, chosen: list[tuple[str, str, str]]) -> dict[str, Any]:
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

    def condition(self, few: Few, stretches: Sequence[tuple[int, int]]) -> Condition:
        """Return the choice without types and scores as a condition over the alias `o`.

        Args:
            few: tells of a piece of SQL whether it selects few rows.
            stretches: the keys of the objects that the chosen work created.
        """
        # Collecting what refers to something first takes the same time whatever the order is.
        parts = [filter_group(self._group(self._named), lambda *_: True)]
        if self.search:
            words = searched(self.search)
            if words is TRUE:
                words = Condition("0")
            elif self.kind == "relationships":
                words = _joining(words, few)
            parts.append(words)
        if self.work:
            parts.append(_within(stretches))
        return join("AND", [part for part in parts if part is not TRUE])

    def selection(self, condition: Condition, *, walk: bool = False) -> Selection:
        """Return the whole choice.

        Args:
            condition: what `condition` returned.
            walk: whether its order is to be walked along, because many objects pass.
        """
        # A plus before a column keeps its index out of the game and changes nothing else.
        types = of_types(self.types, "+o" if walk else "o") if self.types else TRUE
        parts, attribute = [types, condition], None
        bounds = self._scores()
        if bounds is not TRUE or self.order == "score":
            by_score = condition is TRUE and not walk
            if self.order != "score" and not by_score:
                pk = "o.pk" if self.order in ("newest", "oldest") else "+o.pk"
                scored = f"{pk} IN (SELECT a.pk FROM attribute a WHERE a.key = ? AND {bounds.sql})"
                parts.append(Condition(scored, [SCORE, *bounds.parameters]))
            else:
                parts.append(bounds)
                attribute = SCORE
        whole = join("AND", [part for part in parts if part is not TRUE])
        return Selection(whole.sql, whole.parameters, attribute)

    def _scores(self) -> Condition:
        return join(
            "AND",
            [
                Condition(
                    f"a.value {operator} ? AND typeof(a.value) <> 'text'", [int(value)]
                )
                for value, operator in ((self.score_from, ">="), (self.score_to, "<="))
                if value
            ],
        )


def _joining(words: Condition, few: Few) -> Condition:
    """Return the condition 'joins something with these words'."""
    found = "words WHERE words MATCH ?"
    if few(f"FROM {found}", words.parameters):
        related = f"SELECT r.pk FROM ref r WHERE {_ENDS} AND r.target IN (SELECT rowid FROM {found})"
        return Condition(f"o.pk IN ({related})", words.parameters)
    return Condition(
        f"EXISTS (SELECT 1 FROM ref r WHERE r.pk = o.pk AND {_ENDS} AND +r.target IN (SELECT rowid FROM {found}))",
        words.parameters,
    )


def _within(stretches: Sequence[tuple[int, int]]) -> Condition:
    """Return the condition 'was created in one of these stretches', which are in order."""
    if len(stretches) <= MOST_STRETCHES:
        parts = [Condition("o.pk BETWEEN ? AND ?", [*one]) for one in stretches]
        return join("OR", parts) if parts else Condition("0")
    listed = orjson.dumps(stretches).decode()
    return Condition(
        "EXISTS (SELECT 1 FROM json_each(?) s WHERE o.pk BETWEEN s.value ->> 0 AND s.value ->> 1)",
        [listed],
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


def condition_of(site: Site, choice: Choice) -> Condition:
    """Return a choice without types and scores as the store understands it."""
    stretches = site.changes.created(choice.work) if choice.work else ()
    return choice.condition(site.platform.store.objects.are_few, stretches)

"""What became of the objects of a file, type by type, and why."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

_MOST_REASONS = 8
_MOST_LINES = 100
_MOST_KINDS = 1000
# Values in reasons differ from object to object; what is counted is the rule.
_QUOTED = re.compile(r"'[^']*'")


@dataclass(slots=True)
class Report:
    """Counts for the person who uploaded the file; each object of the file is counted once in `read`.

    Attributes:
        read: objects of the file, by type.
        made: observables that were made of observations of STIX 2.0, by type.
        imported: what goes to the platform, by type.
        left_out: what does not, on purpose, by type and reason.
        refused: what breaks a rule and is set aside, by type and reason.
        tolerated: the same, when it is imported nevertheless.
        remarked: what is unusual, and imported as it is.
        missing: references to objects that the file does not hold, by their type.
        refused_refs: references that were removed, as they lead to what is invalid, by its type.
        upgraded: objects that were of STIX 2.0.
    """

    read: Counter[str] = field(default_factory=Counter)
    made: Counter[str] = field(default_factory=Counter)
    imported: Counter[str] = field(default_factory=Counter)
    left_out: Counter[tuple[str, str]] = field(default_factory=Counter)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    tolerated: Counter[tuple[str, str]] = field(default_factory=Counter)
    remarked: Counter[tuple[str, str]] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)
    refused_refs: Counter[str] = field(default_factory=Counter)
    upgraded: int = 0

    def count(self, what: str, kind: str, why: str | None = None) -> None:
        """Count an object; beyond so many kinds and reasons they are not told apart any more."""
        counter: Counter[Any] = getattr(self, what)
        key: Any = kind if why is None else (kind, _QUOTED.sub("…", why)[:120])
        if key not in counter and len(counter) >= _MOST_KINDS:
            key = "other" if why is None else ("other", "other")
        counter[key] += 1

    def left_out_reasons(self) -> Iterator[tuple[str, int]]:
        """Yield why objects were left out, each with the types in brackets, and how many."""
        for why in dict.fromkeys(why for _, why in self.left_out):
            kinds = Counter(
                {kind: count for (kind, w), count in self.left_out.items() if w == why}
            )
            yield f"{why} ({_kinds(kinds)})", kinds.total()

    def sentences(self) -> list[str]:
        """Return what the work says besides that, most important first."""
        read, made = self.read.total(), self.made.total()
        first = f"Objects in the file: {read}, imported: {self.imported.total()}"
        if self.upgraded:
            first += f", of STIX 2.0: {self.upgraded}"
        if made:
            first += f", observables made of their observations: {made}"
        said = [f"{first}."]
        if self.refused:
            said.append(f"Invalid: {_listed(self.refused)}.")
        if self.tolerated:
            said.append(f"Invalid, imported all the same: {_listed(self.tolerated)}.")
        if self.remarked:
            said.append(f"Unusual, imported as it is: {_listed(self.remarked)}.")
        if self.refused_refs:
            said.append(
                f"References removed, as they lead to invalid objects: {self.refused_refs.total()} ({_kinds(self.refused_refs)})."
            )
        if self.missing:
            said.append(
                f"References to what is not in the file, and has to be on the platform: {self.missing.total()} "
                f"({_kinds(self.missing)})."
            )
        return said

    def lines(self) -> list[str]:
        """Return the whole of it as a table with a line for each type, then a line for each reason."""
        left, bad = _by_kind(self.left_out), _by_kind(self.refused)
        columns = (self.read, self.made, self.imported, left, bad)
        heads = ("read", "made", "imported", "left out", "invalid")
        table = [f"{'type':28}" + "".join(f"{head:>10}" for head in heads)]
        for kind in sorted({*self.read, *self.made}):
            table.append(f"{kind:28}" + "".join(f"{one[kind]:>10}" for one in columns))
        table.append(f"{'all':28}" + "".join(f"{one.total():>10}" for one in columns))
        for title, reasons in (
            ("left out", self.left_out),
            ("invalid", self.refused),
            ("invalid, imported", self.tolerated),
            ("unusual", self.remarked),
        ):
            for (kind, why), count in reasons.most_common(_MOST_LINES):
                table.append(f"{title}: {count} {kind}: {why}")
        return table


def _by_kind(reasons: Counter[tuple[str, str]]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for (kind, _), count in reasons.items():
        counts[kind] += count
    return counts


def _kinds(counts: Counter[str]) -> str:
    most = [f"{kind} {count}" for kind, count in counts.most_common(_MOST_REASONS)]
    return ", ".join(most + ["…"] * (len(counts) > _MOST_REASONS))


def _listed(counts: Counter[tuple[str, str]]) -> str:
    most = counts.most_common(_MOST_REASONS)
    text = "; ".join(f"{count} {kind}: {why}" for (kind, why), count in most)
    rest = counts.total() - sum(count for _, count in most)
    return f"{text}; {rest} for other reasons" if rest else text

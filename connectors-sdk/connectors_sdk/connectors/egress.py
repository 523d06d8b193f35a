"""The one gate for everything that goes to third parties.

Whether something may be shown to a source that is asked about it, to a security product that is fed with it, or to
whoever else is not the platform, is decided here and nowhere else: by its TLP (FIRST, https://www.first.org/tlp/) and,
where it has one, its PAP marking.

- What has several markings is as closed as the strictest of them; markings of single properties count for the whole.
- A level that nobody knows (`TLP:PURPLE`), an id that nobody explains, and an entity of the platform whose markings were
  not read are refused: what cannot be read cannot be shown to be harmless.
- What has no TLP marking is let through or not, as configured.
- Markings of other schemes (copyright, terms of use) have no say.

Every decision is logged: type, id and markings, never the value.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

from connectors_sdk.bundles._encode import StixLike, to_plain
from connectors_sdk.connectors._markings import (
    Marking,
    Scheme,
    known_by_id,
    marking_ids,
    read_definition,
    read_level,
    strictness,
)

# Returns the definition of a marking: a STIX object or a dictionary of the platform's API; None when it has none.
Resolve: TypeAlias = Callable[[str], Mapping[str, Any] | None]
Log: TypeAlias = Callable[[str, dict[str, Any]], None]


class Decision(NamedTuple):
    """What the gate says; true in a condition when the way is free.

    Attributes:
        allowed: whether it may leave.
        reason: why, in words for an operator; never holds the value.
    """

    allowed: bool
    reason: str

    def __bool__(self) -> bool:
        return self.allowed


class EgressGate:
    """Decides what may leave for third parties."""

    def __init__(
        self,
        max_tlp: str | None,
        max_pap: str | None = None,
        *,
        allow_unmarked: bool = True,
        resolve: Resolve | None = None,
        log: Log | None = None,
    ) -> None:
        """Make a gate.

        Args:
            max_tlp: the highest TLP that may leave: `clear`, `white`, `green`, `amber`, `amber+strict` or `red`, with or
                without `TLP:` before it; None for no limit.
            max_pap: the highest PAP that may leave: `clear`, `white`, `green`, `amber` or `red`; None for no limit.
            allow_unmarked: whether what has no TLP marking may leave.
            resolve: explains ids of markings that stand without their definition.
            log: takes each decision: a sentence, and what belongs to it.

        Raises:
            ValueError: a maximum that is no level.
        """
        self._limits = {
            scheme: _limit(scheme, text)
            for scheme, text in ((Scheme.TLP, max_tlp), (Scheme.PAP, max_pap))
            if text is not None
        }
        self._allow_unmarked = allow_unmarked
        self._resolve = resolve
        self._log = log

    def decide(
        self, thing: StixLike, *, definitions: Iterable[Mapping[str, Any]] = ()
    ) -> Decision:
        """Say whether something may leave.

        Args:
            thing: a STIX object in any form (model, stix2 object, dictionary), or an entity as the platform's API gives
                it, with its markings in `objectMarking`.
            definitions: STIX objects among which the definitions of its markings may be, e.g. the rest of its bundle.

        Raises:
            connectors_sdk.bundles.BundleError: none of these.
        """
        data = _as_mapping(thing)
        decision = self._decide(data, definitions)
        if self._log is not None:
            verdict = "may leave" if decision else "must not leave"
            self._log(
                f"Egress: it {verdict}: {decision.reason}",
                {
                    "type": str(data.get("entity_type") or data.get("type") or ""),
                    "id": str(data.get("standard_id") or data.get("id") or ""),
                    "allowed": decision.allowed,
                    "reason": decision.reason,
                },
            )
        return decision

    def _decide(
        self, data: Mapping[str, Any], definitions: Iterable[Mapping[str, Any]]
    ) -> Decision:
        if not self._limits:
            return Decision(True, "there is no maximum")
        if "entity_type" in data and "objectMarking" not in data:
            return Decision(False, "its markings were not read from the platform")
        markings, unexplained = self._markings(data, definitions)
        if unexplained:
            return Decision(False, f"nobody explains its marking {unexplained[0]}")
        reasons = []
        for scheme, limit in self._limits.items():
            own = [marking for marking in markings if marking.scheme is scheme]
            if own:
                strictest = max(own, key=strictness)
                if strictest.rank is None:
                    return Decision(
                        False, f"its marking {strictest} is no known {scheme} level"
                    )
                if strictness(strictest) > strictness(limit):
                    return Decision(False, f"{strictest} is above the maximum {limit}")
                reasons.append(f"{strictest} is within the maximum {limit}")
            elif scheme is Scheme.TLP:
                if not self._allow_unmarked:
                    return Decision(
                        False,
                        "it has no TLP marking, and unmarked things must not leave",
                    )
                reasons.append("it has no TLP marking")
        return Decision(True, ", ".join(reasons) or "it has no PAP marking")

    def _markings(
        self, data: Mapping[str, Any], definitions: Iterable[Mapping[str, Any]]
    ) -> tuple[list[Marking], list[str]]:
        """Return the markings, and the ids that nobody explains."""
        found = [read_definition(one) for one in data.get("objectMarking") or ()]
        ids = marking_ids(data)
        if not ids:
            return found, []
        at_hand: dict[str, list[Mapping[str, Any]]] = {}
        for one in definitions:
            if one.get("type") == "marking-definition":
                at_hand.setdefault(str(one.get("id")), []).append(one)
        unexplained = []
        for marking_id in ids:
            explained = [read_definition(one) for one in at_hand.get(marking_id, ())]
            if not explained:
                explained = self._explain(marking_id)
            found.extend(explained)
            if not explained:
                unexplained.append(marking_id)
        return found, unexplained

    def _explain(self, marking_id: str) -> list[Marking]:
        known = known_by_id(marking_id)
        if known is not None:
            return [known]
        definition = self._resolve(marking_id) if self._resolve else None
        return [] if definition is None else [read_definition(definition)]


def platform_definitions(helper: Any) -> Resolve:
    """Return a resolver that asks the platform for definitions of markings, each once.

    Args:
        helper: pycti's `OpenCTIConnectorHelper`.
    """
    known: dict[str, Mapping[str, Any]] = {}

    def resolve(marking_id: str) -> Mapping[str, Any] | None:
        if marking_id not in known:
            definition = helper.api.marking_definition.read(id=marking_id)
            if definition is None:
                # It may be there the next time.
                return None
            known[marking_id] = definition
        return known[marking_id]

    return resolve


def _limit(scheme: Scheme, text: str) -> Marking:
    limit = read_level(scheme, text)
    if limit.rank is None:
        raise ValueError(f"{text!r} is no {scheme} level")
    return limit


def _as_mapping(thing: StixLike) -> Mapping[str, Any]:
    if isinstance(thing, dict):
        return thing
    return to_plain(thing)[0]

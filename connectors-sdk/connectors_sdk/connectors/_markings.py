"""What a marking says: which scheme (TLP, PAP, another) and which level, in whatever form it comes.

Forms that are met: STIX 2.1 definitions of TLP 1 (section 7.2.1.4) and of TLP 2 (OASIS extension), OpenCTI's own
spelling of them (`x_opencti_definition`), the dictionaries of the platform's API (`definition: "TLP:GREEN"`), and bare
ids of the definitions that everybody knows.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from connectors_sdk.models.enums import TLPLevel
from connectors_sdk.models.tlp_marking import TLPMarking


class Scheme(StrEnum):
    """Whose levels a marking speaks of."""

    TLP = "TLP"
    PAP = "PAP"
    OTHER = "other"


# Levels from open to closed; WHITE is the former name of CLEAR.
_RANKS: dict[Scheme, dict[str, int]] = {
    Scheme.TLP: {
        "CLEAR": 0,
        "WHITE": 0,
        "GREEN": 1,
        "AMBER": 2,
        "AMBER+STRICT": 3,
        "RED": 4,
    },
    Scheme.PAP: {"CLEAR": 0, "WHITE": 0, "GREEN": 1, "AMBER": 2, "RED": 3},
}
_TLP2_EXTENSION = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
# TLP 2 as OASIS defines it; OpenCTI has ids of its own for the same levels.
_TLP2_IDS = {
    "94868c89-83c2-464b-929b-a1a8aa3c8487": "CLEAR",
    "bab4a63c-aed9-4cf5-a766-dfca5abac2bb": "GREEN",
    "55d920b0-5e8b-4f79-9ee9-91f868d9b421": "AMBER",
    "939a9414-2ddd-4d32-a0cd-375ea402b003": "AMBER+STRICT",
    "e828b379-4e03-4974-9ac4-e53a884c97c1": "RED",
}
_TEXT = re.compile(
    r"\s*(TLP|PAP)(?:\s*v?[12](?:\.0)?)?\s*[:_\s-]\s*(.*)", re.IGNORECASE | re.DOTALL
)
_JOINTS = re.compile(r"[\s_+-]+")


class Marking(NamedTuple):
    """One marking.

    Attributes:
        scheme: TLP, PAP, or another scheme.
        level: its level in capitals, e.g. `AMBER+STRICT`; of other schemes the text.
        rank: how closed the level is within its scheme, 0 for the most open; None when the level is unknown.
    """

    scheme: Scheme
    level: str
    rank: int | None

    def __str__(self) -> str:
        return (
            self.level if self.scheme is Scheme.OTHER else f"{self.scheme}:{self.level}"
        )


def read_level(scheme: Scheme, text: str) -> Marking:
    """Return the marking of a level as a person writes it: `amber`, `AMBER_STRICT`, `TLP:AMBER+STRICT`."""
    found = _TEXT.fullmatch(text)
    level = found.group(2) if found and found.group(1).upper() == scheme else text
    level = _JOINTS.sub("+", level.strip().upper())
    return Marking(scheme, level, _RANKS[scheme].get(level))


def read_text(text: str) -> Marking:
    """Return what the text of a marking says, e.g. `TLP:GREEN`."""
    found = _TEXT.fullmatch(text)
    if found is None:
        return Marking(Scheme.OTHER, text, None)
    return read_level(Scheme(found.group(1).upper()), found.group(2))


def known_by_id(marking_id: str) -> Marking | None:
    """Return the marking behind an id that everybody knows, or None."""
    level = _KNOWN_IDS.get(marking_id.removeprefix("marking-definition--"))
    return read_level(Scheme.TLP, level) if level else None


def read_definition(definition: Mapping[str, Any]) -> Marking:
    """Return what a marking definition says, a STIX object or a dictionary of the platform's API.

    Where it says several things, the strictest counts; an unknown level of a known scheme is stricter than any. An id that
    everybody knows counts too: a definition cannot open what is known to be closed.
    """
    said = [read_text(text) for text in _texts(definition)]
    for key in ("id", "standard_id"):
        known = known_by_id(str(definition.get(key) or ""))
        if known is not None:
            said.append(known)
    levels = [marking for marking in said if marking.scheme is not Scheme.OTHER]
    if levels:
        return max(levels, key=strictness)
    return said[0] if said else Marking(Scheme.OTHER, "", None)


def strictness(marking: Marking) -> float:
    """Return by what markings of one scheme are compared: the rank, or infinity when that is unknown."""
    return float("inf") if marking.rank is None else marking.rank


def marking_ids(stix: Mapping[str, Any]) -> list[str]:
    """Return the ids of all markings of a STIX object, those of single properties included."""
    ids = [str(one) for one in _listed(stix.get("object_marking_refs"))]
    for granular in _listed(stix.get("granular_markings")):
        if isinstance(granular, Mapping) and granular.get("marking_ref"):
            ids.append(str(granular["marking_ref"]))
    return list(dict.fromkeys(ids))


def _texts(definition: Mapping[str, Any]) -> Iterator[str]:
    kind = str(definition.get("definition_type") or "")
    if "tlp:" in kind.lower() or "pap:" in kind.lower():
        # Some write the level where the scheme belongs.
        yield kind
    for value in _values(definition.get("definition")):
        if kind.upper() in _RANKS and _TEXT.fullmatch(value) is None:
            value = f"{kind.upper()}:{value}"
        yield value
    for key in ("x_opencti_definition", "name"):
        if isinstance(definition.get(key), str):
            yield definition[key]
    extension = (definition.get("extensions") or {}).get(_TLP2_EXTENSION)
    if isinstance(extension, Mapping) and extension.get("tlp_2_0"):
        yield f"TLP:{extension['tlp_2_0']}"


def _values(definition: Any) -> Iterable[str]:
    # `{"tlp": "green"}` in STIX, `"TLP:GREEN"` in the platform's API.
    if isinstance(definition, Mapping):
        return [str(value) for value in definition.values()]
    return [str(definition)] if definition else []


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


_KNOWN_IDS = {
    TLPMarking(level=level).id.removeprefix("marking-definition--"): level.value
    for level in TLPLevel
    if level is not TLPLevel.WHITE
} | _TLP2_IDS

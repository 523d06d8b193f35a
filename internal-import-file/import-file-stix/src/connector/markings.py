"""Markings: for whom an object is, and what the platform calls the levels of the TLP."""

import re
from typing import Any

_MARKING = re.compile(r"marking-definition--[0-9a-fA-F-]{8,}\Z")
# Section 7.2.1.4, and what came with TLP 2.0.
TLP = {
    "clear": "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9",
    "amber+strict": "marking-definition--826578e1-40ad-459f-bc73-ede076f81f37",
    "white": "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9",
    "green": "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da",
    "amber": "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82",
    "red": "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed",
}
# These every platform has.
KNOWN_MARKINGS = frozenset(TLP.values())
# The markings of TLP 2.0 by OASIS, which the platform has under the ids above.
_TLP_2 = {
    "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487": "clear",
    "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb": "green",
    "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421": "amber",
    "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003": "amber+strict",
    "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1": "red",
}


def marking_trouble(stix: dict[str, Any]) -> str:
    """Return why nobody can tell for whom an object is; empty when it can be told."""
    refs, parts = stix.get("object_marking_refs"), stix.get("granular_markings")
    if refs is None and parts is None:
        return ""
    refs, parts = refs or [], parts or []
    if not isinstance(refs, list):
        return "object_marking_refs is no list of references"
    if not isinstance(parts, list) or not all(isinstance(one, dict) for one in parts):
        return "granular_markings is no list of markings"
    marked = (one["marking_ref"] for one in parts if "marking_ref" in one)
    for one in (*refs, *marked):
        if not isinstance(one, str) or not _MARKING.match(one):
            return f"has the marking {one!r:.60}, which is no id of one"
    return ""


def is_marking(ref: str) -> bool:
    """Whether a reference leads to a marking."""
    return ref.startswith("marking-definition--")


def as_the_platform_marks(stix: dict[str, Any]) -> dict[str, Any]:
    """Return an object with the platform's ids of TLP 2.0, and markings of parts hold for all of it: it knows no others.

    Args:
        stix: an object that is not `fatal`.
    """
    new: dict[str, Any] = {}
    level = _TLP_2.get(stix["id"])
    if level:
        new |= {"id": TLP[level], "name": f"TLP:{level.upper()}"}
    refs, listed = stix.get("object_marking_refs"), stix.get("object_refs")
    parts = stix.get("granular_markings")
    if parts:
        parts = [{key: _known(one) for key, one in part.items()} for part in parts]
        refs = [*(refs or ()), *(p["marking_ref"] for p in parts if "marking_ref" in p)]
        new["granular_markings"] = parts
    if refs:
        new["object_marking_refs"] = list(dict.fromkeys(map(_known, refs)))
    if isinstance(listed, list):
        new["object_refs"] = list(map(_known, listed))
    return {**stix, **new} if new else stix


def _known(marking: Any) -> Any:
    level = _TLP_2.get(marking) if isinstance(marking, str) else None
    return TLP[level] if level else marking

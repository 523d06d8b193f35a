"""Markings: for whom an object is, and what the platform calls the levels of the TLP."""

import re
from typing import Any

from connectors_sdk.well_known import TLP_MARKING_IDS

_MARKING = re.compile(r"marking-definition--[0-9a-fA-F-]{8,}\Z")
# These every platform has.
KNOWN_MARKINGS = frozenset(TLP_MARKING_IDS.values())
# The markings of TLP 2.0 by OASIS, which the platform has under its own ids.
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
        new |= {"id": TLP_MARKING_IDS[level], "name": f"TLP:{level.upper()}"}
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
    return TLP_MARKING_IDS[level] if level else marking

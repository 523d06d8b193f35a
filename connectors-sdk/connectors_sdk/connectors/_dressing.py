"""Author and markings for STIX objects that came without.

STIX 2.1 (section 3.2) gives domain objects and relationships an author, and all objects but marking definitions and
bundles markings; observables get their author in a property of OpenCTI's.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from connectors_sdk.bundles import references_of
from connectors_sdk.connectors._markings import (
    Marking,
    Scheme,
    known_by_id,
    marking_ids,
    read_definition,
    strictness,
)

_WITHOUT_MARKINGS = ("marking-definition", "bundle")
_WITHOUT_AUTHOR = ("marking-definition", "bundle", "extension-definition")


def is_observable(stix: Mapping[str, Any]) -> bool:
    """Return whether an object is an observable: domain objects and relationships must say when they were created."""
    return "created" not in stix and stix.get("type") not in _WITHOUT_AUTHOR


def author_key(stix: Mapping[str, Any]) -> str | None:
    """Return the property in which an object names its author; None when it has none."""
    if stix.get("type") in _WITHOUT_AUTHOR:
        return None
    return "x_opencti_created_by_ref" if is_observable(stix) else "created_by_ref"


def give_author(stix: dict[str, Any], author_id: str) -> bool:
    """Name the author in an object that names none; return whether that was so."""
    key = author_key(stix)
    if key is None or stix.get("id") == author_id:
        return False
    if stix.get("created_by_ref") or stix.get("x_opencti_created_by_ref"):
        return False
    stix[key] = author_id
    return True


def can_be_marked(stix: Mapping[str, Any]) -> bool:
    """Return whether objects of the type have markings."""
    return stix.get("type") not in _WITHOUT_MARKINGS


def refers_to(stix: Mapping[str, Any], stix_id: str) -> bool:
    """Return whether an object refers to another."""
    return stix_id in references_of(stix)


class Markings:
    """Markings by id, and what they say."""

    def __init__(self, definitions: Iterable[Mapping[str, Any]] = ()) -> None:
        """Take marking definitions (STIX objects); others may be among them and are passed over."""
        self.definitions = {
            str(one["id"]): dict(one)
            for one in definitions
            if one.get("type") == "marking-definition"
        }

    def joined(self, *lists: Iterable[str]) -> list[str]:
        """Return the ids of all lists, each once, but of TLP only the strictest: nothing has two levels."""
        ids = list(dict.fromkeys(one for ids in lists for one in ids))
        levels = {
            one: said
            for one in ids
            if (said := self._said(one)) is not None and said.scheme is Scheme.TLP
        }
        if len(levels) < 2:
            return ids
        strictest = max(levels, key=lambda one: strictness(levels[one]))
        return [one for one in ids if one not in levels or one == strictest]

    def mark(self, stix: dict[str, Any], ids: Iterable[str]) -> None:
        """Add markings to an object; of TLP the stricter of its own and these stays."""
        if not can_be_marked(stix):
            return
        joined = self.joined(stix.get("object_marking_refs") or (), ids)
        if joined:
            stix["object_marking_refs"] = joined

    def _said(self, marking_id: str) -> Marking | None:
        definition = self.definitions.get(marking_id)
        if definition is not None:
            return read_definition(definition)
        return known_by_id(marking_id)


def is_marked(stix: Mapping[str, Any]) -> bool:
    """Return whether an object, or a part of it, is marked."""
    return bool(marking_ids(stix))

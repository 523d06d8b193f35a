"""STIX objects of entities: made by pycti, which is told at once what it would ask the platform for one by one.

For each entity pycti's converter asks for its nested references, and of a relationship whether its ends may be seen.
The references are read here for many entities at a time; what may not be seen is gone from the entities already.
Source: `OpenCTIStix2.generate_export` and `prepare_export` of pycti.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from connectors_sdk.connectors.internal_export_file.access import Access, ask

_REFERENCES_AT_ONCE = 1000
_RELATIONS = frozenset({"stix-core-relationship", "stix-sighting-relationship"})
# Source: STIX 2.1, the required references of each type; the platform's sightings say where.
_NEEDED: dict[str, tuple[str, ...]] = {
    "relationship": ("source_ref", "target_ref"),
    "sighting": ("sighting_of_ref", "where_sighted_refs"),
    **dict.fromkeys(("grouping", "note", "opinion", "report"), ("object_refs",)),
}
# The class of the author that the platform tells in place of one that may not be seen.
_RESTRICTED = "Restricted"


class StixContent:
    """Makes STIX objects of entities.

    Attributes:
        left_out: hashes of the ids of those of which too little may be seen for a valid object, or which hold nothing.
    """

    def __init__(self, api: Any, access: Access, size: int) -> None:
        """Bind what is needed.

        Args:
            api: pycti's client that acts for the requesting user.
            access: knows what may stand in the file.
            size: how many entities to work on at a time.
        """
        # Loads pycti's converter: only for who needs it.
        from pycti.utils.opencti_stix2 import OpenCTIStix2

        self._api = api
        self._access = access
        self._size = size
        self.left_out: set[int] = set()
        self._marks: set[str] = set()
        self._told = _Told(api)
        self._stix2 = OpenCTIStix2(self._told)

    def of(self, entities: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Yield the STIX objects of entities, and their markings once each.

        Args:
            entities: as the platform's API gives them, read as they are consumed; changed.
        """
        rest = iter(entities)
        while some := list(islice(rest, self._size)):
            self._told.references = self._references(some)
            for entity in some:
                for stix in self._objects(entity):
                    if is_whole(self._without_hidden(stix)):
                        yield stix
                    else:
                        self.left_out.add(hash(stix["id"]))

    def _objects(self, entity: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the object of an entity, and of its markings those that nothing else had."""
        # What is told of an author here is less than it is: as something that is referred to it comes whole.
        author = entity.pop("createdBy", None)
        entity.pop("createdById", None)
        is_observable = "Stix-Cyber-Observable" in entity["parent_types"]
        # What is taken apart has no id afterwards.
        stix = self._stix2.generate_export(entity)
        if author and author.get("identity_class") != _RESTRICTED:
            key = "x_opencti_created_by_ref" if is_observable else "created_by_ref"
            stix[key] = author["standard_id"]
        for one in self._stix2.prepare_export(entity=stix, mode="simple"):
            if one["type"] == "marking-definition":
                if one["id"] in self._marks:
                    continue
                self._marks.add(one["id"])
            yield one

    def _references(
        self, entities: list[dict[str, Any]]
    ) -> dict[str, list[dict[str, Any]]]:
        """Return the nested references of entities by the ids of these."""
        ids = [one["id"] for one in entities if _may_refer(one)]
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        if not ids:
            return found
        one = {"key": "fromId", "values": ids, "operator": "eq", "mode": "or"}
        filters = {"mode": "and", "filters": [one], "filterGroups": []}
        after, more = None, True
        while more:
            page = ask(
                self._api.stix_nested_ref_relationship.list,
                "nested references",
                filters=filters,
                first=_REFERENCES_AT_ONCE,
                after=after,
                withPagination=True,
            )
            for reference in page["entities"]:
                found[reference["from"]["id"]].append(reference)
            more = page["pagination"]["hasNextPage"]
            before, after = after, page["pagination"]["endCursor"]
            more = more and after != before
        self._access.visible(
            one["to"]["standard_id"]
            for several in found.values()
            for one in several
            if "standard_id" in one["to"]
        )
        return found

    def _without_hidden(self, stix: dict[str, Any]) -> dict[str, Any]:
        """Remove ids of what may not stand in the file."""
        if not self._access.restricts:
            return stix
        mentioned = references_of(stix)
        return without(stix, mentioned - self._access.visible(mentioned))


def references_of(stix: Mapping[str, Any]) -> set[str]:
    """Return the ids that an object refers to, but for markings, which come along with it."""
    return {
        one
        for key, value in stix.items()
        if key.endswith(("_ref", "_refs"))
        for one in (value if isinstance(value, list) else [value])
        if isinstance(one, str) and not one.startswith("marking-definition--")
    }


def without(stix: dict[str, Any], ids: set[str]) -> dict[str, Any]:
    """Return an object, changed in place, that does not refer to any of these ids."""
    if not ids:
        return stix
    for key in [key for key in stix if key.endswith(("_ref", "_refs"))]:
        value = stix[key]
        if isinstance(value, list):
            stix[key] = value = [one for one in value if one not in ids]
        if not value or (isinstance(value, str) and value in ids):
            del stix[key]
    return stix


def may_be_left_out(stix_id: str) -> bool:
    """Return whether what has this id is nothing without what it refers to."""
    return stix_id.partition("--")[0] in _NEEDED


def is_whole(stix: Mapping[str, Any]) -> bool:
    """Return whether an object has the references without which it is not valid."""
    return all(key in stix for key in _NEEDED.get(stix["type"], ()))


def _may_refer(entity: Mapping[str, Any]) -> bool:
    return _RELATIONS.isdisjoint(entity.get("parent_types") or ())


class _Told:
    """pycti's client as its converter sees it: what is known already is answered from memory.

    Attributes:
        references: the nested references by the ids of what refers.
    """

    def __init__(self, api: Any) -> None:
        self._api = api
        self.references: Mapping[str, list[dict[str, Any]]] = {}
        self.stix_nested_ref_relationship = _References(self)
        self.opencti_stix_object_or_stix_relationship = _AllThere()

    @staticmethod
    def not_empty(value: Any) -> bool:
        """See pycti's client; asked for every attribute of every entity."""
        if isinstance(value, list):
            return any(value)
        return bool(value) or (value is not None and isinstance(value, (int, float)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._api, name)


class _References:
    """Answers with the nested references of an entity."""

    def __init__(self, told: _Told) -> None:
        self._told = told

    def list(self, **wanted: Any) -> Any:
        return self._told.references.get(wanted["fromId"], [])


class _AllThere:
    """Answers that an object is there: what is not has been taken out before."""

    def list(self, **_: Any) -> Any:
        return [{}]

"""STIX objects of entities: made by pycti, which is told at once what it would ask the platform for one by one.

For each entity pycti's converter asks for its nested references, and of a relationship whether its ends may be seen.
The references are read here for many entities at a time; what may not be seen is gone from the entities already.
Source: `OpenCTIStix2.generate_export` and `prepare_export` of pycti.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from connectors_sdk.connectors.internal_export_file.access import (
    Access,
    NoProgress,
    ask,
)

_REFERENCES_AT_ONCE = 1000
_RELATIONS = frozenset({"stix-core-relationship", "stix-sighting-relationship"})
# Source: STIX 2.1, what an object of a type is not valid without, as markings may take it away: one of each group. The platform's
# sightings say where.
_NEEDED: dict[str, tuple[tuple[str, ...], ...]] = {
    "relationship": (("source_ref",), ("target_ref",)),
    "sighting": (("sighting_of_ref",), ("where_sighted_refs",)),
    "observed-data": (("object_refs", "objects"),),
    "network-traffic": (("src_ref", "dst_ref"),),
    "artifact": (("payload_bin", "url"),),
    **dict.fromkeys(("grouping", "note", "opinion", "report"), (("object_refs",),)),
}
# What pycti writes before the ids of objects whose types STIX does not have, but not before the ids in references.
_PREFIXES = {
    **dict.fromkeys(
        ("case-incident", "case-rfi", "case-rft", "feedback", "task"), "x-opencti-"
    ),
    **dict.fromkeys(("data-component", "data-source"), "x-mitre-"),
}
# The class of the author that the platform tells in place of one that may not be seen.
_RESTRICTED = "Restricted"

# Bytes of an artifact's content that are written; memory holds it several times.
_BIGGEST_PAYLOAD = 10_000_000
_FILES = """
query Files($id: String!) {
  stixCyberObservable(id: $id) { importFiles(first: 10) { edges { node { id size objectMarking { id standard_id } } } } }
}
"""

Bad = Callable[[dict[str, Any], Exception], None]


class _Objects(NamedTuple):
    """What becomes of an entity.

    Attributes:
        stix: its object.
        marks: its markings.
        parts: further objects that belong to it.
        mentioned: the ids that these refer to.
    """

    stix: dict[str, Any]
    marks: list[dict[str, Any]]
    parts: list[dict[str, Any]]
    mentioned: set[str]


class StixContent:
    """Makes STIX objects of entities.

    Attributes:
        gone: hashes of the ids of those that cannot be written, or of which too little may be seen for a valid object.
        incomplete: how many of the latter there were.
    """

    def __init__(self, api: Any, access: Access, size: int, bad: Bad) -> None:
        """Bind what is needed.

        Args:
            api: pycti's client that acts for the requesting user.
            access: knows what may stand in the file.
            size: how many entities to work on at a time.
            bad: told of an entity of which no object can be made, and why.
        """
        # Loads pycti's converter: only for who needs it.
        from pycti.utils.opencti_stix2 import OpenCTIStix2

        self._api = api
        self._access = access
        self._size = size
        self._bad = bad
        self.gone: set[int] = set()
        self.incomplete = 0
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
            made = [objects for one in some if (objects := self._objects(one))]
            mentioned = {id_ for objects in made for id_ in objects.mentioned}
            there = self._access.visible(map(platform_id, mentioned))
            hidden = {one for one in mentioned if platform_id(one) not in there}
            for objects in made:
                yield from self._shown(objects, hidden)

    def _shown(self, objects: "_Objects", hidden: set[str]) -> Iterator[dict[str, Any]]:
        """Yield what is left of objects when nothing refers to what is hidden, and of markings those that are new."""
        if not hidden.isdisjoint(objects.mentioned):
            for one in (objects.stix, *objects.parts):
                without(one, hidden)
        if not is_whole(objects.stix):
            key = hash(objects.stix["id"])
            self.incomplete += key not in self.gone
            self.gone.add(key)
            return
        for mark in objects.marks:
            if mark["id"] not in self._marks:
                self._marks.add(mark["id"])
                yield mark
        yield from objects.parts
        yield objects.stix

    def _objects(self, entity: dict[str, Any]) -> "_Objects | None":
        """Return the object of an entity with what belongs to it; None if it cannot be made."""
        if entity["entity_type"] == "Artifact" and not entity.get("url"):
            entity["payload_bin"] = entity.get("payload_bin") or self._payload(entity)
        whole = dict(entity)
        try:
            return self._made(entity)
        # Whatever is wrong with this entity: the others must not be lost.
        except Exception as error:  # pylint: disable=broad-exception-caught
            self.gone.add(hash(_written_id(whole["standard_id"])))
            self._bad(whole, error)
            return None

    def _made(self, entity: dict[str, Any]) -> "_Objects":
        # What is told of an author here is less than it is: as something that is referred to it comes whole.
        author = entity.pop("createdBy", None)
        entity.pop("createdById", None)
        # Files stay where they are: their own markings are not told here.
        for holder in (entity, *(entity.get("externalReferences") or ())):
            holder.pop("importFiles", None)
        is_observable = "Stix-Cyber-Observable" in entity["parent_types"]
        # What is taken apart has no id afterwards.
        stix: dict[str, Any] = self._stix2.generate_export(entity)
        if author and author.get("identity_class") != _RESTRICTED:
            key = "x_opencti_created_by_ref" if is_observable else "created_by_ref"
            stix[key] = author["standard_id"]
        marks, parts = [], []
        for one in self._stix2.prepare_export(entity=stix, mode="simple"):
            if one["type"] == "marking-definition":
                marks.append(_as_written(one))
            elif one is not stix:
                parts.append(one)
        mentioned = _renamed_references(stix)
        # Of what it refers to, too, less is told here than it is.
        parts = [one for one in parts if one["id"] not in mentioned]
        for one in parts:
            mentioned |= _renamed_references(one)
        return _Objects(stix, marks, parts, mentioned)

    def _payload(self, artifact: Mapping[str, Any]) -> str | None:
        """Return the content of an artifact in Base64; None if it may not be seen, or is too big."""
        found = self._api.query(_FILES, {"id": artifact["id"]})["data"]
        edges = (found["stixCyberObservable"] or {}).get("importFiles", {})["edges"]
        for file in (edge["node"] for edge in edges):
            if self._access.allows(file) and (file["size"] or 0) <= _BIGGEST_PAYLOAD:
                payload: str | None = self._api.fetch_opencti_file_by_id(
                    file["id"], binary=True, serialize=True
                )
                return payload
        return None

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
            about = page["pagination"]
            more = about["hasNextPage"]
            if more and about["endCursor"] == after:
                raise NoProgress("the list of nested references does not get on")
            after = about["endCursor"]
        return found


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


def platform_id(stix_id: str) -> str:
    """Return under which id the platform knows what has this id in the file."""
    for prefix in ("x-opencti-", "x-mitre-"):
        bare = stix_id.removeprefix(prefix)
        if bare != stix_id and bare.partition("--")[0] in _PREFIXES:
            return bare
    return stix_id


def may_be_left_out(stix_id: str) -> bool:
    """Return whether what has this id is nothing without what it refers to."""
    return stix_id.partition("--")[0] in _NEEDED


def is_whole(stix: Mapping[str, Any]) -> bool:
    """Return whether an object has the references without which it is not valid."""
    groups = _NEEDED.get(stix["type"], ())
    return all(any(key in stix for key in group) for group in groups)


def _written_id(standard_id: str) -> str:
    return _PREFIXES.get(standard_id.partition("--")[0], "") + standard_id


def _renamed_references(stix: dict[str, Any]) -> set[str]:
    """Let references lead to the ids that pycti writes, and return these as `references_of` does."""
    for key, value in stix.items():
        if not key.endswith(("_ref", "_refs")):
            continue
        if isinstance(value, list):
            stix[key] = [_written_id(one) for one in value]
        elif isinstance(value, str):
            stix[key] = _written_id(value)
    return references_of(stix)


def _as_written(marking: dict[str, Any]) -> dict[str, Any]:
    """Give a marking that is not of the TLP its own words back: pycti writes them in lower case."""
    kind = marking["definition_type"]
    if kind != "tlp":
        marking["definition"] = {kind: marking["name"]}
    return marking


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

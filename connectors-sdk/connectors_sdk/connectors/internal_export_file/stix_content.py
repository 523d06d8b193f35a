"""STIX objects of entities: made by pycti, which is told at once what it would ask the platform for one by one.

For each entity pycti's converter asks for its nested references, and of a relationship whether its ends may be seen.
The references are read here for many entities at a time; what may not be seen is gone from the entities already.
Source: `OpenCTIStix2.generate_export` and `prepare_export` of pycti.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from connectors_sdk.bundles import references_of as all_references
from connectors_sdk.bundles import without_references
from connectors_sdk.connectors.internal_export_file.access import (
    Access,
    NoProgress,
    ask,
)
from connectors_sdk.well_known import TLP_MARKING_CREATED, TLP_MARKING_IDS

_REFERENCES_AT_ONCE = 1000
_MARKING = "marking-definition"
_RELATIONS = frozenset({"stix-core-relationship", "stix-sighting-relationship"})
# Source: STIX 2.1, what an object of a type is not valid without, and the platform may not have or tell: one of each group. The
# platform's sightings say where.
_NEEDED: dict[str, tuple[tuple[str, ...], ...]] = {
    "relationship": (("source_ref",), ("target_ref",)),
    "sighting": (("sighting_of_ref",), ("where_sighted_refs",)),
    "observed-data": (("object_refs", "objects"),),
    "network-traffic": (("src_ref", "dst_ref"), ("protocols",)),
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
# The levels that STIX 2.1 has definitions of (section 7.2.1.4). The platform calls the first one TLP:CLEAR.
_TLP = {TLP_MARKING_IDS[level]: level for level in ("white", "green", "amber", "red")}
# What OASIS has for the levels of TLP 2.0.
_TLP_2 = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
# What pycti leaves in objects that STIX does not have, and that stands there in another form.
_REPEATED = ("samples", "threat_actor_group")
# What a city of the platform is in, and what STIX wants it to have of that.
_PLACES = {"Country": "country", "Region": "region"}
# Steps from a city to its country.
_STEPS = 2
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
Located = Callable[[Iterable[str]], Iterable[dict[str, Any]]]


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
        nowhere: how many locations were written of which nobody says where they are.
    """

    def __init__(
        self,
        api: Any,
        access: Access,
        size: int,
        bad: Bad,
        located: Located = lambda ids: (),
    ) -> None:
        """Bind what is needed.

        Args:
            api: pycti's client that acts for the requesting user.
            access: knows what may stand in the file.
            size: how many entities to work on at a time.
            bad: told of an entity of which no object can be made, and why.
            located: finds the relationships that say where locations of these ids are.
        """
        # Loads pycti's converter: only for who needs it.
        from pycti.utils.opencti_stix2 import OpenCTIStix2

        self._api = api
        self._access = access
        self._size = size
        self._bad = bad
        self._located = located
        self.gone: set[int] = set()
        self.incomplete = 0
        self.nowhere = 0
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
            self._place(some)
            made = [objects for one in some if (objects := self._objects(one))]
            mentioned = {id_ for objects in made for id_ in objects.mentioned}
            there = self._access.visible(map(platform_id, mentioned))
            hidden = {one for one in mentioned if platform_id(one) not in there}
            for objects in made:
                yield from self._shown(objects, hidden)

    def _shown(self, objects: "_Objects", hidden: set[str]) -> Iterator[dict[str, Any]]:
        """Yield what is left of objects when nothing refers to what is hidden, and of markings those that are new."""
        lost = hidden & objects.mentioned
        stix = without(objects.stix, lost)
        if stix is None:
            key = hash(objects.stix["id"])
            self.incomplete += key not in self.gone
            self.gone.add(key)
            return
        for mark in objects.marks:
            if mark["id"] not in self._marks:
                self._marks.add(mark["id"])
                yield mark
        for one in objects.parts:
            if part := without(one, lost):
                yield part
        self.nowhere += stix["type"] == "location" and not _is_somewhere(stix)
        yield stix

    def _place(self, entities: list[dict[str, Any]]) -> None:
        """Give cities the country or region that they are in: STIX has no location that is nowhere."""
        cities = [one for one in entities if one["entity_type"] == "City"]
        # By the ids of where they are, as far as that is known.
        found = {one["id"]: [one] for one in cities if not _is_somewhere(one)}
        for _ in range(_STEPS):
            around: dict[str, list[dict[str, Any]]] = defaultdict(list)
            for relation in self._located(found) if found else ():
                place, within = relation["to"], found.get(relation["from"]["id"], [])
                key = _PLACES.get(place["entity_type"])
                if key is None:
                    around[place["id"]] += within
                    continue
                for city in within:
                    city[key] = place["name"]
            found = around

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
        for key in _REPEATED:
            stix.pop(key, None)
        marks = [
            _marking(one)
            for one in stix.get("objectMarking", ())
            if one["standard_id"] not in self._marks
        ]
        if author and author.get("identity_class") != _RESTRICTED:
            key = "x_opencti_created_by_ref" if is_observable else "created_by_ref"
            stix[key] = author["standard_id"]
        made = self._stix2.prepare_export(entity=stix, mode="simple")
        parts = [one for one in made if one is not stix and one["type"] != _MARKING]
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
    """Return the ids that an object refers to at any depth, but for markings, which come along with it."""
    return {one for one in all_references(stix) if not one.startswith(_MARKING)}


def without(stix: dict[str, Any], ids: set[str]) -> dict[str, Any] | None:
    """Return an object that does not refer to any of these ids; None if it is not valid without."""
    if ids:
        left = without_references(stix, ids)
        if left is None:
            return None
        stix = left
        extensions = stix.get("extensions") or {}
        # It says what an archive holds, or nothing.
        if "contains_refs" not in extensions.get("archive-ext", ("contains_refs",)):
            del extensions["archive-ext"]
    groups = _NEEDED.get(stix["type"], ())
    return stix if all(any(map(stix.get, group)) for group in groups) else None


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


def _written_id(standard_id: str) -> str:
    return _PREFIXES.get(standard_id.partition("--")[0], "") + standard_id


def _renamed_references(stix: dict[str, Any]) -> set[str]:
    """Let references lead to the ids that pycti writes, and return these as `references_of` does."""
    found = references_of(stix)
    written = set(map(_written_id, found))
    if written != found:
        _rename(stix)
    return written


def _rename(value: Any) -> None:
    if isinstance(value, list):
        for one in value:
            _rename(one)
    elif isinstance(value, dict):
        for key, one in value.items():
            if isinstance(one, str):
                if key.endswith("_ref"):
                    value[key] = _written_id(one)
            elif isinstance(one, list) and key.endswith("_refs"):
                value[key] = [_written_id(id_) for id_ in one]
            else:
                _rename(one)


def _marking(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a marking of the platform as STIX has it; pycti writes them all as if they were levels of the TLP."""
    own_id, kind, words = (
        given[key] for key in ("standard_id", "definition_type", "definition")
    )
    stix = {
        "type": _MARKING,
        "spec_version": "2.1",
        "id": own_id,
        "created": given["created"],
        "name": words,
    }
    if own_id in _TLP:
        level = _TLP[own_id]
        about = {"name": f"TLP:{level.upper()}", "definition": {"tlp": level}}
        return {
            **stix,
            "created": TLP_MARKING_CREATED,
            "definition_type": "tlp",
            **about,
        }
    if own_id == TLP_MARKING_IDS["amber+strict"]:
        strict = {"extension_type": "property-extension", "tlp_2_0": "amber+strict"}
        return {**stix, "created": TLP_MARKING_CREATED, "extensions": {_TLP_2: strict}}
    stix |= {"definition_type": "statement", "definition": {"statement": words}}
    if kind.lower() != "statement":
        # STIX has no other kinds: by these the platform's importers know what it was.
        stix |= {"x_opencti_definition_type": kind, "x_opencti_definition": words}
    return stix


def _is_somewhere(location: Mapping[str, Any]) -> bool:
    """Return whether a location has what STIX wants one of."""
    point = all(location.get(key) is not None for key in ("latitude", "longitude"))
    return point or any(location.get(key) for key in _PLACES.values())


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

"""Stored objects as GraphQL answers.

The shape rules come from what the client does with an answer without looking: lists are never null, dates have
milliseconds, both ends of a relationship are objects.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import orjson

from opencti_testbed.stix.attributes import (
    EXTERNAL_REFERENCE,
    KILL_CHAIN_PHASE,
    LABEL,
    attributes,
    references,
)
from opencti_testbed.stix.ids import date, make_id
from opencti_testbed.stix.names import readable_name
from opencti_testbed.stix.patterns import observable_values
from opencti_testbed.stix.types import SIGHTING_TYPE, Family, graphql_name, parent_types
from opencti_testbed.stix.workflow import BY_ID, TEMPLATES, template_id
from opencti_testbed.store import Store
from opencti_testbed.store.files import StoredFile
from opencti_testbed.store.objects import Stored

NO_START = "1970-01-01T00:00:00.000Z"
NO_END = "5138-11-16T09:46:40.000Z"
OPEN_DATES = {
    "start_time": NO_START,
    "first_seen": NO_START,
    "stop_time": NO_END,
    "last_seen": NO_END,
}
# References that have a field of their own; the others are nested references.
OWN_FIELD = frozenset(
    {
        "created_by_ref",
        "object_marking_refs",
        "object_refs",
        "source_ref",
        "target_ref",
        "sighting_of_ref",
        "where_sighted_refs",
        "x_opencti_granted_refs",
        LABEL,
        EXTERNAL_REFERENCE,
        KILL_CHAIN_PHASE,
    }
)


def connection(
    nodes: Sequence[Any], total: int | None = None, offset: int = 0, more: bool = False
) -> dict[str, Any]:
    """Return a connection: edges with opaque cursors (offsets), and page information."""
    end = offset + len(nodes)
    return {
        "edges": [
            {"node": node, "cursor": str(offset + index + 1)}
            for index, node in enumerate(nodes)
        ],
        "pageInfo": {
            "startCursor": str(offset + 1) if nodes else "",
            "endCursor": str(end) if nodes else "",
            "hasNextPage": more,
            "hasPreviousPage": offset > 0,
            "globalCount": len(nodes) if total is None else total,
        },
    }


class Batch:
    """Objects that are answered together: what one of them refers to is read for all of them at once."""

    def __init__(self, store: Store, pks: Sequence[int]) -> None:
        """Bind the keys of the objects."""
        self.store = store
        self._pks = pks
        self._targets: dict[str, dict[int, list[EntityNode]]] = {}

    def targets(self, pk: int, key: str) -> list["EntityNode"]:
        """Return what an object of the batch refers to under a key."""
        known = self._targets.get(key)
        if known is None:
            known = self._targets[key] = self._load(key)
        return known.get(pk, [])

    def _load(self, key: str) -> dict[int, list["EntityNode"]]:
        pairs = self.store.objects.target_keys(self._pks, key)
        if not pairs:
            return {}
        found = self.store.objects.by_pks({target for _, target in pairs})
        nodes = {node.stored.pk: node for node in as_nodes(self.store, found)}
        grouped: dict[int, list[EntityNode]] = {}
        for pk, target in pairs:
            if target in nodes:
                grouped.setdefault(pk, []).append(nodes[target])
        return grouped


def as_nodes(store: Store, objects: Iterable[Stored]) -> list["EntityNode"]:
    """Return the nodes of objects that are answered together."""
    stored = list(objects)
    batch = Batch(store, [one.pk for one in stored])
    return [EntityNode(store, one, batch) for one in stored]


class EntityNode:
    """A stored object of any type."""

    __slots__ = ("store", "stored", "_batch", "_attributes")

    def __init__(
        self, store: Store, stored: Stored, batch: Batch | None = None
    ) -> None:
        """Bind a stored object, and the batch that it is answered with."""
        self.store = store
        self.stored = stored
        self._batch = batch or Batch(store, [stored.pk])
        self._attributes = attributes(stored.entity_type)

    @property
    def own_name(self) -> str:
        """The GraphQL name of the object's type."""
        if self.stored.family is Family.RELATIONSHIP:
            return "StixCoreRelationship"
        if self.stored.entity_type == SIGHTING_TYPE:
            return "StixSightingRelationship"
        return graphql_name(self.stored.entity_type)

    def field(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Return a field's value: of a field with a rule of its own, of an attribute, or of a reference."""
        special = FIELDS.get(name)
        if special is not None:
            return special(self, arguments)
        attribute = self._attributes.get(name)
        if attribute is None:
            return self._reference(name)
        value = self.stored.data.get(attribute.stix)
        if value is None:
            return [] if attribute.kind == "list" else None
        if attribute.kind == "date":
            return date(value)
        return value

    def _reference(self, name: str) -> Any:
        reference = references(self.stored.entity_type).get(name)
        if reference is None:
            return None
        found = self.nodes(reference.key)
        return found if reference.many else next(iter(found), None)

    def nodes(self, key: str) -> list["EntityNode"]:
        """Return the objects that this one refers to under a key."""
        return self._batch.targets(self.stored.pk, key)

    def first(self, *keys: str) -> "EntityNode | None":
        """Return the first object referred to under one of the keys, or None."""
        for key in keys:
            found = self.nodes(key)
            if found:
                return found[0]
        return None

    def referring(self, key: str, *entity_types: str) -> list["EntityNode"]:
        """Return the objects, of some types or of all, that refer to this one under a key."""
        found = self.store.objects.referrers(
            self.stored.pk, key, 5_000, entity_types=entity_types
        )
        return as_nodes(self.store, found)

    def related(
        self, relationship_type: str, mine: str, theirs: str, wanted: str
    ) -> dict[str, Any]:
        """Return a connection of the objects at the other end (key `theirs`) of this one's relationships.

        Args:
            wanted: the type of these, or one of its parents: others are not told.
        """
        relations = self.referring(mine, relationship_type)
        found = (one for r in relations for one in r.nodes(theirs))
        return connection([one for one in found if one.is_a(wanted)])

    def is_a(self, wanted: str) -> bool:
        """Return whether the object is of a type or of one below it."""
        kind = self.stored.entity_type
        return wanted in (kind, *parent_types(self.stored.family, kind))

    def files(self, folder: str) -> dict[str, Any]:
        """Return a connection of the object's files in a folder."""
        found = self.store.files.within(folder, entity_id=self.stored.internal_id)
        return connection([FileNode(self.store, file) for file in found])

    def user(self) -> dict[str, Any]:
        """Return the user who created the object."""
        creator = self.store.objects.creator(self.stored.pk)
        if creator is None:
            return {"id": self.store.user_id, "name": "admin", "entity_type": "User"}
        user = self.store.administration.get(creator, "User") or {}
        return {"id": creator, "name": user.get("name", ""), "entity_type": "User"}


Field = Callable[[EntityNode, Mapping[str, Any]], Any]


def _hashes(node: EntityNode, _: Mapping[str, Any]) -> list[dict[str, str]]:
    hashes = node.stored.data.get("hashes") or {}
    return [{"algorithm": key, "hash": value} for key, value in hashes.items()]


def _open_date(key: str) -> Field:
    def field(node: EntityNode, _: Mapping[str, Any]) -> str | None:
        known = date(node.stored.data.get(key))
        bounded = node.stored.family in (Family.RELATIONSHIP, Family.SIGHTING)
        return known or (OPEN_DATES[key] if bounded else None)

    return field


def _end(*keys: str) -> Field:
    return lambda node, _: node.first(*keys)


def _end_member(keys: tuple[str, ...], name: str) -> Field:
    def field(node: EntityNode, arguments: Mapping[str, Any]) -> Any:
        end = node.first(*keys)
        return end.field(name, arguments) if end else None

    return field


def _containers(*entity_types: str) -> Field:
    return lambda node, _: connection(node.referring("object_refs", *entity_types))


def _objects(node: EntityNode, arguments: Mapping[str, Any]) -> dict[str, Any]:
    found = node.nodes("object_refs")
    wanted = arguments.get("types")
    if wanted:
        found = [
            one
            for one in found
            if {one.stored.entity_type, *one.field("parent_types", {})} & set(wanted)
        ]
    first = None if arguments.get("all") else arguments.get("first")
    offset = int(arguments.get("after") or 0)
    end = len(found) if first is None else offset + max(0, int(first))
    return connection(found[offset:end], len(found), offset, end < len(found))


def _status(node: EntityNode, _: Mapping[str, Any]) -> dict[str, Any] | None:
    workflow = node.stored.data.get("x_opencti_workflow_id")
    return status_of(str(workflow)) if workflow else None


def status_of(workflow_id: str) -> dict[str, Any]:
    """Return the status of an id; an unknown one is called after its id."""
    known = BY_ID.get(workflow_id)
    name = known.template if known else workflow_id
    template = {
        "id": template_id(name) if known else workflow_id,
        "name": name,
        "color": TEMPLATES.get(name, "#98a2b3"),
    }
    return {
        "id": workflow_id,
        "template_id": template["id"],
        "template": template,
        "type": known.entity_type if known else None,
        "order": known.order if known else None,
    }


def _relationships(node: EntityNode, arguments: Mapping[str, Any]) -> dict[str, Any]:
    types = arguments.get("relationship_type") or ()
    found = [
        one
        for key in ("source_ref", "target_ref")
        for one in node.referring(key, *types)
    ]
    return connection(found)


def _colour_of(text: str) -> str:
    """Return a colour that is always the same for a text."""
    return "#" + make_id("colour", {"text": text}).partition("--")[2][:6]


def _category(node: EntityNode, _: Mapping[str, Any]) -> dict[str, Any]:
    return {"key": node.stored.data.get("category"), "fields": [], "entity_types": []}


SOURCE, TARGET = ("source_ref", "sighting_of_ref"), ("target_ref", "where_sighted_refs")
FIELDS: dict[str, Field] = {
    "id": lambda n, _: n.stored.internal_id,
    "standard_id": lambda n, _: n.stored.standard_id,
    "entity_type": lambda n, _: n.stored.entity_type,
    "parent_types": lambda n, _: parent_types(n.stored.family, n.stored.entity_type),
    "relationship_type": lambda n, _: n.stored.entity_type,
    "spec_version": lambda n, _: "2.1",
    "is_inferred": lambda n, _: False,
    "created_at": lambda n, _: n.stored.created_at,
    "updated_at": lambda n, _: n.stored.updated_at,
    "created": lambda n, _: date(n.stored.data.get("created")) or n.stored.created_at,
    "modified": lambda n, _: date(n.stored.data.get("modified")) or n.stored.updated_at,
    "revoked": lambda n, _: bool(n.stored.data.get("revoked", False)),
    "is_family": lambda n, _: bool(n.stored.data.get("is_family", False)),
    "x_opencti_stix_ids": lambda n, _: n.stored.data.get("x_opencti_stix_ids") or [],
    "status": _status,
    "customFieldValues": lambda n, _: [],
    "creators": lambda n, _: [n.user()],
    "externalReferences": lambda n, _: connection(n.nodes(EXTERNAL_REFERENCE)),
    "references": lambda n, _: connection(n.referring(EXTERNAL_REFERENCE)),
    "objects": _objects,
    "reports": _containers("Report"),
    "notes": _containers("Note"),
    "opinions": _containers("Opinion"),
    "observedData": _containers("Observed-Data"),
    "groupings": _containers("Grouping"),
    "cases": _containers("Case-Incident", "Case-Rfi", "Case-Rft", "Feedback"),
    "containers": _containers(),
    "stixCoreRelationships": _relationships,
    "observables": lambda n, _: n.related(
        "based-on", "source_ref", "target_ref", "Stix-Cyber-Observable"
    ),
    "indicators": lambda n, _: n.related(
        "based-on", "target_ref", "source_ref", "Indicator"
    ),
    "tasks": lambda n, _: connection(n.referring("object_refs", "Task")),
    "results": lambda n, _: n.referring("result_of_ref"),
    "importFiles": lambda n, _: n.files(f"import/{n.stored.entity_type}"),
    "exportFiles": lambda n, _: n.files(f"export/{n.stored.entity_type}"),
    "pendingFiles": lambda n, _: n.files("import/pending"),
    "hashes": _hashes,
    "observable_value": lambda n, _: readable_name(n.stored.data),
    "x_opencti_observable_values": lambda n, _: observable_values(
        str(n.stored.data.get("pattern") or "")
    ),
    "representative": lambda n, _: {"main": n.stored.name, "secondary": ""},
    "from": _end(*SOURCE),
    "to": _end(*TARGET),
    "fromId": _end_member(SOURCE, "id"),
    "toId": _end_member(TARGET, "id"),
    "fromType": _end_member(SOURCE, "entity_type"),
    "toType": _end_member(TARGET, "entity_type"),
    **{key: _open_date(key) for key in OPEN_DATES},
    "toStix": lambda n, _: orjson.dumps(n.stored.data).decode(),
    "color": lambda n, _: n.stored.data.get("color") or _colour_of(n.stored.name),
    "category": _category,
    "hash": lambda n, _: n.stored.data.get("hash"),
}


class FileNode:
    """A file, and what became of the works about it."""

    own_name = "File"

    def __init__(self, store: Store, file: StoredFile) -> None:
        """Bind a file."""
        self.file = file
        self._store = store

    def field(self, name: str, _: Mapping[str, Any]) -> Any:
        """Return a field's value."""
        file = self.file
        if name == "objectMarking":
            found = (self._store.objects.get(one) for one in file.markings)
            return as_nodes(self._store, (one for one in found if one))
        if name == "metaData":
            return {
                "mimetype": file.mime_type,
                "version": file.version,
                "entity_id": file.entity_id,
                "creator_id": file.user_id,
                "file_markings": list(file.markings),
                "labels": [],
            }
        return {
            "id": file.id,
            "name": file.name,
            "size": file.size,
            "uploadStatus": "complete",
            "lastModified": file.uploaded_at,
        }.get(name)


class RefNode:
    """A reference between two objects, answered as if it were a relationship."""

    own_name = "StixRefRelationship"

    def __init__(
        self,
        identifier: str,
        relationship_type: str,
        source: EntityNode,
        target: EntityNode,
    ) -> None:
        """Bind both ends."""
        self._values = {
            "id": identifier,
            "standard_id": make_id("relationship-meta", {"id": identifier}),
            "entity_type": relationship_type,
            "relationship_type": relationship_type,
            "parent_types": [
                "basic-relationship",
                "stix-relationship",
                "stix-ref-relationship",
            ],
            "spec_version": "2.1",
            "created_at": source.stored.created_at,
            "updated_at": source.stored.updated_at,
            "start_time": NO_START,
            "stop_time": NO_END,
            "revoked": False,
            "is_inferred": False,
            "creators": [source.user()],
            "from": source,
            "to": target,
            "fromId": source.stored.internal_id,
            "toId": target.stored.internal_id,
            "fromType": source.stored.entity_type,
            "toType": target.stored.entity_type,
        }

    def field(self, name: str, _: Mapping[str, Any]) -> Any:
        """Return a field's value."""
        return self._values.get(name)

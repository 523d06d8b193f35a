"""Stored objects as GraphQL answers.

The shape rules come from what the client does with an answer without looking: lists are never null, dates have
milliseconds, both ends of a relationship are objects.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from opencti_testbed.ingest.upsert import EXTERNAL_REFERENCE, KILL_CHAIN_PHASE, LABEL
from opencti_testbed.stix.ids import date
from opencti_testbed.stix.names import readable_name
from opencti_testbed.stix.types import Family, graphql_name, parent_types
from opencti_testbed.store import Store
from opencti_testbed.store.objects import Stored

NO_START = "1970-01-01T00:00:00.000Z"
NO_END = "5138-11-16T09:46:40.000Z"

# GraphQL field -> STIX property, where the names differ.
RENAMED = {
    "attribute_abstract": "abstract",
    "attribute_count": "count",
    "attribute_date": "date",
    "attribute_key": "key",
    "x_opencti_description": "x_opencti_description",
}
PLAIN_LISTS = frozenset(
    {
        "aliases",
        "x_opencti_aliases",
        "x_mitre_platforms",
        "x_mitre_permissions_required",
        "malware_types",
        "tool_types",
        "report_types",
        "indicator_types",
        "infrastructure_types",
        "goals",
        "x_opencti_stix_ids",
    }
)
DATES = frozenset(
    {
        "created",
        "modified",
        "published",
        "first_seen",
        "last_seen",
        "start_time",
        "stop_time",
        "valid_from",
        "valid_until",
        "first_observed",
        "last_observed",
    }
)
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


class EntityNode:
    """A stored object of any type."""

    def __init__(self, store: Store, stored: Stored) -> None:
        """Bind a stored object."""
        self._store = store
        self.stored = stored

    @property
    def own_name(self) -> str:
        """The GraphQL name of the object's type."""
        if self.stored.family is Family.RELATIONSHIP:
            return "StixCoreRelationship"
        return graphql_name(self.stored.entity_type)

    @property
    def type_names(self) -> frozenset[str]:
        """GraphQL names of the type and its ancestors."""
        parents = parent_types(self.stored.family, self.stored.entity_type)
        names = {graphql_name(parent) for parent in parents}
        if self.stored.family in (Family.RELATIONSHIP, Family.SIGHTING):
            names |= {graphql_name(p[:1].upper() + p[1:]) for p in parents}
        return frozenset({self.own_name, *names})

    def field(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Return a field's value; see `execute.Node`."""
        special = FIELDS.get(name)
        if special is not None:
            return special(self, arguments)
        data = self.stored.data
        value = data.get(RENAMED.get(name, name))
        if value is None and name in PLAIN_LISTS:
            return []
        if name in DATES and value is not None:
            return date(value)
        if value is None and name not in data and name.startswith("import"):
            return connection([])
        if value is None:
            raise KeyError(name)
        return value

    def nodes(self, key: str) -> list["EntityNode"]:
        """Return the objects that this one refers to under a key."""
        targets = self._store.objects.targets(self.stored.pk, key)
        return [EntityNode(self._store, target) for target in targets]

    def first(self, *keys: str) -> "EntityNode | None":
        """Return the first object referred to under one of the keys, or None."""
        for key in keys:
            found = self.nodes(key)
            if found:
                return found[0]
        return None

    def referring(self, key: str, first: int = 100) -> list["EntityNode"]:
        """Return the objects that refer to this one under a key."""
        found = self._store.objects.referrers(self.stored.pk, key, first)
        return [EntityNode(self._store, stored) for stored in found]

    def user(self) -> dict[str, Any]:
        """Return the platform's user, who created everything."""
        return {"id": self._store.user_id, "name": "admin"}


Field = Callable[[EntityNode, Mapping[str, Any]], Any]


def _hashes(node: EntityNode, _: Mapping[str, Any]) -> list[dict[str, str]]:
    hashes = node.stored.data.get("hashes") or {}
    return [{"algorithm": key, "hash": value} for key, value in hashes.items()]


def _open_date(key: str, fallback: str) -> Field:
    def field(node: EntityNode, _: Mapping[str, Any]) -> str | None:
        known = date(node.stored.data.get(key))
        bounded = node.stored.family in (Family.RELATIONSHIP, Family.SIGHTING)
        return known or (fallback if bounded else None)

    return field


FIELDS: dict[str, Field] = {
    "id": lambda n, _: n.stored.internal_id,
    "standard_id": lambda n, _: n.stored.standard_id,
    "entity_type": lambda n, _: n.stored.entity_type,
    "parent_types": lambda n, _: parent_types(n.stored.family, n.stored.entity_type),
    "spec_version": lambda n, _: "2.1",
    "created_at": lambda n, _: n.stored.created_at,
    "updated_at": lambda n, _: n.stored.updated_at,
    "created": lambda n, _: date(n.stored.data.get("created")) or n.stored.created_at,
    "modified": lambda n, _: date(n.stored.data.get("modified")) or n.stored.updated_at,
    "revoked": lambda n, _: bool(n.stored.data.get("revoked", False)),
    "is_family": lambda n, _: bool(n.stored.data.get("is_family", False)),
    "status": lambda n, _: None,
    "creators": lambda n, _: [n.user()],
    "createdBy": lambda n, _: n.first("created_by_ref"),
    "objectMarking": lambda n, _: n.nodes("object_marking_refs"),
    "objectLabel": lambda n, _: n.nodes(LABEL),
    "objectOrganization": lambda n, _: n.nodes("x_opencti_granted_refs"),
    "killChainPhases": lambda n, _: n.nodes(KILL_CHAIN_PHASE),
    "externalReferences": lambda n, _: connection(n.nodes(EXTERNAL_REFERENCE)),
    "objects": lambda n, _: connection(n.nodes("object_refs")),
    "reports": lambda n, _: connection(
        [c for c in n.referring("object_refs") if c.stored.entity_type == "Report"]
    ),
    "notes": lambda n, _: connection(
        [c for c in n.referring("object_refs") if c.stored.entity_type == "Note"]
    ),
    "observables": lambda n, _: connection([]),
    "indicators": lambda n, _: connection([]),
    "tasks": lambda n, _: connection([]),
    "importFiles": lambda n, _: connection([]),
    "hashes": _hashes,
    "observable_value": lambda n, _: readable_name(n.stored.data),
    "representative": lambda n, _: {"main": n.stored.name, "secondary": ""},
    "from": lambda n, _: n.first("source_ref", "sighting_of_ref"),
    "to": lambda n, _: n.first("target_ref", "where_sighted_refs"),
    "start_time": _open_date("start_time", NO_START),
    "stop_time": _open_date("stop_time", NO_END),
    "toStix": lambda n, _: orjson.dumps(n.stored.data).decode(),
    "color": lambda n, _: n.stored.data.get("x_opencti_color")
    or n.stored.data.get("color")
    or "#98a2b3",
    "dataSource": lambda n, _: n.first("x_mitre_data_source_ref"),
}
for _name in ("url", "hash", "external_id", "description", "source_name"):
    # Clients index these keys of an external reference without looking.
    FIELDS[_name] = lambda n, _, key=_name: n.stored.data.get(key)  # type: ignore[misc]

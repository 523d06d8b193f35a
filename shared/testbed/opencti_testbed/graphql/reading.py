"""Reading objects: a single and a list field for every type and every level of the hierarchy."""

from collections.abc import Mapping
from typing import Any

from opencti_testbed.graphql.execute import Registry, Resolver
from opencti_testbed.graphql.filters import (
    Condition,
    as_list,
    filter_group,
    join,
    of_types,
    one_filter,
    ordered,
    searched,
)
from opencti_testbed.graphql.nodes import OWN_FIELD, EntityNode, connection
from opencti_testbed.stix.types import (
    META_ENTITY_TYPES,
    SDO_ENTITY_TYPES,
    SIGHTING_TYPE,
    Family,
    graphql_name,
)
from opencti_testbed.store import Store

DEFAULT_PAGE = 100
LARGEST_PAGE = 5_000

# Plurals that do not just add an s.
PLURALS = {
    "courseOfAction": "coursesOfAction",
    "identity": "identities",
    "malwareAnalysis": "malwareAnalyses",
    "observedData": "observedDatas",
    "vulnerability": "vulnerabilities",
    "vocabulary": "vocabularies",
    "threatActorGroup": "threatActorsGroup",
    "threatActorIndividual": "threatActorsIndividuals",
    "securityCoverage": "securityCoverages",
    "city": "cities",
    "country": "countries",
}
# Single field -> the types it stands for.
HIERARCHY = {
    "stixObjectOrStixRelationship": (),
    "stixCoreObject": ("Stix-Core-Object",),
    "stixDomainObject": ("Stix-Domain-Object",),
    "stixCyberObservable": ("Stix-Cyber-Observable",),
    "stixCoreRelationship": ("stix-core-relationship",),
    "stixSightingRelationship": (SIGHTING_TYPE,),
    "stixRelationship": ("stix-relationship",),
    "identity": ("Identity",),
    "location": ("Location",),
    "threatActor": ("Threat-Actor",),
    "container": ("Container",),
    "case": ("Case",),
}
# Arguments of relationship lists that are filters by another name.
RELATION_ARGUMENTS = (
    "fromId",
    "toId",
    "fromTypes",
    "toTypes",
)


def register(registry: Registry) -> None:
    """Register all reading fields."""
    fields = dict(HIERARCHY)
    for entity_type in sorted(SDO_ENTITY_TYPES | META_ENTITY_TYPES):
        name = graphql_name(entity_type)
        fields[name[0].lower() + name[1:]] = (entity_type,)
    for single, types in fields.items():
        registry.query(single)(_on_store(_single(types)))
        registry.query(PLURALS.get(single, f"{single}s"))(_on_store(_list(types)))
    registry.query("stixNestedRefRelationships")(_on_store(nested_references))
    registry.query("globalSearch")(_on_store(_list(("Stix-Core-Object",))))
    registry.query("vocabularyCategories")(lambda _, __: [])


def _on_store(resolver: Resolver) -> Resolver:
    """Return the resolver of a platform for one of its store: reading needs nothing else."""
    return lambda platform, arguments: resolver(platform.store, arguments)


def _single(types: tuple[str, ...]) -> Resolver:
    def resolve(store: Store, arguments: Mapping[str, Any]) -> EntityNode | None:
        wanted = arguments.get("id")
        stored = store.objects.get(str(wanted)) if wanted else None
        if stored is None:
            return None
        if types and not store.objects.count(
            f"o.pk = ? AND {of_types(list(types)).sql}",
            (stored.pk, *of_types(list(types)).parameters),
        ):
            return None
        return EntityNode(store, stored)

    return resolve


def _list(types: tuple[str, ...]) -> Resolver:
    def resolve(store: Store, arguments: Mapping[str, Any]) -> dict[str, Any]:
        conditions = [of_types(list(types))]
        narrower = as_list(arguments.get("types"))
        if narrower:
            conditions.append(of_types([str(t) for t in narrower]))
        conditions.append(filter_group(arguments.get("filters")))
        conditions.append(searched(arguments.get("search")))
        conditions += _relation_conditions(arguments)
        return page(store, join("AND", conditions), arguments)

    return resolve


def page(
    store: Store, condition: Condition, arguments: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a page of objects as a connection; the cursor is an offset."""
    first = arguments.get("first")
    limit = DEFAULT_PAGE if first is None else max(0, min(int(first), LARGEST_PAGE))
    offset = int(arguments.get("after") or 0)
    order = ordered(arguments.get("orderBy"), arguments.get("orderMode"))
    found = store.objects.query(
        condition.sql, condition.parameters, order, limit + 1, offset
    )
    total = store.objects.count(condition.sql, condition.parameters)
    nodes = [EntityNode(store, stored) for stored in found[:limit]]
    return connection(nodes, total, offset, more=len(found) > limit > 0)


def _relation_conditions(arguments: Mapping[str, Any]) -> list[Condition]:
    conditions = []
    for key in RELATION_ARGUMENTS:
        values = as_list(arguments.get(key))
        if values:
            conditions.append(one_filter({"key": key, "values": values}))
    either = as_list(arguments.get("fromOrToId"))
    if either:
        conditions.append(one_filter({"key": ["fromId", "toId"], "values": either}))
    types = as_list(arguments.get("relationship_type"))
    if types:
        conditions.append(of_types([str(t) for t in types]))
    return conditions


def nested_references(store: Store, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the references of an object that have no field of their own (`resolves_to_refs`, ...)."""
    nodes = []
    for wanted in as_list(arguments.get("fromId") or arguments.get("fromOrToId")):
        source = store.objects.get(str(wanted))
        if source is None or source.family not in (Family.SDO, Family.SCO):
            continue
        keys = [
            key
            for key in source.data
            if key.endswith(("_ref", "_refs")) and key not in OWN_FIELD
        ]
        for key in keys:
            for target in store.objects.targets(source.pk, key):
                kind = key.removesuffix("_refs").removesuffix("_ref").replace("_", "-")
                nodes.append(
                    {
                        "id": f"{source.internal_id}-{kind}-{target.internal_id}",
                        "entity_type": kind,
                        "parent_types": [
                            "basic-relationship",
                            "stix-relationship",
                            "stix-ref-relationship",
                        ],
                        "relationship_type": kind,
                        "from": EntityNode(store, source),
                        "to": EntityNode(store, target),
                    }
                )
    return connection(nodes)

"""Reading objects: a single and a list field for every type and every level of the hierarchy."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from opencti_testbed.graphql.filters import (
    Condition,
    Few,
    as_list,
    filter_group,
    full_text,
    join,
    of_types,
    one_filter,
    ordered,
)
from opencti_testbed.graphql.nodes import (
    OWN_FIELD,
    EntityNode,
    RefNode,
    as_nodes,
    connection,
)
from opencti_testbed.graphql.registry import ApiError, Registry, Resolver
from opencti_testbed.graphql.schema import PAGE
from opencti_testbed.stix.attributes import ref_type
from opencti_testbed.stix.ids import label_id
from opencti_testbed.stix.types import (
    META_ENTITY_TYPES,
    SDO_ENTITY_TYPES,
    SIGHTING_TYPE,
    Family,
    graphql_name,
    parent_types,
)
from opencti_testbed.store import Store
from opencti_testbed.store.listing import Listing
from opencti_testbed.store.objects import Stored

DEFAULT_PAGE = 100
LARGEST_PAGE = 5_000
# No list is as long; SQLite takes no greater numbers.
FARTHEST = 2**62

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
    "region": "regions",
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
# Fields whose order is not called after their plural.
ORDERINGS = {
    "securityCoverage": "SecurityCoverage",
    "securityCoverageResult": "SecurityCoverageResult",
    "threatActorGroup": "ThreatActors",
    "threatActorIndividual": "ThreatActorsIndividual",
}
# Lists whose nodes are of no one type.
NODES = {
    "stixObjectOrStixRelationship": "StixObjectOrStixRelationship",
    "stixRelationship": "StixRelationship",
}
# Containers that can be asked whether they hold an object.
HOLDERS = (
    "report note opinion observedData grouping caseIncident caseRfi caseRft feedback task"
).split()
# Arguments of relationship lists that are filters by another name.
RELATION_ARGUMENTS = (
    "fromId",
    "toId",
    "fromTypes",
    "toTypes",
)
# Arguments that bound a date: (property, operator).
PERIODS = {
    "startTimeStart": ("start_time", "gte"),
    "startTimeStop": ("start_time", "lte"),
    "stopTimeStart": ("stop_time", "gte"),
    "stopTimeStop": ("stop_time", "lte"),
    "firstSeenStart": ("first_seen", "gte"),
    "firstSeenStop": ("first_seen", "lte"),
    "lastSeenStart": ("last_seen", "gte"),
    "lastSeenStop": ("last_seen", "lte"),
}
RELATION_PAGE = (
    "fromOrToId: [String], elementWithTargetTypes: [String], fromId: [StixRef], fromTypes: [String], toId: [StixRef],"
    " toTypes: [String], relationship_type: [String], "
    + ", ".join(f"{name}: DateTime" for name in PERIODS)
)


def register(registry: Registry) -> None:
    """Register all reading fields."""
    fields = dict(HIERARCHY)
    for entity_type in sorted(SDO_ENTITY_TYPES | META_ENTITY_TYPES):
        fields.setdefault(field_name(entity_type), (entity_type,))
    for single, types in fields.items():
        node = NODES.get(single, _capitalised(single))
        registry.query(f"{single}(id: String): {node}")(_on_store(_single(types)))
        arguments = page_of(ORDERINGS.get(single, _capitalised(plural(single))))
        if single.endswith("Relationship"):
            arguments += f", {RELATION_PAGE}"
        if single == "indicator":
            arguments += ", toStix: Boolean"
        if single == "vocabulary":
            arguments += ", category: VocabularyCategory"
        registry.query(f"{plural(single)}({arguments}): {node}Connection")(
            _on_store(_list(types))
        )
    registry.query(
        f"stixNestedRefRelationships({page_of('StixRefRelationships')}, {RELATION_PAGE}): StixRefRelationshipConnection"
    )(_on_store(nested_references))
    registry.query("stixRefRelationship(id: String): StixRefRelationship")(
        _on_store(nested_reference)
    )
    registry.query(f"globalSearch({PAGE}): StixCoreObjectConnection")(
        _on_store(_list(("Stix-Core-Object",)))
    )
    registry.query("vocabularyCategories: [VocabularyDefinition!]")(lambda _, __: [])
    registry.query("stix(id: String): String")(_on_store(_stix))
    for single in HOLDERS:
        registry.query(
            f"{single}ContainsStixObjectOrStixRelationship"
            "(id: String, stixObjectOrStixRelationshipId: String): Boolean"
        )(_on_store(_holds))


def page_of(what: str) -> str:
    """Return the arguments of a list field whose order is called `<what>Ordering`."""
    return PAGE.replace("orderBy: Any", f"orderBy: {what}Ordering")


def _capitalised(name: str) -> str:
    return name[0].upper() + name[1:]


def field_name(entity_type: str) -> str:
    """Return the name of the root field that reads one object of a type."""
    name = graphql_name(entity_type)
    return name[0].lower() + name[1:]


def plural(single: str) -> str:
    """Return the name of the root field that lists what `single` reads one of."""
    return PLURALS.get(single, f"{single}s")


def _on_store(resolver: Resolver) -> Resolver:
    """Return the resolver of a platform for one of its store: reading needs nothing else."""
    return lambda platform, arguments: resolver(platform.store, arguments)


def find(store: Store, any_id: Any, types: tuple[str, ...] = ()) -> EntityNode | None:
    """Return the object known by an id (a label also by its text), when it is of one of the types."""
    text = str(any_id) if any_id else ""
    stored = store.objects.get(text) if text else None
    if stored is None and types == ("Label",) and text:
        stored = store.objects.get(label_id(text))
    if stored is None or (types and not is_of(stored, types)):
        return None
    return EntityNode(store, stored)


def is_of(stored: Stored, types: Iterable[str]) -> bool:
    """Return whether an object is of one of the types; a type may be any level of the hierarchy."""
    own = {stored.entity_type, *parent_types(stored.family, stored.entity_type)}
    return not own.isdisjoint(types)


def _single(types: tuple[str, ...]) -> Resolver:
    return lambda store, arguments: find(store, arguments.get("id"), types)


def _stix(store: Store, arguments: Mapping[str, Any]) -> str | None:
    found = find(store, arguments.get("id"))
    return found.field("toStix", {}) if found else None


def _holds(store: Store, arguments: Mapping[str, Any]) -> bool:
    container = find(store, arguments.get("id"))
    wanted = find(store, arguments.get("stixObjectOrStixRelationshipId"))
    return bool(
        container
        and wanted
        and wanted.stored.pk
        in (node.stored.pk for node in container.nodes("object_refs"))
    )


def _list(types: tuple[str, ...]) -> Resolver:
    def resolve(store: Store, arguments: Mapping[str, Any]) -> "Page":
        conditions = [of_types(list(types))]
        narrower = as_list(arguments.get("types"))
        if narrower:
            conditions.append(of_types([str(t) for t in narrower]))
        conditions.append(filter_group(arguments.get("filters"), store.objects.are_few))
        if arguments.get("category"):
            chosen = {"key": "category", "values": [arguments["category"]]}
            conditions.append(one_filter(chosen, store.objects.are_few))
        conditions += _relation_conditions(arguments, store.objects.are_few)
        return Page(store, join("AND", conditions), arguments)

    return resolve


class Page:
    """A page of objects as a connection; the cursor is an offset, the total is counted when it is asked for."""

    own_name = "Connection"

    def __init__(
        self, store: Store, condition: Condition, arguments: Mapping[str, Any]
    ) -> None:
        """Read the page."""
        first = arguments.get("first")
        limit = DEFAULT_PAGE if first is None else max(0, min(int(first), LARGEST_PAGE))
        self._limit, self._offset = limit, _offset(arguments.get("after"))
        self._listing = Listing(
            store.objects,
            condition.sql,
            condition.parameters,
            words=full_text(arguments.get("search")),
            sort=ordered(arguments.get("orderBy"), arguments.get("orderMode")),
        )
        found = self._listing.page(limit + 1, self._offset)
        self._more = len(found) > limit > 0
        self._nodes = as_nodes(store, found[:limit])

    def field(self, name: str, _: Mapping[str, Any]) -> Any:
        """Return the edges or the page information."""
        whole = connection(self._nodes, 0, self._offset, self._more)
        if name == "pageInfo":
            return _PageInfo(whole["pageInfo"], self._count)
        return whole.get(name)

    def _count(self) -> int:
        if self._limit and not self._more and (self._nodes or not self._offset):
            return self._offset + len(self._nodes)
        return self._listing.count()


class _PageInfo:
    """Where a page is; the total is counted when it is asked for."""

    own_name = "PageInfo"

    def __init__(self, known: Mapping[str, Any], count: Callable[[], int]) -> None:
        self._known = known
        self._count = count

    def field(self, name: str, _: Mapping[str, Any]) -> Any:
        return self._count() if name == "globalCount" else self._known.get(name)


def _offset(cursor: Any) -> int:
    try:
        return max(0, min(int(cursor or 0), FARTHEST))
    except (TypeError, ValueError):
        raise ApiError("BAD_USER_INPUT", f"{cursor!r} is no cursor") from None


def _relation_conditions(arguments: Mapping[str, Any], few: Few) -> list[Condition]:
    conditions = []
    for key in RELATION_ARGUMENTS:
        values = as_list(arguments.get(key))
        if values:
            conditions.append(one_filter({"key": key, "values": values}, few))
    either = as_list(arguments.get("fromOrToId"))
    if either:
        conditions.append(
            one_filter({"key": ["fromId", "toId"], "values": either}, few)
        )
    other = as_list(arguments.get("elementWithTargetTypes"))
    if other:
        conditions.append(
            one_filter({"key": ["fromTypes", "toTypes"], "values": other}, few)
        )
    for name, (key, operator) in PERIODS.items():
        if arguments.get(name):
            conditions.append(
                one_filter(
                    {"key": key, "values": [arguments[name]], "operator": operator}, few
                )
            )
    types = as_list(arguments.get("relationship_type"))
    if types:
        conditions.append(of_types([str(t) for t in types]))
    return conditions


# -- references that have no field of their own (`resolves_to_refs`, ...), shown as relationships -----------------


ENDS = ("fromOrToId", "fromId", "toId")


def _is_nested(key: str) -> bool:
    return key.endswith(("_ref", "_refs")) and key not in OWN_FIELD


def nested_references(store: Store, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the nested references from, to, or from and to some objects: by arguments, or by filters of that name."""
    arguments = {**arguments, **_ends_of(arguments)}
    found: dict[str, RefNode] = {}
    either = as_list(arguments.get("fromOrToId"))
    types = {str(t) for t in as_list(arguments.get("relationship_type"))}
    for wanted in either + as_list(arguments.get("fromId")):
        found |= _references_from(store, wanted)
    for wanted in either + as_list(arguments.get("toId")):
        found |= _references_to(store, wanted)
    nodes = [
        node
        for node in found.values()
        if (not types or node.field("relationship_type", {}) in types)
        and _ends_match(node, arguments)
    ]
    offset, first = _offset(arguments.get("after")), arguments.get("first")
    end = len(nodes) if not first else offset + int(first)
    return connection(nodes[offset:end], len(nodes), offset, end < len(nodes))


def _ends_of(arguments: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return which ends the arguments and the filters ask for together."""
    asked = {key: as_list(arguments.get(key)) for key in ENDS}
    group = arguments.get("filters") or {}
    for one in group.get("filters") or ():
        for key in as_list(one.get("key")):
            if key in asked:
                asked[key] = [*asked[key], *as_list(one.get("values"))]
    return asked


def _ends_match(node: RefNode, arguments: Mapping[str, Any]) -> bool:
    for name, ids, types in (
        ("from", "fromId", "fromTypes"),
        ("to", "toId", "toTypes"),
    ):
        stored: Stored = node.field(name, {}).stored
        wanted = as_list(arguments.get(ids))
        if wanted and not {stored.internal_id, stored.standard_id} & set(wanted):
            return False
        if arguments.get(types) and not is_of(stored, as_list(arguments[types])):
            return False
    return True


def _references_from(store: Store, any_id: Any) -> dict[str, RefNode]:
    source = find(store, any_id)
    if source is None or source.stored.family not in (Family.SDO, Family.SCO):
        return {}
    return {
        node.field("id", {}): node
        for key in source.stored.data
        if _is_nested(key)
        for target in source.nodes(key)
        for node in [ref_node(source, key, target)]
    }


def _references_to(store: Store, any_id: Any) -> dict[str, RefNode]:
    target = find(store, any_id)
    if target is None:
        return {}
    return {
        node.field("id", {}): node
        for key in store.objects.referring_keys(target.stored.pk)
        if _is_nested(key)
        for source in target.referring(key)
        if source.stored.family in (Family.SDO, Family.SCO)
        for node in [ref_node(source, key, target)]
    }


def ref_node(source: EntityNode, key: str, target: EntityNode) -> RefNode:
    """Return the reference that an object keeps under a key to another, as a relationship."""
    identifier = f"{source.stored.internal_id}~{key}~{target.stored.internal_id}"
    return RefNode(identifier, ref_type(key), source, target)


def nested_reference(store: Store, arguments: Mapping[str, Any]) -> RefNode | None:
    """Return one nested reference by its id, or None."""
    parts = str(arguments.get("id") or "").split("~")
    if len(parts) != 3:
        return None
    return _references_from(store, parts[0]).get("~".join(parts))

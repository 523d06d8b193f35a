"""Creating and editing objects.

Every mutation ends in the code that ingests bundles, so ids and rules of merging are the same.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from opencti_testbed.files.keeping import attach_sent_with
from opencti_testbed.graphql.inputs import Inputs, apply_change, property_of, same
from opencti_testbed.graphql.nodes import EntityNode, RefNode
from opencti_testbed.graphql.reading import field_name, is_of, ref_node
from opencti_testbed.graphql.registry import ApiError, FieldResolver, Registry, Resolver
from opencti_testbed.ingest.linker import MissingReference
from opencti_testbed.ingest.upsert import Upserter
from opencti_testbed.stix import ids
from opencti_testbed.stix.attributes import ref_key
from opencti_testbed.stix.markings import stored_form
from opencti_testbed.stix.types import (
    IDENTITIES,
    LOCATIONS,
    META_ENTITY_TYPES,
    SCO,
    SCO_ENTITY_TYPES,
    SDO_ENTITY_TYPES,
    SIGHTING_TYPE,
    graphql_name,
)
from opencti_testbed.stix.values import IncorrectFormat, conform
from opencti_testbed.store import Store
from opencti_testbed.store.objects import Stored

NODE = "StixObjectOrStixRelationship"
# Edit field -> which types it edits.
EDITS: dict[str, tuple[str, ...]] = {
    "stixEdit": (),
    "stixCoreObject": ("Stix-Core-Object",),
    "stixDomainObject": ("Stix-Domain-Object",),
    "stixCyberObservable": ("Stix-Cyber-Observable",),
    "stixCoreRelationship": ("stix-core-relationship",),
    "stixSightingRelationship": (SIGHTING_TYPE,),
    "identity": ("Identity",),
    "location": ("Location",),
    "container": ("Container",),
    **{field_name(t): (t,) for t in sorted(SDO_ENTITY_TYPES | META_ENTITY_TYPES)},
}
ACTIONS = {
    "relationAdd": "(input: StixRefRelationshipAddInput): StixRefRelationship",
    "relationDelete": f"(toId: StixRef!, relationship_type: String!): {NODE}",
    "fieldPatch": f"(input: [EditInput]!, commitMessage: String, references: [String]): {NODE}",
    "delete": "(forceDelete: Boolean): ID",
    "merge": f"(stixObjectsIds: [String]!): {NODE}",
    "promoteToIndicator": ": Indicator",
    "promote": ": StixCyberObservable",
    "restrictionOrganizationAdd": f"(organizationId: [ID!]!, directContainerSharing: Boolean): {NODE}",
    "restrictionOrganizationDelete": f"(organizationId: [ID!]!, directContainerSharing: Boolean): {NODE}",
    "clearAccessRestriction": f": {NODE}",
    "removeFromDraft": ": ID",
}
# Types whose edits are also fields of their own (`taskFieldPatch(id, input)`).
WITHOUT_WRAPPER = (
    "indicator vocabulary task grouping securityCoverage securityCoverageResult channel narrative event language"
    " dataComponent dataSource caseIncident caseRfi caseRft feedback organization malwareAnalysis"
    " threatActorIndividual administrativeArea"
).split()
GRANTED = "x_opencti_granted_refs"


@dataclass(frozen=True, slots=True)
class Edit:
    """What the fields below `…Edit(id)` work on."""

    any_id: str
    types: tuple[str, ...]


class Writer:
    """Creates and edits objects of one store."""

    def __init__(
        self,
        store: Store,
        upserter: Upserter,
        strict: bool = False,
        user_id: str | None = None,
    ) -> None:
        """Bind to a store and to what ingests its bundles; `user_id` is who writes, None: the platform's own user."""
        self._store = store
        self._upserter = upserter
        self._strict = strict
        self._user_id = user_id

    @contextmanager
    def _transaction(self) -> Iterator[tuple[sqlite3.Connection, Inputs]]:
        """Give the writing connection; a refusal by the rules of ingestion becomes an answer to the client."""
        try:
            with self._store.database.write() as connection:
                with self._store.objects.by(self._user_id):
                    objects = self._store.objects
                    yield connection, Inputs(objects, connection, self._strict)
        except MissingReference as error:
            raise ApiError("MISSING_REFERENCE_ERROR", str(error)) from error
        except IncorrectFormat as error:
            raise ApiError(error.code, str(error)) from error
        except ValueError as error:
            raise ApiError("FUNCTIONAL_ERROR", str(error)) from error

    def node(self, pk: int) -> EntityNode | None:
        """Return a stored object as an answer."""
        stored = self._store.objects.by_pk(pk)
        return EntityNode(self._store, stored) if stored else None

    def create(
        self, entity_type: str, given: Mapping[str, Any], **fixed: Any
    ) -> EntityNode | None:
        """Create an object, or merge the input into the one that it is; `fixed` are further STIX properties."""
        with self._transaction() as (connection, inputs):
            stix = {**inputs.stix(entity_type, given), **fixed}
            if entity_type == "Marking-Definition":
                stix = stored_form(stix)
            if entity_type == "Label":
                pk = self._label(connection, stix)
            else:
                pk = self._upserter.store(connection, stix).pk
        return self.node(pk)

    def _label(self, connection: sqlite3.Connection, stix: dict[str, Any]) -> int:
        # A label that is there is answered as it is.
        stix["value"] = str(stix.get("value") or "").strip()
        known = self._store.objects.resolve_for_writing(
            connection, ids.label_id(stix["value"])
        )
        return known[0] if known else self._upserter.store(connection, stix).pk

    def relate(self, given: Mapping[str, Any], sighting: bool) -> EntityNode | None:
        """Create a relationship, or a sighting of the object `fromId` by `toId`."""
        source, target = given.get("fromId"), given.get("toId")
        rest = {k: v for k, v in given.items() if k not in ("fromId", "toId")}
        if sighting:
            ends: dict[str, Any] = {
                "sighting_of_ref": source,
                "where_sighted_refs": [target] if target else [],
            }
            return self.create(SIGHTING_TYPE, rest, **ends)
        ends = {"type": "relationship", "source_ref": source, "target_ref": target}
        return self.create("relationship", rest, **ends)

    # -- edits ------------------------------------------------------------------------------------------------

    def found(self, connection: sqlite3.Connection, edit: Edit) -> Stored:
        """Return what is to be edited, as the writer sees it.

        Raises:
            ApiError: there is no such object.
        """
        known = self._store.objects.resolve_for_writing(connection, edit.any_id)
        if known is None and edit.types == ("Label",):
            label = ids.label_id(edit.any_id)
            known = self._store.objects.resolve_for_writing(connection, label)
        stored = self._stored(connection, known[0]) if known else None
        if stored is None or (edit.types and not is_of(stored, edit.types)):
            raise ApiError("FUNCTIONAL_ERROR", f"Cannot find {edit.any_id} to edit it")
        return stored

    def _stored(self, connection: sqlite3.Connection, pk: int) -> Stored | None:
        try:
            return self._store.objects.stored(connection, pk)
        except LookupError:
            return None

    def patch(self, edit: Edit, changes: list[Mapping[str, Any]]) -> EntityNode | None:
        """Change attributes and references: each change names a key, values and an operation."""
        with self._transaction() as (connection, inputs):
            stored = self.found(connection, edit)
            data = dict(stored.data)
            for change in changes:
                apply_change(inputs, stored.entity_type, data, change)
            conform(stored.entity_type, data)
            self._upserter.editor.replace(connection, stored.pk, data)
        return self.node(stored.pk)

    def refer(self, edit: Edit, to_id: str, relationship_type: str) -> RefNode | None:
        """Make an object refer to another."""
        with self._transaction() as (connection, inputs):
            stored = self.found(connection, edit)
            key = ref_key(relationship_type, stored.entity_type)
            data, name = dict(stored.data), property_of(key)
            value = inputs.target(key, to_id)
            if key.endswith("_ref"):
                data[name] = value
            else:
                data[name] = [*(o for o in data.get(name) or () if o != value), value]
            self._upserter.editor.replace(connection, stored.pk, data)
        source, target = self.node(stored.pk), self._store.objects.get(to_id)
        if source is None or target is None:
            return None
        return ref_node(source, key, EntityNode(self._store, target))

    def unrefer(
        self, edit: Edit, to_id: str, relationship_type: str
    ) -> EntityNode | None:
        """Make an object no longer refer to another."""
        with self._transaction() as (connection, inputs):
            stored = self.found(connection, edit)
            key = ref_key(relationship_type, stored.entity_type)
            data, name = dict(stored.data), property_of(key)
            value = inputs.target(key, to_id)
            if key.endswith("_ref"):
                left = None if data.get(name) == value else data.get(name)
            else:
                left = [one for one in data.get(name) or () if not same(one, value)]
            data[name] = left
            if not left:
                del data[name]
            self._upserter.editor.replace(connection, stored.pk, data)
        return self.node(stored.pk)

    def delete(self, edit: Edit) -> str:
        """Delete an object with its relationships and every mention of it; return the id that it was called by."""
        with self._transaction() as (connection, _):
            stored = self.found(connection, edit)
            self._upserter.editor.delete(connection, stored.pk)
        return edit.any_id

    def merge(self, edit: Edit, sources: list[str]) -> EntityNode | None:
        """Merge other objects into one."""
        with self._transaction() as (connection, _):
            target = self.found(connection, edit)
            pks = [self.found(connection, Edit(one, ())).pk for one in sources]
            self._upserter.editor.merge(connection, target.pk, pks)
        return self.node(target.pk)

    def promote(self, edit: Edit) -> tuple[EntityNode | None, EntityNode | None]:
        """Make an indicator of an observable; return both."""
        with self._transaction() as (connection, _):
            stored = self.found(connection, edit)
            if stored.entity_type not in SCO_ENTITY_TYPES:
                raise ApiError("FUNCTIONAL_ERROR", "Only an observable can be promoted")
            indicator = self._upserter.promote(connection, stored.pk)
        return self.node(stored.pk), self.node(indicator) if indicator else None

    def share(
        self, edit: Edit, organizations: list[str], add: bool
    ) -> EntityNode | None:
        """Share an object with organizations, or no longer."""
        with self._transaction() as (connection, inputs):
            stored = self.found(connection, edit)
            data = dict(stored.data)
            named = [inputs.target(GRANTED, one) for one in organizations]
            granted = [o for o in data.get(GRANTED) or () if o not in named]
            data[GRANTED] = granted + named if add else granted
            if not data[GRANTED]:
                del data[GRANTED]
            self._upserter.editor.replace(connection, stored.pk, data)
        return self.node(stored.pk)


# -- fields -----------------------------------------------------------------------------------------------------------


def register(registry: Registry) -> None:
    """Register the fields that create and edit."""
    strict = registry.strict

    def writer(platform: Any) -> Writer:
        user = platform.caller.user_id
        own = user == platform.store.user_id
        return Writer(platform.store, platform.upserter, strict, None if own else user)

    _register_creation(registry, writer)
    for name, types in EDITS.items():
        _register_edit(registry, writer, name.removesuffix("Edit"), types)
    for name in WITHOUT_WRAPPER:
        _register_plain_edits(registry, writer, name, EDITS.get(name, ()))


WriterOf = Callable[[Any], Writer]


def _register_creation(registry: Registry, writer: WriterOf) -> None:
    def add(entity_type: str) -> Resolver:
        def resolve(platform: Any, arguments: Mapping[str, Any]) -> Any:
            given = arguments.get("input") or {}
            node = writer(platform).create(entity_type, given)
            return _with_files(platform, node, given)

        return resolve

    for entity_type in sorted(SDO_ENTITY_TYPES | META_ENTITY_TYPES):
        name = graphql_name(entity_type)
        signature = f"{field_name(entity_type)}Add(input: {name}AddInput!): {name}"
        registry.mutation(signature)(add(entity_type))
    registry.mutation("identityAdd(input: IdentityAddInput!): Identity")(
        _add_by_type(writer, tuple(IDENTITIES.values()))
    )
    registry.mutation("locationAdd(input: LocationAddInput!): Location")(
        _add_by_type(writer, LOCATIONS)
    )
    kinds = ", ".join(
        f"{graphql_name(t)}: {graphql_name(t)}AddInput"
        for t in sorted(SCO_ENTITY_TYPES)
    )
    registry.mutation(
        "stixCyberObservableAdd(type: String!, stix_id: StixId, x_opencti_stix_ids: [StixId], x_opencti_score: Int,"
        " x_opencti_description: String, createIndicator: Boolean, createdBy: String, objectMarking: [String],"
        " objectLabel: [String], objectOrganization: [String], externalReferences: [String], update: Boolean,"
        f" upsertOperations: [EditInput!], {kinds}): StixCyberObservable"
    )(
        lambda platform, arguments: _with_files(
            platform,
            _add_observable(writer(platform), arguments),
            _own_input(arguments),
        )
    )
    registry.mutation(
        "stixCoreRelationshipAdd(input: StixCoreRelationshipAddInput!): StixCoreRelationship"
    )(lambda platform, a: writer(platform).relate(a["input"], sighting=False))
    registry.mutation(
        "stixSightingRelationshipAdd(input: StixSightingRelationshipAddInput!): StixSightingRelationship"
    )(lambda platform, a: writer(platform).relate(a["input"], sighting=True))
    registry.mutation(
        "stixRefRelationshipAdd(input: StixRefRelationshipAddInput!): StixRefRelationship"
    )(lambda platform, a: _add_reference(writer(platform), a["input"]))


def _add_by_type(writer: WriterOf, known: tuple[str, ...]) -> Resolver:
    by_name = {name.lower().replace("-", ""): name for name in known}

    def resolve(platform: Any, arguments: Mapping[str, Any]) -> EntityNode | None:
        given = arguments.get("input") or {}
        wanted = str(given.get("type") or "").lower().replace("-", "")
        if wanted not in by_name:
            kinds = ", ".join(known)
            raise ApiError(
                "FUNCTIONAL_ERROR", f"type {given.get('type')!r} is none of {kinds}"
            )
        node = writer(platform).create(by_name[wanted], given)
        return _with_files(platform, node, given)

    return resolve


OBSERVABLES = {
    **{name.lower(): name for name in SCO_ENTITY_TYPES},
    **SCO,
}


def _with_files(
    platform: Any, node: EntityNode | None, given: Mapping[str, Any]
) -> EntityNode | None:
    """Attach the files that were sent with a creation."""
    if node is not None and given.get("files"):
        attach_sent_with(platform, node.stored, given)
    return node


def _own_input(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the input under the name of the observable's type."""
    wanted = OBSERVABLES.get(str(arguments.get("type") or "").lower(), "")
    return arguments.get(graphql_name(wanted)) or {}


def _add_observable(writer: Writer, arguments: Mapping[str, Any]) -> EntityNode | None:
    wanted = str(arguments.get("type") or "")
    entity_type = OBSERVABLES.get(wanted.lower())
    if entity_type is None:
        raise ApiError("FUNCTIONAL_ERROR", f"{wanted!r} is no type of observables")
    own = arguments.get(graphql_name(entity_type))
    if not own:
        raise ApiError(
            "FUNCTIONAL_ERROR",
            f"Expecting variable {graphql_name(entity_type)} in the input, got nothing",
        )
    names = {graphql_name(one) for one in SCO_ENTITY_TYPES}
    given = {k: v for k, v in arguments.items() if k not in names and k != "type"}
    try:
        return writer.create(entity_type, {**own, **given})
    except ApiError as error:
        if error.code == "FUNCTIONAL_ERROR":
            raise ApiError("INCORRECT_OBSERVABLE_FORMAT", str(error)) from error
        raise


def _add_reference(writer: Writer, given: Mapping[str, Any]) -> RefNode | None:
    source = str(given.get("fromId") or "")
    return writer.refer(
        Edit(source, ()),
        str(given.get("toId") or ""),
        str(given.get("relationship_type") or ""),
    )


def _register_edit(
    registry: Registry, writer: WriterOf, name: str, types: tuple[str, ...]
) -> None:
    mutations = f"{name[0].upper()}{name[1:]}EditMutations"
    registry.mutation(f"{name}Edit(id: ID!): {mutations}")(
        lambda _, arguments: Edit(str(arguments.get("id")), types)
    )
    for action, signature in ACTIONS.items():
        registry.on(mutations, f"{action}{signature}")(_action(writer, action))


def _register_plain_edits(
    registry: Registry, writer: WriterOf, name: str, types: tuple[str, ...]
) -> None:
    node = name[0].upper() + name[1:]
    types = types or (node,)

    def on_id(action: str) -> Resolver:
        act = _action(writer, action)
        return lambda platform, arguments: act(
            platform, Edit(str(arguments.get("id")), types), arguments
        )

    registry.mutation(f"{name}Delete(id: ID!): ID")(on_id("delete"))
    registry.mutation(
        f"{name}FieldPatch(id: ID!, input: [EditInput!]!, commitMessage: String, references: [String]): {node}"
    )(on_id("fieldPatch"))
    registry.mutation(
        f"{name}RelationAdd(id: ID!, input: StixRefRelationshipAddInput!): StixRefRelationship"
    )(on_id("relationAdd"))
    registry.mutation(
        f"{name}RelationDelete(id: ID!, toId: StixRef!, relationship_type: String!): {node}"
    )(on_id("relationDelete"))


def _action(writer: WriterOf, action: str) -> FieldResolver:
    def resolve(platform: Any, edit: Edit, arguments: Mapping[str, Any]) -> Any:
        return DEEDS[action](writer(platform), edit, arguments)

    return resolve


def _relation_add(writer: Writer, edit: Edit, arguments: Mapping[str, Any]) -> Any:
    given = arguments.get("input") or {}
    to_id, from_id = given.get("toId"), given.get("fromId")
    if to_id is None and from_id:
        return writer.refer(
            Edit(str(from_id), ()), edit.any_id, str(given.get("relationship_type"))
        )
    return writer.refer(edit, str(to_id), str(given.get("relationship_type")))


def _merge(writer: Writer, edit: Edit, arguments: Mapping[str, Any]) -> Any:
    return writer.merge(edit, [str(one) for one in arguments["stixObjectsIds"]])


def _clear(writer: Writer, edit: Edit, _: Mapping[str, Any]) -> Any:
    return writer.patch(edit, [{"key": "objectOrganization", "value": []}])


DEEDS: Mapping[str, Callable[[Writer, Edit, Mapping[str, Any]], Any]] = {
    "relationAdd": _relation_add,
    "relationDelete": lambda w, e, a: w.unrefer(
        e, str(a.get("toId")), str(a.get("relationship_type"))
    ),
    "fieldPatch": lambda w, e, a: w.patch(e, a.get("input") or []),
    "delete": lambda w, e, _: w.delete(e),
    "merge": _merge,
    "promoteToIndicator": lambda w, e, _: w.promote(e)[1],
    "promote": lambda w, e, _: w.promote(e)[0],
    "restrictionOrganizationAdd": lambda w, e, a: w.share(e, a["organizationId"], True),
    "restrictionOrganizationDelete": lambda w, e, a: w.share(
        e, a["organizationId"], False
    ),
    "clearAccessRestriction": _clear,
    "removeFromDraft": lambda _, e, __: e.any_id,
}

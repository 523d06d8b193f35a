"""The schema: entity types made from the description of attributes, everything else from what is registered.

Source: the type system of the GraphQL specification (October 2021), section 3.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLError,
    GraphQLField,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLString,
    is_output_type,
    parse,
    specified_directives,
)
from graphql.language import (
    FieldDefinitionNode,
    ListTypeNode,
    NamedTypeNode,
    NonNullTypeNode,
    ObjectTypeDefinitionNode,
    TypeNode,
)
from graphql.utilities import value_from_ast_untyped

from opencti_testbed.graphql.registry import RegisteredField, Registry
from opencti_testbed.stix.attributes import Reference, attributes, references
from opencti_testbed.stix.types import (
    META_ENTITY_TYPES,
    SCO_ENTITY_TYPES,
    SDO_ENTITY_TYPES,
    SIGHTING_TYPE,
    Family,
    graphql_name,
    parent_types,
)

# A value of free form: what is answered is taken as it is.
ANYTHING = "Anything"
SCALARS_OF_KINDS = {
    "text": "String",
    "list": "[String]",
    "int": "Int",
    "float": "Float",
    "bool": "Boolean",
    "date": "DateTime",
    "json": "Any",
}
HASHED = frozenset({"Artifact", "StixFile", "X509-Certificate"})
PAGE = "first: Int, after: ID, orderBy: Any, orderMode: OrderingMode, search: String, types: [String], filters: FilterGroup"

BASIC = "id: ID! standard_id: String entity_type: String! parent_types: [String!]!"
STIX_OBJECT = f"""{BASIC} spec_version: String created_at: DateTime updated_at: DateTime is_inferred: Boolean
    x_opencti_stix_ids: [StixId] creators: [Creator!] representative: Representative toStix: String"""
KNOWN = f"""createdBy: Identity objectMarking: [MarkingDefinition!] objectLabel: [Label!]
    objectOrganization: [Organization!] externalReferences({PAGE}): ExternalReferenceConnection
    status: Status customFieldValues: [CustomFieldValue!]"""
CORE = f"""{STIX_OBJECT} {KNOWN} importFiles({PAGE}): FileConnection exportFiles({PAGE}): FileConnection
    pendingFiles({PAGE}): FileConnection reports({PAGE}): ReportConnection notes({PAGE}): NoteConnection
    opinions({PAGE}): OpinionConnection observedData({PAGE}): ObservedDataConnection
    groupings({PAGE}): GroupingConnection cases({PAGE}): CaseConnection containers({PAGE}): ContainerConnection
    stixCoreRelationships({PAGE}, relationship_type: [String]): StixCoreRelationshipConnection"""
RELATION = f"""{STIX_OBJECT} relationship_type: String from: StixObjectOrStixRelationship
    to: StixObjectOrStixRelationship fromId: String toId: String fromType: String toType: String"""
REVISED = (
    "created: DateTime modified: DateTime revoked: Boolean confidence: Int lang: String"
)
META = STIX_OBJECT

INTERFACES = {
    "StixObjectOrStixRelationship": BASIC,
    "BasicObject": BASIC,
    "BasicRelationship": BASIC,
    "StixRelationship": RELATION,
    "StixObject": STIX_OBJECT,
    "StixMetaObject": META,
    "StixCoreObject": CORE,
    "StixDomainObject": f"{CORE} {REVISED}",
    "StixCyberObservable": f"{CORE} observable_value: String! x_opencti_score: Int x_opencti_description: String"
    f" indicators({PAGE}): IndicatorConnection",
    "HashedObservable": f"{CORE} observable_value: String! hashes: [Hash]",
    "Container": f"{CORE} {REVISED} objects({PAGE}, all: Boolean): StixObjectOrStixRelationshipRefConnection",
    "Identity": f"{CORE} {REVISED} name: String description: String identity_class: String roles: [String]"
    " contact_information: String x_opencti_aliases: [String] x_opencti_reliability: String x_opencti_score: Int",
    "Location": f"{CORE} {REVISED} name: String description: String latitude: Float longitude: Float"
    " precision: Float x_opencti_aliases: [String]",
    "ThreatActor": f"{CORE} {REVISED} name: String description: String aliases: [String] threat_actor_types: [String]"
    " first_seen: DateTime last_seen: DateTime roles: [String] goals: [String] sophistication: String"
    " resource_level: String primary_motivation: String secondary_motivations: [String]"
    " personal_motivations: [String] x_opencti_score: Int",
    "Case": f"{CORE} {REVISED} name: String description: String content: String"
    f" objects({PAGE}, all: Boolean): StixObjectOrStixRelationshipRefConnection tasks({PAGE}): TaskConnection",
}
# What a type has besides its attributes and references.
MORE_FIELDS = {
    "Indicator": f"observables({PAGE}): StixCyberObservableConnection x_opencti_observable_values: [ObservableValue]",
    "Marking-Definition": "",
    "Vocabulary": "category: VocabularyDefinition",
    "External-Reference": f"importFiles({PAGE}): FileConnection references({PAGE}): StixCoreObjectConnection",
    "Security-Coverage": "results: [SecurityCoverageResult]",
    "Kill-Chain-Phase": "",
    "Label": "",
}
SHARED_TYPES = """
type Representative { main: String secondary: String }
type Creator { id: ID! name: String entity_type: String }
type Status { id: ID! template: StatusTemplate template_id: String type: String order: Int }
type StatusTemplate { id: ID! name: String color: String }
type CustomFieldValue { field_id: ID field_name: String int_value: Int string_value: String boolean_value: Boolean
    date_value: DateTime select_value: String select_values: [String] }
type Hash { algorithm: String hash: String }
type CoverageInformation { coverage_name: String coverage_score: Float }
type ObservableValue { type: String value: String hashes: [Hash] }
type VocabularyDefinition { key: String! description: String entity_types: [String] fields: [VocabularyField] }
type VocabularyField { key: String! required: Boolean multiple: Boolean }
type PageInfo { startCursor: String endCursor: String hasNextPage: Boolean hasPreviousPage: Boolean globalCount: Int }
type File { id: ID! name: String size: Int uploadStatus: String lastModified: DateTime metaData: FileMetadata
    objectMarking: [MarkingDefinition!] }
type FileMetadata { mimetype: String version: DateTime entity_id: String creator_id: String labels: [String]
    description: String file_markings: [String] }
"""


def _as_it_comes(name: str) -> GraphQLScalarType:
    if name.endswith("Input"):
        return GraphQLScalarType(
            name,
            description="An object, taken as it comes.",
            coerce_input_value=_object,
        )
    return GraphQLScalarType(name, description="Taken as it comes.")


def _object(value: Any) -> Any:
    if not isinstance(value, Mapping):
        raise GraphQLError(f"an object is expected, not {value!r}")
    return value


class Types:
    """The named types of a schema, made when they are first asked for."""

    def __init__(self) -> None:
        """Begin with GraphQL's own scalars."""
        self.named: dict[str, GraphQLNamedType] = {
            scalar.name: scalar
            for scalar in (
                GraphQLBoolean,
                GraphQLFloat,
                GraphQLID,
                GraphQLInt,
                GraphQLString,
            )
        }
        for name in ("Any", "DateTime", "StixId", "StixRef", "Upload"):
            self.named[name] = _as_it_comes(name)
        self.add(
            GraphQLObjectType(ANYTHING, {"_": GraphQLField(self.named["Any"])})  # type: ignore[arg-type]
        )

    def add(self, named: GraphQLNamedType) -> None:
        """Add a type."""
        self.named[named.name] = named

    def define(self, definitions: str) -> None:
        """Add the object types of a text in GraphQL's schema language."""
        for node in parse(definitions, no_location=True).definitions:
            assert isinstance(node, ObjectTypeDefinitionNode)
            self.add(
                GraphQLObjectType(
                    node.name.value, lambda node=node: self._fields_of(node.fields or ())  # type: ignore[misc]
                )
            )

    def fields(self, text: str) -> dict[str, GraphQLField]:
        """Return the fields written as `name(arguments): Type ...`."""
        node = parse(f"type _ {{ {text} }}", no_location=True).definitions[0]
        assert isinstance(node, ObjectTypeDefinitionNode)
        return self._fields_of(node.fields or ())

    def output(self, name: str) -> GraphQLNamedType:
        """Return a type that can be answered.

        Raises:
            KeyError: nobody described it.
        """
        if name not in self.named and name.endswith("Connection"):
            self._connection(name)
        return self.named[name]

    def interfaces(self, names: Iterable[str]) -> list[GraphQLInterfaceType]:
        """Return the interfaces among some named types."""
        found = (self.named[name] for name in dict.fromkeys(names))
        return [one for one in found if isinstance(one, GraphQLInterfaceType)]

    def input(self, name: str) -> GraphQLNamedType:
        """Return a type that can be sent; one that nobody described is taken as it comes."""
        if name not in self.named:
            self.named[name] = _as_it_comes(name)
        return self.named[name]

    def _connection(self, name: str) -> None:
        node = name.removesuffix("Connection").removesuffix("Ref")
        edge = f"{name.removesuffix('Connection')}Edge"
        self.define(
            f"type {edge} {{ cursor: String node: {node} }}"
            f" type {name} {{ edges: [{edge}] pageInfo: PageInfo }}"
        )

    def _fields_of(
        self, nodes: Iterable[FieldDefinitionNode]
    ) -> dict[str, GraphQLField]:
        return {
            node.name.value: GraphQLField(
                _wrapped(node.type, self.output),
                {
                    argument.name.value: GraphQLArgument(
                        _wrapped(argument.type, self.input)
                    )
                    for argument in node.arguments or ()
                },
            )
            for node in nodes
        }


def _wrapped(node: TypeNode, named: Callable[[str], GraphQLNamedType]) -> Any:
    if isinstance(node, ListTypeNode):
        return GraphQLList(_wrapped(node.type, named))
    if isinstance(node, NonNullTypeNode):
        return GraphQLNonNull(_wrapped(node.type, named))
    assert isinstance(node, NamedTypeNode)
    return named(node.name.value)


def build_schema(registry: Registry) -> GraphQLSchema:
    """Return the schema of everything that is registered and of all entity types."""
    types = Types()
    types.define(SHARED_TYPES)
    _add_entities(types)
    for definitions in registry.definitions:
        types.define(definitions)
    for type_name, registered in registry.fields.items():
        if type_name in ("Query", "Mutation"):
            types.add(GraphQLObjectType(type_name, _registered(types, registered)))
        else:
            _extend(types, type_name, registered)
    query, mutation = types.named["Query"], types.named["Mutation"]
    assert isinstance(query, GraphQLObjectType)
    assert isinstance(mutation, GraphQLObjectType)
    return GraphQLSchema(
        query,
        mutation,
        types=list(types.named.values()),
        directives=specified_directives,
        # What is registered is checked by a test, not at every start.
        assume_valid=True,
    )


def _registered(
    types: Types, registered: Mapping[str, RegisteredField]
) -> Callable[[], dict[str, GraphQLField]]:
    def fields() -> dict[str, GraphQLField]:
        found = types.fields(
            " ".join(f.signature for f in registered.values() if f.signature)
            or "_: Any"
        )
        for name, one in registered.items():
            if one.signature:
                found[name].resolve = _described(one)
            else:
                anything = types.output(ANYTHING)
                assert is_output_type(anything)
                found[name] = GraphQLField(anything, resolve=_free(one))
        return found

    return fields


def _extend(
    types: Types, type_name: str, registered: Mapping[str, RegisteredField]
) -> None:
    present = types.named.get(type_name)
    more = _registered(types, registered)
    if present is None:
        types.add(GraphQLObjectType(type_name, more))
        return
    assert isinstance(present, GraphQLObjectType)
    types.add(
        GraphQLObjectType(
            type_name,
            lambda: {**present.fields, **more()},
            interfaces=lambda: present.interfaces,
        )
    )


def _described(one: RegisteredField) -> Callable[..., Any]:
    def resolve(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        return one.resolver(info.context, source, arguments)

    return resolve


def _free(one: RegisteredField) -> Callable[..., Any]:
    def resolve(source: Any, info: GraphQLResolveInfo[Any], **_: Any) -> Any:
        arguments = {
            argument.name.value: value_from_ast_untyped(
                argument.value, info.variable_values.coerced
            )
            for argument in info.field_nodes[0].arguments or ()
        }
        return one.resolver(info.context, source, arguments)

    return resolve


# -- entity types -------------------------------------------------------------------------------------------------


def _add_entities(types: Types) -> None:
    shared: dict[str, dict[str, GraphQLField]] = {}

    def group(text: str) -> dict[str, GraphQLField]:
        # Types share the fields they have in common; each group is parsed once.
        if text not in shared:
            shared[text] = types.fields(text) if text else {}
        return shared[text]

    for name, text in INTERFACES.items():
        types.add(
            GraphQLInterfaceType(
                name,
                lambda text=text: group(text),  # type: ignore[misc]
                resolve_type=lambda value, *_: value.own_name,
            )
        )

    def entity(
        name: str, entity_type: str, family: Family, base: str
    ) -> GraphQLObjectType:
        parents = ["Stix-Object-Or-Stix-Relationship"] + parent_types(
            family, entity_type
        )
        names = [graphql_name(_capitalised(parent)) for parent in parents]
        names += ["HashedObservable"] if entity_type in HASHED else []

        def fields() -> dict[str, GraphQLField]:
            found = dict(group(base)) | group(MORE_FIELDS.get(entity_type, ""))
            for parent in names:
                if parent != name and parent in INTERFACES:
                    found |= group(INTERFACES[parent])
            own = {
                a.name: TYPED_ATTRIBUTES.get(a.name, SCALARS_OF_KINDS[a.kind])
                for a in attributes(entity_type).values()
            } | {r.name: _type_of(r) for r in references(entity_type).values()}
            text = " ".join(f"{k}: {v}" for k, v in own.items() if k not in found)
            return found | group(text)

        return GraphQLObjectType(
            name,
            fields,
            interfaces=lambda: types.interfaces(
                parent for parent in names if parent in INTERFACES and parent != name
            ),
        )

    for entity_type in sorted(SDO_ENTITY_TYPES):
        types.add(entity(graphql_name(entity_type), entity_type, Family.SDO, ""))
    for entity_type in sorted(SCO_ENTITY_TYPES):
        types.add(entity(graphql_name(entity_type), entity_type, Family.SCO, ""))
    for entity_type in sorted(META_ENTITY_TYPES):
        types.add(entity(graphql_name(entity_type), entity_type, Family.META, META))
    known = f"{RELATION} {KNOWN} killChainPhases: [KillChainPhase]"
    types.add(
        entity(
            "StixCoreRelationship", "stix-core-relationship", Family.RELATIONSHIP, known
        )
    )
    types.add(entity("StixSightingRelationship", SIGHTING_TYPE, Family.SIGHTING, known))
    types.add(
        GraphQLObjectType(
            "StixRefRelationship",
            lambda: group(
                f"{RELATION} {REVISED} start_time: DateTime stop_time: DateTime"
            ),
            interfaces=lambda: types.interfaces(
                (
                    "StixObjectOrStixRelationship",
                    "BasicRelationship",
                    "StixRelationship",
                )
            ),
        )
    )


TYPED_ATTRIBUTES = {
    "coverage_information": "[CoverageInformation]",
    "hashes": "[Hash]",
}
TYPED_REFERENCES = {
    "killChainPhases": "KillChainPhase",
    "dataSource": "DataSource",
    "samples": "StixFile",
    "objectCovered": "StixCoreObject",
    "resultOf": "SecurityCoverage",
}


def _type_of(reference: Reference) -> str:
    name = TYPED_REFERENCES.get(reference.name, "StixObjectOrStixRelationship")
    return f"[{name}]" if reference.many else name


def _capitalised(name: str) -> str:
    return name[:1].upper() + name[1:]

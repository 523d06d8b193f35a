"""What people configure on a platform and connectors ask for by queries of their own: statuses, templates, the schema.

Nothing of it can be configured here: what is answered is what a fresh platform has.
"""

from collections.abc import Mapping
from typing import Any

from opencti_testbed.graphql.nodes import connection, status_of
from opencti_testbed.graphql.registry import ApiError, Registry
from opencti_testbed.stix.relations import between
from opencti_testbed.stix.types import SCO_ENTITY_TYPES, SDO_ENTITY_TYPES
from opencti_testbed.stix.workflow import STATUSES, TEMPLATES, template_id

TYPES = """
type SubType { id: ID! label: String statuses: [Status!]! workflowEnabled: Boolean }
type SubTypeEdge { node: SubType! cursor: String! }
type SubTypeConnection { edges: [SubTypeEdge!]! pageInfo: PageInfo! }
type StatusEdge { node: Status! cursor: String! }
type StatusConnection { edges: [StatusEdge!]! pageInfo: PageInfo! }
type StatusTemplateEdge { node: StatusTemplate! cursor: String! }
type StatusTemplateConnection { edges: [StatusTemplateEdge!]! pageInfo: PageInfo! }
type CaseTemplate { id: ID! name: String description: String }
type CaseTemplateEdge { node: CaseTemplate! cursor: String! }
type CaseTemplateConnection { edges: [CaseTemplateEdge!]! pageInfo: PageInfo! }
type TaxiiCollection { id: ID! name: String description: String filters: String }
type TaxiiCollectionEdge { node: TaxiiCollection! cursor: String! }
type TaxiiCollectionConnection { edges: [TaxiiCollectionEdge!]! pageInfo: PageInfo! }
type StixRelationshipSchema { key: String! values: [String!]! }
"""
_PAGE = "first: Int, after: ID, orderBy: Any, orderMode: OrderingMode, search: String, filters: FilterGroup"


def register(registry: Registry) -> None:
    """Register the fields."""
    registry.types(TYPES)
    registry.query("subType(id: String!): SubType")(
        lambda _, arguments: _sub_type(str(arguments["id"]))
    )
    registry.query("subTypes(type: String): SubTypeConnection")(
        lambda *_: connection([_sub_type(one) for one in _TYPES])
    )
    registry.query(f"statuses({_PAGE}): StatusConnection")(
        lambda *_: connection(
            [status_of(one.id) for steps in STATUSES.values() for one in steps]
        )
    )
    registry.query(f"statusTemplates({_PAGE}): StatusTemplateConnection")(_templates)
    # None is there, and none can be made.
    for name, node in (
        ("caseTemplates", "CaseTemplate"),
        ("taxiiCollections", "TaxiiCollection"),
    ):
        registry.query(f"{name}({_PAGE}): {node}Connection")(lambda *_: connection([]))
    registry.query("caseTemplate(id: String!): CaseTemplate")(lambda *_: None)
    registry.query("taxiiCollection(id: String!): TaxiiCollection")(lambda *_: None)
    registry.mutation("caseSetTemplate(id: ID!, caseTemplatesId: [ID!]!): Case")(
        _no_template
    )
    registry.query("schemaRelationsTypesMapping: [StixRelationshipSchema!]!")(
        lambda *_: [
            {"key": f"{source}_{target}", "values": list(found)}
            for source in _TYPES
            for target in _TYPES
            if (found := between(source, target))
        ]
    )


_TYPES = sorted(SDO_ENTITY_TYPES | SCO_ENTITY_TYPES)


def _sub_type(entity_type: str) -> dict[str, Any] | None:
    if entity_type not in _TYPES:
        return None
    return {
        "id": entity_type,
        "label": entity_type,
        "statuses": [status_of(one.id) for one in STATUSES.get(entity_type, ())],
        "workflowEnabled": entity_type in STATUSES,
    }


def _templates(*_: Any) -> dict[str, Any]:
    return connection(
        [
            {"id": template_id(name), "name": name, "color": color}
            for name, color in TEMPLATES.items()
        ]
    )


def _no_template(_: Any, arguments: Mapping[str, Any]) -> None:
    wanted = ", ".join(map(str, arguments["caseTemplatesId"])) or "none given"
    raise ApiError("FUNCTIONAL_ERROR", f"There is no such case template: {wanted}")

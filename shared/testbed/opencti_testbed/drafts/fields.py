"""GraphQL fields about draft workspaces."""

from collections.abc import Mapping
from typing import Any

from opencti_testbed.drafts.ingestion import approve
from opencti_testbed.drafts.workspaces import DraftLocked
from opencti_testbed.graphql.nodes import connection
from opencti_testbed.graphql.platform import Platform
from opencti_testbed.graphql.registry import ApiError, Registry
from opencti_testbed.graphql.works import shown

TYPES = """
type DraftWorkspace { id: ID! name: String entity_id: String entity_type: String draft_status: String
    created_at: DateTime updated_at: DateTime }
"""


def register(registry: Registry) -> None:
    """Register the fields."""
    registry.types(TYPES)
    registry.query("draftWorkspace(id: String!): DraftWorkspace")(
        lambda p, a: p.drafts.get(str(a["id"]))
    )
    registry.query(
        "draftWorkspaces(first: Int, after: ID, orderBy: DraftWorkspacesOrdering, orderMode: OrderingMode,"
        " filters: FilterGroup, search: String): DraftWorkspaceConnection"
    )(lambda p, _: connection(p.drafts.all()))
    registry.mutation(
        "draftWorkspaceAdd(input: DraftWorkspaceAddInput!): DraftWorkspace"
    )(_add)
    registry.mutation("draftWorkspaceValidate(id: ID!): Work")(_validate)
    registry.mutation("draftWorkspaceDelete(id: ID!): ID")(_delete)


def _add(platform: Platform, arguments: Mapping[str, Any]) -> dict[str, Any]:
    given = arguments.get("input") or {}
    if not given.get("name"):
        raise ApiError("BAD_USER_INPUT", "A draft workspace needs a name")
    entity_id = given.get("entity_id")
    return platform.drafts.add(
        str(given["name"]),
        str(entity_id) if entity_id else None,
        platform.caller.user_id,
    )


def _validate(platform: Platform, arguments: Mapping[str, Any]) -> dict[str, Any]:
    try:
        work_id = approve(
            platform.drafts, str(arguments["id"]), platform.live, platform.worker
        )
    except DraftLocked as error:
        raise ApiError("DRAFT_LOCKED", str(error)) from error
    work = platform.live.works.get(work_id)
    return shown(platform.live, work) if work else {}


def _delete(platform: Platform, arguments: Mapping[str, Any]) -> str:
    draft_id = str(arguments["id"])
    try:
        platform.drafts.delete(draft_id)
    except DraftLocked as error:
        raise ApiError("DRAFT_LOCKED", str(error)) from error
    return draft_id

"""Works: opened, reported on, closed and read by connectors."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from opencti_testbed.graphql.filters import as_list
from opencti_testbed.graphql.nodes import connection
from opencti_testbed.graphql.registry import ApiError, FieldResolver, Registry
from opencti_testbed.store import Store, Works
from opencti_testbed.store.connectors import UnknownConnector
from opencti_testbed.store.works import WorkNotAlive

TYPES = """
type WorkTracking { import_expected_number: Int import_processed_number: Int }
type WorkMessage { timestamp: DateTime message: String sequence: Int source: String }
type Work { id: ID! name: String user: User timestamp: DateTime status: String event_source_id: String
    event_type: String received_time: DateTime processed_time: DateTime completed_time: DateTime
    connector: Anything draft_context: String is_multipart: Boolean tracking: WorkTracking messages: [WorkMessage]
    errors: [WorkMessage] }
"""
PAGE_SIZE = 50
Action = Callable[[Works, str, Mapping[str, Any]], None]
# Each action is a field below `workEdit(id)`, with the arguments that it takes.
ACTIONS: dict[str, tuple[str, Action]] = {
    "ping": ("", lambda works, work, _: works.touch(work)),
    "delete": ("", lambda works, work, _: works.delete(work)),
    "toReceived": (
        "(message: String)",
        lambda works, work, a: works.received(work, a.get("message")),
    ),
    "toProcessed": (
        "(message: String, inError: Boolean)",
        lambda works, work, a: works.processed(
            work, a.get("message"), bool(a.get("inError"))
        ),
    ),
    "addExpectations": (
        "(expectations: Int)",
        lambda works, work, a: works.expect(work, int(a.get("expectations") or 0)),
    ),
    "reportExpectation": (
        "(error: WorkErrorInput)",
        lambda works, work, a: works.report(work, a.get("error")),
    ),
    "addDraftContext": (
        "(draftContext: String)",
        lambda works, work, a: works.set_draft(work, a.get("draftContext")),
    ),
}


@dataclass(frozen=True, slots=True)
class WorkEdit:
    """What the fields below `workEdit(id)` work on."""

    work_id: str


def register(registry: Registry) -> None:
    """Register everything about works."""
    registry.types(TYPES)
    registry.query("work(id: ID!): Work")(lambda p, a: _work(p.store, str(a["id"])))
    registry.query(
        "works(first: Int, after: ID, orderBy: WorksOrdering, orderMode: OrderingMode, filters: FilterGroup,"
        " search: String): WorkConnection"
    )(lambda p, a: _works(p.store, a))
    registry.query("isWorkAlive(id: ID!): Boolean")(
        lambda p, a: p.store.works.get(str(a["id"])) is not None
    )
    registry.mutation(
        "workAdd(connectorId: String!, friendlyName: String, isMultiPartWork: Boolean): Work"
    )(_add)
    registry.mutation("workEdit(id: ID!): WorkEditMutations")(
        lambda _, a: WorkEdit(str(a["id"]))
    )
    for name, (arguments, action) in ACTIONS.items():
        registry.on("WorkEditMutations", f"{name}{arguments}: ID")(_edit(action))


def shown(store: Store, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a work as the client expects it."""
    user = store.administration.get(store.user_id, "User")
    return {
        **row,
        "user": user,
        "event_source_id": row["connector_id"],
        "connector": {"id": row["connector_id"]},
        "draft_context": row["draft_id"],
        "is_multipart": bool(row["multipart"]),
        "tracking": {
            "import_expected_number": row["expected"],
            "import_processed_number": row["processed"],
        },
        "messages": store.works.messages(row["id"], errors=False),
        "errors": store.works.messages(row["id"], errors=True),
    }


def _work(store: Store, work_id: str) -> dict[str, Any] | None:
    row = store.works.get(work_id)
    return shown(store, row) if row else None


def _works(store: Store, arguments: Mapping[str, Any]) -> Any:
    filters = (arguments.get("filters") or {}).get("filters") or []
    ids = [
        str(value)
        for one in filters
        if "connector_id" in as_list(one.get("key"))
        for value in one.get("values") or []
    ]
    first = int(arguments.get("first") or PAGE_SIZE)
    offset = int(arguments.get("after") or 0)
    rows = store.works.page(ids, first + 1, offset)
    nodes = [shown(store, row) for row in rows[:first]]
    return connection(nodes, None, offset, len(rows) > first)


def _add(platform: Any, arguments: Mapping[str, Any]) -> Any:
    store = platform.store
    connector_id = str(arguments["connectorId"])
    try:
        store.connectors.require(connector_id)
    except UnknownConnector as error:
        raise ApiError("FUNCTIONAL_ERROR", str(error)) from error
    return shown(
        store,
        store.works.add(
            connector_id,
            arguments.get("friendlyName"),
            bool(arguments.get("isMultiPartWork")),
            platform.caller.user_id,
        ),
    )


def _edit(action: Action) -> FieldResolver:
    def resolve(platform: Any, edit: WorkEdit, arguments: Mapping[str, Any]) -> str:
        try:
            action(platform.store.works, edit.work_id, arguments)
        except WorkNotAlive as error:
            raise ApiError("WORK_NOT_ALIVE", str(error)) from error
        return edit.work_id

    return resolve

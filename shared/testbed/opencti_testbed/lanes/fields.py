"""GraphQL fields by which people ask connectors for work, and connectors answer steps of playbooks."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from opencti_testbed.files.fields import EDITED, LISTS
from opencti_testbed.files.keeping import GLOBAL, keep
from opencti_testbed.graphql.nodes import FileNode
from opencti_testbed.graphql.platform import Platform
from opencti_testbed.graphql.registry import ApiError, Registry
from opencti_testbed.graphql.works import shown
from opencti_testbed.graphql.writing import Edit
from opencti_testbed.ingest.worker import InvalidBundle, bundle_objects
from opencti_testbed.lanes.asking import NotAsked, Wish
from opencti_testbed.lanes.exports import Asked, Order
from opencti_testbed.lanes.playbooks import UnknownExecution

Answer = TypeVar("Answer")
IMPORT_OPTIONS = (
    "configuration: String, bypassEntityId: String, bypassValidation: Boolean, validationMode: ValidationMode,"
    " forceValidation: Boolean"
)


def register(registry: Registry) -> None:
    """Register the fields."""
    for name in EDITED:
        edits = f"{name}EditMutations"
        registry.on(edits, "askEnrichment(connectorId: ID!): Work")(
            lambda p, e, a: _enrich(p, e, [a["connectorId"]])[0]
        )
        registry.on(edits, "askEnrichments(connectorIds: [ID!]!): [Work!]")(
            lambda p, e, a: _enrich(p, e, a["connectorIds"])
        )
        registry.on(edits, f"exportAsk(input: {name}ExportAskInput!): [File!]")(
            _export_one
        )
    for name in LISTS:
        registry.mutation(f"{name}ExportAsk(input: {name}ExportAskInput!): [File!]")(
            _export_list
        )
    registry.mutation(
        f"askJobImport(fileName: ID!, connectorId: String, {IMPORT_OPTIONS}): File"
    )(_import)
    registry.mutation(
        "uploadAndAskJobImport(file: Upload!, fileMarkings: [String], connectors: [ConnectorWithConfig!],"
        " validationMode: ValidationMode, forceValidation: Boolean): File"
    )(_upload_and_import)
    registry.mutation(
        "playbookStepExecution(execution_id: ID!, event_id: ID!, execution_start: DateTime!, data_instance_id: ID!,"
        " playbook_id: ID!, previous_step_id: ID!, step_id: ID!, previous_bundle: String!, bundle: String!): Boolean"
    )(_answer_step)


def _asked(deed: Callable[[], Answer]) -> Answer:
    try:
        return deed()
    except NotAsked as error:
        raise ApiError("FUNCTIONAL_ERROR", str(error)) from error


def _wish(platform: Platform, configuration: Any = None) -> Wish:
    return Wish(
        platform.caller.user_id,
        draft_id=platform.caller.draft_id,
        configuration=None if configuration is None else str(configuration),
    )


def _enrich(
    platform: Platform, edit: Edit, connector_ids: list[Any]
) -> list[dict[str, Any]]:
    works = [
        _asked(
            lambda one=str(one): platform.lanes.enrichment.ask(  # type: ignore[misc]
                edit.any_id, one, _wish(platform), platform.store
            )
        )
        for one in connector_ids
    ]
    found = [platform.store.works.get(work_id) for work_id in works]
    return [shown(platform.store, work) for work in found if work]


# -- imports ----------------------------------------------------------------------------------------------------------


def _import(platform: Platform, arguments: Mapping[str, Any]) -> FileNode:
    file_id = str(arguments["fileName"])
    _asked(
        lambda: platform.lanes.imports.ask(
            file_id,
            arguments.get("connectorId"),
            wish=_wish(platform, arguments.get("configuration")),
            entity_id=arguments.get("bypassEntityId"),
            mode=arguments.get("validationMode"),
            bypass=bool(arguments.get("bypassValidation")),
            force=bool(arguments.get("forceValidation")),
        )
    )
    return FileNode(platform.store, platform.store.files.require(file_id))


def _upload_and_import(platform: Platform, arguments: Mapping[str, Any]) -> FileNode:
    file = keep(
        platform, GLOBAL, arguments["file"], markings=arguments.get("fileMarkings")
    )
    for one in arguments.get("connectors") or []:
        _asked(
            lambda one=one: platform.lanes.imports.ask(  # type: ignore[misc]
                file.id,
                str(one.get("connectorId")),
                wish=_wish(platform, one.get("configuration")),
                mode=arguments.get("validationMode"),
                force=bool(arguments.get("forceValidation")),
            )
        )
    return FileNode(platform.store, file)


# -- exports ----------------------------------------------------------------------------------------------------------


def _order(given: Mapping[str, Any], **more: Any) -> Order:
    return Order(
        format=str(given.get("format") or ""),
        export_type=str(given.get("exportType") or "simple"),
        content_max_markings=_texts(given.get("contentMaxMarkings")),
        file_markings=_texts(given.get("fileMarkings")),
        **more,
    )


def _texts(value: Any) -> tuple[str, ...]:
    found = value if isinstance(value, list) else [value]
    return tuple(str(one) for one in found if one)


def _promised(asked: list[Asked]) -> list[dict[str, Any]]:
    """Return the files that connectors were asked for, as far as they are known already."""
    return [
        {"id": one.file_id, "name": one.name, "uploadStatus": "progress"}
        for one in asked
    ]


def _export_one(
    platform: Platform, edit: Edit, arguments: Mapping[str, Any]
) -> list[dict[str, Any]]:
    order = _order(arguments["input"], entity_id=edit.any_id)
    return _promised(
        _asked(lambda: platform.lanes.exports.ask_single(order, _wish(platform)))
    )


def _export_list(
    platform: Platform, arguments: Mapping[str, Any]
) -> list[dict[str, Any]]:
    given = arguments["input"]
    context = given.get("exportContext") or {}
    order = _order(
        given,
        entity_type=str(context.get("entity_type") or "Stix-Core-Object"),
        entity_id=context.get("entity_id"),
        selected_ids=_texts(given.get("selectedIds")),
        list_params={
            key: given.get(key) for key in ("search", "orderBy", "orderMode", "filters")
        },
    )
    return _promised(
        _asked(lambda: platform.lanes.exports.ask_list(order, _wish(platform)))
    )


# -- playbooks --------------------------------------------------------------------------------------------------------


def _answer_step(platform: Platform, arguments: Mapping[str, Any]) -> bool:
    bundle = str(arguments["bundle"])
    try:
        bundle_objects(bundle)
        step = platform.lanes.steps.answered(str(arguments["execution_id"]), bundle)
        platform.worker.accept(step.connector_id, "Playbook", step.work_id, bundle)
    except (InvalidBundle, UnknownExecution) as error:
        raise ApiError("FUNCTIONAL_ERROR", str(error)) from error
    return True

"""GraphQL fields about files: uploads, what connectors exported, lists of files."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from opencti_testbed.files.keeping import GLOBAL, PENDING, attach, keep
from opencti_testbed.files.multipart import Upload
from opencti_testbed.graphql.nodes import EntityNode, FileNode, connection
from opencti_testbed.graphql.platform import Platform
from opencti_testbed.graphql.registry import ApiError, Registry
from opencti_testbed.graphql.works import shown
from opencti_testbed.graphql.writing import Edit, Writer
from opencti_testbed.stix.types import SCO_ENTITY_TYPES, SDO_ENTITY_TYPES
from opencti_testbed.store.files import RefusedFile, StoredFile
from opencti_testbed.store.objects import Stored

IMPORT_PUSH = (
    "importPush(file: Upload!, fileMarkings: [String], version: DateTime, noTriggerImport: Boolean,"
    " embedded: Boolean): File"
)
EXPORT_PUSH = "exportPush(file: Upload!, file_markings: [String]!): Boolean"
LISTS = ("stixDomainObjects", "stixCyberObservables", "stixCoreObjects")
# What a list of exports can be of, besides the types themselves.
LISTED = SDO_ENTITY_TYPES | SCO_ENTITY_TYPES | {"Stix-Core-Object"}
LISTED |= {"Stix-Domain-Object", "Stix-Cyber-Observable", "Container", "Identity"}
LISTED |= {"Location", "Threat-Actor", "Case", "stix-core-relationship"}
HASHES = {
    "MD5": "md5",
    "SHA-1": "sha1",
    "SHA-256": "sha256",
    "SHA-512": "sha512",
}
EDITED = ("StixCoreObject", "StixDomainObject", "StixCyberObservable")


def register(registry: Registry) -> None:
    """Register the fields."""
    _register_reading(registry)
    registry.mutation("uploadImport(file: Upload!, fileMarkings: [String]): File")(
        _upload_import
    )
    registry.mutation(
        "uploadPending(file: Upload!, entityId: String, labels: [String], errorOnExisting: Boolean,"
        " file_markings: [String!]): File"
    )(_upload_pending)
    registry.mutation("deleteImport(fileName: String): Boolean")(_delete)
    registry.mutation(
        "artifactImport(file: Upload!, x_opencti_description: String, createdBy: String, objectMarking: [String],"
        " objectLabel: [String]): Artifact"
    )(_import_artifact)
    for name in LISTS:
        registry.mutation(
            f"{name}ExportPush(entity_id: String, entity_type: String!, file: Upload!, file_markings: [String]!,"
            " listFilters: String): Boolean"
        )(_push_list)
    for name in (*EDITED, "ExternalReference"):
        registry.on(f"{name}EditMutations", IMPORT_PUSH)(_import_push)
    for name in EDITED:
        registry.on(f"{name}EditMutations", EXPORT_PUSH)(_push_one)
    registry.on(
        "StixCoreObjectEditMutations",
        "analysisPush(file: Upload!, contentSource: String!, contentType: AnalysisContentType!,"
        " analysisType: String!): File",
    )(_push_analysis)


def edited(platform: Platform, edit: Edit) -> Stored:
    """Return the entity below whose edit field a field stands.

    Raises:
        ApiError: there is none.
    """
    stored = platform.store.objects.get(edit.any_id)
    if stored is None:
        raise ApiError("FUNCTIONAL_ERROR", f"Cannot find {edit.any_id} to edit it")
    return stored


# -- reading ----------------------------------------------------------------------------------------------------------


def _register_reading(registry: Registry) -> None:
    registry.on("File", "works: [Work]")(
        lambda platform, node, _: [
            shown(platform.store, work)
            for work_id in platform.store.files.works(node.file.id)
            if (work := platform.store.works.get(work_id))
        ]
    )
    registry.query("file(id: String!): File")(
        lambda p, a: _node(p, p.store.files.get(str(a["id"])))
    )
    for name, folder in (("importFiles", GLOBAL), ("pendingFiles", PENDING)):
        registry.query(f"{name}(first: Int, after: ID): FileConnection")(_list(folder))
    for name in LISTS:
        registry.query(
            f"{name}ExportFiles(exportContext: ExportContext, first: Int): FileConnection"
        )(_exports)


def _node(platform: Platform, file: StoredFile | None) -> FileNode | None:
    return FileNode(platform.store, file) if file else None


def _nodes(platform: Platform, files: Iterable[StoredFile]) -> dict[str, Any]:
    return connection([FileNode(platform.store, file) for file in files])


def _list(folder: str) -> Any:
    def resolve(platform: Platform, arguments: Mapping[str, Any]) -> dict[str, Any]:
        most = int(arguments.get("first") or 500)
        return _nodes(platform, platform.store.files.within(folder, most))

    return resolve


def _exports(platform: Platform, arguments: Mapping[str, Any]) -> dict[str, Any]:
    context = arguments.get("exportContext") or {}
    folder = _export_folder(
        platform,
        str(context.get("entity_type") or "Stix-Core-Object"),
        context.get("entity_id"),
    )[0]
    most = int(arguments.get("first") or 500)
    found = platform.store.files.within(folder, most)
    # Files of single entities of the type lie below.
    return _nodes(platform, (file for file in found if file.folder == folder))


# -- uploads ----------------------------------------------------------------------------------------------------------


def _upload_import(platform: Platform, arguments: Mapping[str, Any]) -> FileNode:
    file = keep(
        platform, GLOBAL, arguments["file"], markings=arguments.get("fileMarkings")
    )
    platform.lanes.imports.arrived(file, platform.caller.user_id)
    return FileNode(platform.store, file)


def _upload_pending(platform: Platform, arguments: Mapping[str, Any]) -> FileNode:
    context = None
    if arguments.get("entityId"):
        context = edited(platform, Edit(str(arguments["entityId"]), ()))
    file = keep(
        platform,
        PENDING,
        arguments["file"],
        of=context,
        markings=arguments.get("file_markings"),
    )
    return FileNode(platform.store, file)


def _import_push(
    platform: Platform, edit: Edit, arguments: Mapping[str, Any]
) -> FileNode:
    stored = edited(platform, edit)
    return FileNode(
        platform.store, attach(platform, stored, arguments["file"], arguments)
    )


def _delete(platform: Platform, arguments: Mapping[str, Any]) -> bool:
    try:
        platform.store.files.delete(str(arguments.get("fileName") or ""))
    except RefusedFile as error:
        raise ApiError("FUNCTIONAL_ERROR", str(error)) from error
    return True


def _import_artifact(
    platform: Platform, arguments: Mapping[str, Any]
) -> EntityNode | None:
    sent = arguments["file"]
    if not isinstance(sent, Upload):
        raise ApiError("BAD_USER_INPUT", "Send a file as a part of a multipart request")
    given = {
        **{k: v for k, v in arguments.items() if k != "file"},
        "mime_type": sent.mime_type or None,
        "x_opencti_additional_names": [sent.name] if sent.name else [],
        "hashes": [
            {"algorithm": name, "hash": hashlib.new(known_as, sent.content).hexdigest()}
            for name, known_as in HASHES.items()
        ],
    }
    writer = Writer(platform.store, platform.upserter)
    node = writer.create("Artifact", given)
    if node is not None:
        attach(platform, node.stored, sent, {})
    return node


# -- what connectors exported -----------------------------------------------------------------------------------------


def _push_one(platform: Platform, edit: Edit, arguments: Mapping[str, Any]) -> bool:
    stored = edited(platform, edit)
    keep(
        platform,
        f"export/{stored.entity_type}/{stored.internal_id}",
        arguments["file"],
        of=stored,
        markings=arguments.get("file_markings"),
    )
    return True


def _push_list(platform: Platform, arguments: Mapping[str, Any]) -> bool:
    folder, context = _export_folder(
        platform, str(arguments["entity_type"]), arguments.get("entity_id")
    )
    keep(
        platform,
        folder,
        arguments["file"],
        of=context,
        markings=arguments.get("file_markings"),
    )
    return True


def _export_folder(
    platform: Platform, entity_type: str, entity_id: Any
) -> tuple[str, Stored | None]:
    if entity_type not in LISTED:
        raise ApiError("BAD_USER_INPUT", f"{entity_type!r} is no type of entities")
    if not entity_id:
        return f"export/{entity_type}", None
    context = edited(platform, Edit(str(entity_id), ()))
    return f"export/{entity_type}/{context.internal_id}", context


def _push_analysis(
    platform: Platform, edit: Edit, arguments: Mapping[str, Any]
) -> FileNode:
    stored = edited(platform, edit)
    folder = f"analysis/{stored.entity_type}/{stored.internal_id}"
    return FileNode(
        platform.store, keep(platform, folder, arguments["file"], of=stored)
    )

"""What is done with a file that arrives: put where it belongs, connectors that read such files are told."""

from collections.abc import Iterable, Mapping
from typing import Any

from opencti_testbed.files.multipart import Upload
from opencti_testbed.graphql.platform import Platform
from opencti_testbed.graphql.registry import ApiError
from opencti_testbed.store.files import RefusedFile, StoredFile
from opencti_testbed.store.objects import Stored

GLOBAL, PENDING = "import/global", "import/pending"


def keep(
    platform: Platform,
    folder: str,
    sent: Any,
    *,
    of: Stored | None = None,
    markings: Iterable[Any] | None = None,
    version: str | None = None,
) -> StoredFile:
    """Keep an uploaded file, of an entity or of none.

    Raises:
        ApiError: no file was sent, or its name is refused.
    """
    if not isinstance(sent, Upload):
        raise ApiError("BAD_USER_INPUT", "Send a file as a part of a multipart request")
    try:
        return platform.store.files.put(
            folder,
            sent.name,
            sent.content,
            user_id=platform.caller.user_id,
            mime_type=sent.mime_type or None,
            entity_id=of.internal_id if of else None,
            markings=markings or (),
            version=version,
        )
    except RefusedFile as error:
        raise ApiError("BAD_USER_INPUT", str(error)) from error


def attach(
    platform: Platform, stored: Stored, sent: Any, details: Mapping[str, Any]
) -> StoredFile:
    """Attach a file to an entity; unless told otherwise, connectors are asked to import it.

    Args:
        details: `fileMarkings`, `version`, `noTriggerImport`, `embedded`, as `importPush` takes them.

    Raises:
        ApiError: no file was sent, or its name is refused.
    """
    place = "embedded" if details.get("embedded") else "import"
    file = keep(
        platform,
        f"{place}/{stored.entity_type}/{stored.internal_id}",
        sent,
        of=stored,
        markings=details.get("fileMarkings"),
        version=details.get("version"),
    )
    if not details.get("noTriggerImport") and place == "import":
        platform.lanes.imports.arrived(file, platform.caller.user_id)
    return file


def attach_sent_with(
    platform: Platform, stored: Stored, given: Mapping[str, Any]
) -> None:
    """Attach the files that were sent with the creation of an entity: `files`, and lists of the same length about them.

    Raises:
        ApiError: a file is none, or its name is refused.
    """
    markings = given.get("filesMarkings") or []
    for index, sent in enumerate(given.get("files") or []):
        details = {
            "fileMarkings": markings[index] if index < len(markings) else None,
            "noTriggerImport": _of(given.get("noTriggerImport"), index),
            "embedded": _of(given.get("embedded"), index),
        }
        attach(platform, stored, sent, details)


def _of(value: Any, index: int) -> Any:
    if isinstance(value, list):
        return value[index] if index < len(value) else None
    return value

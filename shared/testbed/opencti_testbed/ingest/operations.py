"""Objects of a bundle that ask for something else than to be stored.

Source: what the platform's importer obeys: `opencti_operation` in OpenCTI's extension or at the root of an object, with
`merge_target_id` and `merge_source_ids`, or `opencti_field_patch` (a list of `{key, value, operation}`).
"""

import sqlite3
from collections.abc import Mapping
from typing import Any

from opencti_testbed.graphql.inputs import Inputs, apply_change
from opencti_testbed.graphql.registry import ApiError
from opencti_testbed.ingest.edit import Editor
from opencti_testbed.ingest.normalise import EXTENSIONS, InvalidObject
from opencti_testbed.stix.values import conform
from opencti_testbed.store.objects import Objects, Stored

OPERATION = "opencti_operation"


def said(raw: Mapping[str, Any], name: str) -> Any:
    """Return what an object says in one of OpenCTI's extensions, or else at its root; None when it says nothing."""
    extensions = raw.get("extensions")
    if isinstance(extensions, Mapping):
        for extension in EXTENSIONS:
            content = extensions.get(extension)
            if isinstance(content, Mapping) and content.get(name) is not None:
                return content[name]
    return raw.get(name)


class Operations:
    """Carries out what objects ask for, in the writer's open transaction."""

    def __init__(self, objects: Objects, editor: Editor) -> None:
        """Bind to the stored objects and to what edits them."""
        self._objects = objects
        self._editor = editor

    def carry_out(
        self, connection: sqlite3.Connection, operation: Any, raw: Mapping[str, Any]
    ) -> tuple[str, bool]:
        """Delete, merge or patch what an object of a bundle names.

        Returns:
            (entity type, whether anything changed).

        Raises:
            ValueError: another operation, or something that it needs is not there; the message says which.
        """
        if operation in ("delete", "delete_force"):
            stored = self._found(connection, raw.get("id"))
            self._editor.delete(connection, stored.pk)
            return stored.entity_type, True
        if operation == "merge":
            return self._merge(connection, raw)
        if operation == "patch":
            return self._patch(connection, raw)
        raise InvalidObject(f"{OPERATION} {operation!r} is not supported here")

    def _found(self, connection: sqlite3.Connection, any_id: Any) -> Stored:
        known = None
        if isinstance(any_id, str):
            known = self._objects.resolve_for_writing(connection, any_id)
        if known is None:
            raise InvalidObject(f"{any_id} cannot be found")
        return self._objects.stored(connection, known[0])

    def _merge(
        self, connection: sqlite3.Connection, raw: Mapping[str, Any]
    ) -> tuple[str, bool]:
        sources = said(raw, "merge_source_ids")
        if not isinstance(sources, list) or not sources:
            raise InvalidObject("merge without merge_source_ids")
        target = self._found(connection, said(raw, "merge_target_id"))
        swallowed = [self._found(connection, one).pk for one in sources]
        self._editor.merge(connection, target.pk, swallowed)
        return target.entity_type, True

    def _patch(
        self, connection: sqlite3.Connection, raw: Mapping[str, Any]
    ) -> tuple[str, bool]:
        changes = said(raw, "opencti_field_patch")
        if not isinstance(changes, list) or not all(
            isinstance(one, Mapping) for one in changes
        ):
            raise InvalidObject("patch without opencti_field_patch, a list of changes")
        # The internal id in the extension comes first: the other may be the one after the change.
        extension = {"extensions": raw.get("extensions")}
        stored = self._found(connection, said(extension, "id") or raw.get("id"))
        data, inputs = dict(stored.data), Inputs(self._objects, connection)
        try:
            for change in changes:
                apply_change(inputs, stored.entity_type, data, change)
        except ApiError as error:
            raise InvalidObject(str(error)) from error
        conform(stored.entity_type, data)
        changed = self._editor.replace(connection, stored.pk, data)
        return stored.entity_type, changed

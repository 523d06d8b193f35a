"""Asking connectors to import a file: because somebody wants it, or because the file has just arrived."""

import re
from typing import Any
from urllib.parse import quote

from opencti_testbed.lanes.asking import Asking, NotAsked, Wish, in_scope
from opencti_testbed.store import Store
from opencti_testbed.store.files import StoredFile

KIND = "INTERNAL_IMPORT_FILE"
MODES = ("draft", "workbench")
# Characters of a name that would end or change an address; spaces are left to the client, as the platform does.
_BREAKING = re.compile(r"[%?#]")


class FileImports:
    """Makes import requests."""

    def __init__(self, store: Store, asking: Asking) -> None:
        """Bind to the store and to what makes requests."""
        self._store = store
        self._asking = asking

    def arrived(self, file: StoredFile, user_id: str) -> list[str]:
        """Ask all connectors that import files of its type by themselves; return the ids of the works."""
        wanting = [c for c in self._fitting(file, file.entity_id) if c.get("auto")]
        wish = Wish(user_id, trigger="update", mode="auto")
        return [self._ask(connector, file, wish) for connector in wanting]

    def ask(
        self,
        file_id: str,
        connector_id: str | None,
        *,
        wish: Wish,
        entity_id: str | None = None,
        mode: str | None = None,
        bypass: bool = False,
        force: bool = False,
    ) -> list[str]:
        """Ask one connector, or all that read such files, to import a file; return the ids of the works.

        Args:
            entity_id: the entity in whose context it is imported; default: the one that the file belongs to.
            mode: what becomes of the findings, `draft` or `workbench`; default `draft`.
            bypass: import at once, whatever the mode.
            force: validate even if the connector is not configured to.

        Raises:
            NotAsked: there is no such file, entity, connector or mode, or they do not fit.
        """
        file = self._store.files.get(file_id)
        if file is None:
            raise NotAsked(f"There is no file {file_id}")
        if mode is not None and mode not in MODES:
            raise NotAsked(f"{mode!r} is none of the modes {', '.join(MODES)}")
        context = file.entity_id
        if entity_id:
            stored = self._store.objects.get(entity_id)
            if stored is None:
                raise NotAsked(f"There is no entity {entity_id}")
            context = stored.internal_id
        if connector_id:
            connector = self._asking.connector(connector_id, KIND)
            _check(connector, file, context)
            connectors = [connector]
        else:
            connectors = self._fitting(file, context)
            if not connectors:
                raise NotAsked(f"No connector imports {file.mime_type}")
        return [
            self._ask(
                connector,
                file,
                wish,
                entity_id=context,
                validation_mode=mode or MODES[0],
                bypass_validation=bypass,
                force_validation=force,
            )
            for connector in connectors
        ]

    def _fitting(self, file: StoredFile, context: str | None) -> list[dict[str, Any]]:
        return [
            connector
            for connector in self._asking.alive(KIND)
            if in_scope(connector, file.mime_type)
            and (context or not connector.get("only_contextual"))
        ]

    def _ask(
        self, connector: dict[str, Any], file: StoredFile, wish: Wish, **more: Any
    ) -> str:
        event = {
            "event_type": KIND,
            "file_id": file.id,
            "file_mime": file.mime_type,
            "file_markings": list(file.markings),
            "file_fetch": "/storage/get/"
            + _BREAKING.sub(lambda found: quote(found.group()), file.id),
            "entity_id": file.entity_id,
            "validation_mode": MODES[0],
            "bypass_validation": False,
            "force_validation": False,
            **more,
        }
        return self._asking.ask(connector, f"Import {file.name}", event, wish, file.id)


def _check(connector: dict[str, Any], file: StoredFile, context: str | None) -> None:
    """Raise NotAsked unless a connector reads such a file."""
    if not in_scope(connector, file.mime_type):
        raise NotAsked(
            f"{file.mime_type} is not in the scope of {connector['name']}: {', '.join(connector['scope'])}"
        )
    if connector.get("only_contextual") and not context:
        raise NotAsked(
            f"{connector['name']} imports files only in the context of an entity"
        )

"""What a connector that is asked for work is asked for during `testbed run`."""

import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import requests

from opencti_testbed.process import TestbedProcess

IMPORT = """mutation Import($file: Upload!, $connectors: [ConnectorWithConfig!]) {
  uploadAndAskJobImport(file: $file, connectors: $connectors) { id }
}"""
EXPORT = """mutation Export($input: StixCoreObjectsExportAskInput!) {
  stixCoreObjectsExportAsk(input: $input) { id }
}"""
PATIENCE_SECONDS = 60


class NotAsked(ValueError):
    """The connector cannot be asked for this; the text says why."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is wanted of the connector.

    Attributes:
        enrich: ids or names of entities.
        files: files to import.
        formats: MIME types to export everything in.
    """

    enrich: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    formats: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.enrich or self.files or self.formats)

    def ask(self, platform: TestbedProcess, connector_id: str) -> list[str]:
        """Ask a registered connector for everything; return the ids of the works.

        Raises:
            NotAsked: the platform refuses, a file cannot be read, or an entity is not known.
        """
        before = _works(platform, connector_id)
        try:
            for wanted in self.enrich:
                body = {
                    "entity_id": _entity(platform, wanted),
                    "connector_id": connector_id,
                }
                _post(platform, "testbed/enrich", json=body)
            for path in self.files:
                _import(platform, connector_id, path)
            for kind in self.formats:
                order = {"format": kind, "exportType": "simple"}
                query = {"query": EXPORT, "variables": {"input": order}}
                _post(platform, "graphql", json=query)
        except (OSError, requests.RequestException) as error:
            raise NotAsked(str(error)) from error
        return [one for one in _works(platform, connector_id) if one not in before]


def _works(platform: TestbedProcess, connector_id: str) -> list[str]:
    """Return the ids of a connector's works, the oldest first."""
    works = reversed(platform.works())
    return [work["id"] for work in works if work["connector_id"] == connector_id]


def _entity(platform: TestbedProcess, wanted: str) -> str:
    """Return the id of an entity that is named by its id or its name."""
    if "--" in wanted:
        return wanted
    # The search is for names that contain the text.
    found = platform.get("objects", search=wanted, limit=5000)["objects"]
    ids = [
        one["id"]
        for one in found
        if str(one.get("name") or one.get("value")).casefold() == wanted.casefold()
    ]
    if len(ids) > 1:
        raise NotAsked(f"Several entities are called {wanted}: {', '.join(ids)}")
    # What is no name may still be an id of the platform's own.
    return ids[0] if ids else wanted


def _import(platform: TestbedProcess, connector_id: str, path: Path) -> None:
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    variables = {"file": None, "connectors": [{"connectorId": connector_id}]}
    _post(
        platform,
        "graphql",
        data={
            "operations": orjson.dumps({"query": IMPORT, "variables": variables}),
            "map": b'{"0": ["variables.file"]}',
        },
        files={"0": (path.name, path.read_bytes(), kind)},
    )


def _post(platform: TestbedProcess, path: str, **content: Any) -> None:
    answer = requests.post(
        f"{platform.url}/{path}",
        headers={"Authorization": f"Bearer {platform.token}"},
        timeout=PATIENCE_SECONDS,
        **content,
    ).json()
    if isinstance(answer, Mapping) and (answer.get("errors") or answer.get("error")):
        errors = answer.get("errors")
        raise NotAsked(str(errors[0]["message"] if errors else answer["error"]))

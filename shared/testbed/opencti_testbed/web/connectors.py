"""Connectors: who is registered, with which settings, state and queue, and what they did lately."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from opencti_testbed.web import readable
from opencti_testbed.web.site import Gone, Site, see

LATELY = 10
# Members of a registration that are shown in a place of their own, or not at all.
NOT_LISTED = frozenset(
    {
        "id",
        "name",
        "type",
        "scope",
        "state",
        "state_reset",
        "info",
        "active",
        "created_at",
        "updated_at",
        "jwks",
    }
)
# What connectors tell of themselves with a ping.
INFO = (
    "buffering",
    "queue_threshold",
    "run_and_terminate",
    "last_run_datetime",
    "next_run_datetime",
)
METADATA = "__metadata__"


class Connectors:
    """Renders connectors."""

    def __init__(self, site: Site) -> None:
        """Bind to the site."""
        self._site = site
        self._store = site.platform.store

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            self._site.shows("/connectors", self.connectors),
            self._site.does("/connectors/{connector_id:path}/reset", self.reset),
            self._site.shows("/connectors/{connector_id:path}", self.connector),
        ]

    def connectors(self, request: Request) -> Response:
        """Who is registered."""
        rows = [
            {
                **self._with_queue(row),
                "work": next(
                    iter(self._site.works(self._store.works.page([row["id"]], 1))), None
                ),
            }
            for row in self._store.connectors.all()
        ]
        return self._site.page(request, "connectors.html", connectors=rows)

    def _with_queue(self, row: dict[str, Any]) -> dict[str, Any]:
        requests, since = self._site.browsing.requests(row["id"])
        backlog = self._store.queue.backlog(row["id"])
        return {
            **row,
            "info": {**dict.fromkeys(INFO), **(row["info"] or {})},
            "backlog": backlog,
            "queue_bytes": backlog.bytes + self._site.platform.extra_backlog(),
            "requests": requests,
            "requests_since": since,
        }

    def connector(self, request: Request) -> Response:
        """One connector."""
        row = self._store.connectors.get(request.path_params["connector_id"])
        if row is None:
            return self._site.missing(request, "connector")
        folder = dict(self._site.options.connector_folders).get(row["id"])
        return self._site.page(
            request,
            "connector.html",
            connector=self._with_queue(row),
            state=_state(row["state"]),
            registered=[
                (key, readable.shown(key, value))
                for key, value in row.items()
                if key not in NOT_LISTED and value not in (None, "", [])
            ],
            works=self._site.works(self._store.works.page([row["id"]], LATELY)),
            described=described(folder) if folder else None,
        )

    def reset(self, request: Request, _: FormData) -> Response:
        """Forget a connector's state."""
        connector_id = request.path_params["connector_id"]
        if self._store.connectors.get(connector_id) is None:
            raise Gone("connector")
        self._store.connectors.reset_state(connector_id)
        return see(f"/connectors/{quote(connector_id, safe='')}#state")


def _state(text: str | None) -> str:
    """Return a state for people; connectors keep JSON, but nobody makes them."""
    if not text or text == "null":
        return ""
    try:
        return readable.pretty(orjson.loads(text))
    except orjson.JSONDecodeError:
        return text


def described(folder: Path) -> dict[str, Any]:
    """Return what a connector's folder says of it: `manifest`, and the `settings` of its configuration schema.

    A file that is not there or cannot be read is told as absent.
    """
    manifest = _json(folder / METADATA / "connector_manifest.json")
    schema = _json(folder / METADATA / "connector_config_schema.json")
    required = schema.get("required") or ()
    properties = schema.get("properties") or {}
    return {
        "folder": folder.name,
        "manifest": manifest,
        "settings": [
            {
                "name": name,
                "type": _type_of(one),
                "required": name in required,
                "default": (
                    readable.compact(one["default"])
                    if one.get("default") is not None
                    else None
                ),
                "description": str(one.get("description") or ""),
            }
            for name, one in properties.items()
            if isinstance(one, dict)
        ],
    }


def _type_of(schema: dict[str, Any]) -> str:
    """Return the type of a setting in words: its type and format, or the values that it can have."""
    if schema.get("enum"):
        return " | ".join(map(readable.compact, schema["enum"]))
    kind = schema.get("type")
    if kind is None:
        alternatives = schema.get("anyOf") or schema.get("oneOf") or ()
        return " or ".join(
            _type_of(one) for one in alternatives if one.get("type") != "null"
        )
    words = " or ".join(map(str, kind)) if isinstance(kind, list) else str(kind)
    if isinstance(schema.get("items"), dict):
        words += f" of {_type_of(schema['items'])}"
    return f"{words} ({schema['format']})" if schema.get("format") else words


def _json(path: Path) -> dict[str, Any]:
    try:
        content = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return content if isinstance(content, dict) else {}

"""What the stream runtime asks the platform for besides the stream itself."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors_sdk.connectors.stream._reader import StreamRequest
from connectors_sdk.connectors.stream._scope import TypeScope
from connectors_sdk.connectors.stream.settings import StreamOptions
from connectors_sdk.settings.exceptions import ConfigValidationError, SettingProblem

# Streams that every platform has; they have no definition to ask for.
_BUILT_IN = ("live", "raw")
_PLACEHOLDERS = ("", "none", "null", "changeme")
_PAGE = 200
_AT_ONCE = 50
_SETTING = "connector.live_stream_id"
_STREAM = """
query StreamCollection($id: String!) {
    streamCollection(id: $id) { id name filters stream_live }
}
"""
# Lists of everything that a stream may tell of, and the types for which each is asked.
_LISTS = {
    "stixCoreObjects": None,
    "stixCoreRelationships": "stix-core-relationship",
    "stixSightingRelationships": "stix-sighting-relationship",
}


@dataclass(frozen=True)
class PlatformObject:
    """An object as the platform has it now.

    Attributes:
        id: the platform's id.
        entity_type: its type in OpenCTI.
        stix: the STIX object.
        size: of its JSON in bytes.
    """

    id: str
    entity_type: str
    stix: Mapping[str, Any]
    size: int


class StreamPlatform:
    """Asks the platform on behalf of a connector."""

    def __init__(self, helper: Any) -> None:
        """Take pycti's `OpenCTIConnectorHelper`."""
        self._helper = helper
        self.stream_id = str(helper.connect_live_stream_id or "").strip()

    def check_stream(self) -> None:
        """Check that there is such a stream.

        Raises:
            ConfigValidationError: there is not.
        """
        if self.stream_id.lower() in _PLACEHOLDERS:
            raise _wrong_stream(f"{self.stream_id!r} is no id of a live stream")
        if self.stream_id in _BUILT_IN:
            return
        if self._definition() is None:
            raise _wrong_stream(
                f"the platform has no live stream {self.stream_id!r}, or does not show it to this token"
            )

    def request(
        self, options: StreamOptions, recover_until: str | None
    ) -> StreamRequest:
        """Return what the stream is asked for."""
        helper, api = self._helper, self._helper.api
        headers = {
            name: value
            for name, value in api.request_headers.items()
            # Nothing that belongs to single calls of the API.
            if isinstance(value, str)
            and not name.lower().startswith(("opencti-", "content-"))
        }
        headers |= {
            "Accept": "text/event-stream",
            # Compression would hold events back until there is enough to compress.
            "Accept-Encoding": "identity",
            "Cache-Control": "no-cache",
            "listen-delete": _flag(helper.connect_live_stream_listen_delete, True),
            "no-dependencies": _flag(helper.connect_live_stream_no_dependencies, True),
            "with-inferences": _flag(helper.connect_live_stream_with_inferences, False),
        }
        return StreamRequest(
            url=f"{str(helper.opencti_url).rstrip('/')}/stream/{self.stream_id}",
            headers=headers,
            recover_until=recover_until,
            options={
                "verify": api.ssl_verify,
                "cert": api.cert,
                "proxies": api.proxies,
            },
            timeout=options.live_stream_timeout.total_seconds(),
        )

    def objects(self, scope: TypeScope) -> Iterator[PlatformObject]:
        """Yield the objects that the stream is about, page by page.

        Args:
            scope: only lists that may hold such types are read.
        """
        filters = self._filters()
        for field, relationship in _LISTS.items():
            if not scope.names or _is_asked(relationship, scope.names):
                yield from self._listed(field, filters)

    def current(self, platform_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return objects as they are now, by platform id. What is gone is not in it."""
        found: dict[str, dict[str, Any]] = {}
        for start in range(0, len(platform_ids), _AT_ONCE):
            part = platform_ids[start : start + _AT_ONCE]
            names = ", ".join(f"$i{n}: String!" for n in range(len(part)))
            fields = " ".join(f"o{n}: stix(id: $i{n})" for n in range(len(part)))
            answer = self._query(
                f"query Current({names}) {{ {fields} }}",
                {f"i{n}": platform_id for n, platform_id in enumerate(part)},
            )
            for number, platform_id in enumerate(part):
                text = answer.get(f"o{number}")
                if text:
                    found[platform_id] = json.loads(text)
        return found

    def _listed(self, field: str, filters: Any) -> Iterator[PlatformObject]:
        query = (
            "query StreamObjects($filters: FilterGroup, $first: Int, $after: ID) { "
            f"{field}(filters: $filters, first: $first, after: $after) "
            "{ edges { node { id entity_type toStix } } pageInfo { hasNextPage endCursor } } }"
        )
        after = None
        while True:
            variables = {"filters": filters, "first": _PAGE, "after": after}
            page = self._query(query, variables)[field]
            for edge in page["edges"]:
                node = edge["node"]
                text = node["toStix"]
                yield PlatformObject(
                    node["id"], node["entity_type"], json.loads(text), len(text)
                )
            if not page["pageInfo"]["hasNextPage"]:
                return
            after = page["pageInfo"]["endCursor"]

    def _filters(self) -> Any:
        if self.stream_id in _BUILT_IN:
            return None
        filters = (self._definition() or {}).get("filters")
        return json.loads(filters) if isinstance(filters, str) and filters else filters

    def _definition(self) -> dict[str, Any] | None:
        stream: dict[str, Any] | None = self._query(_STREAM, {"id": self.stream_id})[
            "streamCollection"
        ]
        return stream

    def _query(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self._helper.api.query(query, variables)["data"]
        return answer


def _flag(value: Any, default: bool) -> str:
    return str(default if value is None else bool(value)).lower()


def _wrong_stream(problem: str) -> ConfigValidationError:
    expected = "the id of a live stream of the platform (Data sharing > Live streams), or live for everything"
    return ConfigValidationError(problems=[SettingProblem(_SETTING, problem, expected)])


def _is_asked(relationship: str | None, names: list[str]) -> bool:
    relationships = {
        "relationship": "stix-core-relationship",
        "sighting": "stix-sighting-relationship",
    }
    asked = {relationships.get(name, name) for name in names}
    families = set(relationships.values())
    if relationship is not None:
        return relationship in asked
    return bool(asked - families)

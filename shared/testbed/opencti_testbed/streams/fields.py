"""GraphQL fields about streams: connectors ask for the one they listen to, people define, stop and remove them."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from opencti_testbed.graphql.execute import ApiError, Registry
from opencti_testbed.graphql.filters import as_list
from opencti_testbed.graphql.nodes import connection
from opencti_testbed.streams.collections import StreamCollection, StreamCollections

TYPES = """
type StreamCollection { id: ID! name: String description: String filters: String stream_live: Boolean
    stream_public: Boolean }
"""


def _boolean(value: Any) -> bool:
    # Values of a patch come as texts.
    return str(value).lower() in ("true", "1", "yes")


def _as_it_is(value: Any) -> Any:
    return value


# What can be changed of a stream, and how its value is read.
EDITABLE: dict[str, Callable[[Any], Any]] = {
    "name": str,
    "description": str,
    "filters": _as_it_is,
    "stream_live": _boolean,
    "stream_public": _boolean,
}


def _node(stream: StreamCollection) -> dict[str, Any]:
    return {
        "id": stream.id,
        "name": stream.name,
        "description": stream.description,
        "filters": orjson.dumps(stream.filters).decode() if stream.filters else None,
        "stream_live": stream.stream_live,
        "stream_public": stream.stream_public,
    }


def _streams(platform: Any) -> StreamCollections:
    return StreamCollections(platform.store.database)


def register(fields: Registry) -> None:
    """Register the fields."""
    fields.types(TYPES)

    @fields.query("streamCollection(id: String!): StreamCollection")
    def one(platform: Any, arguments: Mapping[str, Any]) -> Any:
        stream = _streams(platform).get(str(arguments["id"]))
        return None if stream is None else _node(stream)

    @fields.query("streamCollections")
    def many(platform: Any, _: Mapping[str, Any]) -> Any:
        return connection([_node(stream) for stream in _streams(platform).all()])

    @fields.mutation(
        "streamCollectionAdd(input: StreamCollectionAddInput!): StreamCollection"
    )
    def add(platform: Any, arguments: Mapping[str, Any]) -> Any:
        given = arguments["input"]
        try:
            stream = _streams(platform).add(
                str(given.get("name") or "A stream"),
                description=str(given.get("description") or ""),
                filters=given.get("filters"),
                live=_boolean(given.get("stream_live", True)),
            )
        except ValueError as error:
            raise ApiError("FUNCTIONAL_ERROR", str(error)) from error
        return _node(stream)

    fields.mutation("streamCollectionEdit(id: ID!): StreamCollectionEditMutations")(
        lambda _, arguments: str(arguments["id"])
    )
    edits = "StreamCollectionEditMutations"
    fields.on(edits, "fieldPatch(input: [EditInput]!): StreamCollection")(_patch)
    fields.on(edits, "delete: ID")(_delete)


def _patch(platform: Any, stream_id: str, arguments: Mapping[str, Any]) -> Any:
    values: dict[str, Any] = {}
    for change in as_list(arguments["input"]):
        key = str(change.get("key"))
        given = as_list(change.get("value"))
        if key not in EDITABLE:
            raise ApiError("FUNCTIONAL_ERROR", f"A stream has no {key!r} to change")
        values[key] = EDITABLE[key](given[0] if given else "")
    try:
        stream = _streams(platform).change(stream_id, **values)
    except ValueError as error:
        raise ApiError("FUNCTIONAL_ERROR", str(error)) from error
    if stream is None:
        raise ApiError("FUNCTIONAL_ERROR", f"There is no stream {stream_id}")
    return _node(stream)


def _delete(platform: Any, stream_id: str, _: Mapping[str, Any]) -> str:
    if not _streams(platform).remove(stream_id):
        raise ApiError("FUNCTIONAL_ERROR", f"There is no stream {stream_id}")
    return stream_id

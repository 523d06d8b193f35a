"""GraphQL fields about streams, as connectors ask for them."""

from collections.abc import Mapping
from typing import Any

from opencti_testbed.graphql.execute import ApiError, Registry
from opencti_testbed.graphql.nodes import connection
from opencti_testbed.streams.collections import StreamCollection, StreamCollections


def _node(stream: StreamCollection) -> dict[str, Any]:
    return {
        "id": stream.id,
        "name": stream.name,
        "description": stream.description,
        "filters": stream.filters or None,
        "stream_live": stream.stream_live,
        "stream_public": stream.stream_public,
    }


def register(fields: Registry) -> None:
    """Register the fields."""

    def streams_of(platform: Any) -> StreamCollections:
        return StreamCollections(platform.store.database)

    @fields.query("streamCollection")
    def one(platform: Any, arguments: Mapping[str, Any]) -> Any:
        stream = streams_of(platform).get(str(arguments.get("id", "")))
        return None if stream is None else _node(stream)

    @fields.query("streamCollections")
    def many(platform: Any, _: Mapping[str, Any]) -> Any:
        return connection([_node(stream) for stream in streams_of(platform).all()])

    @fields.mutation("streamCollectionAdd")
    def add(platform: Any, arguments: Mapping[str, Any]) -> Any:
        given = arguments.get("input") or {}
        try:
            stream = streams_of(platform).add(
                str(given.get("name") or "A stream"),
                description=str(given.get("description") or ""),
                filters=given.get("filters"),
                live=bool(given.get("stream_live", True)),
            )
        except ValueError as error:
            raise ApiError("FUNCTIONAL_ERROR", str(error)) from error
        return _node(stream)

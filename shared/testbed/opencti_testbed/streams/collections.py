"""The streams that are offered: the two that are always there, and those that somebody defined."""

import json
import uuid
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import orjson

from opencti_testbed.store.database import Database
from opencti_testbed.streams.matching import check

# Everything; `raw` hides nothing on a real platform either, here both tell the same.
BUILT_IN = ("live", "raw")
_KEY = "stream_collections"


@dataclass(frozen=True)
class StreamCollection:
    """A stream.

    Attributes:
        id: what a connector has in `CONNECTOR_LIVE_STREAM_ID`.
        name: for people.
        description: for people.
        filters: the FilterGroup that objects must pass; empty for all.
        stream_live: false when it is stopped.
        stream_public: whether it can be read without an account; kept, and not acted upon.
    """

    id: str
    name: str
    description: str = ""
    filters: dict[str, Any] = field(default_factory=dict)
    stream_live: bool = True
    stream_public: bool = False


class StreamCollections:
    """Keeps the definitions of streams."""

    def __init__(self, database: Database) -> None:
        """Bind to a database."""
        self._database = database

    def all(self) -> list[StreamCollection]:
        """Return the defined streams, oldest first."""
        known = json.loads(self._database.meta(_KEY) or "[]")
        return [StreamCollection(**entry) for entry in known]

    def get(self, stream_id: str) -> StreamCollection | None:
        """Return a stream; nothing, `live` and `raw` are the streams of everything."""
        if stream_id in ("", *BUILT_IN):
            return StreamCollection(stream_id or "live", stream_id or "live")
        return next((s for s in self.all() if s.id == stream_id), None)

    def add(
        self,
        name: str,
        *,
        description: str = "",
        filters: Any = None,
        stream_id: str | None = None,
        live: bool = True,
    ) -> StreamCollection:
        """Define a stream.

        Args:
            name: for people.
            description: for people.
            filters: a FilterGroup, or its JSON text.
            stream_id: its id; a new one when absent.
            live: whether it runs.

        Raises:
            ValueError: the filters are no FilterGroup, or the id is taken.
        """
        stream = StreamCollection(
            stream_id or str(uuid.uuid4()),
            name,
            description,
            _filter_group(filters),
            live,
        )
        if self.get(stream.id) is not None:
            raise ValueError(f"There is a stream {stream.id} already")
        self._keep([*self.all(), stream])
        return stream

    def change(self, stream_id: str, **values: Any) -> StreamCollection | None:
        """Change attributes of a stream; return it, None when there is none."""
        if "filters" in values:
            values["filters"] = _filter_group(values["filters"])
        changed = None
        streams = []
        for stream in self.all():
            if stream.id == stream_id:
                stream = changed = replace(stream, **values)
            streams.append(stream)
        self._keep(streams)
        return changed

    def remove(self, stream_id: str) -> bool:
        """Remove a stream; return whether it was there."""
        streams = self.all()
        left = [stream for stream in streams if stream.id != stream_id]
        self._keep(left)
        return len(left) < len(streams)

    def _keep(self, streams: list[StreamCollection]) -> None:
        self._database.set_meta(
            _KEY, orjson.dumps([asdict(stream) for stream in streams]).decode()
        )


def _filter_group(filters: Any) -> dict[str, Any]:
    if isinstance(filters, str):
        try:
            filters = json.loads(filters) if filters.strip() else {}
        except json.JSONDecodeError as error:
            raise ValueError(f"The filters are no JSON: {error}") from error
    if filters in (None, [], {}):
        return {}
    if not isinstance(filters, dict) or not {"filters", "filterGroups"} & set(filters):
        raise ValueError("Filters are {mode, filters: [...], filterGroups: [...]}")
    check(filters)
    return filters

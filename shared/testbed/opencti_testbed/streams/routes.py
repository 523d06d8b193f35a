"""`GET /stream` and `GET /stream/<id>`.

Source: what pycti's `listen_stream` sends and reads; the frames are those of the HTML standard, section 9.2.
"""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from opencti_testbed.admin import json_response
from opencti_testbed.store import Store
from opencti_testbed.store.database import timestamp
from opencti_testbed.streams.collections import StreamCollections
from opencti_testbed.streams.frames import frame
from opencti_testbed.streams.position import Position, milliseconds
from opencti_testbed.streams.reader import Reader, Wishes

# pycti gives up when nothing with an id comes for 45 s.
HEARTBEAT_SECONDS = 5.0
POLL_SECONDS = 0.05
# How long a client waits before it comes back, milliseconds.
RETRY = 1000


class Listeners:
    """The open streams: how many there are, and whether they shall end."""

    def __init__(self) -> None:
        """Begin with none."""
        self.open: dict[str, dict[str, Any]] = {}
        self.closing = False

    def close(self) -> None:
        """Let all streams end at their next moment of rest."""
        self.closing = True


def wishes_of(request: Request) -> Wishes:
    """Read what a listener asks for.

    Raises:
        ValueError: a position or date cannot be read.
    """
    headers, query = request.headers, request.query_params
    recover = (query.get("recover") or headers.get("recover-date") or "").strip()
    return Wishes(
        start=Position.parse(headers.get("last-event-id") or query.get("from")),
        recover_until=_instant(recover) if recover else None,
        deletes=_flag(headers.get("listen-delete"), True),
        dependencies=not _flag(headers.get("no-dependencies"), True),
    )


def _instant(text: str) -> int:
    """Return an instant in milliseconds since 1970.

    Raises:
        ValueError: the text is no instant, or one that cannot be written in UTC.
    """
    until = milliseconds(text)
    _ = Position(until).at
    return until


def _flag(text: str | None, default: bool) -> bool:
    return default if text is None else text.strip().lower() not in ("false", "0", "no")


async def events(
    reader: Reader,
    store: Store,
    listeners: Listeners,
    heartbeat: float,
    *,
    cut: Callable[[int], bool],
    is_offered: Callable[[], bool],
) -> AsyncIterator[bytes]:
    """Yield frames until the client goes or the platform stops.

    Or until `cut(number of events sent)` is true, or the stream is not offered any longer as it was.
    """
    connection_id = str(uuid.uuid4())
    hello = {
        **await run_in_threadpool(_bounds, store),
        "connectionId": connection_id,
    }
    listeners.open[connection_id] = {"since": timestamp(), "sent": 0}
    try:
        yield frame("connected", hello, retry=RETRY)
        beaten = 0.0
        while not listeners.closing:
            page = await run_in_threadpool(reader.next_frames)
            for sent in page:
                yield sent
                listeners.open[connection_id]["sent"] += 1
                if cut(listeners.open[connection_id]["sent"]):
                    return
            if time.monotonic() - beaten >= heartbeat:
                beaten = time.monotonic()
                if not await run_in_threadpool(is_offered):
                    return  # the client comes back and is told what it is now
                yield frame("heartbeat", timestamp(), reader.position)
            if reader.at_end:
                await asyncio.sleep(POLL_SECONDS)
    finally:
        listeners.open.pop(connection_id, None)


def _bounds(store: Store) -> dict[str, str]:
    """Return where the journal begins and ends, as the platform greets a listener with."""
    found = store.events.bounds()
    if found is None:
        return {"firstEventId": "0-0", "lastEventId": "0-0"}
    (first, began), (last, ended) = found
    return {
        "firstEventId": str(Position.of(began, first)),
        "firstEventDate": began,
        "lastEventId": str(Position.of(ended, last)),
        "lastEventDate": ended,
    }


def _cut_of(request: Request) -> Callable[[int], bool]:
    """Return what resets the connection after as many events as a fault wants."""
    state = request.scope.get("state", {})

    def cut(sent: int) -> bool:
        if sent < state.get("break_after", sent + 1):
            return False
        state["reset"]()
        return True

    return cut


def routes(
    store: Store,
    streams: StreamCollections,
    listeners: Listeners,
    heartbeat: float = HEARTBEAT_SECONDS,
    *,
    seen: Callable[[Request], Store],
) -> list[Route]:
    """Return the routes of the streams; whoever calls guards them with the token.

    Args:
        seen: returns the store as the user of a request sees it.
    """

    async def listen(request: Request) -> Response:
        stream_id = request.path_params.get("stream_id", "")
        stream = await run_in_threadpool(streams.get, stream_id)
        if stream is None:
            return json_response({"error": f"There is no stream {stream_id}"}, 401)
        if not stream.stream_live:
            return json_response({"error": f"The stream {stream.name} is stopped"}, 410)
        try:
            wishes = wishes_of(request)
        except ValueError as error:
            return json_response({"error": str(error)}, 400)
        view = await run_in_threadpool(seen, request)
        reader = Reader(view, stream, wishes)
        return StreamingResponse(
            events(
                reader,
                store,
                listeners,
                heartbeat,
                cut=_cut_of(request),
                is_offered=lambda: streams.get(stream_id) == stream,
            ),
            media_type="text/event-stream; charset=utf-8",
            headers={"Cache-Control": "no-cache, no-transform"},
        )

    return [
        Route("/stream", listen, methods=["GET"]),
        Route("/stream/{stream_id}", listen, methods=["GET"]),
    ]

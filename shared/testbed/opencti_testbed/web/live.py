"""The live tail: events as they come, for people."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from opencti_testbed.admin import json_response
from opencti_testbed.streams.collections import StreamCollection
from opencti_testbed.streams.position import Position
from opencti_testbed.streams.reader import Reader, Wishes
from opencti_testbed.streams.routes import Listeners, events
from opencti_testbed.web.choice import KIND_OF_FAMILY, KINDS
from opencti_testbed.web.site import Site

# So many events of the past are shown when the page is opened.
LOOK_BACK = 20


class Live:
    """Renders the tail and tells it what happens."""

    def __init__(self, site: Site, listeners: Listeners) -> None:
        """Bind to the site and to the open streams, which end when the platform stops."""
        self._site = site
        self._listeners = listeners

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            self._site.shows("/live", self.page),
            self._site.answers("/live/events", self.listen),
        ]

    def page(self, request: Request) -> Response:
        """The page; its script listens."""
        objects = self._site.platform.store.objects
        families = objects.families()
        types: dict[str, list[str]] = {}
        for entity_type in objects.counts():
            kind = KIND_OF_FAMILY[families[entity_type]]
            # Labels and markings are told inside of others.
            if families[entity_type] != "meta":
                types.setdefault(kind, []).append(entity_type)
        return self._site.page(
            request,
            "live.html",
            kinds={
                kind: (title, listed[0] if listed else "", types.get(kind, []))
                for kind, (listed, title, _) in KINDS.items()
                if kind != "all"
            },
        )

    async def listen(self, request: Request) -> Response:
        """`?type=`: one type, or a level of the hierarchy; `?from=`: after which event to begin."""
        store = self._site.platform.store
        wanted = request.query_params.get("type", "")
        only = {"key": "entity_type", "operator": "eq", "values": [wanted]}
        filters = {"mode": "and", "filterGroups": [], "filters": [only]}
        stream = StreamCollection("page", "page", filters=filters if wanted else {})
        sent = request.headers.get("last-event-id") or request.query_params.get("from")
        try:
            start = Position.parse(sent) if sent else self._lately()
        except ValueError as error:
            return json_response({"error": str(error)}, 400)
        never: Callable[[int], bool] = lambda _: False
        return StreamingResponse(
            events(
                Reader(store, stream, Wishes(start=start)),
                store,
                self._listeners,
                self._site.options.heartbeat_seconds,
                cut=never,
                is_offered=lambda: True,
            ),
            media_type="text/event-stream; charset=utf-8",
            headers={"Cache-Control": "no-cache, no-transform"},
        )

    def _lately(self) -> Position:
        """Return the place from which the last few events are told."""
        journal = self._site.platform.store.events
        number = max(journal.last_id() - LOOK_BACK, 0)
        at = journal.at(number)
        return Position.of(at, number) if at else Position()

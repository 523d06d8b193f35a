"""`POST /testbed/enrich`: ask a connector to enrich an entity, as the button on a platform's page does."""

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from opencti_testbed.admin import json_response
from opencti_testbed.lanes.enrichment import Enrichment, NotAsked


def routes(enrichment: Enrichment) -> list[Route]:
    """Return the routes; whoever calls guards them with the token."""

    async def enrich(request: Request) -> Response:
        try:
            wanted = orjson.loads(await request.body())
            entity_id, connector_id = wanted["entity_id"], wanted["connector_id"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return json_response({"error": "Send entity_id and connector_id"}, 400)
        try:
            work_id = await run_in_threadpool(
                enrichment.ask, str(entity_id), str(connector_id)
            )
        except NotAsked as error:
            return json_response({"error": str(error)}, 400)
        return json_response({"work": work_id}, 202)

    return [Route("/testbed/enrich", enrich, methods=["POST"])]

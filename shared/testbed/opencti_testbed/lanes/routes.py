"""What a platform's page can do and its API cannot: requests without GraphQL, single steps of a playbook."""

from dataclasses import asdict
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from opencti_testbed.admin import json_response
from opencti_testbed.ingest.worker import InvalidBundle
from opencti_testbed.lanes.asking import NotAsked, Wish
from opencti_testbed.lanes.lanes import Lanes


def routes(lanes: Lanes, user_id: str) -> list[Route]:
    """Return the routes; whoever calls guards them with the token. `user_id` is who is said to ask."""

    async def wanted(request: Request) -> dict[str, str]:
        try:
            sent = orjson.loads(await request.body())
            return {
                **sent,
                "entity_id": str(sent["entity_id"]),
                "connector_id": str(sent["connector_id"]),
            }
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise NotAsked("Send entity_id and connector_id") from None

    async def enrich(request: Request) -> Response:
        try:
            sent = await wanted(request)
            work_id = await run_in_threadpool(
                lanes.enrichment.ask,
                sent["entity_id"],
                sent["connector_id"],
                Wish(user_id),
            )
        except NotAsked as error:
            return json_response({"error": str(error)}, 400)
        return json_response({"work": work_id}, 202)

    async def play(request: Request) -> Response:
        try:
            sent: dict[str, Any] = await wanted(request)
            carried = sent.get("bundle")
            work_id, execution_id = await run_in_threadpool(
                lanes.enrichment.ask_in_playbook,
                sent["entity_id"],
                sent["connector_id"],
                None if carried is None else orjson.dumps(carried).decode(),
            )
        except (NotAsked, InvalidBundle) as error:
            return json_response({"error": str(error)}, 400)
        return json_response({"work": work_id, "execution": execution_id}, 202)

    async def step(request: Request) -> Response:
        found = await run_in_threadpool(
            lanes.steps.get, request.path_params["execution_id"]
        )
        if found is None:
            return json_response({"error": "unknown execution"}, 404)
        return json_response(asdict(found))

    return [
        Route("/testbed/enrich", enrich, methods=["POST"]),
        Route("/testbed/playbook", play, methods=["POST"]),
        Route("/testbed/playbook/{execution_id}", step),
    ]

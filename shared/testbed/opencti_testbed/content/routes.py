"""`/testbed/bundles` takes bundles without a connector; `/testbed/content` is thrown away."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from opencti_testbed.admin import json_response
from opencti_testbed.body import BodyTooLarge, read_body
from opencti_testbed.graphql.platform import Platform
from opencti_testbed.ingest.worker import InvalidBundle

SEEDER = "testbed-seed"


def routes(platform: Platform, max_body_bytes: int) -> list[Route]:
    """Return the routes; whoever calls guards them with the token. `max_body_bytes` is the largest bundle."""

    async def seed(request: Request) -> Response:
        try:
            text = (await read_body(request, max_body_bytes)).decode()
            work_id = await run_in_threadpool(
                platform.worker.accept, SEEDER, "Seed", None, text
            )
        except BodyTooLarge as error:
            return json_response(
                {"error": f"{error}, or start it with --max-body-mb"}, 413
            )
        except UnicodeDecodeError as error:
            return json_response({"error": f"The bundle is no UTF-8: {error}"}, 400)
        except InvalidBundle as error:
            return json_response({"error": str(error)}, 400)
        return json_response({"work": work_id}, 202)

    async def reset(_: Request) -> Response:
        def throw_away() -> int:
            # What waits is thrown away first, so that nothing arrives afterwards.
            with platform.worker.at_rest():
                return platform.store.clear()

        return json_response({"removed": await run_in_threadpool(throw_away)})

    return [
        Route("/testbed/bundles", seed, methods=["POST"]),
        Route("/testbed/content", reset, methods=["DELETE"]),
    ]

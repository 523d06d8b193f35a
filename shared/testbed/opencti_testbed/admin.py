"""The testbed's own JSON API under /testbed: what arrived, what went wrong, is it done.

Tests and `testbed run` read these; connectors never do.
"""

import resource
import sys
import time
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from opencti_testbed.graphql.platform import Platform
from opencti_testbed.store.works import OUTCOMES

STARTED = time.monotonic()
LONGEST_WAIT = 600.0


def peak_rss_bytes() -> int:
    """Return the most memory this process ever had resident, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # macOS counts bytes, Linux kibibytes.
    return peak if sys.platform == "darwin" else peak * 1024


def summary(platform: Platform) -> dict[str, Any]:
    """Return what the platform holds and what it did, as `/testbed/summary` shows it."""
    store = platform.store
    totals = store.works.totals()
    backlog = store.queue.backlog()
    counts = store.objects.counts()
    return {
        "objects_by_type": counts,
        "total": sum(counts.values()),
        "outcomes_by_type": totals,
        **{outcome: sum(by[outcome] for by in totals.values()) for outcome in OUTCOMES},
        "queue": {
            "bundles": backlog.bundles,
            "objects": backlog.objects,
            "bytes": backlog.bytes,
        },
        "works": store.works.by_status(),
        "peak_rss_bytes": peak_rss_bytes(),
        "uptime_s": round(time.monotonic() - STARTED, 3),
    }


def json_response(value: Any, status: int = 200) -> Response:
    """Return a JSON answer."""
    return Response(orjson.dumps(value), status, media_type="application/json")


def number(request: Request, name: str, default: float, most: float) -> float:
    """Return a number from the query string, within 0 and `most`; the default when it is none."""
    try:
        return max(0.0, min(float(request.query_params.get(name, default)), most))
    except ValueError:
        return default


def routes(platform: Platform) -> list[Route]:
    """Return the routes below /testbed."""

    async def get_summary(_: Request) -> Response:
        return json_response(await run_in_threadpool(summary, platform))

    async def get_errors(request: Request) -> Response:
        limit = int(number(request, "limit", 50, 1000))
        return json_response(
            await run_in_threadpool(platform.store.works.recent_errors, limit)
        )

    async def get_works(request: Request) -> Response:
        limit = int(number(request, "limit", 50, 1000))

        def read() -> list[dict[str, Any]]:
            works = platform.store.works
            return [
                {
                    **row,
                    "messages": works.messages(row["id"], errors=False),
                    "error_messages": works.messages(row["id"], errors=True),
                    "counts": works.counts(row["id"]),
                }
                for row in works.page(limit=limit)
            ]

        return json_response(await run_in_threadpool(read))

    async def get_connectors(_: Request) -> Response:
        return json_response(await run_in_threadpool(platform.store.connectors.all))

    async def get_objects(request: Request) -> Response:
        def read() -> dict[str, Any]:
            found = platform.store.objects.page(
                request.query_params.get("type"),
                request.query_params.get("search", ""),
                int(number(request, "after", 0, sys.maxsize)),
                int(number(request, "limit", 100, 5000)),
            )
            return {
                "objects": [stored.data for stored in found],
                "after": found[-1].pk if found else None,
            }

        return json_response(await run_in_threadpool(read))

    async def get_fingerprint(_: Request) -> Response:
        text = await run_in_threadpool(platform.store.fingerprint)
        return json_response({"fingerprint": text})

    async def get_wait(request: Request) -> Response:
        timeout = number(request, "timeout", 60, LONGEST_WAIT)

        def wait() -> bool:
            until = time.monotonic() + timeout
            return platform.lanes.catch_up(timeout) and platform.worker.wait_idle(
                max(until - time.monotonic(), 0)
            )

        idle = await run_in_threadpool(wait)
        return json_response({"idle": idle}, 200 if idle else 504)

    async def reset_state(request: Request) -> Response:
        connector_id = request.path_params["connector_id"]
        if platform.store.connectors.get(connector_id) is None:
            return json_response({"error": "unknown connector"}, 404)
        await run_in_threadpool(platform.store.connectors.reset_state, connector_id)
        return json_response({"reset": connector_id})

    return [
        Route("/testbed/summary", get_summary),
        Route("/testbed/errors", get_errors),
        Route("/testbed/works", get_works),
        Route("/testbed/connectors", get_connectors),
        Route("/testbed/objects", get_objects),
        Route("/testbed/fingerprint", get_fingerprint),
        Route("/testbed/wait", get_wait),
        Route(
            "/testbed/connectors/{connector_id}/reset",
            reset_state,
            methods=["POST"],
        ),
    ]

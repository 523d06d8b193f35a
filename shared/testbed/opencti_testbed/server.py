"""The HTTP surface of the platform, and the process that serves it."""

import fcntl
import hmac
import logging
import re
import socket
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from opencti_testbed import admin, web
from opencti_testbed.admin import json_response
from opencti_testbed.body import BodyTooLarge, read_body
from opencti_testbed.config import ServerOptions
from opencti_testbed.content import routes as content_routes
from opencti_testbed.drafts import fields as draft_fields
from opencti_testbed.drafts import ingestion
from opencti_testbed.drafts.workspaces import DraftLocked, Drafts
from opencti_testbed.faults import routes as fault_routes
from opencti_testbed.faults.middleware import FaultMiddleware, ResettableProtocol
from opencti_testbed.faults.rules import Action, Faults
from opencti_testbed.files import fields as file_fields
from opencti_testbed.files import routes as file_routes
from opencti_testbed.files.multipart import BrokenForm, is_form, read_form
from opencti_testbed.graphql import absent, configuration, people
from opencti_testbed.graphql import platform as platform_fields
from opencti_testbed.graphql import reading, works, writing
from opencti_testbed.graphql.execute import Registry, execute, failure
from opencti_testbed.graphql.platform import Caller, Platform
from opencti_testbed.ingest import attached
from opencti_testbed.ingest.worker import IngestWorker
from opencti_testbed.lanes import fields as lane_fields
from opencti_testbed.lanes import routes as lane_routes
from opencti_testbed.lanes.lanes import Lanes
from opencti_testbed.store import Store
from opencti_testbed.streams import fields as stream_fields
from opencti_testbed.streams import routes as stream_routes
from opencti_testbed.streams.collections import StreamCollections

LOGGER = logging.getLogger("opencti_testbed")
# Clients keep their connection between two pings, 40 s apart; one that closes under them kills a connector.
KEEP_ALIVE_SECONDS = 600


class CollapseSlashes:
    """Let `//storage/get/x` be `/storage/get/x`: clients glue a base URL with its slash and a path with its own."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "http" and scope["path"].startswith("//"):
            scope = {**scope, "path": re.sub("^/+", "/", scope["path"])}
        await self._app(scope, receive, send)


def registry(strict: bool = False) -> Registry:
    """Return everything that the API serves; `strict` refuses unknown fields of known types."""
    fields = Registry(strict)
    absent.register(fields)
    platform_fields.register(fields)
    reading.register(fields)
    configuration.register(fields)
    writing.register(fields)
    works.register(fields)
    people.register(fields)
    file_fields.register(fields)
    lane_fields.register(fields)
    draft_fields.register(fields)
    stream_fields.register(fields)
    return fields


def is_authorised(request: Request, options: ServerOptions, store: Store) -> bool:
    """Return whether a request carries the platform's token, or one that was given to a user."""
    scheme, _, sent = request.headers.get("authorization", "").partition(" ")
    token = sent.strip()
    if scheme.lower() != "bearer" or not token:
        return False
    return (
        hmac.compare_digest(token.encode(), options.token.encode())
        or store.administration.user_of(token) is not None
    )


class UnknownApplicant(ValueError):
    """A request is made on behalf of somebody who is no user."""


def caller_of(request: Request, store: Store) -> Caller:
    """Return who makes an authorised request: the token's user, or whom that user acts for.

    Raises:
        UnknownApplicant: nobody has the id of whom it is made for.
    """
    token = request.headers["authorization"].partition(" ")[2].strip()
    user_id = store.administration.user_of(token) or store.user_id
    applicant = request.headers.get("opencti-applicant-id", "").strip()
    if applicant:
        if store.administration.get(applicant, "User") is None:
            raise UnknownApplicant(f"There is no user {applicant} to act for")
        user_id = applicant
    return Caller(user_id, request.headers.get("opencti-draft-id", "").strip() or None)


def make_platform(store: Store, amqp: str | None) -> Platform:
    """Put a platform together.

    Raises:
        ValueError: `amqp` is no URL of a broker.
    """
    worker, drafts = IngestWorker(store), Drafts(store)
    worker.into_draft = partial(ingestion.ingest, drafts)
    worker.upserter.keep_file = partial(attached.keep, store)
    return Platform(store, worker, Lanes(store, worker, amqp), drafts)


def create_app(
    options: ServerOptions,
    platform: Platform,
    listeners: stream_routes.Listeners | None = None,
) -> Starlette:
    """Return the application of one platform."""
    fields = registry(options.strict)
    visitors = web.Visitors(options)
    faults = Faults()
    platform.worker.is_paused = lambda: faults.amount(Action.PAUSE_WORKER) is not None
    platform.extra_backlog = lambda: faults.amount(Action.FILL_QUEUE) or 0
    listeners = listeners or stream_routes.Listeners()
    streams = StreamCollections(platform.store.database)

    async def graphql(request: Request) -> Response:
        if not is_authorised(request, options, platform.store):
            return json_response(
                failure("You must be logged in to do this.", "AUTH_REQUIRED")
            )
        ordered = faults.amount(Action.LIMIT_BODY)
        most = options.max_body_bytes if ordered is None else ordered
        try:
            body = await read_body(request, most)
        except BodyTooLarge as error:
            return json_response(failure(str(error), "PAYLOAD_TOO_LARGE"), 413)
        except ClientDisconnect:
            return Response(status_code=400)
        kind = request.headers.get("content-type", "")
        try:
            message = (
                await read_form(kind, body) if is_form(kind) else orjson.loads(body)
            )
            text, variables = message["query"], message.get("variables") or {}
        except BrokenForm as error:
            return json_response(failure(str(error), "BAD_USER_INPUT"), 400)
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            return json_response(
                failure("Send JSON with a query and its variables", "BAD_USER_INPUT"),
                400,
            )
        try:
            seen = await run_in_threadpool(
                platform.called_by, caller_of(request, platform.store)
            )
        except UnknownApplicant as error:
            return json_response(failure(str(error), "FORBIDDEN_ACCESS"))
        except DraftLocked as error:
            return json_response(failure(str(error), "DRAFT_LOCKED"))
        return json_response(
            await run_in_threadpool(answer, seen, str(text), variables)
        )

    def answer(platform: Platform, text: str, variables: Any) -> dict[str, Any]:
        try:
            return execute(fields, platform, text, variables)
        except Exception:  # pylint: disable=broad-exception-caught
            # A defect of ours must not look like a broken connection to the client.
            LOGGER.exception("A GraphQL operation failed")
            return failure("Internal error, see the platform's log", "INTERNAL_ERROR")

    async def health(_: Request) -> Response:
        return json_response({"status": "success"})

    def seen_by_user(request: Request) -> Store:
        return platform.called_by(caller_of(request, platform.store)).store

    def seen_by_visitor(request: Request) -> Store | None:
        if is_authorised(request, options, platform.store):
            return seen_by_user(request)
        # Browsers say that they follow a link of the page; whoever may read the page may read its files.
        from_page = request.headers.get("sec-fetch-site") in ("same-origin", "none")
        return platform.store if from_page and visitors.may_read(request) else None

    def guarded(route: Route) -> Route:
        endpoint = route.endpoint

        async def check(request: Request) -> Response:
            if not is_authorised(request, options, platform.store):
                return json_response({"error": "a bearer token is needed"}, 401)
            response: Response = await endpoint(request)
            return response

        return Route(route.path, check, methods=list(route.methods or ()))

    async def forbidden(_: Request, error: Exception) -> Response:
        return json_response({"error": str(error)}, 403)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        platform.worker.start()
        platform.lanes.start()
        yield
        await run_in_threadpool(platform.lanes.stop)
        await run_in_threadpool(platform.worker.stop)
        platform.drafts.close_all()
        platform.store.close()

    return Starlette(
        routes=[
            Route("/graphql", graphql, methods=["POST"]),
            Route("/health", health),
            *(guarded(route) for route in admin.routes(platform)),
            *(
                guarded(route)
                for route in lane_routes.routes(platform.lanes, platform.store.user_id)
            ),
            *file_routes.routes(seen_by_visitor),
            *(
                guarded(route)
                for route in content_routes.routes(platform, options.max_body_bytes)
            ),
            *(guarded(route) for route in fault_routes.routes(faults)),
            *(
                guarded(route)
                for route in stream_routes.routes(
                    platform.store,
                    streams,
                    listeners,
                    options.heartbeat_seconds,
                    seen=seen_by_user,
                )
            ),
            *web.routes(platform, options, visitors, listeners),
        ],
        middleware=[
            Middleware(CollapseSlashes),
            Middleware(FaultMiddleware, faults=faults),
        ],
        exception_handlers={UnknownApplicant: forbidden, DraftLocked: forbidden},
        lifespan=lifespan,
    )


class CannotServe(RuntimeError):
    """The platform cannot start; the text says why."""


def serve(options: ServerOptions) -> None:
    """Serve until SIGINT or SIGTERM; prints one line with the address as soon as clients can connect.

    Raises:
        CannotServe: the address cannot be listened on, the folder cannot be used or another platform uses it, or the
            broker's address is none.
    """
    with _folder_of_its_own(options.data_dir), _listener(options) as listener:
        host = f"[{options.host}]" if ":" in options.host else options.host
        address = f"http://{host}:{listener.getsockname()[1]}"
        try:
            platform = make_platform(Store(options.data_dir), options.amqp)
        except (OSError, sqlite3.Error) as error:
            raise CannotServe(
                f"Cannot keep data in {options.data_dir}: {error}"
            ) from error
        except (RuntimeError, ValueError) as error:
            raise CannotServe(str(error)) from error
        listeners = stream_routes.Listeners()
        server = _AnnouncingServer(
            uvicorn.Config(
                create_app(options, platform, listeners),
                http=ResettableProtocol,
                log_level="warning",
                access_log=False,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=5,
                lifespan="on",
            ),
            f"OpenCTI testbed ready: {address} (data in {options.data_dir}, Ctrl-C stops it)",
            listeners,
        )
        server.run(sockets=[listener])


@contextmanager
def _folder_of_its_own(folder: Path) -> Iterator[None]:
    """Keep other platforms from a folder; what a process holds is released with it, however it ends."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "in-use").open("w", encoding="utf-8")
    except OSError as error:
        raise CannotServe(f"Cannot keep data in {folder}: {error}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CannotServe(f"Another platform keeps its data in {folder}") from error
        yield


@contextmanager
def _listener(options: ServerOptions) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((options.host, options.port))
            listener.listen(128)
        except OSError as error:
            raise CannotServe(
                f"Cannot serve on {options.host}:{options.port}: {error}"
            ) from error
        yield listener


class _AnnouncingServer(uvicorn.Server):
    """A server that says when it is ready, and lets streams end when it stops."""

    def __init__(
        self,
        config: uvicorn.Config,
        announcement: str,
        listeners: stream_routes.Listeners,
    ) -> None:
        super().__init__(config)
        self._announcement = announcement
        self._listeners = listeners

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._listeners.close()
        await super().shutdown(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print(self._announcement, flush=True)

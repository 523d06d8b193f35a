"""The simulated source as a web application."""

import asyncio
import base64
import hashlib
import hmac
import mimetypes
import threading
import time
from collections import deque
from email.utils import formatdate, parsedate_to_datetime
from pathlib import Path
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as HttpRoute

from opencti_testbed.simulator.description import (
    Answer,
    Auth,
    Description,
    RateLimit,
    Route,
    Trouble,
    WrongDescription,
    file_of,
)
from opencti_testbed.simulator.paging import WrongPage, page_of

# Below this the simulator speaks for itself; no source has it.
OWN = "/_simulator"
LOGGED = 10_000
HANG_SECONDS = 600.0


class Source:
    """A source in play: what was asked so far, and what comes next."""

    def __init__(self, folder: Path, description: Description) -> None:
        """Bind to the folder that the description names files of."""
        self._folder = folder
        self.description = description
        self._lock = threading.Lock()
        self._log: deque[dict[str, Any]] = deque(maxlen=LOGGED)
        self._recent: deque[float] = deque()
        self._answered: dict[int, int] = {}

    def log(self) -> list[dict[str, Any]]:
        """Return the requests so far, oldest first."""
        with self._lock:
            return list(self._log)

    def begin_again(self) -> None:
        """Forget all requests: sequences start anew, limits are free."""
        with self._lock:
            self._log.clear()
            self._recent.clear()
            self._answered.clear()

    async def answer(self, request: Request) -> Response:
        """Answer a request and note it."""
        body = await request.body()
        began = time.time()
        response = await self._answer(request)
        with self._lock:
            self._log.append(
                {
                    "at": began,
                    "method": request.method,
                    "path": request.url.path,
                    "query": dict(request.query_params),
                    "headers": dict(request.headers),
                    "body": body.decode(errors="replace"),
                    "status": response.status_code,
                }
            )
        return response

    async def _answer(self, request: Request) -> Response:
        found = self._route(request)
        if found is None:
            known = [f"{r.method} {r.path}" for r in self.description.routes]
            return _json({"error": "no such address", "known": known}, 404)
        index, route, names = found
        auth = self.description.auth
        if auth is not None and route.auth and not is_identified(request, auth):
            return _json({"error": "unknown client"}, auth.status)
        wait = self._must_wait(self.description.rate_limit)
        if wait is not None:
            limit = self.description.rate_limit
            headers = {"Retry-After": str(wait)} if limit and limit.retry_after else {}
            return _json({"error": "too many requests"}, 429, headers)
        answer = self._next(index, route)
        if route.latency:
            await asyncio.sleep(route.latency)
        try:
            return await self._made(request, route, answer, names)
        except WrongPage as error:
            return _json({"error": str(error)}, 400)
        except (KeyError, orjson.JSONDecodeError, WrongDescription) as error:
            where = f"{route.method} {route.path}"
            return _json({"error": f"source.yml, {where}: {error}"}, 500)

    def _route(self, request: Request) -> tuple[int, Route, dict[str, str]] | None:
        for index, route in enumerate(self.description.routes):
            match = route.pattern.fullmatch(request.url.path)
            if match is None or route.method.upper() != request.method:
                continue
            if all(request.query_params.get(k) == v for k, v in route.query.items()):
                return index, route, match.groupdict()
        return None

    def _must_wait(self, limit: RateLimit | None) -> int | None:
        """Count a request; return the seconds to wait (at least 1) when it is one too many."""
        if limit is None:
            return None
        now = time.monotonic()
        with self._lock:
            while self._recent and self._recent[0] <= now - limit.seconds:
                self._recent.popleft()
            if len(self._recent) < limit.requests:
                self._recent.append(now)
                return None
            return max(1, round(self._recent[0] + limit.seconds - now + 0.5))

    def _next(self, index: int, route: Route) -> Answer:
        with self._lock:
            count = self._answered.get(index, 0)
            self._answered[index] = count + 1
        for answer in route.first:
            if count < answer.times:
                return answer
            count -= answer.times
        return route

    async def _made(
        self, request: Request, route: Route, answer: Answer, names: dict[str, str]
    ) -> Response:
        if answer.trouble is Trouble.RESET:
            request.scope["state"]["reset"]()
            return Response(status_code=444)
        if answer.trouble is Trouble.HANG:
            await asyncio.sleep(HANG_SECONDS)
        # Trouble with an answer of no content of its own is trouble with what the route gives.
        own = answer.file is not None or answer.body is not None
        given = answer if own or answer.trouble is None else route
        content, kind, changed = self._content(given, names)
        headers = dict(answer.headers)
        if answer.retry_after is not None:
            headers["Retry-After"] = str(answer.retry_after)
        if answer is route and route.pagination is not None:
            url = str(request.url.replace(query=""))
            page, more = page_of(
                orjson.loads(content),
                route.records,
                route.pagination,
                dict(request.query_params),
                url,
            )
            content, headers = orjson.dumps(page), {**headers, **more}
        if answer is route and route.conditional:
            headers["ETag"] = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
            headers["Last-Modified"] = formatdate(changed, usegmt=True)
            if _is_known(request, headers["ETag"], changed):
                return Response(status_code=304, headers=headers)
        headers.setdefault("Content-Type", kind)
        return _troubled(content, answer, headers)

    def _content(
        self, answer: Answer, names: dict[str, str]
    ) -> tuple[bytes, str, float]:
        """Return body, media type and date of change."""
        if answer.file is not None:
            path = file_of(self._folder, answer.file.format(**names))
            kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
            return path.read_bytes(), kind, path.stat().st_mtime
        if isinstance(answer.body, str):
            return answer.body.encode(), "text/plain; charset=utf-8", 0.0
        if answer.body is None:
            return b"", "text/plain", 0.0
        return orjson.dumps(answer.body), "application/json", 0.0


def is_identified(request: Request, auth: Auth) -> bool:
    """Return whether a request carries what the source asks for."""
    given = request.headers.get("authorization", "")
    if auth.bearer is not None:
        wanted = f"Bearer {auth.bearer}"
    elif auth.basic is not None:
        pair = f"{auth.basic.user}:{auth.basic.password}".encode()
        wanted = f"Basic {base64.b64encode(pair).decode()}"
    elif auth.header is not None:
        given, wanted = request.headers.get(auth.header.name, ""), auth.header.value
    else:
        assert auth.query is not None
        given, wanted = (
            request.query_params.get(auth.query.name, ""),
            auth.query.value,
        )
    return hmac.compare_digest(given.encode(), wanted.encode())


def _is_known(request: Request, etag: str, changed: float) -> bool:
    """Return whether the client has this version (RFC 9110, section 13)."""
    tags = request.headers.get("if-none-match")
    if tags is not None:
        return tags.strip() == "*" or etag in [tag.strip() for tag in tags.split(",")]
    since = request.headers.get("if-modified-since")
    if since is None:
        return False
    try:
        return int(changed) <= parsedate_to_datetime(since).timestamp()
    except ValueError:
        return False


def _troubled(content: bytes, answer: Answer, headers: dict[str, str]) -> Response:
    if answer.trouble is Trouble.MALFORMED:
        content = content[: max(1, len(content) * 2 // 3)]
    response = Response(content, answer.status, headers)
    if answer.trouble is Trouble.TRUNCATED:
        return _Truncated(content, answer.status, headers)
    return response


class _Truncated(Response):
    """Promises the whole, sends two thirds, and ends the connection."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        part = bytes(self.body)[: len(self.body) * 2 // 3]
        await send({"type": "http.response.body", "body": part, "more_body": True})
        await asyncio.sleep(0.05)  # let it go out before the connection ends
        scope["state"]["reset"]()


def _json(value: Any, status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(value), status, headers, media_type="application/json")


def create_app(source: Source) -> Starlette:
    """Return the application: the source, and its own API below `/_simulator`."""

    async def requests_seen(_: Request) -> Response:
        return _json(source.log(), 200)

    async def begin_again(_: Request) -> Response:
        source.begin_again()
        return _json({"requests": 0}, 200)

    methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    return Starlette(
        routes=[
            HttpRoute(f"{OWN}/requests", requests_seen, methods=["GET"]),
            HttpRoute(f"{OWN}/requests", begin_again, methods=["DELETE"]),
            HttpRoute("/{path:path}", source.answer, methods=methods),
        ]
    )

"""Outlasting a platform that is away for a while.

All of pycti's calls go through the `requests` session of its client, so one transport adapter there covers every call
and sees the true HTTP status, which pycti's exceptions do not carry. All calls are safe to repeat: ids are
deterministic, and a work that was opened twice is closed by the next run.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import orjson
import requests
from requests.adapters import HTTPAdapter

from connectors_sdk.connectors._causes import describe, describe_status

DEFAULT_LIMIT = 300.0
_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 30.0
_PASSING_STATUS = (429, 502, 503, 504)
# Errors inside a 200 answer that the platform's own worker repeats, too.
_PASSING_ERRORS = ("Request timed out", "Bad Gateway", "LOCK_ERROR")
# GraphQL errors are short; the answers to big queries need not be searched for them.
_LONGEST_ERROR = 20_000
_LONGEST_EXCERPT = 120
_API = "/graphql"

# Whether calls are repeated in the current context, and the timeout in seconds that replaces the caller's, if any.
_MOOD: ContextVar[tuple[bool, float | None]] = ContextVar("_MOOD", default=(True, None))
# Set once when the process is about to end; valid for all threads.
_END: dict[str, float] = {}


def growing_pauses(limit: float) -> Iterator[float]:
    """Yield how long to sleep before each further attempt, until `limit` seconds have passed since the first call."""
    deadline = time.monotonic() + limit
    pause = _FIRST_PAUSE
    while (left := deadline - time.monotonic()) > 0:
        yield min(pause, left)
        pause = min(2 * pause, _LONGEST_PAUSE)


@contextmanager
def impatient(timeout: float | None = None) -> Iterator[None]:
    """Within this context each call is tried once, with this timeout in seconds if one is given."""
    token = _MOOD.set((False, timeout))
    try:
        yield
    finally:
        _MOOD.reset(token)


def hurry(timeout: float) -> None:
    """From now on each call is tried once, with this timeout in seconds: the process is about to end."""
    _END["timeout"] = timeout


def _mood() -> tuple[bool, float | None]:
    return (False, _END["timeout"]) if _END else _MOOD.get()


def is_patient() -> bool:
    """Whether the current context is willing to wait for the platform."""
    return _mood()[0]


class NoGraphQL(requests.exceptions.InvalidJSONError, ValueError):
    """The answer to a GraphQL request has neither data nor errors."""


class _Answer(requests.Response):
    """An answer whose JSON is read several times faster than with the standard library; pages of entities are long."""

    def json(self, **kwargs: Any) -> Any:
        """See `requests.Response.json`.

        Raises:
            NoGraphQL: the answer to a GraphQL request is something else.
        """
        if kwargs:
            return super().json(**kwargs)
        try:
            content = orjson.loads(self.content)
        except orjson.JSONDecodeError:
            # Not UTF-8, not quite JSON, or none at all: that is told in the words of requests.
            content = super().json()
        if self.status_code == 200 and self.url.endswith(_API):
            told = content if isinstance(content, dict) else {}
            if told.get("data") is None and not told.get("errors"):
                excerpt = self.content[:_LONGEST_EXCERPT].decode(errors="replace")
                raise NoGraphQL(f"what answers is not an OpenCTI API: {excerpt}")
        return content


class PatientAdapter(HTTPAdapter):
    """Repeats a request for up to `limit` seconds while the platform is away; then the failure goes to the caller.

    Away means: no connection, a broken connection, a timeout, HTTP 429, 502, 503 or 504, or one of the errors that
    the platform itself calls passing.
    """

    def __init__(
        self,
        limit: float,
        log: Callable[[str], None],
        notice: Callable[[str | None], None] = lambda problem: None,
    ) -> None:
        """Take the limit in seconds, what writes a line to the log, and who wants to know.

        Args:
            limit: in seconds.
            log: writes a line.
            notice: called with the problem when the platform is away, and with None when it is back.
        """
        super().__init__()
        self._limit = limit
        self._log = log
        self._notice = notice

    def send(  # pylint: disable=too-many-positional-arguments  # the signature is that of requests
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> requests.Response:
        """Send a request, see `requests.adapters.HTTPAdapter.send`."""
        options = {
            "stream": stream,
            "timeout": timeout,
            "verify": verify,
            "cert": cert,
            "proxies": proxies,
        }
        patient, shorter_timeout = _mood()
        if shorter_timeout is not None:
            options["timeout"] = shorter_timeout
        started = time.monotonic()
        away = False
        for pause in growing_pauses(self._limit if patient else 0):
            problem, response = self._attempt(request, options)
            waited = time.monotonic() - started
            if problem is None and response is not None:
                if away:
                    self._log(f"The platform is back after {waited:.0f} s.")
                    self._notice(None)
                return response
            away = True
            self._notice(problem)
            left = max(self._limit - waited, 0)
            self._log(
                f"The platform is away: {problem}. Trying again in {pause:.3g} s, for {left:.0f} s more."
            )
            time.sleep(pause)
        return super().send(request, **options)

    def build_response(
        self, req: requests.PreparedRequest, resp: Any
    ) -> requests.Response:
        """Make the answer of what came, see `requests.adapters.HTTPAdapter.build_response`."""
        response = super().build_response(req, resp)
        response.__class__ = _Answer
        return response

    def _attempt(
        self, request: requests.PreparedRequest, options: dict[str, Any]
    ) -> tuple[str | None, requests.Response | None]:
        try:
            response = super().send(request, **options)
            if not options["stream"]:
                # Read here, so that a body that breaks off is repeated, too.
                _ = response.content
        except (
            requests.ConnectionError,
            requests.Timeout,
            requests.exceptions.ChunkedEncodingError,
        ) as err:
            return describe(err), None
        return _passing_problem(response, bool(options["stream"])), response


def _passing_problem(response: requests.Response, streamed: bool) -> str | None:
    if response.status_code in _PASSING_STATUS:
        return describe_status(response.status_code)
    if streamed or len(response.content) > _LONGEST_ERROR:
        return None
    if b'"errors"' not in response.content:
        return None
    try:
        errors = json.loads(response.content).get("errors") or []
    except (ValueError, AttributeError):
        return None
    text = json.dumps(errors)
    return next((words for words in _PASSING_ERRORS if words in text), None)


def make_patient(
    helper: Any,
    limit: float,
    log: Callable[[str], None],
    notice: Callable[[str | None], None] = lambda problem: None,
) -> None:
    """Let all calls of pycti's helper outlast a platform that is away, see `PatientAdapter` for the arguments."""
    for api in (helper.api, helper.api_impersonate):
        adapter = PatientAdapter(limit, log, notice)
        api.session.mount("http://", adapter)
        api.session.mount("https://", adapter)

"""What a failed delivery means: is the target away, is it in trouble, or is it about the events?"""

import http.client
import socket
import ssl
from dataclasses import dataclass
from enum import Enum
from typing import Any

import requests
import urllib3.exceptions

from connectors_sdk.client.exceptions import (
    ApiRateLimitError,
    ApiServerError,
)
from connectors_sdk.connectors._causes import chain_of, describe
from connectors_sdk.connectors.stream.results import TargetUnavailableError

# The target as a whole does not take anything: authentication, rate limit, gateway, maintenance.
_STATUSES_OF_ALL = (401, 407, 425, 429, 502, 503)
_LONGEST_REASON = 500
_LONGEST_AFTER = 3600.0
# Errors of clients that the SDK does not depend on, by the names of their classes.
_NAMES_OF_ALL = {"ConnectError", "NetworkError"}


class Blame(Enum):
    """Who is to blame for a failure.

    Members:
        TARGET: the target takes nothing at the moment. Wait.
        UNCLEAR: either. Try again, and find out.
        EVENT: what was sent cannot be taken. Trying again is of no use.
    """

    TARGET = 1
    UNCLEAR = 2
    EVENT = 3


@dataclass(frozen=True)
class Trouble:
    """A failed delivery.

    Attributes:
        blame: see `Blame`.
        reason: what happened, in words.
        after: the least number of seconds to wait before the next attempt.
        each: whether the target spoke of each event.
    """

    blame: Blame
    reason: str
    after: float = 0.0
    each: bool = False


def trouble_of(error: Exception) -> Trouble:
    """Return what an exception out of a delivery means."""
    if isinstance(error, TargetUnavailableError):
        return Trouble(Blame.TARGET, str(error), _bounded(error.after))
    if isinstance(error, ApiRateLimitError):
        return Trouble(Blame.TARGET, _words(error), _bounded(error.retry_after))
    status = _status_of(error)
    if status is not None:
        return Trouble(_blame_of_status(status), _words(error), _retry_after(error))
    if isinstance(error, ApiServerError):
        return Trouble(Blame.UNCLEAR, _words(error))
    if _is_of_connecting(error):
        return Trouble(Blame.TARGET, describe(error))
    if _is_of_network(error):
        return Trouble(Blame.UNCLEAR, describe(error))
    return Trouble(Blame.EVENT, _words(error))


def _words(error: Exception) -> str:
    text = " ".join(str(error).split())[:_LONGEST_REASON]
    name = type(error).__name__
    return f"{name}: {text}" if text else name


def _bounded(after: Any) -> float:
    try:
        return min(max(float(after or 0), 0.0), _LONGEST_AFTER)
    except (TypeError, ValueError):
        return 0.0


def _status_of(error: Exception) -> int | None:
    """Return the HTTP status behind an error, wherever its library keeps it."""
    response = getattr(error, "response", None)
    for holder in (error, response):
        for name in ("status_code", "status"):
            status = getattr(holder, name, None)
            if isinstance(status, int) and 400 <= status < 600:
                return status
    return None


def _blame_of_status(status: int) -> Blame:
    if status in _STATUSES_OF_ALL:
        return Blame.TARGET
    # 403: some targets say so of single objects. 408, 504: it took too long, with whatever it was given.
    return Blame.UNCLEAR if status >= 500 or status in (403, 408) else Blame.EVENT


def _retry_after(error: Exception) -> float:
    own = getattr(error, "retry_after", None)
    if own is not None:
        return _bounded(own)
    # The clients of Elasticsearch call it `meta`.
    for name in ("response", "meta"):
        headers = getattr(getattr(error, name, None), "headers", None)
        try:
            if headers is not None:
                return _bounded(ApiRateLimitError.parse_retry_after(headers))
        except (TypeError, AttributeError):
            continue
    return 0.0


def _is_of_connecting(error: Exception) -> bool:
    """Whether there was no connection at all."""
    chain = list(chain_of(error))
    if any(type(cause).__name__ in _NAMES_OF_ALL for cause in chain):
        return True
    return any(
        isinstance(
            cause,
            (
                ConnectionRefusedError,
                socket.gaierror,
                ssl.SSLError,
                requests.exceptions.ConnectTimeout,
                requests.exceptions.ProxyError,
                requests.exceptions.SSLError,
                urllib3.exceptions.NewConnectionError,
                urllib3.exceptions.ConnectTimeoutError,
            ),
        )
        for cause in chain
    )


def _is_of_network(error: Exception) -> bool:
    return isinstance(
        error,
        (
            ConnectionError,
            TimeoutError,
            http.client.HTTPException,
            urllib3.exceptions.HTTPError,
            # Also an answer that is none, e.g. the page of a proxy.
            requests.exceptions.RequestException,
        ),
    ) or any(
        kind.__name__ in ("TransportError", "TimeoutException", "ConnectionError")
        for kind in type(error).__mro__
    )

"""What it means that asking a source failed."""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Any, NamedTuple

import requests

from connectors_sdk.client.exceptions import (
    ApiClientError,
    ApiConfigurationError,
    ApiRateLimitError,
    ApiStorageError,
    QuotaExceededError,
)

_PASSING_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
_NETWORK = (requests.ConnectionError, requests.Timeout, ConnectionError, TimeoutError)
# Kinds of network errors that are as bad the next time.
_LASTING_NETWORK = (requests.exceptions.SSLError, requests.exceptions.ProxyError)
_LASTING_OF_CLIENT = (ApiConfigurationError, ApiStorageError, QuotaExceededError)


class Kind(Enum):
    """What to do about it.

    Attributes:
        NOT_FOUND: what was asked for is not there (404): perhaps the source knows no such thing, perhaps its address is
            wrong. Only an author's code can tell one from the other.
        PASSING: try again.
        CREDENTIALS: the operator has to look at the credentials.
        LASTING: trying again is of no use.
    """

    NOT_FOUND = auto()
    PASSING = auto()
    CREDENTIALS = auto()
    LASTING = auto()


class Trouble(NamedTuple):
    """What it means.

    Attributes:
        kind: what to do.
        retry_after: seconds that the source asks to wait, if it said so.
    """

    kind: Kind
    retry_after: float | None = None


def judge(error: Exception) -> Trouble:
    """Say what an exception out of an author's code means: one of the SDK's client, of `requests`, or of Python."""
    if isinstance(error, _LASTING_OF_CLIENT):
        return Trouble(Kind.LASTING)
    status, headers = _status(error)
    if status is not None:
        if status == 404:
            return Trouble(Kind.NOT_FOUND)
        if status in (401, 403):
            return Trouble(Kind.CREDENTIALS)
        if status in _PASSING_STATUS:
            asked = getattr(error, "retry_after", None)
            if asked is None:
                asked = ApiRateLimitError.parse_retry_after(headers)
            return Trouble(Kind.PASSING, asked)
        return Trouble(Kind.LASTING)
    if isinstance(error, _NETWORK) and not isinstance(error, _LASTING_NETWORK):
        return Trouble(Kind.PASSING)
    return Trouble(Kind.LASTING)


def _status(error: Exception) -> tuple[int | None, Mapping[str, Any]]:
    if isinstance(error, ApiClientError):
        return error.status_code, {}
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return error.response.status_code, error.response.headers
    return None, {}

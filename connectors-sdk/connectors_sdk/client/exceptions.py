"""Errors of the HTTP client.

Every error is an `ApiClientError` and says in one sentence what happened and in another what to do about it; secrets are
removed from message and body. Errors of the network are kinds of `requests` exceptions too, so that code written
against `requests` goes on catching them; they are defined in `network_errors` and loaded from here on first use, because
naming an error must not cost the import of an HTTP library.
"""

import math
from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any

from connectors_sdk.client.redact import redact, redact_tree

if TYPE_CHECKING:
    from connectors_sdk.client.network_errors import (
        ApiConnectionError,
        ApiConnectTimeoutError,
        ApiContentEncodingError,
        ApiDecodeError,
        ApiJsonDecodeError,
        ApiProxyError,
        ApiRedirectError,
        ApiRequestError,
        ApiTimeoutError,
        ApiTlsError,
        ApiTooLargeError,
        ApiTruncatedError,
    )

__all__ = [
    "ApiClientError",
    "ApiConfigurationError",
    "ApiConnectTimeoutError",
    "ApiConnectionError",
    "ApiContentEncodingError",
    "ApiDecodeError",
    "ApiForbiddenError",
    "ApiJsonDecodeError",
    "ApiNotFoundError",
    "ApiPaginationError",
    "ApiProxyError",
    "ApiRateLimitError",
    "ApiRedirectError",
    "ApiRequestError",
    "ApiServerError",
    "ApiStorageError",
    "ApiTimeoutError",
    "ApiTlsError",
    "ApiTooLargeError",
    "ApiTruncatedError",
    "ApiUnauthorizedError",
    "QuotaExceededError",
]

_NETWORK_ERRORS = frozenset(
    {
        "ApiConnectTimeoutError",
        "ApiConnectionError",
        "ApiContentEncodingError",
        "ApiDecodeError",
        "ApiJsonDecodeError",
        "ApiProxyError",
        "ApiRedirectError",
        "ApiRequestError",
        "ApiTimeoutError",
        "ApiTlsError",
        "ApiTooLargeError",
        "ApiTruncatedError",
    }
)


def __getattr__(name: str) -> Any:
    """Load the errors that derive from `requests` exceptions on first use."""
    if name not in _NETWORK_ERRORS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("connectors_sdk.client.network_errors"), name)


class ApiClientError(Exception):
    """Something went wrong with a source; the base of all errors of the client.

    Args:
        message: What happened and what to do; secrets are removed from it.
        status_code: HTTP status, when an answer was received.
        response_body: Body of the answer: parsed JSON, or text cut at 2000 characters; secrets are removed from it.

    Attributes:
        status_code: As given, else the status the class stands for, else None.
        response_body: As given, redacted.
    """

    status_code: int | None = None

    def __init__(
        self, message: str, *, status_code: int | None = None, response_body: Any = None
    ) -> None:
        super().__init__(redact(message))
        if status_code is not None:
            self.status_code = status_code
        self.response_body = redact_tree(response_body)

    def __str__(self) -> str:
        """Return the message (some parents would add an error number or the position in a document)."""
        return str(self.args[0]) if self.args else ""


class ApiUnauthorizedError(ApiClientError):
    """The source does not accept the credentials (401)."""

    status_code: int | None = 401


class ApiForbiddenError(ApiClientError):
    """The credentials do not allow this (403)."""

    status_code: int | None = 403


class ApiNotFoundError(ApiClientError):
    """The source knows no such resource (404)."""

    status_code: int | None = 404


class ApiServerError(ApiClientError):
    """The source failed (5xx).

    Attributes:
        retry_after: Seconds the source asked to wait, or None.
    """

    def __init__(
        self,
        message: str,
        *,
        status_code: int | None = None,
        response_body: Any = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, status_code=status_code, response_body=response_body)
        self.retry_after = retry_after


class ApiRateLimitError(ApiClientError):
    """Too many requests: said by the source (429), or by the client's own limit before the source had to.

    Attributes:
        retry_after: Seconds to wait before the next request, or None when unknown.
    """

    status_code: int | None = 429

    def __init__(
        self,
        message: str,
        *,
        status_code: int | None = None,
        response_body: Any = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, status_code=status_code, response_body=response_body)
        self.retry_after = retry_after

    @staticmethod
    def parse_retry_after(
        headers: Mapping[str, str], now: float | None = None
    ) -> float | None:
        """Read the `Retry-After` header (RFC 9110, section 10.2.3).

        Args:
            headers: Headers of an answer.
            now: Present time in seconds since the epoch, for the date form; default: the system's clock.

        Returns:
            Seconds to wait, never negative; None when the header is absent or unreadable.
        """
        value = headers.get("Retry-After", headers.get("retry-after"))
        if value is None:
            return None
        try:
            seconds = float(value)
        except (TypeError, ValueError):
            try:
                moment = parsedate_to_datetime(value)
            except (TypeError, ValueError):
                return None
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=timezone.utc)
            if now is None:
                now = datetime.now(timezone.utc).timestamp()
            seconds = moment.timestamp() - now
        return max(seconds, 0.0) if math.isfinite(seconds) else None


class QuotaExceededError(ApiRateLimitError):
    """The daily budget of requests is used up; nothing was sent.

    Attributes:
        resets_at: When the next budget begins (aware, UTC).
        retry_after: Seconds until then.
    """

    def __init__(
        self, message: str, *, resets_at: datetime, retry_after: float
    ) -> None:
        super().__init__(message, retry_after=retry_after)
        self.resets_at = resets_at


class ApiPaginationError(ApiClientError):
    """A paginator cannot get further: the source repeats itself or hides records behind a limit."""


class ApiConfigurationError(ApiClientError, ValueError):
    """The client was given something it cannot work with."""


class ApiStorageError(ApiClientError, OSError):
    """A file of the client (a download, the quota's memory) cannot be read or written."""

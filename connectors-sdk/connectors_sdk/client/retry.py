"""When to try a request again, and how long to wait before.

What may be repeated depends on the verb (RFC 9110, section 9.2.2): GET, HEAD, OPTIONS, TRACE, PUT and DELETE have the
same effect however often they arrive. POST and PATCH are repeated only when the source surely did not act on them:
the connection never came about, or it answered 429 or 503 and named a time (`Retry-After`).
"""

from dataclasses import dataclass

import requests

from connectors_sdk.client.exceptions import (
    ApiConfigurationError,
    ApiRateLimitError,
    ApiStorageError,
)
from connectors_sdk.client.network_errors import (
    ApiContentEncodingError,
    ApiRequestError,
    ApiTooLargeError,
    is_certificate_problem,
    was_never_sent,
)
from connectors_sdk.client.timing import Timing

TRANSIENT_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
REPEATABLE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})

# Errors that come out the same however often one tries.
_PERMANENT = (
    ApiRequestError,
    ApiTooLargeError,
    ApiContentEncodingError,
    ApiStorageError,
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidHeader,
    requests.exceptions.InvalidProxyURL,
    requests.exceptions.MissingSchema,
    requests.exceptions.TooManyRedirects,
)


@dataclass(frozen=True)
class RetryPolicy:
    """How failures are answered.

    Args:
        max_retries: Further attempts after the first one; 0 means one attempt.
        backoff_factor: The pause before retry n (counted from 0) is drawn between 0 and `backoff_factor * 2**n`
            seconds ("full jitter": clients that failed together do not come back together).
        backoff_max: Upper bound of that pause, seconds.
        retry_after_max: Longest `Retry-After` that is waited for, seconds. When the source asks for more, the
            request fails at once: coming back earlier than asked would only be refused again.
        statuses: Statuses worth another attempt.
        retry_unsafe: Treat POST and PATCH like GET. Only for sources where repeating them is harmless (searches).
    """

    max_retries: int = 3
    backoff_factor: float = 1.0
    backoff_max: float = 60.0
    retry_after_max: float = 120.0
    statuses: frozenset[int] = TRANSIENT_STATUSES
    retry_unsafe: bool = False

    def __post_init__(self) -> None:
        if self.max_retries < 0 or self.backoff_factor < 0:
            raise ApiConfigurationError(
                f"max_retries={self.max_retries}, backoff_factor={self.backoff_factor}: neither may be negative. "
                "Use 0 to switch retries off."
            )

    def pause_after_error(
        self,
        method: str,
        error: Exception,
        attempt: int,
        timing: Timing,
    ) -> float | None:
        """Decide what to do after an attempt that brought no (whole) answer.

        Args:
            method: HTTP method.
            error: What was raised.
            attempt: Number of the failed attempt, from 0.
            timing: Source of chance.

        Returns:
            Seconds to wait before the next attempt, or None to give up.
        """
        if attempt >= self.max_retries or isinstance(error, _PERMANENT):
            return None
        if is_certificate_problem(error):
            return None
        if not (self._repeatable(method) or was_never_sent(error)):
            return None
        return self._jitter(attempt, timing)

    def pause_after_status(
        self,
        method: str,
        response: requests.Response,
        attempt: int,
        timing: Timing,
    ) -> float | None:
        """Decide what to do after an answer.

        Args:
            method: HTTP method.
            response: The answer; only status and headers are looked at.
            attempt: Number of the attempt, from 0.
            timing: Source of chance, and the clock to read a `Retry-After` date by.

        Returns:
            Seconds to wait before the next attempt, or None to take the answer as it is.
        """
        if attempt >= self.max_retries or response.status_code not in self.statuses:
            return None
        asked = ApiRateLimitError.parse_retry_after(response.headers, timing.now())
        refused_unprocessed = asked is not None and response.status_code in (429, 503)
        if not (self._repeatable(method) or refused_unprocessed):
            return None
        if asked is None:
            return self._jitter(attempt, timing)
        return asked if asked <= self.retry_after_max else None

    def _repeatable(self, method: str) -> bool:
        return self.retry_unsafe or method.upper() in REPEATABLE_METHODS

    def _jitter(self, attempt: int, timing: Timing) -> float:
        # 2**attempt is bounded so that a large max_retries cannot overflow.
        ceiling = self.backoff_factor * 2 ** min(attempt, 30)
        return timing.uniform(0.0, min(self.backoff_max, ceiling))

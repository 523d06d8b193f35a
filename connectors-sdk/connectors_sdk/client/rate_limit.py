"""The transport adapter: each single attempt of a request passes through here.

Retries, rate limits, the daily quota, timeouts and the reading of the body are handled at this one spot, so that none of
them can be forgotten and a retry counts against the limits like any other request.
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter
from requests.utils import rewind_body
from urllib3.util.retry import Retry

from connectors_sdk.client.body import BodyReader
from connectors_sdk.client.calls import CALLS
from connectors_sdk.client.exceptions import ApiClientError, ApiRateLimitError
from connectors_sdk.client.limiter import (
    MovingWindowLimiter,
    RateLimit,
    parse_rate_limit,
)
from connectors_sdk.client.network_errors import translate
from connectors_sdk.client.quota import DailyQuota
from connectors_sdk.client.redact import shown_url
from connectors_sdk.client.retry import RetryPolicy
from connectors_sdk.client.timing import Timing
from connectors_sdk.client.tls import TrustStore
from connectors_sdk.tracing import span

__all__ = ["RateLimit", "Transport", "_RateLimitAdapter"]

logger = logging.getLogger("connectors_sdk.client")

Timeout = float | tuple[float, float]

DEFAULT_TIMEOUT: Timeout = 60.0
SUCCESSES = range(200, 300)
# Seconds from which on waiting for room in the rate limit is worth a line in the log.
LONG_WAIT = 30.0


class Transport(Protocol):  # pylint: disable=too-few-public-methods
    """What really sends one request; `requests.adapters.HTTPAdapter` and the adapters of test libraries fit."""

    def send(
        self, request: requests.PreparedRequest, **options: Any
    ) -> requests.Response:
        """Send `request` once and return the answer, its body unread."""


def _retries_reported_only(total: int) -> Retry:
    """Return retry settings that show `total` but let urllib3 itself never try twice: its retries are not counted."""
    return Retry(
        total=total,
        connect=0,
        read=False,
        redirect=0,
        status=0,
        other=0,
        respect_retry_after_header=False,
        raise_on_status=False,
    )


class _RateLimitAdapter(HTTPAdapter):
    """Sends requests within limits and tries again where that is right.

    Args:
        rate_limit: Limit per host, see `parse_rate_limit`; None for none.
        rate_limit_key: Name under which requests without a host are counted.
        raise_on_limit_exceeded: Raise `ApiRateLimitError` when the limit is reached; False: wait until there is room.
        retry: What is tried again.
        quota: Budget of requests per day.
        timeout: Used when a request comes without one: seconds, or (connect, read).
        body: How bodies are read.
        trust: Certificates that are trusted in place of the default.
        transport: Sends in place of the network.
        timing: Clock, sleep, chance.
        options: Passed on to `HTTPAdapter` (pool sizes).
    """

    def __init__(  # pylint: disable=too-many-arguments
        self,
        rate_limit: RateLimit | str | None = None,
        rate_limit_key: str = "",
        raise_on_limit_exceeded: bool = True,
        *,
        retry: RetryPolicy = RetryPolicy(max_retries=0),
        quota: DailyQuota | None = None,
        timeout: Timeout = DEFAULT_TIMEOUT,
        body: BodyReader | None = None,
        trust: TrustStore | None = None,
        transport: Transport | None = None,
        timing: Timing = Timing(),
        **options: Any,
    ) -> None:
        self._rate_limit_item = (
            None if rate_limit is None else parse_rate_limit(rate_limit)
        )
        self._rate_limit = rate_limit
        self._rate_limit_key = rate_limit_key
        self._raise_on_limit_exceeded = raise_on_limit_exceeded
        self._limiter = MovingWindowLimiter(timing.now)
        self._retry = retry
        self._quota = quota
        self._timeout = timeout
        self._body = body or BodyReader(timing=timing)
        self._trust = trust
        self._transport = transport
        self._timing = timing
        options.setdefault("max_retries", _retries_reported_only(retry.max_retries))
        super().__init__(**options)

    def send(  # pylint: disable=arguments-differ,too-many-arguments,too-many-positional-arguments
        self,
        request: requests.PreparedRequest,
        stream: Any = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send a request, with retries.

        Args:
            request: What to send.
            stream: False: the body is read here, within the attempt, so that a body that breaks off is tried again
                too. True: the caller reads it. A callable: gets each successful answer and reads the body itself,
                within the attempt.
            timeout: Seconds, or (connect, read); None: the default. There is no way to switch it off.
            verify, cert, proxies: As in `requests`.

        Returns:
            The answer, whatever its status.

        Raises:
            ApiClientError: In all its kinds.
        """
        options = {
            "stream": bool(stream),
            "timeout": self._timeout if timeout is None else timeout,
            "verify": verify,
            "cert": cert,
            "proxies": proxies,
        }
        attempt = 0
        last_failure = ""
        while True:
            self._take_turn(request, last_failure)
            outcome = self._traced(request, stream, options, attempt)
            if not isinstance(outcome, _Failure):
                return outcome
            if outcome.pause is None or not _rewind(request):
                # Raised here, outside of the handler that caught the original: its context would show unredacted text.
                if attempt:
                    outcome.error.args = (
                        f"{outcome.error} Tried {attempt + 1} times.",
                    )
                raise outcome.error
            last_failure = str(outcome.error)
            logger.warning(
                "%s Attempt %d of %d; the next one follows in %.1f s.",
                last_failure,
                attempt + 1,
                self._retry.max_retries + 1,
                outcome.pause,
            )
            self._timing.sleep(outcome.pause)
            attempt += 1

    def _traced(
        self,
        request: requests.PreparedRequest,
        stream: Any,
        options: dict[str, Any],
        attempt: int,
    ) -> "requests.Response | _Failure":
        address = urlsplit(str(request.url))
        with span(
            f"HTTP {_method(request)}",
            client=True,
            server_address=address.hostname or "",
        ) as traced:
            outcome = self._attempt(request, stream, options, attempt)
            if isinstance(outcome, _Failure):
                traced.set_attribute("error.type", type(outcome.error).__name__)
            else:
                traced.set_attribute("http.response.status_code", outcome.status_code)
            return outcome

    def _attempt(
        self,
        request: requests.PreparedRequest,
        stream: Any,
        options: dict[str, Any],
        attempt: int,
    ) -> "requests.Response | _Failure":
        """Send once and read the body, or say what failed and whether another attempt is worth it."""
        method, url = _method(request), str(request.url)
        response = None
        try:
            response = (
                super().send(request, **options)
                if self._transport is None
                else self._transport.send(request, **options)
            )
            pause = self._retry.pause_after_status(
                method, response, attempt, self._timing
            )
            if pause is not None and _can_rewind(request):
                response.close()
                text = f"{method} {shown_url(url)}: the source answered with status {response.status_code}."
                return _Failure(ApiClientError(text), pause)
            if callable(stream) and response.status_code in SUCCESSES:
                stream(response)
            elif not stream:
                self._body.load(response)
            return response
        except (
            requests.exceptions.RequestException,
            urllib3.exceptions.HTTPError,
            ApiClientError,
            OSError,
            ValueError,
        ) as error:
            if response is not None:
                response.close()
            return _Failure(
                translate(error, method, url),
                self._retry.pause_after_error(method, error, attempt, self._timing),
            )

    def _take_turn(self, request: requests.PreparedRequest, last_failure: str) -> None:
        """Count an attempt, waiting for room or raising `ApiRateLimitError` as configured."""
        if self._rate_limit_item is not None:
            key = urlsplit(str(request.url)).netloc.lower() or self._rate_limit_key
            if not self._limiter.hit(self._rate_limit_item, key):
                self._wait_or_raise(key, last_failure)
        if self._quota is not None:
            self._quota.consume()
        CALLS.note()

    def _wait_or_raise(self, key: str | None = None, last_failure: str = "") -> None:
        """Wait until the limit has room and take it, or raise `ApiRateLimitError`."""
        key = self._rate_limit_key if key is None else key
        windows = self._rate_limit_item
        if windows is None:
            return
        while True:
            reset = self._limiter.get_window_stats(windows, key).reset_time
            wait = max(0.0, reset - self._timing.now())
            if self._raise_on_limit_exceeded:
                at = time.strftime("%H:%M:%S UTC", time.gmtime(reset))
                before = f" The attempt before: {last_failure}" if last_failure else ""
                raise ApiRateLimitError(
                    f"The client's own limit of {self._rate_limit} for {key} is reached; nothing was sent. "
                    f"There is room again at {at}.{before}",
                    retry_after=wait,
                )
            logger.log(
                logging.INFO if wait >= LONG_WAIT else logging.DEBUG,
                "The client's own limit of %s for %s is reached; going on in %.1f s",
                self._rate_limit,
                key,
                wait,
            )
            self._timing.sleep(wait)
            if self._limiter.hit(windows, key):
                return

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> Any:
        """Use the client's trust store for verified connections."""
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        if verify is True and self._trust is not None and host["scheme"] == "https":
            pool["ssl_context"] = self._trust.context(cert)
        return host, pool

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Set up verification, without loading the default authorities once more into the client's trust store."""
        super().cert_verify(conn, url, verify, cert)  # type: ignore[no-untyped-call]
        if verify is True and self._trust is not None:
            conn.ca_certs = conn.ca_cert_dir = None

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Trust the same authorities for a proxy that is itself reached over TLS."""
        if self._trust is not None and proxy.lower().startswith("https"):
            options.setdefault("proxy_ssl_context", self._trust.context())
        return super().proxy_manager_for(proxy, **options)


@dataclass(frozen=True)
class _Failure:
    """An attempt that failed: why, and the pause before the next one (None: give up)."""

    error: ApiClientError
    pause: float | None


def _method(request: requests.PreparedRequest) -> str:
    return str(getattr(request, "method", None) or "GET")


def _can_rewind(request: requests.PreparedRequest) -> bool:
    """Tell whether the body can be sent again: there is none, it is in memory, or it is a file that can seek."""
    body = getattr(request, "body", None)
    if body is None or isinstance(body, (bytes, str)):
        return True
    return isinstance(getattr(request, "_body_position", None), int)


def _rewind(request: requests.PreparedRequest) -> bool:
    """Make the body ready to be sent again; False when that is not possible."""
    if not _can_rewind(request):
        return False
    if isinstance(getattr(request, "_body_position", None), int):
        rewind_body(request)
    return True

"""Read the body of an answer: bounded in bytes and in time, broken-off bodies noticed."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import requests
import urllib3.exceptions

from connectors_sdk.client.exceptions import (
    ApiClientError,
    ApiConnectionError,
    ApiTimeoutError,
    ApiTooLargeError,
    ApiTruncatedError,
)
from connectors_sdk.client.network_errors import translate
from connectors_sdk.client.redact import shown_url
from connectors_sdk.client.timing import Timing
from connectors_sdk.client.unpack import CHUNK_BYTES

MAX_BODY_BYTES = 512 * 1024 * 1024
MAX_SECONDS = 3600.0


def method_and_url(response: requests.Response) -> tuple[str, str]:
    """Return the method and URL an answer belongs to; answers made by tests may lack either."""
    request = getattr(response, "request", None)
    method = getattr(request, "method", None) or "GET"
    return str(method), str(getattr(response, "url", None) or "")


@dataclass(frozen=True)
class BodyReader:
    """Reads bodies, with content encodings (gzip, deflate) undone.

    Args:
        max_bytes: Biggest body accepted, in decoded bytes; None for no limit.
        max_seconds: Longest time one body may take, however steadily it trickles.
        timing: Clock.
    """

    max_bytes: int | None = MAX_BODY_BYTES
    max_seconds: float = MAX_SECONDS
    timing: Timing = field(default_factory=Timing)

    def limited_to(self, max_bytes: int | None) -> "BodyReader":
        """Return a reader with another size limit."""
        return replace(self, max_bytes=max_bytes)

    def chunks(self, response: requests.Response) -> Iterator[bytes]:
        """Yield the body in pieces as they arrive.

        Raises:
            ApiTruncatedError: It ended early (fewer bytes than `Content-Length`, last chunk missing, reset).
            ApiTooLargeError, ApiTimeoutError: A limit was reached.
            ApiContentEncodingError: The compression is damaged.
        """
        method, url = method_and_url(response)
        end = self.timing.monotonic() + self.max_seconds
        size = 0
        failure: ApiClientError | None = None
        pieces = _pieces(response)
        while failure is None:
            try:
                piece = next(pieces, b"")
            except (
                requests.exceptions.RequestException,
                urllib3.exceptions.HTTPError,
                OSError,
            ) as error:
                failure = _broken(error, method, url)
                break
            if not piece:
                return
            size += len(piece)
            failure = self._beyond_limits(size, end, f"{method} {shown_url(url)}")
            if failure is None:
                yield piece
        response.close()
        # Raised outside of the handler: its context would carry the original, unredacted text.
        raise failure

    def load(self, response: requests.Response) -> None:
        """Read the whole body into `response.content`; the errors are those of `chunks`."""
        if getattr(response, "_content", None) is not False:
            return
        content = b"".join(self.chunks(response))
        # What `Response.content` itself would leave behind after reading.
        response._content = content  # pylint: disable=protected-access
        response._content_consumed = True  # type: ignore[attr-defined]  # pylint: disable=protected-access

    def _beyond_limits(self, size: int, end: float, what: str) -> ApiClientError | None:
        if self.max_bytes is not None and size > self.max_bytes:
            return ApiTooLargeError(
                f"{what}: the answer is bigger than the limit of {self.max_bytes} bytes. "
                "Ask for less at once, download it to a file, or raise the limit."
            )
        if self.timing.monotonic() > end:
            return ApiTimeoutError(
                f"{what}: the answer was not complete after {self.max_seconds:g} s. "
                "Ask for less at once or raise the limit."
            )
        return None


def _pieces(response: requests.Response) -> Iterator[bytes]:
    raw = getattr(response, "raw", None)
    if isinstance(raw, urllib3.BaseHTTPResponse):
        # Unlike `iter_content`, which blocks until a piece is full, this returns what has arrived; a slow trickle
        # therefore cannot dodge the time limit.
        while piece := raw.read1(CHUNK_BYTES, decode_content=True):
            yield piece
        raw.release_conn()
    else:
        yield from response.iter_content(CHUNK_BYTES)


def _broken(error: Exception, method: str, url: str) -> ApiClientError:
    """Return the error for a body that broke off; at this stage any lost connection means a truncated answer."""
    failure = translate(error, method, url)
    if type(failure) is ApiConnectionError:  # pylint: disable=unidiomatic-typecheck
        return ApiTruncatedError(
            f"{method} {shown_url(url)}: the connection was lost in the middle of the answer. "
            "Try again later, or ask for less at once."
        )
    return failure

"""Errors of the network and of answers that cannot be read, and how `requests` exceptions become them.

Import them from `connectors_sdk.client.exceptions`.
"""

# Each error is both a kind of the client's and of the library's errors: # pylint: disable=too-many-ancestors

import socket
import ssl
from collections.abc import Iterator
from typing import Any

import requests
import urllib3.exceptions

from connectors_sdk.client.exceptions import ApiClientError
from connectors_sdk.client.redact import redact, redact_tree, shown_url


class ApiConnectionError(ApiClientError, requests.exceptions.ConnectionError):
    """No connection to the source, or it was lost before an answer came."""


class ApiTlsError(ApiConnectionError, requests.exceptions.SSLError):
    """The encrypted connection could not be set up; most often the certificate is not trusted."""


class ApiProxyError(ApiConnectionError, requests.exceptions.ProxyError):
    """The proxy cannot be reached or refuses."""


class ApiTimeoutError(ApiClientError, requests.exceptions.ReadTimeout):
    """The source was silent for longer than the timeout."""


class ApiConnectTimeoutError(ApiTimeoutError, requests.exceptions.ConnectTimeout):
    """No connection came about within the timeout; the request was not sent."""


class ApiTruncatedError(
    ApiConnectionError, requests.exceptions.ChunkedEncodingError, EOFError
):
    """The answer ended before it was complete."""


class ApiTooLargeError(ApiClientError, requests.exceptions.RequestException):
    """The answer is bigger than allowed."""


class ApiDecodeError(ApiClientError, requests.exceptions.RequestException, ValueError):
    """The answer is not of the kind that was expected."""


class ApiJsonDecodeError(ApiDecodeError, requests.exceptions.JSONDecodeError):
    """The answer is not valid JSON.

    Attributes:
        msg, doc, pos, lineno, colno: As in `json.JSONDecodeError`; `doc` is always empty, it may be huge or private.
    """

    def __init__(  # pylint: disable=super-init-not-called
        self,
        message: str,
        *,
        status_code: int | None = None,
        response_body: Any = None,
        pos: int = 0,
    ) -> None:
        # The parents disagree about the arguments, so each part is set up by itself.
        requests.exceptions.JSONDecodeError.__init__(self, redact(message), "", pos)
        self.args = (redact(message),)
        self.status_code = status_code
        self.response_body = redact_tree(response_body)

    def __reduce__(self) -> Any:
        """Restore through the plain constructor, whatever the parents would do."""
        return type(self), (str(self),), self.__dict__


class ApiContentEncodingError(ApiDecodeError, requests.exceptions.ContentDecodingError):
    """The compressed answer is damaged."""


class ApiRedirectError(ApiClientError, requests.exceptions.TooManyRedirects):
    """A redirection leads in circles, or would carry a request's body to a foreign host."""


class ApiRequestError(ApiClientError, requests.exceptions.RequestException, ValueError):
    """The request itself is wrong (URL, header) and was not sent."""


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield `error` and everything wrapped in it, outermost first."""
    seen: set[int] = set()
    waiting: list[Any] = [error]
    while waiting:
        current = waiting.pop(0)
        if not isinstance(current, BaseException) or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        waiting += [
            getattr(current, "reason", None),
            getattr(current, "original_error", None),
        ]
        waiting += [current.__cause__, *current.args]


def was_never_sent(error: BaseException) -> bool:
    """Tell whether the failure happened before the request left, so that repeating it can do no harm."""
    return any(
        isinstance(
            cause,
            (
                requests.exceptions.ConnectTimeout,
                urllib3.exceptions.ConnectTimeoutError,
                urllib3.exceptions.NewConnectionError,
            ),
        )
        for cause in causes(error)
    )


def is_certificate_problem(error: BaseException) -> bool:
    """Tell whether a certificate was refused; trying again does not help."""
    return any(
        isinstance(cause, ssl.SSLCertVerificationError) for cause in causes(error)
    )


def translate(error: Exception, method: str, url: str) -> ApiClientError:
    """Turn an exception of `requests`, `urllib3` or the socket layer into the client's own.

    Args:
        error: What was raised.
        method: HTTP method of the request.
        url: URL of the request; shown without its query.

    Returns:
        The error to raise, in words, without secrets; `error` itself when it is one already. It carries `request` and
        `response` of a `requests` exception.
    """
    if isinstance(error, ApiClientError):
        return error
    kind, happened, advice = _classify(error)
    result = kind(f"{method.upper()} {shown_url(url)}: {happened}. {advice}")
    if isinstance(error, requests.exceptions.RequestException) and isinstance(
        result, requests.exceptions.RequestException
    ):
        result.request = error.request
        result.response = error.response
    return result


_Verdict = tuple[type[ApiClientError], str, str]


def _classify(error: Exception) -> _Verdict:
    all_causes = list(causes(error))

    def first(*kinds: type[BaseException]) -> BaseException | None:
        return next((cause for cause in all_causes if isinstance(cause, kinds)), None)

    if first(requests.exceptions.ProxyError, urllib3.exceptions.ProxyError) is not None:
        reason = _innermost(all_causes)
        return (
            ApiProxyError,
            f"the proxy did not let the request through ({reason})",
            "Check the proxy's address and credentials, or list the host in NO_PROXY.",
        )
    refused = first(ssl.SSLCertVerificationError)
    if isinstance(refused, ssl.SSLCertVerificationError):
        reason = refused.verify_message or str(refused)
        return (
            ApiTlsError,
            f"the server's certificate is not trusted ({reason})",
            "Give the certificate of the issuing authority to the client (`ca`) or fix the server's certificate.",
        )
    if (
        first(requests.exceptions.SSLError, urllib3.exceptions.SSLError, ssl.SSLError)
        is not None
    ):
        return (
            ApiTlsError,
            f"the encrypted connection failed ({_innermost(all_causes)})",
            "Check that the address speaks TLS and that its settings are up to date.",
        )
    return _classify_connection(error, all_causes) or _classify_rest(error, all_causes)


def _classify_connection(
    error: Exception, all_causes: list[BaseException]
) -> _Verdict | None:
    def has(*kinds: type[BaseException]) -> bool:
        return any(isinstance(cause, kinds) for cause in all_causes)

    if has(urllib3.exceptions.NameResolutionError, socket.gaierror):
        return (
            ApiConnectionError,
            "the host name cannot be resolved",
            "Check the address for typing errors, and the DNS.",
        )
    if has(urllib3.exceptions.NewConnectionError):
        return (
            ApiConnectionError,
            f"no connection ({_innermost(all_causes)})",
            "Check that the source is up, and the firewall and proxy on the way.",
        )
    if has(requests.exceptions.ConnectTimeout, urllib3.exceptions.ConnectTimeoutError):
        return (
            ApiConnectTimeoutError,
            "no connection within the timeout",
            "Check that the source is up, and the firewall and proxy on the way.",
        )
    if has(
        requests.exceptions.ReadTimeout,
        urllib3.exceptions.ReadTimeoutError,
        TimeoutError,
    ):
        return (
            ApiTimeoutError,
            "the source was silent for longer than the read timeout",
            "Try again later, ask for less at once, or raise the timeout.",
        )
    if isinstance(
        error,
        (
            requests.exceptions.ContentDecodingError,
            urllib3.exceptions.DecodeError,
        ),
    ):
        return (
            ApiContentEncodingError,
            "the compressed answer is damaged",
            "Try again later; tell the source if it stays.",
        )
    if has(
        urllib3.exceptions.IncompleteRead, urllib3.exceptions.InvalidChunkLength
    ) or isinstance(error, requests.exceptions.ChunkedEncodingError):
        return (
            ApiTruncatedError,
            "the answer ended before it was complete",
            "Try again later, or ask for less at once.",
        )
    return None


def _classify_rest(error: Exception, all_causes: list[BaseException]) -> _Verdict:
    if isinstance(error, requests.exceptions.TooManyRedirects):
        return (
            ApiRedirectError,
            "the source redirects without end",
            "Check the address.",
        )
    if isinstance(
        error, (requests.exceptions.ConnectionError, urllib3.exceptions.ProtocolError)
    ):
        return (
            ApiConnectionError,
            f"the connection was lost ({_innermost(all_causes)})",
            "Try again later; check the source and the network.",
        )
    if isinstance(error, requests.exceptions.JSONDecodeError):
        return (
            ApiJsonDecodeError,
            "the answer is not valid JSON",
            "Check the address: a login page or a proxy may have answered.",
        )
    if isinstance(error, ValueError):
        return (
            ApiRequestError,
            f"the request cannot be sent ({redact(str(error))})",
            "Check the address and the headers.",
        )
    return (
        ApiConnectionError,
        f"the request failed ({_innermost(all_causes)})",
        "Try again later; check the source and the network.",
    )


def _innermost(all_causes: list[BaseException]) -> str:
    """Return the deepest cause in words, without the object addresses that urllib3 puts before them."""
    system = [
        cause for cause in all_causes if isinstance(cause, OSError) and cause.strerror
    ]
    if system:
        return str(system[-1].strerror)
    text = str(all_causes[-1]) or type(all_causes[-1]).__name__
    if text.startswith("<"):
        text = text.partition(">: ")[2] or text
    return redact(text)

"""Why the platform could not be spoken to, in words an operator can act on.

pycti reports most failures as a `ValueError` that holds either the platform's error as a dictionary or the text of
whatever answered; `requests` wraps the true cause several layers deep.
"""

import json
import socket
import ssl
from collections.abc import Iterator
from typing import Any

# GraphQL error names with which the platform refuses a token (see its API documentation).
_REFUSED_TOKEN = ("AUTH_REQUIRED", "FORBIDDEN_ACCESS", "UNAUTHENTICATED", "FORBIDDEN")
_LONGEST = 500

NO_ANSWER = "no answer in time"


def describe(error: BaseException) -> str:
    """Return the cause of a failure as one sentence without full stop.

    Inputs that are not about the network or the platform's answers give their own text, or their type's name.
    """
    chain = list(chain_of(error))
    for cause in chain:
        words = _network_words(cause)
        if words:
            return words
    details = error.args[0] if error.args else None
    if isinstance(error, ValueError) and isinstance(details, dict):
        return describe_graphql(details.get("name"), details.get("error_message"))
    text = str(error).strip()
    if not text:
        return type(error).__name__
    if isinstance(error, ValueError) and text.startswith("{"):
        # pycti gives what came with another status than 200 as it came.
        refused = _refusal(text)
        if refused:
            return refused
    if isinstance(error, (LookupError, TypeError, AttributeError)):
        # What these say is not understood without what they are.
        return f"{type(error).__name__}: {_shorten(text, _LONGEST)}"
    if text.lstrip().startswith("<"):
        return f"the answer is a web page, not that of an OpenCTI API: {_shorten(text, 120)}"
    return _shorten(text, _LONGEST).removesuffix(".")


def _refusal(text: str) -> str | None:
    """Return what the GraphQL error in the text of an answer means; None when there is none in it."""
    try:
        first, *_ = json.loads(text)["errors"]
        code = first.get("name") or (first.get("extensions") or {}).get("code")
        return describe_graphql(code or first["message"], first["message"])
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


def describe_graphql(name: Any, message: Any) -> str:
    """Return what a GraphQL error of the platform means.

    Args:
        name: the error's name or code, e.g. AUTH_REQUIRED.
        message: the error's message.
    """
    if name in _REFUSED_TOKEN:
        return f"the platform refuses the token ({name}: {message})"
    return f"the platform answers {name}: {message}" if name != message else f"{name}"


def describe_status(status: int) -> str | None:
    """Return what an HTTP status other than 200 means, or None for 200."""
    if status == 200:
        return None
    if status in (401, 403):
        return f"the platform refuses the token (HTTP {status})"
    if status in (429, 502, 503, 504):
        return f"the platform is not available at the moment (HTTP {status})"
    if status == 404 or 300 <= status < 400:
        return f"what answers is not an OpenCTI API (HTTP {status})"
    return f"the platform answers with HTTP {status}"


def chain_of(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it wraps, the innermost first."""
    found: list[BaseException] = []
    queue: list[BaseException] = [error]
    while queue:
        current = queue.pop()
        if current in found:
            continue
        found.append(current)
        # urllib3 keeps the cause in `reason`, requests in its first argument.
        inner = (
            getattr(current, "reason", None),
            *current.args,
            current.__cause__,
            current.__context__,
        )
        queue.extend(e for e in inner if isinstance(e, BaseException))
    return reversed(found)


def _network_words(cause: BaseException) -> str | None:
    name = type(cause).__name__
    if isinstance(cause, socket.gaierror) or name == "NameResolutionError":
        return f"name resolution failed: {_detail(cause)}"
    if isinstance(cause, ssl.SSLError) or name == "SSLError":
        return f"TLS failed: {_detail(cause)}"
    if isinstance(cause, ConnectionRefusedError):
        return "the connection was refused: nothing listens there"
    if name == "ProxyError":
        return f"the proxy failed: {_detail(cause)}"
    if isinstance(cause, TimeoutError) or name in (
        "ConnectTimeout",
        "ConnectTimeoutError",
        "ReadTimeout",
        "ReadTimeoutError",
    ):
        return NO_ANSWER
    if isinstance(cause, ConnectionError) or name in (
        "ProtocolError",
        "RemoteDisconnected",
        "ChunkedEncodingError",
    ):
        return "the connection was closed in the middle"
    if name.endswith("JSONDecodeError"):
        return "what answers is not an OpenCTI API: its answer is not JSON"
    return None


def _detail(cause: BaseException) -> str:
    text = getattr(cause, "strerror", None) or str(cause)
    return _shorten(str(text), 200)


def _shorten(text: str, longest: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= longest else text[: longest - 1] + "…"

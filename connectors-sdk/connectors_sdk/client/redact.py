"""Keep secrets out of messages, representations and log lines.

Two nets: values that were registered as secret are replaced wherever they turn up, in plain and in their usual
encodings; and what looks like a credential by its name (a query parameter `api_key`, an `Authorization` header, a
password in a URL) is replaced without being known.
"""

import base64
import binascii
import json
import logging
import re
import threading
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus, urlsplit, urlunsplit

MASK = "***"

# A shorter value would turn up by chance in ordinary words and make every message unreadable.
MIN_SECRET_LENGTH = 4

_SENSITIVE_NAME = re.compile(
    r"(?i)(?:api|access|auth|private|secret|subscription|app|license)[_-]?(?:key|id_?key)"
    r"|(?:^|[_.-])(?:key|sig|auth|pass|pwd|pw)(?:$|[_.-])"
    r"|token|secret|passw|passphrase|credential|signature|authorization|cookie"
)
_USER_INFO = re.compile(r"(?<=://)[^/\s?#@\"']+@")
_PARAMETER = re.compile(r"([?&;])([^=&;\s\"'#?]+)=([^&;\s\"'#]+)")
_HEADER = re.compile(
    r"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie|x-api-key)([\"']?\s*[:=]\s*[\"']?)([^\r\n\"']+)"
)

# Loggers of the HTTP stack that write whole request targets, query string included, at level DEBUG.
_HTTP_LOGGERS = (
    "urllib3.connection",
    "urllib3.connectionpool",
    "urllib3.poolmanager",
    "urllib3.util.retry",
    "urllib3.response",
    "requests.sessions",
)
_RECORD_FIELDS = frozenset(logging.makeLogRecord({}).__dict__)


def is_sensitive_name(name: str) -> bool:
    """Tell whether a parameter or header of that name usually carries a credential."""
    return _SENSITIVE_NAME.search(name) is not None


def plain(value: Any) -> Any:
    """Return what a `SecretStr`-like value hides, anything else unchanged."""
    reveal = getattr(value, "get_secret_value", None)
    return reveal() if callable(reveal) else value


def shown_url(url: str) -> str:
    """Return a URL fit for messages: without user name, password, query and fragment.

    Args:
        url: Any URL; one that cannot be parsed is shown redacted.
    """
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        return redact(urlunsplit((parts.scheme, host, parts.path, "", "")))
    except ValueError:
        return redact(url.partition("?")[0])


class Redactor:
    """Replaces secrets in text.

    Thread-safe. One instance serves the whole process (`redact`, `register_secret`): a secret of one client must not
    show in the messages of another.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def register(self, *values: Any) -> None:
        """Remember secrets.

        Args:
            values: Strings, bytes, or `SecretStr`-like objects. A header value like `Bearer abc` registers `abc`.
                None and values shorter than 4 characters are ignored.
        """
        forms = {form for value in values for form in _forms(plain(value))}
        with self._lock:
            if forms <= self._forms:
                return
            self._forms |= forms
            longest_first = sorted(self._forms, key=lambda form: (-len(form), form))
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def __call__(self, text: str) -> str:
        """Return `text` with every secret replaced by `***`."""
        pattern = self._pattern
        if pattern is not None:
            text = pattern.sub(MASK, text)
        text = _USER_INFO.sub(MASK + "@", text)
        text = _PARAMETER.sub(_mask_parameter, text)
        return _HEADER.sub(rf"\1\2{MASK}", text)

    def tree(self, value: Any) -> Any:
        """Return a copy of a JSON-like value whose strings are redacted.

        A string under a sensitive key (`api_key`, `password`) is replaced as a whole.
        """
        if isinstance(value, str):
            return self(value)
        if isinstance(value, Mapping):
            return {
                key: (
                    MASK
                    if isinstance(item, str) and item and is_sensitive_name(str(key))
                    else self.tree(item)
                )
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [self.tree(item) for item in value]
        return value


def _mask_parameter(match: re.Match[str]) -> str:
    if not is_sensitive_name(match[2]):
        return match[0]
    return f"{match[1]}{match[2]}={MASK}"


def _forms(value: Any) -> Iterable[str]:
    """Yield the spellings under which a secret may turn up."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        return
    text = value.strip()
    yield from _encodings(text)
    # `Bearer abc`: the scheme is no secret, and the token alone is one.
    scheme, _, rest = text.partition(" ")
    if not scheme.isalnum():
        return
    yield from _encodings(rest.strip())
    if scheme.lower() == "basic":
        try:
            pair = base64.b64decode(rest, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return
        yield from _encodings(pair.partition(":")[2])


def _encodings(secret: str) -> Iterable[str]:
    if len(secret) < MIN_SECRET_LENGTH:
        return
    yield secret
    yield quote(secret, errors="replace")
    yield quote(secret, safe="", errors="replace")
    yield quote_plus(secret, errors="replace")
    yield json.dumps(secret)[1:-1]
    yield repr(secret)[1:-1]
    yield base64.b64encode(secret.encode("utf-8", "replace")).decode()


_REDACTOR = Redactor()
register_secret = _REDACTOR.register
redact = _REDACTOR.__call__
redact_tree = _REDACTOR.tree


class RedactingFilter(logging.Filter):
    """Logging filter that redacts the message, the traceback text and the extra fields of each record.

    Add it to a handler to cover everything that handler writes, or to a logger to cover that logger's own lines.
    """

    _formatter = logging.Formatter()

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact `record` in place and let it pass."""
        record.msg = redact(record.getMessage())
        record.args = None
        if record.exc_info:
            record.exc_text = self._formatter.formatException(record.exc_info)
            # Formatters that print exceptions themselves would print the unredacted one again.
            record.exc_info = None
        if record.exc_text:
            record.exc_text = redact(record.exc_text)
        for name in record.__dict__.keys() - _RECORD_FIELDS:
            record.__dict__[name] = redact_tree(record.__dict__[name])
        return True


_HTTP_FILTER = RedactingFilter()


def guard_http_logs() -> None:
    """Redact what the HTTP libraries log. May be called many times."""
    for name in _HTTP_LOGGERS:
        # `addFilter` ignores a filter that is there already.
        logging.getLogger(name).addFilter(_HTTP_FILTER)

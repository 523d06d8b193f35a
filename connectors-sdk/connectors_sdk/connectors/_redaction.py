"""Keeping secrets out of whatever is written."""

import json
import logging
import sys
import traceback
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

from pydantic import BaseModel, SecretBytes, SecretStr

from connectors_sdk.settings._fields import is_secret_name

_MASK = "**********"
# Replacing shorter values would do more harm to the text than good.
_SHORTEST = 4


class Redactor:
    """Replaces the secret values of a connector's settings in any text."""

    def __init__(self, settings: Any) -> None:
        """Take the settings; secret are `SecretStr` values and texts whose setting is named like a secret."""
        values = {v for v in _secrets(settings) if len(v) >= _SHORTEST}
        escaped = {json.dumps(v)[1:-1] for v in values}
        # A secret that contains another one goes first.
        self._values = sorted(values | escaped, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for value in self._values:
            text = text.replace(value, _MASK)
        return text

    def guard_logs(self) -> None:
        """Redact every line that the root logger's handlers write from now on, tracebacks included."""
        for handler in logging.getLogger().handlers:
            if not isinstance(handler.formatter, _RedactingFormatter):
                handler.setFormatter(_RedactingFormatter(handler.formatter, self))

    def guard_excepthook(self) -> None:
        """Print uncaught exceptions with their traceback, redacted.

        pycti's helper replaces the hook by one that kills the process without a word.
        """

        def print_redacted(
            kind: type[BaseException],
            error: BaseException,
            trace: TracebackType | None,
        ) -> None:
            text = "".join(traceback.format_exception(kind, error, trace))
            sys.stderr.write(self(text))

        sys.excepthook = print_redacted


class _RedactingFormatter(logging.Formatter):
    """Formats as another formatter does, then redacts."""

    def __init__(
        self, inner: logging.Formatter | None, redact: Callable[[str], str]
    ) -> None:
        super().__init__()
        self._inner = inner or logging.Formatter()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        return self._redact(self._inner.format(record))


def _secrets(value: Any, name: str = "") -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, SecretBytes):
        yield value.get_secret_value().decode(errors="replace")
    elif isinstance(value, BaseModel):
        for key, inner in {**value.__dict__, **(value.model_extra or {})}.items():
            yield from _secrets(inner, key)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _secrets(inner, str(key))
    elif isinstance(value, (list, tuple, set, frozenset)):
        for inner in value:
            yield from _secrets(inner, name)
    elif isinstance(value, str) and value and is_secret_name(name):
        yield value

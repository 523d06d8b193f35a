"""What every log line of a run carries: the run's id and, while one is open, the work's."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_CONTEXT: ContextVar[dict[str, str] | None] = ContextVar("_CONTEXT", default=None)


def current() -> dict[str, str]:
    """Return what log lines carry at the moment, e.g. `{"run_id": ..., "work_id": ...}`."""
    return dict(_CONTEXT.get() or {})


@contextmanager
def log_context(**values: str) -> Iterator[None]:
    """Let every log line written inside the block (by this thread) carry these values, too."""
    token = _CONTEXT.set({**current(), **values})
    try:
        yield
    finally:
        _CONTEXT.reset(token)


def set_in_context(name: str, value: str | None) -> None:
    """Change a value for the rest of the enclosing `log_context`; None removes it."""
    values = current()
    if value is None:
        values.pop(name, None)
    else:
        values[name] = value
    _CONTEXT.set(values)


class ContextFilter(logging.Filter):
    """Writes the context into log records. JSON formatters show it as fields of their own."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass."""
        for name, value in current().items():
            if not hasattr(record, name):
                setattr(record, name, value)
        return True


def guard_logs() -> None:
    """Let the root logger's handlers write the context from now on."""
    for handler in logging.getLogger().handlers:
        if not any(isinstance(known, ContextFilter) for known in handler.filters):
            handler.addFilter(ContextFilter())

"""The one clock of the SDK.

Whatever needs the present instant asks here, so that a test (or a reproducible run) can stop the clock.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_frozen: ContextVar[datetime | None] = ContextVar("frozen", default=None)


def now() -> datetime:
    """Return the present instant, timezone-aware in UTC."""
    return _frozen.get() or datetime.now(UTC)


@contextmanager
def frozen(instant: datetime) -> Iterator[None]:
    """Stop the clock at an instant inside the block.

    Args:
        instant: timezone-aware.

    Raises:
        ValueError: the instant has no timezone.
    """
    if instant.tzinfo is None:
        raise ValueError("the clock knows timezone-aware instants only")
    token = _frozen.set(instant.astimezone(UTC))
    try:
        yield
    finally:
        _frozen.reset(token)

"""Rate limits: their notation, and the counting.

The window moves: in no stretch of a minute, wherever it begins, are more than the allowed requests made. (A window that
starts anew each full minute lets twice as many through around the turn.) Memory: one number per allowed request.
"""

import re
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from connectors_sdk.client.exceptions import ApiConfigurationError

Period = Literal["second", "minute", "hour", "day"]

_SECONDS: dict[str, int] = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_NOTATION = re.compile(
    r"\s*(?P<count>\d+)\s*(?:/|per)\s*(?P<multiple>\d+)?\s*(?P<period>second|minute|hour|day)s?\s*",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class RateLimit:
    """So many requests per period.

    Args:
        limit: Requests allowed, at least 1.
        period: `second`, `minute`, `hour` or `day`.
    """

    limit: int
    period: Period

    def __str__(self) -> str:
        """Return the notation that `rate_limit=` accepts, e.g. `100/minute`."""
        return f"{self.limit}/{self.period}"


@dataclass(frozen=True)
class Window:
    """At most `limit` requests in any `seconds` seconds."""

    limit: int
    seconds: int


@dataclass(frozen=True)
class WindowStats:
    """When the next request is allowed (`reset_time`, seconds since the epoch) and how many are now (`remaining`)."""

    reset_time: float
    remaining: int


def parse_rate_limit(rate_limit: RateLimit | str) -> tuple[Window, ...]:
    """Read a rate limit.

    Args:
        rate_limit: A `RateLimit`, or text such as `10/second`, `4 per minute`, `5/10 seconds`; several limits that
            all hold are separated by `;` or `,`: `4/minute; 500/day`.

    Raises:
        ApiConfigurationError: The text is not understood.
    """
    windows = []
    for part in re.split(r"[;,|]", str(rate_limit)):
        match = _NOTATION.fullmatch(part)
        if match is None or int(match["count"]) < 1 or match["multiple"] == "0":
            raise ApiConfigurationError(
                f"The rate limit {str(rate_limit)!r} is not understood. Write it like '10/second' or '4/minute; 500/day'."
            )
        seconds = int(match["multiple"] or 1) * _SECONDS[match["period"].lower()]
        windows.append(Window(int(match["count"]), seconds))
    return tuple(windows)


class MovingWindowLimiter:
    """Counts requests per key against moving windows. Thread-safe.

    Args:
        now: Wall clock in seconds since the epoch.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._hits: dict[str, deque[float]] = {}

    def hit(self, windows: tuple[Window, ...], key: str) -> bool:
        """Count a request when all `windows` have room for it.

        Returns:
            Whether it is allowed; a refused request is not counted.
        """
        with self._lock:
            now, hits = self._current(windows, key)
            if any(_free_at(hits, window) > now for window in windows):
                return False
            hits.append(now)
            return True

    def get_window_stats(self, windows: tuple[Window, ...], key: str) -> WindowStats:
        """Return when the next request will be allowed, and how many are allowed now."""
        with self._lock:
            now, hits = self._current(windows, key)
            remaining = min(
                window.limit - sum(hit + window.seconds > now for hit in hits)
                for window in windows
            )
            reset = max(now, *(_free_at(hits, window) for window in windows))
            return WindowStats(reset, max(remaining, 0))

    def _current(
        self, windows: tuple[Window, ...], key: str
    ) -> tuple[float, deque[float]]:
        now = self._now()
        size = max(window.limit for window in windows)
        hits = self._hits.setdefault(key, deque(maxlen=size))
        if hits and hits[-1] > now:
            # The clock was set back; waiting for the old times could take for ever.
            hits.clear()
        return now, hits


def _free_at(hits: deque[float], window: Window) -> float:
    """Return from when on `window` has room again."""
    if len(hits) < window.limit:
        return 0.0
    return hits[-window.limit] + window.seconds

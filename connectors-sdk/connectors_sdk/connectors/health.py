"""Is the connector alive, ready and fresh? And if not, why not, in one sentence.

- **alive**: work that is under way makes progress. A process that is not should be started again.
- **ready**: the connector has met the platform and nothing it depends on is known to be away.
- **fresh**: the last success is younger than the freshness limit, and the data is not further behind than the lag limit.
"""

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from connectors_sdk import clock

STARTING = "the connector is starting"
_PLATFORM = "platform"
_FUTURE = timedelta(days=1)


class Health:
    """What a runtime notes down while it works. Safe to use from any thread.

    Attributes:
        redact: takes secrets out of what is noted down.
        identity: what the health page says about the connector (name, type, version, ...).
    """

    def __init__(
        self,
        *,
        freshness_limit: timedelta | None = None,
        lag_limit: timedelta | None = None,
        stall_limit: timedelta | None = None,
    ) -> None:
        """Take the limits.

        Args:
            freshness_limit: age of the last success from which on the connector is stale; before the first success the
                age of this object counts. None: there is no limit.
            lag_limit: how far the newest data may lie behind its source's clock. None: there is no limit.
            stall_limit: how long work may go on without progress. None: there is no limit.
        """
        self.freshness_limit = freshness_limit
        self.lag_limit = lag_limit
        self.stall_limit = stall_limit
        self.redact: Callable[[str], str] = str
        self.identity: dict[str, Any] = {}
        self._lock = threading.RLock()
        self._started = clock.now()
        self._obstacles: dict[str, str] = {"start": STARTING}
        self._doing = STARTING
        self._progress: float | None = None
        self._last_success: datetime | None = None
        self._last_data: datetime | None = None
        self._newest: datetime | None = None
        self._last_error: tuple[datetime, str] | None = None

    # -- what a runtime notes down -------------------------------------------------------------------------------

    def started(self) -> None:
        """Note that the connector has met the platform and is ready for work."""
        self.cleared("start")
        self.idle()

    def obstacle(self, name: str, sentence: str) -> None:
        """Note something because of which the connector cannot do its work at the moment.

        Args:
            name: what it is about, e.g. `target`. A later sentence under the same name replaces the former.
            sentence: what is wrong.
        """
        with self._lock:
            self._obstacles[name] = _one_line(self.redact(sentence))

    def cleared(self, name: str) -> None:
        """Note that an obstacle is gone."""
        with self._lock:
            self._obstacles.pop(name, None)

    def platform(self, problem: str | None) -> None:
        """Note that the platform is away (and why), or, with None, that it is there."""
        if problem is None:
            self.cleared(_PLATFORM)
        else:
            self.obstacle(_PLATFORM, f"the platform is away: {problem}")

    def working(self, doing: str) -> None:
        """Note that work has begun that should make progress, e.g. `importing`."""
        with self._lock:
            self._doing = doing
            self._progress = time.monotonic()

    def progress(self) -> None:
        """Note that the work under way gets on."""
        if self._progress is not None:
            self._progress = time.monotonic()

    def idle(self, doing: str = "waiting for work") -> None:
        """Note that nothing is under way."""
        with self._lock:
            self._doing = doing
            self._progress = None

    def succeeded(self) -> None:
        """Note that a piece of work (a run, a request, a batch of events) went well."""
        with self._lock:
            self._last_success = clock.now()

    def failed(self, reason: str) -> None:
        """Note that a piece of work failed, and why in one sentence."""
        with self._lock:
            self._last_error = clock.now(), _one_line(self.redact(reason))

    def data(self, published: datetime | None = None) -> None:
        """Note that data came in.

        Args:
            published: when its source published it, timezone-aware; the latest such time counts.
        """
        with self._lock:
            self._last_data = clock.now()
            if published is None or published > self._last_data + _FUTURE:
                return  # nothing is published in the future: a mistake of the source
            if self._newest is None or published > self._newest:
                self._newest = published

    # -- what others ask -----------------------------------------------------------------------------------------

    @property
    def stalled(self) -> bool:
        """Whether work is under way that has made no progress for too long."""
        progress = self._progress
        if progress is None or self.stall_limit is None:
            return False
        return time.monotonic() - progress > self.stall_limit.total_seconds()

    @property
    def alive(self) -> bool:
        """Whether work that is under way makes progress."""
        return not self.stalled

    @property
    def ready(self) -> bool:
        """Whether nothing is known to be in the way."""
        return not self._obstacles

    @property
    def age(self) -> timedelta:
        """How long ago the last success was, or the start if there was none."""
        return clock.now() - (self._last_success or self._started)

    @property
    def lag(self) -> timedelta | None:
        """How far the newest data lies behind now by its source's own time of publication; None when nobody knows."""
        newest = self._newest
        return None if newest is None else max(clock.now() - newest, timedelta(0))

    @property
    def fresh(self) -> bool:
        """Whether the last success is young enough, and the data too."""
        return self._stale() is None

    @property
    def last_success(self) -> datetime | None:
        """When a piece of work last went well."""
        return self._last_success

    @property
    def last_data(self) -> datetime | None:
        """When data last came in."""
        return self._last_data

    @property
    def newest(self) -> datetime | None:
        """The latest time of publication of any data that came in."""
        return self._newest

    @property
    def last_error(self) -> str | None:
        """The reason of the last failure."""
        return self._last_error[1] if self._last_error else None

    def _stale(self) -> str | None:
        if self.freshness_limit is not None and self.age > self.freshness_limit:
            since = "success" if self._last_success else "start, without any success"
            return f"{_words(self.age)} since the last {since}"
        if (
            self.lag_limit is not None
            and self.lag is not None
            and self.lag > self.lag_limit
        ):
            return f"the newest data is {_words(self.lag)} old"
        return None

    def report(self) -> dict[str, Any]:
        """Return everything, JSON-ready: what `/health` answers."""
        with self._lock:
            reasons = list(self._obstacles.values())
            if self.stalled:
                reasons.insert(0, f"no progress in {self._doing}")
            stale = self._stale()
            if stale:
                reasons.append(stale)
            error = self._last_error
            lag = self.lag
            return {
                "status": "ok" if not reasons else "not ok",
                "alive": self.alive,
                "ready": self.ready,
                "fresh": stale is None,
                "reasons": reasons,
                "doing": self._doing,
                "started": _text(self._started),
                "last_success": _text(self._last_success),
                "last_data": _text(self._last_data),
                "newest_data_published": _text(self._newest),
                "lag_seconds": None if lag is None else round(lag.total_seconds(), 3),
                "last_error": (
                    {"at": _text(error[0]), "reason": error[1]} if error else None
                ),
                "connector": self.identity,
            }


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None


def _words(period: timedelta) -> str:
    return str(timedelta(seconds=round(period.total_seconds())))


def _one_line(text: str) -> str:
    return " ".join(text.split())

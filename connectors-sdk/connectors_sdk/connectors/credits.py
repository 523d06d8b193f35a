"""The budget of calls per day, kept in the connector's state: it survives restarts without any disk."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors_sdk import clock
from connectors_sdk.client.quota import DailyQuota
from connectors_sdk.connectors.metrics import Metrics

# The state is brought to the platform whenever another such part of the budget is begun. A process that is killed
# loses what is left of the part: it may spend less than its budget, never more.
_PARTS = 50


class DailyCredits(DailyQuota):
    """So many calls per day (UTC). For `BaseClientApi(daily_quota=...)`, or `consume` by hand.

    Attributes:
        spent: calls that this process has taken out of it.
    """

    def __init__(
        self,
        limit: int,
        load: Callable[[], Any],
        save: Callable[[dict[str, Any]], None],
        metrics: Metrics,
    ) -> None:
        """Take the budget and its memory.

        Args:
            limit: calls per day, at least 1.
            load: returns what `save` was given last, in whichever process, or None.
            save: remembers, durably.
            metrics: shows what is left.

        Raises:
            ApiConfigurationError: `limit` is smaller than 1.
        """
        super().__init__(limit, Path(), now=lambda: clock.now().timestamp())
        self._load = load
        self._save = save
        self._metrics = metrics
        self._day: str | None = None
        self._used = self._reserved = self.spent = 0

    def _update(self, day: datetime, requests: int) -> int | None:
        if self._day != day.isoformat():
            self._begin(day.isoformat())
        if self._used + requests > self.limit:
            return None
        self._used += requests
        self.spent += requests
        if self._used > self._reserved:
            part = max(self.limit // _PARTS, 1)
            self._reserved = min(self._used + part - 1, self.limit)
            self._save({"day": self._day, "used": self._reserved})
        self._metrics.set("credits_left", self.limit - self._used)
        return self._used

    def add_to(self, remembered: Any) -> dict[str, Any]:
        """Return what `load` should return from now on: what is remembered by now, and what this process has spent."""
        day = self._start_of_day(self._moment()).isoformat()
        same = isinstance(remembered, dict) and remembered.get("day") == day
        used = int(remembered.get("used") or 0) if same else 0
        return {"day": day, "used": min(used + self.spent, self.limit)}

    def _begin(self, day: str) -> None:
        first = self._day is None
        self._day, self._used = day, 0
        remembered = self._load() if first else None
        if isinstance(remembered, dict) and remembered.get("day") == day:
            self._used = int(remembered.get("used") or 0)
        self._reserved = self._used

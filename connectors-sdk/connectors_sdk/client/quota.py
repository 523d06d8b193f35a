"""A daily budget of requests that survives restarts.

Free and paid plans alike often allow so many requests per day. The count is kept in a small SQLite file, so that neither a
restart nor a second process on the same disk spends more than the plan allows.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, time, timedelta, timezone
from pathlib import Path

from connectors_sdk.client.exceptions import (
    ApiConfigurationError,
    ApiStorageError,
    QuotaExceededError,
)
from connectors_sdk.client.timing import Timing

_DAY = timedelta(days=1)
_TABLE = "CREATE TABLE IF NOT EXISTS quota (name TEXT PRIMARY KEY, day TEXT NOT NULL, used INTEGER NOT NULL)"


class DailyQuota:
    """So many requests per day; every attempt counts. Safe across threads and processes.

    Args:
        limit: Requests per day, at least 1.
        path: SQLite file to remember in; made when absent. Its folder must exist and outlive the process.
        name: Which budget of that file (several clients may share a file).
        reset: Time of day at which the source starts anew; a naive time is UTC. Default: midnight UTC.
        now: Wall clock in seconds since the epoch.

    Raises:
        ApiConfigurationError: `limit` is smaller than 1.
    """

    def __init__(
        self,
        limit: int,
        path: str | Path,
        *,
        name: str = "default",
        reset: time = time(0, 0),
        now: Callable[[], float] = Timing().now,
    ) -> None:
        if limit < 1:
            raise ApiConfigurationError(
                f"A daily quota of {limit} allows nothing. Give at least 1, or no quota."
            )
        self.limit = limit
        self.path = Path(path)
        self.name = name
        self._reset = reset if reset.tzinfo else reset.replace(tzinfo=timezone.utc)
        self._now = now

    def consume(self, requests: int = 1) -> int:
        """Take requests from today's budget.

        Args:
            requests: How many.

        Returns:
            How many are left.

        Raises:
            QuotaExceededError: Fewer are left; nothing was taken.
            ApiStorageError: The file cannot be used.
        """
        now = self._moment()
        day = self._start_of_day(now)
        used = self._update(day, requests)
        if used is None:
            raise QuotaExceededError(
                f"The daily quota of {self.limit} requests ({self.name}) is used up until "
                f"{self.resets_at:%Y-%m-%d %H:%M} UTC. The next run goes on from there; raise the quota if the plan allows more.",
                resets_at=self.resets_at,
                retry_after=(self.resets_at - now).total_seconds(),
            )
        return self.limit - used

    @property
    def remaining(self) -> int:
        """Requests left today."""
        used = self._update(self._start_of_day(self._moment()), 0)
        return max(self.limit - (used or 0), 0) if used is not None else 0

    @property
    def resets_at(self) -> datetime:
        """When the next day's budget begins (aware, UTC)."""
        return self._start_of_day(self._moment(), days_later=1)

    def _moment(self) -> datetime:
        return datetime.fromtimestamp(self._now(), timezone.utc)

    def _start_of_day(self, now: datetime, days_later: int = 0) -> datetime:
        """Return when the budget's day in which `now` lies began, or a later one, in UTC."""
        local = now.astimezone(self._reset.tzinfo)
        date = local.date() + days_later * _DAY
        if local < datetime.combine(local.date(), self._reset):
            date -= _DAY
        return datetime.combine(date, self._reset).astimezone(timezone.utc)

    def _update(self, day: datetime, requests: int) -> int | None:
        """Add `requests` to what was used on `day`; return the sum, or None (and add nothing) when it is too much."""
        key = day.isoformat()
        try:
            with closing(
                sqlite3.connect(self.path, timeout=10, isolation_level=None)
            ) as db:
                db.execute(_TABLE)
                # Locks the file against other processes from reading the count to writing it.
                db.execute("BEGIN IMMEDIATE")
                row = db.execute(
                    "SELECT used FROM quota WHERE name = ? AND day = ?",
                    (self.name, key),
                ).fetchone()
                used = (row[0] if row else 0) + requests
                if used > self.limit:
                    db.execute("ROLLBACK")
                    return None
                db.execute(
                    "INSERT OR REPLACE INTO quota VALUES (?, ?, ?)",
                    (self.name, key, used),
                )
                db.execute("COMMIT")
                return used
        except sqlite3.Error as error:
            raise ApiStorageError(
                f"The quota's memory {self.path} cannot be used ({error}). "
                "Name a file in a folder that can be written to; a damaged file may be deleted."
            ) from error

"""The processor for sources with a long history: what is new comes first, the past is fetched in windows of time.

Two lanes in one run:

- **live**: from where the last run ended until now; in the first run, from the beginning of the current window;
- **backfill**: the history, the latest window first, as many windows as fit before the next run is due. Each finished
  window is a checkpoint.
"""

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, ClassVar

from pydantic import AwareDatetime

from connectors_sdk import clock
from connectors_sdk.connectors.external_import.page_processor import (
    PageProcessor,
    RecordT,
)
from connectors_sdk.states.cursors import TimeCursor


class WindowCursor(TimeCursor):
    """How far both lanes have got.

    Attributes:
        backfilled: everything from here to where the live lane began was fetched; None before the first run.
        windows: how many windows of history were fetched.
        seconds: how long they took together.
        records: how many records they had.
        calls: how many calls of the source's budget they took, where calls are counted.
    """

    backfilled: AwareDatetime | None = None
    windows: int = 0
    seconds: float = 0
    records: int = 0
    calls: int = 0


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a backfill will take.

    Attributes:
        windows: how many windows of history are left.
        calls: of the source, if anybody knows.
        objects: records, if anybody knows.
        seconds: of work, without the pauses between runs, if anybody knows.
    """

    windows: int
    calls: int | None = None
    objects: int | None = None
    seconds: float | None = None

    def __str__(self) -> str:
        known = [f"{self.windows} windows"]
        if self.calls is not None:
            known.append(f"about {self.calls} calls")
        if self.objects is not None:
            known.append(f"about {self.objects} records")
        if self.seconds is not None:
            known.append(f"about {timedelta(seconds=round(self.seconds))} of work")
        return ", ".join(known)


class WindowProcessor(PageProcessor[RecordT]):
    """Imports what is new first, then history window by window, see the module.

    The state needs a `WindowCursor` as its field `cursor`. An author writes `history`, `window_pages`, `convert` and
    `published`; `estimate` makes the forecast better.

    Attributes:
        window: the length of a window of history.
    """

    window: ClassVar[timedelta] = timedelta(days=1)

    @property
    def cursor(self) -> WindowCursor:
        """The cursor of both lanes.

        Raises:
            TypeError: the state has none.
        """
        cursor = getattr(self.state, "cursor", None)
        if not isinstance(cursor, WindowCursor):
            raise TypeError(
                "The state needs a field `cursor: WindowCursor = WindowCursor()`."
            )
        return cursor

    @abstractmethod
    def history(self) -> datetime | timedelta:
        """Return how far back to import: a time (timezone-aware), or how long ago."""

    @abstractmethod
    def window_pages(
        self, start: datetime, end: datetime
    ) -> Iterable[Iterable[RecordT]]:
        """Yield the pages of records that were published at or after `start` and before `end`."""

    # pylint: disable-next=useless-return
    def estimate(self, start: datetime, end: datetime) -> tuple[int, int] | None:
        """Return how many calls and records a span of history will take, if the source tells; None if it does not."""
        del start, end
        return None

    def pages(self) -> Iterable[Iterable[RecordT]]:
        """Not used: the lanes ask for their windows themselves."""
        return ()

    def transform(self, data: Iterable[Iterable[RecordT]]) -> Iterator[Any]:
        """Yield the objects of the live lane, then those of windows of history until the next run is due."""
        del data
        began = monotonic()
        now = clock.now()
        cursor = self.cursor
        if cursor.backfilled is None:
            cursor.backfilled = now - self.window
        yield from self._live(cursor, now)
        yield from self._backfill(cursor, began)

    # -- live ----------------------------------------------------------------------------------------------------

    def _live(self, cursor: WindowCursor, now: datetime) -> Iterator[Any]:
        start = cursor.since(cursor.backfilled or now)
        for page in self.window_pages(start, now):
            yield from self._objects_of(page, cursor)
            self.checkpoint(lazy=True)
        cursor.finish()
        if cursor.position is None:
            cursor.position = start
        self.checkpoint()

    # -- backfill ------------------------------------------------------------------------------------------------

    def _backfill(self, cursor: WindowCursor, began: float) -> Iterator[Any]:
        goal = self._goal()
        if cursor.backfilled is None or cursor.backfilled <= goal:
            return
        self.logger.info(
            f"History back to {goal:%Y-%m-%d %H:%M} UTC is imported now: {self.forecast()}."
        )
        while cursor.backfilled > goal:
            if monotonic() - began >= self._time_for_runs():
                self.logger.info(
                    "The next run is due, new data goes first. Left of the history after it: "
                    f"{self.forecast()}."
                )
                return
            yield from self._window(cursor, goal)
        self.logger.info(f"History back to {goal:%Y-%m-%d %H:%M} UTC is complete.")

    def _window(self, cursor: WindowCursor, goal: datetime) -> Iterator[Any]:
        assert cursor.backfilled is not None
        end = cursor.backfilled
        start = max(end - self.window, goal)
        began, records = monotonic(), self.report.read
        left = self.credits.remaining if self.credits else 0
        # A cursor of its own: times of the past must not move the live lane's.
        for page in self.window_pages(start, end):
            yield from self._objects_of(page, None)
        cursor.backfilled = start
        cursor.windows += 1
        cursor.seconds += monotonic() - began
        cursor.records += self.report.read - records
        if self.credits:
            cursor.calls += max(left - self.credits.remaining, 0)
        self.checkpoint()

    def forecast(self) -> Forecast:
        """Return what is left of the history: as the source estimates it, else as the windows so far took."""
        cursor, goal = self.cursor, self._goal()
        end = cursor.backfilled or clock.now()
        windows = -int((goal - end) // self.window) if end > goal else 0
        per_window = windows / cursor.windows if cursor.windows else None
        estimate = self.estimate(goal, end) if windows else None
        seconds = None if per_window is None else cursor.seconds * per_window
        if estimate is not None:
            return Forecast(windows, estimate[0], estimate[1], seconds)
        if per_window is None:
            return Forecast(windows)
        calls = round(cursor.calls * per_window) if self.credits else None
        return Forecast(windows, calls, round(cursor.records * per_window), seconds)

    def _goal(self) -> datetime:
        history = self.history()
        return clock.now() - history if isinstance(history, timedelta) else history

    def _time_for_runs(self) -> float:
        """Return after how many seconds the next run is due; in run-and-terminate mode nothing is."""
        seconds = float(self.settings.connector.duration_period.total_seconds())
        once = self.work_manager.runs_once
        return float("inf") if once or not seconds else seconds

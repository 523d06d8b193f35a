"""The processor for sources with a long history: what is new comes first, the past is fetched in windows of time.

Two lanes in one run:

- **live**: from where the last run ended until now; in the first run, from the beginning of the current window;
- **backfill**: the history, the latest window first, as many windows as fit before the next run is due. Each finished
  window is a checkpoint, and so is each page of a window whose records come in the order of their times.

What does not fit into a day's budget and comes in no order is asked for in halves, until it fits.
"""

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, ClassVar

from pydantic import AwareDatetime

from connectors_sdk import clock
from connectors_sdk.client.calls import CALLS
from connectors_sdk.client.exceptions import QuotaExceededError
from connectors_sdk.client.quota import DailyQuota
from connectors_sdk.connectors.external_import.page_processor import (
    PageProcessor,
    RecordT,
)
from connectors_sdk.connectors.run_report import RunReport
from connectors_sdk.states.cursors import TimeCursor

# What does not fit is not halved any further.
_SHORTEST = timedelta(minutes=1)
# The obstacles in health.
_LIVE, _HISTORY = "live lane", "history"


class WindowCursor(TimeCursor):
    """How far both lanes have got.

    Attributes:
        backfilled: everything from here to where the live lane began was fetched; None before the first run.
        begun: where the window under way begins; it ends at `backfilled`. None: none is under way.
        inside: how far the window under way was fetched.
        length: of windows, after one did not fit; None: as declared.
        windows: how many windows of history were fetched.
        covered: how much of the history was fetched.
        seconds: how long that took.
        records: how many records that had.
        calls: how many calls it took, where they are counted; 0: nobody knows.
    """

    backfilled: AwareDatetime | None = None
    begun: AwareDatetime | None = None
    inside: TimeCursor | None = None
    length: timedelta | None = None
    windows: int = 0
    covered: timedelta = timedelta(0)
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
        budget: calls per day, if they are limited.
    """

    windows: int
    calls: int | None = None
    objects: int | None = None
    seconds: float | None = None
    budget: int | None = None

    @property
    def is_a_guess(self) -> bool:
        """Whether nobody knows anything but the number of windows."""
        return (self.calls, self.objects, self.seconds) == (None, None, None)

    def __str__(self) -> str:
        known = [f"{self.windows} windows"]
        if self.is_a_guess:
            known.append(
                "how many calls and records, and how long, is told after the first"
            )
        if self.calls is not None:
            days = (
                f" ({self.calls / self.budget:.1f} days' budget)" if self.budget else ""
            )
            known.append(f"about {self.calls} calls{days}")
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
        if not cursor.covered:
            # A state of a former release knows windows only.
            cursor.covered = cursor.windows * self.window
        if cursor.position is None:
            # As long as the live lane has not got anywhere: what did not fit is asked for in halves.
            cursor.backfilled = now - (cursor.length or self.window)
        yield from self._live(cursor, now)
        yield from self._backfill(cursor, began)

    # -- live ----------------------------------------------------------------------------------------------------

    def _live(self, cursor: WindowCursor, now: datetime) -> Iterator[Any]:
        first = start = cursor.since(cursor.backfilled or now)
        while True:
            end = now
            if cursor.length is not None:
                end = min(max(start, cursor.position or start) + cursor.length, now)
            before, meter = cursor.position, self._meter()
            try:
                for page in self.window_pages(start, end):
                    yield from self._objects_of(page, cursor)
                    self.checkpoint(lazy=True)
            except QuotaExceededError:
                if cursor.position == before and meter.calls != 0:
                    self._does_not_fit(cursor, start, end, _LIVE)
                raise
            self.health.cleared(_LIVE)
            cursor.finish()
            self._lengthen(cursor, end - start, meter)
            if end == now:
                break
            cursor.position = max(end, cursor.position or end)
            self.checkpoint(lazy=True)
            start = end
        if cursor.position is None:
            cursor.position = first
        self.checkpoint()

    # -- backfill ------------------------------------------------------------------------------------------------

    def _backfill(self, cursor: WindowCursor, began: float) -> Iterator[Any]:
        goal = self._goal()
        if cursor.backfilled is None or cursor.backfilled <= goal:
            self.health.cleared(_HISTORY)
            return
        forecast = self.forecast()
        self.logger.info(
            f"History back to {goal:%Y-%m-%d %H:%M} UTC is imported now: {forecast}."
        )
        first = True
        while cursor.backfilled > goal:
            if self._is_due(began):
                self.logger.info(
                    "The next run is due, new data goes first. Left of the history after it: "
                    f"{self.forecast()}."
                )
                return
            yield from self._window(cursor, goal, began, first=first)
            first = False
            if forecast.is_a_guess and cursor.backfilled > goal:
                forecast = self.forecast()
                self.logger.info(
                    f"As the first window went, the rest takes: {forecast}."
                )
        self.logger.info(f"History back to {goal:%Y-%m-%d %H:%M} UTC is complete.")

    def _window(
        self, cursor: WindowCursor, goal: datetime, began: float, *, first: bool
    ) -> Iterator[Any]:
        """Fetch a window, or what is left of it; until the next run is due, if what was fetched by then lasts."""
        end = cursor.backfilled
        assert end is not None
        if cursor.begun is None or cursor.inside is None:
            cursor.begun = max(end - (cursor.length or self.window), goal)
            # A cursor of its own: times of the past must not move the live lane's.
            cursor.inside = TimeCursor()
        begun, inside = cursor.begun, cursor.inside
        inside.overlap, inside.in_order = cursor.overlap, cursor.in_order
        inside.max_seen = cursor.max_seen
        start, before = max(begun, inside.since(begun)), inside.position
        meter, lasts = self._meter(), before is not None
        try:
            for page in self.window_pages(start, end):
                yield from self._objects_of(page, inside)
                lasts = lasts or _rises(inside)
                if lasts:
                    self.checkpoint(lazy=True)
                if lasts and inside.position != before and self._is_due(began):
                    meter.note(cursor, (inside.position or start) - start)
                    self.checkpoint()
                    return
        except QuotaExceededError:
            if (lasts or _rises(inside)) and inside.position not in (None, before):
                self.health.cleared(_HISTORY)
                meter.note(cursor, (inside.position or start) - start)
                self.checkpoint(lazy=True)
            # What others have left of today's budget says nothing about a window.
            elif first and meter.calls != 0:
                self._does_not_fit(cursor, start, end, _HISTORY)
            self.logger.info(f"Left of the history: {self.forecast()}.")
            raise
        self.health.cleared(_HISTORY)
        meter.note(cursor, end - start)
        cursor.backfilled, cursor.begun, cursor.inside = begun, None, None
        cursor.windows += 1
        if self._is_due(began) and first:
            cursor.length = max((end - begun) / 2, _SHORTEST)
        else:
            self._lengthen(cursor, end - begun, meter)
        self.checkpoint()

    def _lengthen(self, cursor: WindowCursor, span: timedelta, meter: "_Meter") -> None:
        """Let windows be longer again, when one as long as they may be now has fitted, and twice of it would."""
        if cursor.length is None or span < cursor.length:
            return
        if self.credits is None or self.credits.remaining >= 2 * (meter.calls or 0):
            longer = 2 * cursor.length
            cursor.length = longer if longer < self.window else None

    def _does_not_fit(
        self, cursor: WindowCursor, start: datetime, end: datetime, lane: str
    ) -> None:
        """Note that all that the budget allows was spent on a span, and nothing of it lasts."""
        half = timedelta(seconds=round((end - start).total_seconds() / 2))
        sentence = (
            f"From {start:%Y-%m-%d %H:%M:%S} to {end:%Y-%m-%d %H:%M:%S} UTC the source has more than the budget of calls "
            "allows for, and its records do not come the oldest first, so that nobody could go on in the middle"
        )
        if half >= _SHORTEST:
            cursor.length = half
            sentence += f": the next run asks for {half} of it"
        else:
            sentence += ": the import does not get on; raise CONNECTOR_DAILY_CREDITS"
        cursor.begun = cursor.inside = None
        self.health.obstacle(lane, sentence)
        self.health.failed(sentence)
        self.report.add_error(sentence)
        self.logger.warning(f"{sentence}.")
        self.checkpoint(lazy=True)

    def forecast(self) -> Forecast:
        """Return what is left of the history: as the source estimates it, else as what was fetched so far took."""
        cursor, goal = self.cursor, self._goal()
        end = cursor.backfilled or clock.now()
        left = max(end - goal, timedelta(0))
        windows = -(-left // (cursor.length or self.window))
        if cursor.inside is not None and cursor.inside.position is not None:
            left -= cursor.inside.position - (cursor.begun or cursor.inside.position)
        share = left / cursor.covered if cursor.covered else None
        budget = self.credits.limit if self.credits else None
        estimate = self.estimate(goal, end) if windows else None
        seconds = None if share is None else cursor.seconds * share
        if estimate is not None:
            return Forecast(windows, estimate[0], estimate[1], seconds, budget)
        if share is None:
            return Forecast(windows, budget=budget)
        calls = round(cursor.calls * share) if cursor.calls else None
        return Forecast(windows, calls, round(cursor.records * share), seconds, budget)

    def _meter(self) -> "_Meter":
        return _Meter(self.report, self.credits)

    def _is_due(self, began: float) -> bool:
        return monotonic() - began >= self._time_for_runs()

    def _goal(self) -> datetime:
        history = self.history()
        return clock.now() - history if isinstance(history, timedelta) else history

    def _time_for_runs(self) -> float:
        """Return after how many seconds the next run is due; in run-and-terminate mode nothing is."""
        seconds = float(self.settings.connector.duration_period.total_seconds())
        once = self.work_manager.runs_once
        return float("inf") if once or not seconds else seconds


class _Meter:
    """Measures what a part of the history takes."""

    def __init__(self, report: RunReport, budget: DailyQuota | None) -> None:
        self._report = report
        self._budget = budget
        self._began = monotonic()
        self._read = report.read
        self._made = CALLS.made
        self._left = budget.remaining if budget else 0

    @property
    def calls(self) -> int | None:
        """Calls so far, by the SDK's clients or taken from the budget; None: nobody counts."""
        made = CALLS.made - self._made
        if self._budget is None:
            return made or None
        return max(made, self._left - self._budget.remaining)

    def note(self, cursor: WindowCursor, covered: timedelta) -> None:
        """Add what was measured, for so much of the history."""
        cursor.covered += max(covered, timedelta(0))
        cursor.seconds += monotonic() - self._began
        cursor.records += self._report.read - self._read
        cursor.calls += self.calls or 0


def _rises(cursor: TimeCursor) -> bool:
    """Whether a cursor has come from an earlier time to its position: only then nothing earlier is left behind."""
    position = cursor.position
    return position is not None and any(t < position for t in cursor.seen.values())

"""What processors give an author: quarantine, lazy checkpoints, pages, windows, the daily budget."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field

from connectors_sdk import (
    BaseConnectorSettings,
    BaseDataProcessor,
    BaseExternalImportConnectorConfig,
    ExternalImportConnector,
    ExternalImportConnectorState,
    clock,
)
from connectors_sdk.client import QuotaExceededError
from connectors_sdk.connectors import PageProcessor, WindowCursor, WindowProcessor
from connectors_sdk.models import Malware
from connectors_sdk.states import TimeCursor
from connectors_sdk.testing import RecordingHelper, make_settings, run_once

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Settings(BaseConnectorSettings):
    connector: BaseExternalImportConnectorConfig = Field(
        default_factory=BaseExternalImportConnectorConfig  # type: ignore[arg-type]
    )


class State(ExternalImportConnectorState):
    cursor: TimeCursor = TimeCursor()
    page: int = 0


class WindowState(ExternalImportConnectorState):
    cursor: WindowCursor = WindowCursor()


@pytest.fixture(name="settings")
def _settings() -> Settings:
    return make_settings(Settings)


def tool(number: int, **values: Any) -> dict[str, Any]:
    stix_id = f"tool--00000000-0000-5000-8000-{number:012x}"
    return {"type": "tool", "id": stix_id, "name": f"t{number}", **values}


def sizes(helper: RecordingHelper) -> list[int]:
    return [len(bundle.objects) for bundle in helper.bundles]


def numbers(helper: RecordingHelper) -> list[int]:
    return sorted(int(o["name"][1:]) for o in helper.objects_of("tool"))


# -- quarantine ------------------------------------------------------------------------------------------------------


def module_mapper(record: Any) -> Any:
    return tool(record["n"])


class Converter:
    def convert(self, record: Any) -> Any:
        return tool(record["n"])


class Mapping(BaseDataProcessor):
    """Converts with the mapper that the test names."""

    def __init__(self, records: list[Any], which: str = "own") -> None:
        self._records = records
        self._which = which
        self.converter = Converter()

    def own(self, record: Any) -> Any:
        yield tool(record["n"])
        yield tool(record["n"] + 100)

    def collect(self) -> Any:
        return iter(self._records)

    def transform(self, data: Any) -> Iterator[Any]:
        mappers: dict[str, Callable[[Any], Any]] = {
            "own": self.own,
            "converter": self.converter.convert,
            "module": module_mapper,
            "lambda": lambda record: tool(record["n"]),
        }
        yield from self.each(data, mappers[self._which])


def test_a_bad_record_is_set_aside_and_the_rest_goes_on(settings: Settings) -> None:
    helper = run_once(settings, [Mapping([{"n": 1}, {"m": 2}, {"n": 3}])])
    assert numbers(helper) == [1, 3, 101, 103]
    (kept,) = helper.quarantined
    assert (kept.raw, kept.reason, kept.mapper) == (
        {"m": 2},
        "KeyError: 'n'",
        "Mapping.own",
    )
    assert helper.works[0].messages == ["Work completed successfully: 1 set aside"]
    summary = helper.messages("info")[-1]
    assert "read 3, sent 4 objects in 1 bundles" in summary
    assert "quarantined 1" in summary
    assert "KeyError: 'n'" in helper.messages("warning")[0]


def test_what_is_nobodys_data_fails_the_run(settings: Settings) -> None:
    class Down(Mapping):
        def own(self, record: Any) -> Any:
            raise ConnectionError("the source is away")

    helper = run_once(settings, [Down([{"n": 1}])], check=False)
    assert not helper.quarantined
    assert helper.works[0].in_error


def test_an_object_that_cannot_be_written_is_its_records_fault(
    settings: Settings,
) -> None:
    class Odd(Mapping):
        def own(self, record: Any) -> Any:
            yield tool(record["n"])
            if record["n"] == 2:
                yield {"type": "tool", "name": "no id"}

    helper = run_once(settings, [Odd([{"n": 1}, {"n": 2}, {"n": 3}])])
    assert numbers(helper) == [1, 2, 3]
    assert [kept.raw for kept in helper.quarantined] == [{"n": 2}]


def test_more_bad_records_than_the_quarantine_holds_fail_the_run() -> None:
    settings = make_settings(
        Settings, {"connector": {"quarantine_max_records": 5, "log_level": "info"}}
    )
    records: list[Any] = [{"m": number} for number in range(9)]
    helper = run_once(settings, [Mapping(records)], check=False)
    assert "6 records of this run could not be processed" in helper.messages("error")[0]
    assert len(helper.quarantined) == 5


def test_many_bad_records_are_not_logged_one_by_one(settings: Settings) -> None:
    records: list[Any] = [{"m": number} for number in range(100)]
    helper = run_once(settings, [Mapping(records)])
    assert len(helper.quarantined) == 100
    assert len(helper.messages("warning")) == 21


@pytest.mark.parametrize("which", ["own", "converter", "module"])
def test_replay(settings: Settings, tmp_path: Path, which: str) -> None:
    helper = RecordingHelper(settings.to_helper_config())
    processor = Mapping([{"m": 1}, {"m": 2}], which)
    run_once(settings, [processor], helper=helper, data_path=tmp_path)
    connector = ExternalImportConnector(
        settings, [Mapping([], which)], helper_factory=lambda _: helper
    )
    connector.use_data_path(tmp_path)
    connector.prepare()
    connector.open()
    first, second = connector.quarantine.records()
    assert connector.replay(first.id).failed == {first.id: "'n'"}
    # The mapper learns to read the records' new form.
    connector.quarantine.remove(first.id, second.id)
    for record in (first, second):
        connector.quarantine.add(
            {"n": record.raw["m"]}, "bad", mapper=record.mapper, **record.details
        )
    replayed = connector.replay()
    assert (len(replayed.done), replayed.failed) == (2, {})
    assert {1, 2} <= set(numbers(helper))
    assert len(connector.quarantine) == 0
    assert all(work.closed for work in helper.works)


def test_a_mapper_that_is_gone_is_told(settings: Settings, tmp_path: Path) -> None:
    helper = RecordingHelper()
    run_once(
        settings, [Mapping([{"m": 1}], "lambda")], helper=helper, data_path=tmp_path
    )
    connector = ExternalImportConnector(
        settings, [Mapping([])], helper_factory=lambda _: helper
    )
    connector.use_data_path(tmp_path)
    connector.prepare()
    connector.open()
    (reason,) = connector.replay().failed.values()
    assert "override `replay`" in reason
    assert len(connector.quarantine) == 1


# -- lazy checkpoints ------------------------------------------------------------------------------------------------


class Small(BaseDataProcessor):
    """Pages of two, bundles of five."""

    bundle_max_objects = 5

    def __init__(self, pages: int, fail_on: int | None = None) -> None:
        self._pages = pages
        self._fail_on = fail_on

    def collect(self) -> Any:
        return range(self.state.page, self._pages)

    def transform(self, data: Any) -> Iterator[Any]:
        for page in data:
            if page == self._fail_on:
                raise ConnectionError("reset")
            yield tool(2 * page)
            yield tool(2 * page + 1)
            self.state.page = page + 1
            self.checkpoint(lazy=True)


def test_lazy_checkpoints_do_not_make_bundles_smaller(settings: Settings) -> None:
    helper = run_once(settings, [Small(10)], State())
    assert sizes(helper) == [5, 5, 5, 5]
    pages = [s["page"] for s in helper.saved_states if s]
    # Of pages 0-4 all but the second half of page 2 was in the first bundle.
    assert pages == [2, 5, 7, 10, 10]


@pytest.mark.parametrize("fail_on", range(10))
def test_a_lazy_checkpoint_never_runs_ahead_of_what_was_sent(
    settings: Settings, fail_on: int
) -> None:
    helper = RecordingHelper()
    run_once(settings, [Small(10, fail_on)], State(), helper=helper, check=False)
    saved = [s for s in helper.saved_states if s]
    remembered = saved[-1]["page"] if saved else 0
    assert set(range(2 * remembered)) <= set(numbers(helper))
    run_once(settings, [Small(10)], State(), helper=helper)
    assert numbers(helper) == list(range(20))


def test_a_lazy_checkpoint_waits_for_objects_that_wait(settings: Settings) -> None:
    class Forward(BaseDataProcessor):
        bundle_max_objects = 3

        def collect(self) -> Any:
            return ()

        def transform(self, data: Any) -> Iterator[Any]:
            yield tool(1, created_by_ref=tool(9)["id"])
            self.state.page = 1
            self.checkpoint(lazy=True)
            for number in range(2, 8):
                yield tool(number)
            assert not self.work_manager.report.bundles or not helper.saved_states
            raise ConnectionError("reset")

    helper = RecordingHelper()
    run_once(settings, [Forward()], State(), helper=helper, check=False)
    assert numbers(helper) == [2, 3, 4]
    assert not helper.saved_states


# -- pages -----------------------------------------------------------------------------------------------------------

Record = dict[str, Any]


def record(number: int, moment: datetime, **more: Any) -> Record:
    return {"id": number, "at": moment.isoformat(), **more}


class Pages(PageProcessor[Record]):
    """Reads records of a list by time, two a page."""

    def __init__(self, source: list[Record]) -> None:
        self.source = source
        self.asked: list[datetime] = []

    def pages(self) -> Iterator[list[Record]]:
        assert self.cursor
        since = self.cursor.since(NOON - 24 * HOUR)
        self.asked.append(since)
        found = [r for r in self.source if datetime.fromisoformat(r["at"]) >= since]
        for first in range(0, len(found), 2):
            yield found[first : first + 2]

    def convert(self, record: Record) -> Any:
        if record.get("bad"):
            raise ValueError("bad")
        return tool(record["id"])

    def published(self, record: Record) -> datetime:
        return datetime.fromisoformat(record["at"])


def test_pages_with_a_time_cursor(settings: Settings) -> None:
    source = [record(n, NOON + n // 3 * HOUR) for n in range(7)]
    processor = Pages(source)
    helper = run_once(settings, [processor], State())
    assert numbers(helper) == list(range(7))
    source += [record(7, NOON + 2 * HOUR), record(8, NOON + 3 * HOUR, bad=True)]
    run_once(settings, [processor], State(), helper=helper)
    assert processor.asked == [NOON - 24 * HOUR, NOON + 2 * HOUR]
    assert numbers(helper) == list(range(8))
    assert sizes(helper) == [7, 1]
    assert [kept.raw["id"] for kept in helper.quarantined] == [8]
    # The cursor has passed the bad one.
    works = len(helper.works)
    run_once(settings, [processor], State(), helper=helper)
    assert processor.asked[-1] == NOON + 3 * HOUR
    assert len(helper.works) == works
    assert "known already: 1" in helper.messages("info")[-1]


def test_pages_without_a_cursor(settings: Settings) -> None:
    class Plain(PageProcessor[int]):
        def pages(self) -> Iterator[range]:
            yield range(3)
            yield range(3, 5)

        def convert(self, record: int) -> Any:
            return Malware(name=str(record), is_family=False) if record % 2 else None

    helper = run_once(settings, [Plain()], State())
    assert [o["name"] for o in helper.objects_of("malware")] == ["1", "3"]
    assert "read 5" in helper.messages("info")[-1]


def test_a_record_without_a_readable_time_is_set_aside(settings: Settings) -> None:
    source = [record(1, NOON), record(2, NOON)]
    processor = Pages(source)
    source[1]["at"] = NOON.isoformat()
    del source[0]["at"]
    setattr(processor, "pages", lambda: [source])
    helper = run_once(settings, [processor], State())
    assert numbers(helper) == [2]
    assert [kept.reason for kept in helper.quarantined] == ["KeyError: 'at'"]


def test_lag_is_taken_from_the_source(settings: Settings) -> None:
    with clock.frozen(NOON + 5 * HOUR):
        connector = ExternalImportConnector(
            settings,
            [Pages([record(1, NOON), record(2, NOON + HOUR)])],
            State(),
            helper_factory=lambda _: RecordingHelper(),
        )
        connector.start()
        assert connector.health.lag == 4 * HOUR
        assert connector.metrics.value("lag_seconds") == 4 * 3600
        assert connector.metrics.value("records", outcome="read") == 2
        assert connector.metrics.value("objects_sent") == 2
        assert connector.metrics.value("work", outcome="good") == 1


# -- windows ---------------------------------------------------------------------------------------------------------


class Windows(WindowProcessor[Record]):
    """Reads a list by windows."""

    window = timedelta(days=1)

    def __init__(self, source: list[Record], *, days: int = 3) -> None:
        self.source = source
        self.days = days
        self.asked: list[tuple[datetime, datetime]] = []
        self.fail_after: int | None = None

    def history(self) -> datetime:
        return NOON - timedelta(days=self.days)

    def window_pages(self, start: datetime, end: datetime) -> Iterator[list[Record]]:
        self.asked.append((start, end))
        if self.fail_after is not None and len(self.asked) > self.fail_after:
            raise ConnectionError("reset")
        if self.credits:
            self.credits.consume()
        yield [r for r in self.source if start <= datetime.fromisoformat(r["at"]) < end]

    def convert(self, record: Record) -> Any:
        return tool(record["id"])

    def published(self, record: Record) -> datetime:
        return datetime.fromisoformat(record["at"])


def hours(hour: int) -> datetime:
    return NOON + hour * HOUR


def history() -> list[Record]:
    return [record(n, hours(-n)) for n in range(100, 0, -1)]


def test_new_data_first_then_the_past_window_by_window(settings: Settings) -> None:
    processor = Windows(history())
    with clock.frozen(NOON):
        helper = run_once(settings, [processor], WindowState())
    day = timedelta(days=1)
    assert processor.asked == [
        (NOON - day, NOON),
        (NOON - 2 * day, NOON - day),
        (NOON - 3 * day, NOON - 2 * day),
    ]
    assert numbers(helper) == list(range(1, 73))
    lines = "\n".join(helper.messages("info"))
    assert (
        "History back to 2026-03-28 12:00 UTC is imported now: 2 windows, how many calls and records, and how long, is "
        "told after the first."
    ) in lines
    assert (
        "As the first window went, the rest takes: 1 windows, about 24 records" in lines
    )
    assert "is complete" in lines

    processor.source.append(record(200, hours(1)))
    with clock.frozen(hours(2)):
        run_once(settings, [processor], WindowState(), helper=helper)
    assert processor.asked[3:] == [(hours(-1), hours(2))]
    assert numbers(helper)[-1] == 200


def test_a_window_that_fails_is_repeated_and_no_other(settings: Settings) -> None:
    processor = Windows(history())
    processor.fail_after = 2
    with clock.frozen(NOON):
        helper = run_once(settings, [processor], WindowState(), check=False)
        assert numbers(helper) == list(range(1, 49))
        processor.fail_after = None
        asked = len(processor.asked)
        run_once(settings, [processor], WindowState(), helper=helper)
    assert processor.asked[asked:] == [
        (hours(-1), NOON),
        (hours(-72), hours(-48)),
    ]
    assert numbers(helper) == list(range(1, 73))


def test_the_past_gives_way_when_the_next_run_is_due(settings: Settings) -> None:
    settings = make_settings(Settings, {"connector": {"duration_period": 0.000001}})
    processor = Windows(history())
    with clock.frozen(NOON):
        helper = run_once(settings, [processor], WindowState())
        assert len(processor.asked) == 1
        assert "new data goes first" in helper.messages("info")[-2]
        once = make_settings(Settings, {"connector": {"run_and_terminate": True}})
        helper.connect_run_and_terminate = True
        run_once(once, [processor], WindowState(), helper=helper)
    assert len(processor.asked) == 4
    assert numbers(helper) == list(range(1, 73))


def test_the_forecast_is_that_of_the_windows_so_far(settings: Settings) -> None:
    class Slow(Windows):
        def convert(self, record: Record) -> Any:
            return tool(record["id"])

    settings = make_settings(Settings, {"connector": {"daily_credits": 3}})
    processor = Slow(history(), days=5)
    with clock.frozen(NOON):
        helper = run_once(settings, [processor], WindowState())
        assert "budget of calls is used up" in helper.messages("info")[-1]
        forecast = processor.forecast()
    assert (forecast.windows, forecast.calls, forecast.objects) == (2, 2, 48)
    assert str(forecast) == (
        "2 windows, about 2 calls (0.7 days' budget), about 48 records, about 0:00:00 of work"
    )
    with clock.frozen(NOON + timedelta(days=1)):
        run_once(settings, [processor], WindowState(), helper=helper)
    assert numbers(helper) == list(range(1, 101))


def test_the_source_may_estimate(settings: Settings) -> None:
    class Knowing(Windows):
        def estimate(self, start: datetime, end: datetime) -> tuple[int, int]:
            assert (start, end) == (hours(-72), hours(-24))
            return 7, 48

    with clock.frozen(NOON):
        helper = run_once(settings, [Knowing(history())], WindowState())
    assert "2 windows, about 7 calls, about 48 records." in "\n".join(
        helper.messages("info")
    )


def test_windows_need_a_cursor(settings: Settings) -> None:
    helper = run_once(settings, [Windows([])], check=False)
    assert "cursor: WindowCursor" in helper.messages("error")[0]


# -- the daily budget ------------------------------------------------------------------------------------------------


class Costly(BaseDataProcessor):
    """Pays for every object; checkpoints after each second one."""

    def collect(self) -> Any:
        return range(self.state.page, 10)

    def transform(self, data: Any) -> Iterator[Any]:
        for number in data:
            assert self.credits
            self.credits.consume()
            yield tool(number)
            if number % 2:
                self.state.page = number + 1
                self.checkpoint()


def test_the_budget_pauses_the_run_and_the_next_day_goes_on() -> None:
    settings = make_settings(Settings, {"connector": {"daily_credits": "5"}})
    helper = RecordingHelper(settings.to_helper_config())
    with clock.frozen(NOON):
        run_once(settings, [Costly()], State(), helper=helper)
        assert numbers(helper) == [0, 1, 2, 3, 4]
        work = helper.works[0]
        assert work.closed and not work.in_error
        assert "Ended early: The daily quota of 5" in work.messages[0]
        state = helper.saved_states[-1] or {}
        assert (state["page"], state["last_run"]) == (4, None)
        # Another process, the same day: the budget stays used up.
        run_once(settings, [Costly()], State(), helper=helper)
        assert numbers(helper) == [0, 1, 2, 3, 4]
        assert len(helper.works) == 1
    with clock.frozen(NOON + timedelta(days=1)):
        run_once(settings, [Costly()], State(), helper=helper)
    assert numbers(helper) == [0, 1, 2, 3, 4, 5, 6, 7, 8]


def test_the_budget_never_moves_the_cursor(settings: Settings) -> None:
    settings = make_settings(Settings, {"connector": {"daily_credits": 100}})

    class Dies(Costly):
        def transform(self, data: Any) -> Iterator[Any]:
            self.state.page = 99
            assert self.credits
            self.credits.consume(3)
            raise ConnectionError("reset")
            yield  # pylint: disable=unreachable

    helper = run_once(settings, [Dies()], State(), check=False)
    state = helper.get_state() or {}
    assert "page" not in state
    assert 3 <= state["credits"]["used"] <= 5


def test_a_pause_is_no_failure_but_other_limits_are(settings: Settings) -> None:
    class Limited(Costly):
        def transform(self, data: Any) -> Iterator[Any]:
            yield tool(1)
            raise QuotaExceededError("used up", resets_at=NOON, retry_after=1)

    once = make_settings(Settings, {"connector": {"run_and_terminate": "true"}})
    helper = run_once(once, [Limited()], State())
    assert numbers(helper) == [1]

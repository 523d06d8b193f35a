"""Processors and the loop around them, with a recording helper."""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
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
from connectors_sdk.models import Malware, OrganizationAuthor
from connectors_sdk.settings.exceptions import UnknownSettingWarning
from connectors_sdk.testing import RecordingHelper, make_settings, run_once

EARLIER = "2024-01-01T00:00:00+00:00"


class Settings(BaseConnectorSettings):
    connector: BaseExternalImportConnectorConfig = Field(
        default_factory=BaseExternalImportConnectorConfig  # type: ignore[arg-type]
    )


class State(ExternalImportConnectorState):
    cursor: int | None = None
    seen: list[int] = []


def tool(number: int, **values: Any) -> dict[str, Any]:
    stix_id = f"tool--00000000-0000-5000-8000-{number:012x}"
    return {"type": "tool", "id": stix_id, "name": f"t{number}", **values}


class Processor(BaseDataProcessor):
    """Does what the test says."""

    work_name = "Work"

    def __init__(
        self, transform: Callable[["Processor", Any], Any], data: Any = ()
    ) -> None:
        self._transform = transform
        self._data = data

    def collect(self) -> Any:
        return self._data

    def transform(self, data: Any) -> Any:
        return self._transform(self, data)


@pytest.fixture(name="settings")
def _settings() -> Settings:
    return make_settings(Settings)


def sizes(helper: RecordingHelper) -> list[int]:
    return [len(bundle.objects) for bundle in helper.bundles]


# -- processors ------------------------------------------------------------------------------------------------------


def test_a_list_is_one_bundle(settings: Settings) -> None:
    helper = run_once(
        settings, [Processor(lambda _, data: [tool(n) for n in data], [1, 2])]
    )
    assert sizes(helper) == [2]
    assert [w.name for w in helper.works] == ["Work"]


def test_each_non_empty_chunk_is_a_bundle_and_names_may_change(
    settings: Settings,
) -> None:
    def transform(self: Processor, _: Any) -> Iterator[Any]:
        yield [tool(1), tool(2)]
        yield []
        self.work_name = "Second"
        yield [tool(3)]
        yield (tool(4), tool(5))

    helper = run_once(settings, [Processor(transform)])
    assert sizes(helper) == [2, 1, 2]
    assert [w.name for w in helper.works] == ["Work", "Second"]


def test_a_stream_of_objects_fills_bundles(settings: Settings) -> None:
    author = OrganizationAuthor(name="A")

    def transform(_: Processor, data: Any) -> Iterator[Any]:
        for number in data:
            yield None
            yield Malware(name=str(number), is_family=False, author=author)
        yield iter([tool(1)])

    processor = Processor(transform, range(2500))
    helper = run_once(settings, [processor])
    assert sizes(helper) == [1000, 1000, 504]
    assert all(b.objects[0]["id"] == author.id for b in helper.bundles)
    assert len(helper.works) == 1


def test_bounds_of_a_stream_can_be_set(settings: Settings) -> None:
    class Small(Processor):
        bundle_max_objects = 2
        cleanup_inconsistent_bundle = False

    helper = run_once(settings, [Small(lambda _, __: map(tool, range(5)))])
    assert sizes(helper) == [2, 2, 1]
    assert helper.bundles[0].options["cleanup_inconsistent_bundle"] is False


def test_nothing_new_no_work_but_the_run_is_noted(settings: Settings) -> None:
    nothings: list[Any] = [[], iter(()), iter([[]])]
    for nothing in nothings:
        helper = run_once(settings, [Processor(lambda _, data: data, nothing)])
        assert not helper.works
        assert helper.saved_states[-1]["last_run"]  # type: ignore[index]


def test_checkpoints_send_first_then_save(settings: Settings) -> None:
    helper = RecordingHelper()
    sent_at_checkpoint: list[list[int]] = []

    def transform(self: Processor, data: Any) -> Iterator[Any]:
        for page in data:
            yield from map(tool, page)
            self.state.cursor = page[-1]
            self.checkpoint()
            sent_at_checkpoint.append(sizes(helper))

    pages = [[1, 2], [3], [4, 5, 6]]
    run_once(settings, [Processor(transform, pages)], State(), helper=helper)
    assert sent_at_checkpoint == [[2], [2, 1], [2, 1, 3]]
    states: list[Any] = helper.saved_states
    assert [s["cursor"] for s in states] == [2, 3, 6, 6]
    assert [s["last_run"] is None for s in states] == [True, True, True, False]


def test_a_crash_between_checkpoints_repeats_only_from_the_last(
    settings: Settings,
) -> None:
    helper = RecordingHelper()
    fails = True

    def transform(self: Processor, data: Any) -> Iterator[Any]:
        for page in data:
            if self.state.cursor is not None and page[-1] <= self.state.cursor:
                self.report.add_skipped("known")
                continue
            if fails and page == [4, 5]:
                self.state.cursor = 99
                raise ConnectionError("reset")
            yield from map(tool, page)
            self.state.cursor = page[-1]
            self.checkpoint()

    pages = [[1, 2], [3], [4, 5]]
    state = State()
    run_once(settings, [Processor(transform, pages)], state, helper=helper, check=False)
    assert sizes(helper) == [2, 1]
    assert helper.works[0].in_error
    fails = False
    run_once(settings, [Processor(transform, pages)], state, helper=helper)
    assert sizes(helper) == [2, 1, 2]
    assert state.cursor == 5


def test_transform_of_a_generator_is_counted_as_read(settings: Settings) -> None:
    def collect() -> Iterator[list[int]]:
        yield [1, 2, 3]
        yield [4]

    helper = RecordingHelper()
    processor = Processor(
        lambda _, pages: ([tool(n) for n in page] for page in pages), collect()
    )
    run_once(settings, [processor], helper=helper)
    (line,) = [m for m in helper.messages("info") if m.startswith("Run finished")]
    assert "read 4, sent 4 objects in 2 bundles, skipped 0" in line
    assert "errors 0" in line
    assert "next run 20" in line


def test_injection_and_post_init(settings: Settings) -> None:
    seen: dict[str, Any] = {}

    class Curious(Processor):
        def post_init(self) -> None:
            seen.update(vars(self))

    state = State()
    run_once(settings, [Curious(lambda _, __: [])], state)
    assert seen["settings"] is settings
    assert seen["state"] is state
    assert {"logger", "work_manager"} <= set(seen)


# -- the loop --------------------------------------------------------------------------------------------------------


def test_a_connector_needs_a_processor(settings: Settings) -> None:
    with pytest.raises(ValueError, match="at least one"):
        ExternalImportConnector(settings, [])


def test_last_run_is_when_the_run_began(settings: Settings) -> None:
    noon = datetime(2024, 5, 1, 12, tzinfo=timezone.utc)

    def slow(_: Processor, __: Any) -> list[Any]:
        stack.enter_context(clock.frozen(noon + timedelta(hours=1)))
        return []

    from contextlib import ExitStack

    with ExitStack() as stack:
        stack.enter_context(clock.frozen(noon))
        helper = run_once(settings, [Processor(slow)])
    assert helper.saved_states == [{"last_run": noon.isoformat()}]


def test_the_platforms_state_reaches_the_processors(settings: Settings) -> None:
    helper = RecordingHelper(state={"last_run": EARLIER, "cursor": 7, "other": [1]})
    seen: list[Any] = []

    def transform(self: Processor, _: Any) -> list[Any]:
        seen.append((self.state.last_run, self.state.cursor, self.state.other))
        return []

    run_once(settings, [Processor(transform)], State(), helper=helper)
    assert seen == [(datetime.fromisoformat(EARLIER), 7, [1])]
    assert helper.saved_states[-1]["other"] == [1]  # type: ignore[index]


def test_a_failed_run_says_why_and_leaves_the_state_alone(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper = RecordingHelper(state={"last_run": EARLIER})
    others: list[str] = []

    def broken(self: Processor, _: Any) -> list[Any]:
        self.state.cursor = 5
        self.state.seen.append(1)
        self.state.surprise = True
        raise ValueError("the source answered nonsense")

    def after(_: Processor, __: Any) -> list[Any]:
        others.append("ran")
        return []

    state = State()
    connector = ExternalImportConnector(
        settings,
        [Processor(broken), Processor(after)],
        state,
        helper_factory=lambda _: helper,
    )
    connector.start()
    assert not helper.saved_states
    assert not others
    assert [w.in_error for w in helper.works] == [True]
    assert helper.works[0].messages == [
        "Work failed with error: the source answered nonsense"
    ]
    assert helper.messages("error") == ["Run failed: the source answered nonsense"]
    assert "errors 1" in helper.messages("info")[-1]
    assert helper.metrics["error_count"] == 1

    def fine(self: Processor, _: Any) -> list[Any]:
        assert self.state.cursor is None
        assert not self.state.seen
        assert not hasattr(self.state, "surprise")
        return []

    monkeypatch.setattr(connector.data_processors[0], "_transform", fine)
    connector.callback()
    assert len(helper.messages("error")) == 1
    assert others == ["ran"]
    assert len(helper.saved_states) == 2


def test_what_a_finished_processor_remembers_survives_a_later_failure(
    settings: Settings,
) -> None:
    helper = RecordingHelper(state={"last_run": EARLIER})

    def first(self: Processor, _: Any) -> list[Any]:
        self.state.cursor = 5
        return [tool(1)]

    def second(self: Processor, _: Any) -> list[Any]:
        self.state.cursor = 6
        raise ValueError("broken")

    processors = [Processor(first), Processor(second)]
    run_once(settings, processors, State(), helper=helper, check=False)
    assert helper.saved_states == [{"cursor": 5, "seen": [], "last_run": EARLIER}]
    assert [w.in_error for w in helper.works] == [False, True]


def test_a_state_reset_on_the_platform_takes_effect(settings: Settings) -> None:
    helper = RecordingHelper(state={"cursor": 5})
    seen: list[Any] = []

    def transform(self: Processor, _: Any) -> list[Any]:
        seen.append(self.state.cursor)
        self.state.cursor = 6
        return []

    connector = ExternalImportConnector(
        settings,
        [Processor(transform)],
        State(),
        helper_factory=lambda _: helper,
    )
    connector.start()
    connector.callback()
    helper.set_state(None)
    connector.callback()
    assert seen == [5, 6, None]


def test_a_state_that_cannot_be_read_fails_the_run(settings: Settings) -> None:
    helper = RecordingHelper(state={"cursor": "not a number"})
    run_once(
        settings, [Processor(lambda _, __: [])], State(), helper=helper, check=False
    )
    assert "cursor" in helper.messages("error")[0]
    assert not helper.saved_states


def test_the_period_is_scheduled(settings: Settings) -> None:
    helper = run_once(settings, [Processor(lambda _, __: [])])
    assert helper.schedule == 3600
    assert helper.metrics["run_count"] == 1
    assert helper.metrics["state:running"] == helper.metrics["state:idle"] == 1


@pytest.mark.parametrize(
    "once", [{"run_and_terminate": "true"}, {"duration_period": 0}]
)
def test_a_single_run_tells_by_its_exit_code(once: dict[str, Any]) -> None:
    settings = make_settings(Settings, {"connector": once})

    def broken(_: Processor, __: Any) -> list[Any]:
        raise ValueError("broken")

    helper = run_once(settings, [Processor(lambda _, __: [])])
    assert helper.messages("info")[-1].endswith("next run none")
    with pytest.raises(SystemExit) as caught:
        run_once(settings, [Processor(broken)])
    assert caught.value.code == 1


def test_a_single_run_waits_for_the_queue() -> None:
    settings = make_settings(Settings, {"connector": {"run_and_terminate": "true"}})
    helper = RecordingHelper(settings.to_helper_config())
    helper.over_threshold = 1
    run_once(settings, [Processor(lambda _, __: [tool(1)])], helper=helper)
    assert sizes(helper) == [1]
    assert "over the threshold" in helper.messages("warning")[0]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_a_stop_ends_the_process_well(
    settings: Settings, stop: type[BaseException]
) -> None:
    helper = RecordingHelper()

    def stopped(_: Processor, __: Any) -> Iterator[Any]:
        yield [tool(1)]
        raise stop()

    with pytest.raises(SystemExit) as caught:
        run_once(settings, [Processor(stopped)], helper=helper)
    assert caught.value.code == 0
    assert helper.works[0].closed and not helper.works[0].in_error
    assert not helper.saved_states
    assert "stopped" in helper.messages("info")[-1]


def test_secrets_stay_out_of_works_and_reports() -> None:
    with pytest.warns(UnknownSettingWarning):
        settings = make_settings(
            Settings, {"connector": {"vendor_password": "canary-password"}}
        )

    def leaks(_: Processor, __: Any) -> list[Any]:
        raise ValueError("https://api.example/?key=canary-password refused")

    helper = run_once(settings, [Processor(leaks)], check=False)
    assert "**********" in helper.works[0].messages[0]
    assert "canary" not in repr((helper.works, helper.log))


def test_works_left_open_by_a_killed_process_are_closed(settings: Settings) -> None:
    helper = RecordingHelper()
    helper.api.work.initiate_work("c", "left open")
    run_once(settings, [Processor(lambda _, __: [])], helper=helper)
    assert helper.works[0].closed and helper.works[0].in_error


def test_logging_is_not_touched_without_the_real_helper(settings: Settings) -> None:
    before = [h.formatter for h in logging.getLogger().handlers]
    run_once(settings, [Processor(lambda _, __: [])])
    assert [h.formatter for h in logging.getLogger().handlers] == before

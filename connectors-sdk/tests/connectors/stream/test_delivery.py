"""Each event is settled: accepted, set aside with its reason, or waiting for a target that lives."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import requests
import urllib3.exceptions

from connectors_sdk.client.exceptions import ApiRateLimitError, ApiServerError
from connectors_sdk.connectors.stream import (
    Action,
    EventKind,
    Known,
    Result,
    StreamEvent,
    Targets,
    TargetUnavailableError,
    accepted,
    refused,
    retry,
)
from connectors_sdk.connectors.stream._delivery import ContractError, Delivery
from connectors_sdk.connectors.stream._trouble import Blame, Trouble, trouble_of

ATTEMPTS = 3
Answer = Callable[[Sequence[StreamEvent]], Iterable[Result] | None]


class GaveUp(Exception):
    """The test waits no longer."""


class Scene:
    """A delivery whose target is a function; nothing takes time."""

    def __init__(self, path: Path, answer: Answer, **options: Any) -> None:
        self.answer = answer
        self.calls: list[list[str]] = []
        self.set_aside: dict[str, str] = {}
        self.settled: list[str] = []
        self.waited: list[tuple[Trouble, float]] = []
        self.on_wait: Callable[[], None] = lambda: None
        self.patience = 50
        self.targets = Targets(path / "targets.sqlite")
        self.delivery = Delivery(
            self._deliver,
            self.targets,
            attempts=ATTEMPTS,
            every_event=options.get("every_event", False),
            expires=True,
            pause=self._pause,
            well=lambda: None,
            settled=lambda event: self.settled.append(event.id),
            set_aside=self._set_aside,
        )

    def _deliver(self, events: Sequence[StreamEvent]) -> Iterable[Result] | None:
        self.calls.append([event.id for event in events])
        return self.answer(events)

    def _pause(self, trouble: Trouble, seconds: float) -> None:
        self.waited.append((trouble, seconds))
        if len(self.waited) >= self.patience:
            raise GaveUp
        self.on_wait()

    def _set_aside(self, event: StreamEvent, reason: str) -> None:
        assert event.id not in self.set_aside
        self.set_aside[event.id] = reason

    def settle(self, ids: Iterable[str], **more: Any) -> list[StreamEvent]:
        events = [an_event(name, **more) for name in ids]
        self.delivery.settle(events)
        return events


def an_event(name: str, action: Action = Action.UPSERT, **more: Any) -> StreamEvent:
    data = {"type": "malware", "id": f"malware--{name}", **more}
    return StreamEvent(action, EventKind.CREATE, data, name, "Malware")


def status(code: int, **headers: str) -> requests.HTTPError:
    response = requests.Response()
    response.status_code = code
    response.headers.update(headers)
    return requests.HTTPError(f"{code} for url", response=response)


def of_elasticsearch(cause: type[Exception]) -> Exception:
    """Return what Elasticsearch's client makes of an error of the network."""
    base = type("TransportError", (Exception,), {})
    error = type("ConnectionTimeout", (base,), {})("timed out")
    inner = cause.__new__(cause)
    inner.args = ("silence",)
    error.__cause__ = inner
    return error  # type: ignore[no-any-return]


def all_or(poison: set[str], error: Callable[[], Exception]) -> Answer:
    """The target takes a request whole, or not at all if poison is in it."""

    def answer(events: Sequence[StreamEvent]) -> None:
        if poison & {event.id for event in events}:
            raise error()

    return answer


def test_all_are_accepted(tmp_path: Path) -> None:
    scene = Scene(tmp_path, lambda events: None)
    scene.settle("abc")
    assert scene.settled == ["a", "b", "c"] and not scene.set_aside
    assert [known.id for known in scene.targets] == ["a", "b", "c"]


def test_the_map_follows(tmp_path: Path) -> None:
    def answer(events: Sequence[StreamEvent]) -> Iterator[Result]:
        for event in events:
            seen[event.id] = event.remote_id
            yield accepted(f"remote-{event.id}")

    seen: dict[str, str | None] = {}
    scene = Scene(tmp_path, answer)
    scene.settle("ab", valid_until="2026-01-01T00:00:00Z")
    assert seen == {"a": None, "b": None}
    assert scene.targets.get("a") == Known(
        "a", "remote-a", "malware--a", "Malware", 1767225600.0
    )
    scene.settle("a", action=Action.REMOVE)
    assert seen["a"] == "remote-a" and "a" not in scene.targets
    assert "b" in scene.targets


def test_what_is_refused_is_set_aside_and_the_rest_goes_on(tmp_path: Path) -> None:
    scene = Scene(
        tmp_path,
        lambda events: [
            refused("no such field") if e.id == "b" else accepted() for e in events
        ],
    )
    scene.settle("abc")
    assert scene.settled == ["a", "c"]
    assert scene.set_aside == {"b": "no such field"}
    assert "b" not in scene.targets and len(scene.calls) == 1


def test_what_is_asked_for_again_comes_again_alone(tmp_path: Path) -> None:
    asked: list[str] = []

    def answer(events: Sequence[StreamEvent]) -> Iterator[Result]:
        for event in events:
            if event.id == "b" and len(asked) < 2:
                asked.append(event.id)
                yield retry("busy", after=7)
            else:
                attempts[event.id] = (event.attempt, event.redelivered)
                yield accepted()

    attempts: dict[str, tuple[int, bool]] = {}
    scene = Scene(tmp_path, answer)
    scene.settle("abc")
    assert scene.calls == [["a", "b", "c"], ["b"], ["b"]]
    assert attempts == {"a": (1, False), "b": (3, True), "c": (1, False)}
    assert [seconds for _, seconds in scene.waited] == [7, 7]
    assert scene.settled == ["a", "c", "b"]


@pytest.mark.parametrize(
    "error",
    [
        lambda: status(400),
        lambda: status(413),
        lambda: KeyError("pattern"),
        lambda: ValueError("unknown type"),
    ],
)
@pytest.mark.parametrize("poison", ["a", "h", "d", "de", "ah", "abcdefgh"])
def test_poison_is_found(
    tmp_path: Path, poison: str, error: Callable[[], Exception]
) -> None:
    scene = Scene(tmp_path, all_or(set(poison), error))
    scene.settle("abcdefgh")
    assert set(scene.set_aside) == set(poison)
    assert set(scene.settled) == set("abcdefgh") - set(poison)
    assert not scene.waited
    assert type(error()).__name__ in next(iter(scene.set_aside.values()))


def test_a_generator_names_the_poison_itself(tmp_path: Path) -> None:
    def answer(events: Sequence[StreamEvent]) -> Iterator[Result]:
        for event in events:
            if event.id == "c":
                raise KeyError("pattern")
            yield accepted()

    scene = Scene(tmp_path, answer)
    scene.settle("abcdef")
    assert set(scene.set_aside) == {"c"}
    # Nothing that was accepted is offered again.
    assert sorted(scene.settled) == ["a", "b", "d", "e", "f"]


@pytest.mark.parametrize(
    "error",
    [
        TargetUnavailableError("maintenance"),
        status(503),
        status(401),
        status(429),
        requests.ConnectTimeout(),
        ConnectionRefusedError(),
        ApiRateLimitError("slow down"),
    ],
)
def test_a_target_that_is_away_is_waited_for(tmp_path: Path, error: Exception) -> None:
    def answer(events: Sequence[StreamEvent]) -> None:
        if len(scene.waited) < 20:
            raise error

    scene = Scene(tmp_path, answer)
    scene.settle("abc")
    assert scene.settled == ["a", "b", "c"] and not scene.set_aside
    assert len(scene.calls) == 21 and not scene.delivery.parked
    pauses = [seconds for _, seconds in scene.waited]
    assert pauses == sorted(pauses) and pauses[-1] == 30.0


@pytest.mark.parametrize("poison", ["a", "e", "ae"])
def test_server_errors_because_of_poison(tmp_path: Path, poison: str) -> None:
    scene = Scene(tmp_path, all_or(set(poison), lambda: status(500)))
    scene.settle("abcde")
    assert set(scene.set_aside) == set(poison)
    assert set(scene.settled) == set("abcde") - set(poison)
    assert len(scene.waited) == ATTEMPTS - 1


@pytest.mark.parametrize(
    "error",
    [
        lambda: status(500),
        lambda: status(504),
        requests.ReadTimeout,
        lambda: requests.ConnectionError("reset"),
        lambda: ApiServerError("broken", status_code=500),
    ],
)
def test_a_long_outage_is_no_poison(
    tmp_path: Path, error: Callable[[], Exception]
) -> None:
    def answer(events: Sequence[StreamEvent]) -> None:
        if not lives:
            raise error()

    lives: list[bool] = []
    scene = Scene(tmp_path, answer)
    # Perhaps all of them are poison; what comes next shows that they are not.
    scene.settle("abcdefgh")
    scene.settle("ijklmnop")
    assert len(scene.delivery.parked) == 16 and not scene.settled
    lives.append(True)
    scene.settle("qr")
    assert sorted(scene.settled) == list("abcdefghijklmnopqr")
    assert not scene.set_aside and not scene.delivery.parked


def test_an_outage_that_ends_in_time(tmp_path: Path) -> None:
    def answer(events: Sequence[StreamEvent]) -> None:
        if len(scene.waited) < ATTEMPTS - 1:
            raise status(500)

    scene = Scene(tmp_path, answer)
    scene.settle("abcdefgh")
    assert scene.settled == list("abcdefgh") and not scene.set_aside


def test_an_outage_of_single_results_is_no_poison(tmp_path: Path) -> None:
    def answer(events: Sequence[StreamEvent]) -> list[Result]:
        away = len(scene.waited) < 10
        return [retry("busy") if away else accepted() for _ in events]

    scene = Scene(tmp_path, answer)
    for ids in ("ab", "cd", "ef", "gh", "ij", "kl"):
        scene.settle(ids)
    assert sorted(scene.settled) == list("abcdefghijkl")
    assert not scene.set_aside and not scene.delivery.parked


def test_a_lone_poison_does_not_block(tmp_path: Path) -> None:
    scene = Scene(tmp_path, all_or({"a"}, lambda: status(500)))
    scene.settle("a")
    assert [event.id for event in scene.delivery.parked] == ["a"]
    assert not scene.set_aside
    scene.settle("b")
    assert set(scene.set_aside) == {"a"} and scene.settled == ["b"]
    assert not scene.delivery.parked


def test_two_lone_poisons_in_a_row_do_not_block(tmp_path: Path) -> None:
    scene = Scene(tmp_path, all_or({"a", "b"}, lambda: status(500)))
    for name in "abc":
        scene.settle(name)
    assert set(scene.set_aside) == {"a", "b"} and scene.settled == ["c"]
    assert not scene.delivery.parked


def test_what_is_parked_is_not_delivered_after_something_newer(tmp_path: Path) -> None:
    answers = [500, 500, 500]

    def answer(events: Sequence[StreamEvent]) -> None:
        if answers:
            raise status(answers.pop())

    scene = Scene(tmp_path, answer)
    (old,) = scene.settle("a", description="old")
    assert scene.delivery.parked == [old]
    scene.settle("a", description="new")
    assert scene.settled == ["a"] and not scene.delivery.parked
    assert not scene.set_aside


def test_what_is_parked_comes_again_where_every_event_counts(tmp_path: Path) -> None:
    answers = [500, 500, 500]

    def answer(events: Sequence[StreamEvent]) -> None:
        if answers:
            raise status(answers.pop())

    scene = Scene(tmp_path, answer, every_event=True)
    scene.settle("a", description="old")
    scene.settle("a", description="new")
    assert scene.settled == ["a", "a"] and not scene.set_aside


def test_what_is_parked_is_offered_while_nothing_comes(tmp_path: Path) -> None:
    lives: list[bool] = []

    def answer(events: Sequence[StreamEvent]) -> None:
        if not lives:
            raise status(500)

    scene = Scene(tmp_path, answer)
    scene.settle("abc")
    assert len(scene.delivery.parked) == 3
    scene.delivery.retry_parked()
    assert len(scene.delivery.parked) == 3 and not scene.set_aside
    lives.append(True)
    scene.delivery.retry_parked()
    assert scene.settled == ["a", "b", "c"] and not scene.delivery.parked


def test_parking_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors_sdk.connectors.stream._delivery._MOST_PARKED", 2)
    scene = Scene(tmp_path, all_or(set("abc"), lambda: status(500)))
    scene.settle("a")
    scene.settle("b")
    with pytest.raises(GaveUp):
        scene.settle("c")
    assert [event.id for event in scene.delivery.parked] == ["a", "b"]
    assert not scene.set_aside


def test_the_target_says_how_long_to_wait(tmp_path: Path) -> None:
    def answer(events: Sequence[StreamEvent]) -> None:
        if not scene.waited:
            raise status(503, **{"Retry-After": "17"})

    scene = Scene(tmp_path, answer)
    scene.settle("a")
    assert scene.waited[0][1] == 17.0


@pytest.mark.parametrize(
    "answer",
    [
        lambda events: [accepted()],
        lambda events: [accepted()] * 5,
        lambda events: ["accepted", "accepted"],
    ],
)
def test_a_broken_contract_is_no_poison(tmp_path: Path, answer: Answer) -> None:
    scene = Scene(tmp_path, answer)
    with pytest.raises(ContractError, match=r"deliver\(\) returned"):
        scene.settle("ab")
    assert not scene.set_aside


def test_stopped_in_the_middle(tmp_path: Path) -> None:
    def answer(events: Sequence[StreamEvent]) -> Iterator[Result]:
        yield accepted("r1")
        raise SystemExit

    scene = Scene(tmp_path, answer)
    with pytest.raises(SystemExit):
        scene.settle("ab")
    assert [known.id for known in Targets(tmp_path / "targets.sqlite")] == ["a"]


def test_elasticsearchs_clients_keep_headers_elsewhere() -> None:
    meta = type("Meta", (), {"headers": {"retry-after": "17"}})()
    error = type("ApiError", (Exception,), {"status_code": 429, "meta": meta})()
    assert trouble_of(error) == Trouble(Blame.TARGET, "ApiError", 17.0)


@pytest.mark.parametrize(
    ("error", "blame"),
    [
        # One name for two: with no connection at all, and with one that was silent too long.
        (of_elasticsearch(urllib3.exceptions.ReadTimeoutError), Blame.UNCLEAR),
        (of_elasticsearch(urllib3.exceptions.ConnectTimeoutError), Blame.TARGET),
        (status(403), Blame.UNCLEAR),
        (status(408), Blame.UNCLEAR),
        (status(502), Blame.TARGET),
        (status(404), Blame.EVENT),
        (OSError("disk full"), Blame.EVENT),
        (TimeoutError(), Blame.UNCLEAR),
        (requests.exceptions.JSONDecodeError("no JSON", "<html>", 0), Blame.UNCLEAR),
        (requests.exceptions.ProxyError(), Blame.TARGET),
        (
            type("ConnectError", (Exception,), {})("a client of another library"),
            Blame.TARGET,
        ),
        (
            type("BadRequestError", (Exception,), {"status_code": 400})(),
            Blame.EVENT,
        ),
    ],
)
def test_who_is_to_blame(error: Exception, blame: Blame) -> None:
    assert trouble_of(error).blame is blame

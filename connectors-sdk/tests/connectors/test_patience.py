"""Requests outlast a platform that is away. Over real sockets."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from connectors_sdk.connectors import _patience
from connectors_sdk.connectors._causes import describe
from connectors_sdk.connectors._patience import (
    NoGraphQL,
    PatientAdapter,
    growing_pauses,
    hurry,
    impatient,
    is_patient,
)
from connectors_sdk.testing import Canned, CannedServer, Fault

GOOD = Canned({"data": {"x": 1}})


@pytest.fixture(name="server")
def _server() -> Iterator[CannedServer]:
    with CannedServer() as server:
        yield server


@pytest.fixture(name="log")
def _log() -> list[str]:
    return []


def ask(
    server: CannedServer, log: list[str], limit: float = 10, timeout: float = 5
) -> requests.Response:
    session = requests.Session()
    session.mount("http://", PatientAdapter(limit, log.append))
    return session.post(f"{server.url}/graphql", json={"q": 1}, timeout=timeout)


def error(message: str) -> Canned:
    return Canned({"errors": [{"message": message, "name": message}], "data": None})


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (Canned("busy", 503), "HTTP 503"),
        (Canned("busy", 429), "HTTP 429"),
        (Canned("<html>", 502), "HTTP 502"),
        (Canned(fault=Fault.RESET), "closed in the middle"),
        (Canned("abc", fault=Fault.TRUNCATED), "closed in the middle"),
        (error("Request timed out"), "Request timed out"),
        (error("LOCK_ERROR"), "LOCK_ERROR"),
    ],
)
def test_passing_trouble_is_outlasted(
    server: CannedServer, log: list[str], trouble: Canned, words: str
) -> None:
    server.on("POST", "/graphql", trouble, GOOD)
    assert ask(server, log).json() == {"data": {"x": 1}}
    assert len(server.requests) == 2
    assert server.requests[0].body == server.requests[1].body
    assert len(log) == 2
    assert "away" in log[0] and words in log[0]
    assert "back" in log[1]


def test_nothing_is_said_when_all_is_well(server: CannedServer, log: list[str]) -> None:
    server.on("POST", "/graphql", GOOD)
    ask(server, log)
    assert not log


@pytest.mark.parametrize(
    "answer",
    [
        Canned("no", 500),
        Canned("no", 401),
        error("AUTH_REQUIRED"),
        Canned('{"errors": "Request timed out'),
        Canned('["errors"]'),
        Canned({"errors": ["Request timed out", "x" * 30_000]}),
    ],
)
def test_other_answers_go_to_the_caller_at_once(
    server: CannedServer, log: list[str], answer: Canned
) -> None:
    server.on("POST", "/graphql", answer)
    assert ask(server, log).status_code == answer.status
    assert len(server.requests) == 1


def test_after_the_limit_the_failure_goes_to_the_caller(
    server: CannedServer, log: list[str]
) -> None:
    server.on("POST", "/graphql", Canned("busy", 503))
    assert ask(server, log, limit=0.6).status_code == 503
    assert len(server.requests) >= 3
    server.on("POST", "/graphql", Canned(fault=Fault.RESET))
    with pytest.raises(requests.ConnectionError):
        ask(server, log, limit=0.1)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"data": [1, 2.5, "\u00e9"]}'.encode(), {"data": [1, 2.5, "\u00e9"]}),
        ('{"errors": ["\u00e9"]}'.encode("utf-16"), {"errors": ["\u00e9"]}),
    ],
)
def test_json_is_what_requests_would_read(
    server: CannedServer, log: list[str], body: bytes, expected: Any
) -> None:
    server.on("POST", "/graphql", Canned(body))
    answer = ask(server, log)
    found = answer.json()
    assert found == expected == answer.json(parse_float=float)


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"a": '])
def test_what_is_no_json_is_told_as_requests_tells_it(
    server: CannedServer, log: list[str], body: bytes
) -> None:
    server.on("POST", "/graphql", Canned(body))
    with pytest.raises(requests.exceptions.JSONDecodeError):
        ask(server, log).json()


@pytest.mark.parametrize("body", [b"[]", b"7", b"null", b"{}", b'{"data": null}'])
def test_json_that_answers_no_graphql_is_told(
    server: CannedServer, log: list[str], body: bytes
) -> None:
    server.on("POST", "/graphql", Canned(body))
    with pytest.raises(NoGraphQL) as told:
        ask(server, log).json()
    words = f"what answers is not an OpenCTI API: {body.decode()}"
    assert describe(told.value) == words


def test_impatience(server: CannedServer, log: list[str]) -> None:
    server.on("POST", "/graphql", Canned("busy", 503), Canned(fault=Fault.HANG))
    with impatient(timeout=0.2):
        assert not is_patient()
        assert ask(server, log).status_code == 503
        with pytest.raises(requests.ReadTimeout):
            ask(server, log, timeout=60)
    assert is_patient()
    assert len(server.requests) == 2


def test_at_the_end_of_the_process_all_threads_hurry(
    server: CannedServer, log: list[str]
) -> None:
    server.on("POST", "/graphql", Canned("busy", 503))
    try:
        hurry(0.2)
        thread = threading.Thread(target=ask, args=(server, log))
        thread.start()
        thread.join()
    finally:
        _patience._END.clear()  # pylint: disable=protected-access
    assert len(server.requests) == 1


def test_pauses_grow_and_end() -> None:
    assert not list(growing_pauses(0))
    pauses = growing_pauses(3600)
    taken = [next(pauses) for _ in range(10)]
    assert taken == sorted(taken)
    assert taken[0] < 1
    assert taken[-1] == 30
    assert next(growing_pauses(0.1)) <= 0.1


def test_streams_are_not_read_ahead(server: CannedServer, log: list[str]) -> None:
    server.on("GET", "/file", Canned(b"data"))
    session = requests.Session()
    session.mount("http://", PatientAdapter(5, log.append))
    with session.get(f"{server.url}/file", stream=True, timeout=5) as answer:
        assert answer.raw.read() == b"data"

"""What is tried again, how often, and after which pause."""

import dataclasses
import io
import socket
import threading
from collections.abc import Callable, Iterator
from email.utils import formatdate
from typing import Any

import pytest
import requests

from connectors_sdk.client.exceptions import (
    ApiClientError,
    ApiConnectionError,
    ApiForbiddenError,
    ApiRateLimitError,
    ApiServerError,
    ApiTimeoutError,
    ApiTruncatedError,
    ApiUnauthorizedError,
)
from connectors_sdk.client.retry import RetryPolicy
from connectors_sdk.testing import Canned, CannedServer, Fault

GOOD = Canned({"ok": True})
RAW_GOOD = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"ok":true}'
SAFE = ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]
UNSAFE = ["POST", "PATCH"]


@pytest.mark.parametrize("method", SAFE)
@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_safe_verbs_are_tried_again(
    raw_server: Any, client_of: Any, clock: Any, method: str, status: int
) -> None:
    server = raw_server(
        b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % status, RAW_GOOD
    )
    assert client_of(server.url)._raw_request(method, "/x").status_code == 200
    assert len(server.requests) == 2
    assert clock.slept == [1.0]


@pytest.mark.parametrize("method", UNSAFE)
@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_unsafe_verbs_are_not(
    server: CannedServer, client_of: Any, clock: Any, method: str, status: int
) -> None:
    server.on(method, "/x", Canned("", status), GOOD)
    assert client_of(server.url)._raw_request(method, "/x").status_code == status
    assert len(server.requests) == 1
    assert not clock.slept


@pytest.mark.parametrize("method", UNSAFE)
@pytest.mark.parametrize(("status", "again"), [(429, True), (503, True), (500, False)])
def test_unsafe_verbs_are_when_the_source_says_when(
    server: CannedServer,
    client_of: Any,
    clock: Any,
    method: str,
    status: int,
    again: bool,
) -> None:
    server.on(method, "/x", Canned("", status, {"Retry-After": "7"}), GOOD)
    answer = client_of(server.url)._raw_request(method, "/x", json={"a": 1})
    assert answer.ok is again
    assert clock.slept == ([7.0] if again else [])
    assert {request.body for request in server.requests} == {b'{"a": 1}'}


def test_unsafe_verbs_are_by_choice(server: CannedServer, client_of: Any) -> None:
    server.on("POST", "/search", Canned("", 500), GOOD)
    client = client_of(server.url, retry=RetryPolicy(max_retries=1, retry_unsafe=True))
    assert client._post("/search", json={}) == {"ok": True}


@pytest.mark.parametrize("method", [*UNSAFE, "GET"])
def test_every_verb_is_when_no_connection_came_about(
    client_of: Any, clock: Any, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    client = client_of(f"http://127.0.0.1:{port}", max_retries=2)
    with pytest.raises(ApiConnectionError) as caught:
        client._request(method, "/x")
    assert clock.slept == [1.0, 2.0]
    assert str(caught.value).endswith("Tried 3 times.")


@pytest.mark.parametrize(
    ("method", "requests_sent"), [("POST", 1), ("PATCH", 1), ("GET", 3), ("PUT", 3)]
)
def test_a_reset_after_sending(
    server: CannedServer, client_of: Any, method: str, requests_sent: int
) -> None:
    server.on(method, "/x", Canned(fault=Fault.RESET))
    with pytest.raises(ApiConnectionError):
        client_of(server.url, max_retries=2)._request(method, "/x", json={"a": 1})
    assert len(server.requests) == requests_sent


def test_the_request_is_the_same_each_time(
    server: CannedServer, client_of: Any
) -> None:
    server.on("PUT", "/x", Canned(fault=Fault.RESET), Canned("", 503), GOOD)
    client_of(server.url)._request("PUT", "/x", data=io.BytesIO(b"of a file"))
    assert [request.body for request in server.requests] == [b"of a file"] * 3


def test_a_body_that_cannot_be_sent_twice_is_not(
    raw_server: Any, client_of: Any
) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"once"

    server = raw_server(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")
    with pytest.raises(ApiServerError):
        client_of(server.url)._request("PUT", "/x", data=pieces())
    assert len(server.requests) == 1


def test_an_answer_that_breaks_off_is_tried_again(
    server: CannedServer, client_of: Any
) -> None:
    server.on("GET", "/x", Canned({"ok": False}, fault=Fault.TRUNCATED), GOOD)
    assert client_of(server.url)._get("/x") == {"ok": True}
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "body",
    [
        b"Content-Length: 100\r\n\r\nabc",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=["content-length", "inside a chunk", "last chunk missing", "damaged chunk"],
)
def test_answers_that_always_break_off_fail_in_the_end(
    raw_server: Any, client_of: Any, body: bytes
) -> None:
    server = raw_server(b"HTTP/1.1 200 OK\r\n" + body)
    with pytest.raises(ApiTruncatedError) as caught:
        client_of(server.url, max_retries=2)._get("/x")
    assert len(server.requests) == 3
    assert isinstance(caught.value, requests.exceptions.ChunkedEncodingError)


def test_the_last_answer_counts_after_all_attempts(
    server: CannedServer, client_of: Any, clock: Any
) -> None:
    server.on("GET", "/x", Canned({"error": "still down"}, 503))
    with pytest.raises(ApiServerError) as caught:
        client_of(server.url, max_retries=3)._get("/x")
    assert caught.value.response_body == {"error": "still down"}
    assert len(server.requests) == 4
    assert clock.slept == [1.0, 2.0, 4.0]


def test_pauses_are_jittered_and_bounded(
    server: CannedServer, client_of: Any, clock: Any
) -> None:
    server.on("GET", "/x", Canned("", 500))
    drawn: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        drawn.append((low, high))
        return high / 2

    client = client_of(
        server.url,
        retry=RetryPolicy(max_retries=5, backoff_factor=2.0, backoff_max=10.0),
        timing=dataclasses.replace(clock.timing, uniform=uniform),
    )
    with pytest.raises(ApiServerError):
        client._get("/x")
    assert drawn == [(0.0, 2.0), (0.0, 4.0), (0.0, 8.0), (0.0, 10.0), (0.0, 10.0)]
    assert clock.slept == [high / 2 for _, high in drawn]


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_in_seconds_and_as_a_date(
    server: CannedServer, client_of: Any, clock: Any, status: int
) -> None:
    date = formatdate(clock.time + 30 + 12, usegmt=True)
    server.on(
        "GET",
        "/x",
        Canned("", status, {"Retry-After": "30"}),
        Canned("", status, {"Retry-After": date}),
        GOOD,
    )
    assert client_of(server.url)._get("/x") == {"ok": True}
    assert clock.slept == [30.0, pytest.approx(12.0)]


def test_a_retry_after_beyond_patience_fails_at_once(
    server: CannedServer, client_of: Any, clock: Any
) -> None:
    server.on("GET", "/x", Canned("", 429, {"Retry-After": "86400"}))
    with pytest.raises(ApiRateLimitError) as caught:
        client_of(server.url)._get("/x")
    assert caught.value.retry_after == 86400
    assert "wait 86400 s" in str(caught.value)
    assert len(server.requests) == 1
    assert not clock.slept


@pytest.mark.parametrize(
    ("status", "error"), [(401, ApiUnauthorizedError), (403, ApiForbiddenError)]
)
def test_bad_credentials_are_asked_for_once(
    server: CannedServer, client_of: Any, status: int, error: type[ApiClientError]
) -> None:
    server.on("GET", "/x", Canned("", status))
    with pytest.raises(error):
        client_of(server.url)._get("/x")
    assert len(server.requests) == 1


def hang(_connection: socket.socket, _request: bytes, stop: threading.Event) -> None:
    stop.wait(10)


def hang_in_the_body(
    connection: socket.socket, _request: bytes, stop: threading.Event
) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
    stop.wait(10)


@pytest.mark.parametrize("script", [hang, hang_in_the_body])
def test_silence_ends_in_a_timeout(
    raw_server: Any, client_of: Any, script: Callable[..., None]
) -> None:
    server = raw_server(script)
    with pytest.raises(ApiTimeoutError) as caught:
        client_of(server.url, timeout=0.2, max_retries=1)._get("/x")
    assert len(server.requests) == 2
    assert isinstance(caught.value, requests.exceptions.Timeout)
    assert "read timeout" in str(caught.value)


@pytest.mark.parametrize("how", ["session", "none"])
def test_a_request_without_a_timeout_gets_one(
    raw_server: Any, client_of: Any, how: str
) -> None:
    client = client_of(raw_server(hang).url, timeout=(5, 0.2), max_retries=0)
    with pytest.raises(ApiTimeoutError):
        if how == "session":
            client._session.get(client._base_url)
        else:
            client._get("/x", timeout=None)


def test_a_trickle_cannot_last_for_ever(
    raw_server: Any, client_of: Any, clock: Any
) -> None:
    def trickle(
        connection: socket.socket, _request: bytes, stop: threading.Event
    ) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while not stop.wait(0.001):
            connection.sendall(b"x")
            clock.time += 1

    server = raw_server(trickle)
    with pytest.raises(ApiTimeoutError) as caught:
        client_of(server.url, max_seconds=5, max_retries=0)._get("/x")
    assert "not complete after 5 s" in str(caught.value)


def test_a_fake_transport_is_retried_and_limited_like_the_network(
    client_of: Any, clock: Any
) -> None:
    class Transport:
        def __init__(self) -> None:
            self.sent: list[str] = []

        def send(
            self, request: requests.PreparedRequest, **options: Any
        ) -> requests.Response:
            assert options["timeout"] == 5
            self.sent.append(str(request.url))
            response = requests.Response()
            response.status_code = 503 if len(self.sent) == 1 else 200
            response.raw = io.BytesIO(b'{"ok": true}')
            response.headers["Content-Type"] = "application/json"
            response.url = str(request.url)
            response.request = request
            return response

    transport = Transport()
    client = client_of(
        "https://api.example.com", transport=transport, rate_limit="2/minute"
    )
    assert client._get("/x") == {"ok": True}
    assert transport.sent == ["https://api.example.com/x"] * 2
    with pytest.raises(ApiRateLimitError):
        client._get("/x")

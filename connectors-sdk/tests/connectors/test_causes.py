"""Failures are told in words. The network failures are real ones."""

import socket
import threading
from collections.abc import Iterator

import pika
import pytest
import requests

from connectors_sdk.connectors._causes import describe, describe_status
from connectors_sdk.testing import Canned, CannedServer, Fault


@pytest.fixture(name="closed_port")
def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(name="server")
def _server() -> Iterator[CannedServer]:
    with CannedServer() as server:
        yield server


def failure_of(url: str, timeout: float = 5) -> Exception:
    with pytest.raises(requests.RequestException) as caught:
        requests.get(url, timeout=timeout).json()
    return caught.value


def test_refused(closed_port: int) -> None:
    error = failure_of(f"http://127.0.0.1:{closed_port}/graphql")
    assert describe(error) == "the connection was refused: nothing listens there"


def test_name_resolution() -> None:
    words = describe(failure_of("http://platform.invalid/graphql"))
    assert words.startswith("name resolution failed: ")


def test_tls(server: CannedServer) -> None:
    words = describe(failure_of(server.url.replace("http:", "https:")))
    assert words.startswith("TLS failed: ")


def test_proxy(closed_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    words = describe(failure_of("http://platform.invalid/graphql"))
    assert words.startswith("the proxy failed: ") or "refused" in words


def test_no_answer(server: CannedServer) -> None:
    server.on("GET", "/", Canned(fault=Fault.HANG))
    assert describe(failure_of(f"{server.url}/", 0.2)) == "no answer in time"


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.TRUNCATED])
def test_broken_off(server: CannedServer, fault: Fault) -> None:
    server.on("GET", "/", Canned(fault=fault))
    words = describe(failure_of(f"{server.url}/"))
    assert words == "the connection was closed in the middle"


def test_closed_without_an_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def close_at_once() -> None:
            connection, _ = listener.accept()
            connection.recv(1000)
            connection.close()

        thread = threading.Thread(target=close_at_once)
        thread.start()
        error = failure_of(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        thread.join()
    assert describe(error) == "the connection was closed in the middle"


def test_not_json(server: CannedServer) -> None:
    server.on("GET", "/", Canned("<html>hello</html>"))
    words = describe(failure_of(f"{server.url}/"))
    assert words == "what answers is not an OpenCTI API: its answer is not JSON"


def test_broker(closed_port: int) -> None:
    with pytest.raises(pika.exceptions.AMQPConnectionError) as caught:
        pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", closed_port))
    assert "refused" in describe(caught.value) or "AMQP" in describe(caught.value)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            ValueError(
                '{"errors":[{"message":"too large","name":"PAYLOAD_TOO_LARGE"}],"data":null}'
            ),
            "the platform answers PAYLOAD_TOO_LARGE: too large",
        ),
        (ValueError('{"errors": 7}'), '{"errors": 7}'),
        (
            ValueError({"name": "AUTH_REQUIRED", "error_message": "You must log in"}),
            "the platform refuses the token (AUTH_REQUIRED: You must log in)",
        ),
        (
            ValueError({"name": "WORK_NOT_ALIVE", "error_message": "gone"}),
            "the platform answers WORK_NOT_ALIVE: gone",
        ),
        (ValueError({"name": "Oops", "error_message": "Oops"}), "Oops"),
        (
            ValueError("<html><body>Bad Gateway</body></html>"),
            "the answer is a web page, not that of an OpenCTI API: <html><body>Bad Gateway</body></html>",
        ),
        (ValueError("plain\n text"), "plain text"),
        (KeyError(), "KeyError"),
        (KeyError("name"), "KeyError: 'name'"),
        (TypeError("no such thing"), "TypeError: no such thing"),
        (ValueError("x" * 1000), "x" * 499 + "…"),
    ],
)
def test_other_errors(error: Exception, words: str) -> None:
    assert describe(error) == words


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "refuses the token"),
        (403, "refuses the token"),
        (404, "not an OpenCTI API"),
        (302, "not an OpenCTI API"),
        (500, "answers with HTTP 500"),
        (503, "not available"),
    ],
)
def test_status(status: int, words: str) -> None:
    told = describe_status(status)
    assert told is not None and words in told
    assert describe_status(200) is None


def test_circles_of_causes_end() -> None:
    first, second = ValueError("a"), ValueError("b")
    first.__context__, second.__context__ = second, first
    assert describe(first) == "a"

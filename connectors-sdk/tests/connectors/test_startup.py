"""Meeting the platform: the cause of a failure is named, over real sockets."""

import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from connectors_sdk import ConfigValidationError
from connectors_sdk.connectors._startup import (
    PlatformUnavailableError,
    connect,
    platform_timeout,
    probe,
)
from connectors_sdk.testing import Canned, CannedServer, Fault

ABOUT = Canned({"data": {"about": {"version": "7.1"}}})


@pytest.fixture(name="server")
def _server() -> Iterator[CannedServer]:
    with CannedServer() as server:
        yield server


def config_for(url: str, **opencti: Any) -> dict[str, Any]:
    return {
        "opencti": {"url": url, "token": "secret-token", **opencti},
        "connector": {"name": "Mine", "log_level": "error"},
    }


def never(config: dict[str, Any]) -> Any:
    raise ValueError("OpenCTI API is not reachable")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Canned("no", 401), "refuses the token (HTTP 401)"),
        (Canned("no", 403), "refuses the token (HTTP 403)"),
        (
            Canned({"errors": [{"message": "log in", "name": "AUTH_REQUIRED"}]}),
            "refuses the token (AUTH_REQUIRED: log in)",
        ),
        (
            Canned(
                {"errors": [{"message": "no", "extensions": {"code": "FORBIDDEN"}}]}
            ),
            "refuses the token (FORBIDDEN: no)",
        ),
        (Canned("<html>shop</html>"), "not an OpenCTI API: its answer is not JSON"),
        (Canned({"status": "ok"}), "not an OpenCTI API: it does not tell its version"),
        (Canned([1]), "not an OpenCTI API: it does not tell its version"),
        (Canned("gone", 404), "not an OpenCTI API (HTTP 404)"),
        (Canned("", 302, {"Location": "/login"}), "not an OpenCTI API (HTTP 302)"),
        (Canned("wait", 503), "not available at the moment (HTTP 503)"),
        (Canned(fault=Fault.RESET), "closed in the middle"),
    ],
)
def test_causes(server: CannedServer, answer: Canned, words: str) -> None:
    server.on("POST", "/graphql", answer)
    told = probe(config_for(server.url))
    assert told is not None and words in told


def test_a_platform_that_answers(server: CannedServer) -> None:
    server.on("POST", "/graphql", ABOUT)
    config = config_for(server.url + "/", custom_headers="X-A:1;X-B: 2;bad")
    assert probe(config) is None
    (request,) = server.requests
    assert request.headers["authorization"] == "Bearer secret-token"
    assert (request.headers["x-a"], request.headers["x-b"]) == ("1", "2")


def test_giving_up_names_the_cause(
    server: CannedServer, capfd: pytest.CaptureFixture[str]
) -> None:
    server.on("POST", "/graphql", Canned("no", 401))
    url = server.url.replace("http://", "http://user:url-secret@")
    with pytest.raises(PlatformUnavailableError, match="refuses the token.*Giving up"):
        connect(never, config_for(url), 0.5)
    written = capfd.readouterr().err
    lines = [json.loads(line) for line in written.splitlines()]
    assert all(line["level"] == "ERROR" and line["name"] == "Mine" for line in lines)
    assert "Trying again" in lines[0]["message"]
    assert "Giving up" in lines[-1]["message"]
    assert server.url.removeprefix("http://") in lines[0]["message"]
    assert "secret" not in written


def test_waits_until_the_platform_is_there(server: CannedServer) -> None:
    server.on("POST", "/graphql", Canned("wait", 503), Canned("wait", 503), ABOUT)

    def make(config: dict[str, Any]) -> str:
        if len(server.requests) < 3:
            raise ValueError("OpenCTI API is not reachable")
        return f"helper of {config['connector']['name']}"

    assert connect(make, config_for(server.url), 10) == "helper of Mine"


def test_a_server_that_never_answers_is_not_waited_for(
    server: CannedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors_sdk.connectors._startup._PROBE_TIMEOUT", 0.1)
    server.on("POST", "/graphql", Canned(fault=Fault.HANG))

    def hangs(_: dict[str, Any]) -> Any:
        pytest.fail("pycti would wait for five minutes")

    with pytest.raises(PlatformUnavailableError, match="no answer in time"):
        connect(hangs, config_for(server.url), 0.3)


def test_what_the_helper_says_when_the_platform_seems_fine(
    server: CannedServer,
) -> None:
    server.on("POST", "/graphql", ABOUT)

    def refused(_: dict[str, Any]) -> Any:
        sys.excepthook = sys.__excepthook__
        raise ValueError({"name": "FORBIDDEN_ACCESS", "error_message": "You may not"})

    hook = sys.excepthook
    with pytest.raises(PlatformUnavailableError, match="You may not"):
        connect(refused, config_for(server.url), 0)
    assert sys.excepthook is hook


def test_plain_log_lines(
    server: CannedServer,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Python configures logging only once.
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    with pytest.raises(PlatformUnavailableError):
        connect(never, config_for(server.url, json_logging=False), 0)
    assert capfd.readouterr().err.startswith("ERROR:Mine:Cannot connect to OpenCTI")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, 300),
        ("", 300),
        ("PT2M", 120),
        ("90", 90),
        (0, 0),
        ("0.5", 0.5),
        ("P1D", 86400),
    ],
)
def test_the_limit(value: Any, seconds: float) -> None:
    assert platform_timeout({"connector": {"platform_timeout": value}}) == seconds
    assert platform_timeout({}) == 300


@pytest.mark.parametrize("value", ["soon", "-5", "-PT5M", [1]])
def test_a_wrong_limit_is_a_wrong_configuration(value: Any) -> None:
    with pytest.raises(ConfigValidationError) as caught:
        platform_timeout({"connector": {"platform_timeout": value}})
    assert "CONNECTOR_PLATFORM_TIMEOUT (connector.platform_timeout)" in str(
        caught.value
    )

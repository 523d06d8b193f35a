"""Files of the platform, from a real server."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from connectors_sdk.connectors import _platform_files
from connectors_sdk.connectors._patience import impatient
from connectors_sdk.connectors._platform_files import FileTooBig, download
from connectors_sdk.testing import Canned, CannedServer, Fault

PATH = "/storage/get/import/global/a.txt"
CONTENT = b"0123456789" * 100
BROKEN_OFF = Canned(CONTENT[:300], fault=Fault.TRUNCATED)


@pytest.fixture(name="server")
def _server() -> Iterator[CannedServer]:
    with CannedServer() as server:
        yield server


@pytest.fixture(name="target")
def _target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(_platform_files, "_PAUSES", (0.0, 0.0))
    return tmp_path / "a.txt"


def fetch(server: CannedServer, target: Path, most: int = 10_000) -> int:
    api = SimpleNamespace(
        session=requests.Session(),
        request_headers={},
        ssl_verify=True,
        cert=None,
        proxies=None,
        session_requests_timeout=5,
    )
    helper: Any = SimpleNamespace(api=api, opencti_url=server.url)
    return download(helper, PATH, target, most)


@pytest.mark.parametrize("times", [0, 1, 2])
def test_a_file_that_breaks_off_is_asked_for_again(
    server: CannedServer, target: Path, times: int
) -> None:
    server.on("GET", PATH, *[BROKEN_OFF] * times, Canned(CONTENT))
    assert fetch(server, target) == len(CONTENT)
    assert target.read_bytes() == CONTENT
    assert len(server.requests) == times + 1


def test_one_that_always_does_is_given_up(server: CannedServer, target: Path) -> None:
    server.on("GET", PATH, *[BROKEN_OFF] * 9)
    with pytest.raises(requests.RequestException):
        fetch(server, target)
    assert len(server.requests) == 3
    assert not target.exists()


def test_who_is_in_a_hurry_does_not_ask_again(
    server: CannedServer, target: Path
) -> None:
    server.on("GET", PATH, BROKEN_OFF, Canned(CONTENT))
    with impatient(), pytest.raises(requests.RequestException):
        fetch(server, target)
    assert len(server.requests) == 1
    assert not target.exists()


def test_what_asking_again_does_not_mend(server: CannedServer, target: Path) -> None:
    server.on("GET", PATH, Canned("gone", 404), Canned("no", 403), Canned(CONTENT))
    with pytest.raises(FileNotFoundError, match="any more"):
        fetch(server, target)
    with pytest.raises(requests.HTTPError, match="refuses the token .HTTP 403."):
        fetch(server, target)
    with pytest.raises(FileTooBig, match="limit"):
        fetch(server, target, most=999)
    assert len(server.requests) == 3
    assert not target.exists()

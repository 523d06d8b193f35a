"""What a connector keeps on disk: nobody else reads it, and nothing is forgotten in silence."""

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

# The types are those of this folder's conftest.py, which cannot be imported by name.
Workshop = Any
Feed = Any


def modes(folder: Path) -> dict[str, str]:
    """The permissions of every file below a folder."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.name: oct(path.stat().st_mode & 0o777) for path in files}


def test_nobody_else_reads_what_is_kept(
    feeders: Workshop, feed: Feed, tmp_path: Path
) -> None:
    feed.publish(0, name=None)
    for number in range(1, 30):
        feed.publish(number)
    data = tmp_path / "data"
    # As a volume, with what a former release has left there.
    data.mkdir(mode=0o755)
    former = data / "provenance.sqlite3"
    former.touch(mode=0o644)
    former.chmod(0o644)
    before = os.umask(0o022)
    try:
        feed.hold(3)
        connector = feeders.connector("feed", CONNECTOR_PROVENANCE="true").start()
    finally:
        os.umask(before)
    assert feed.reached.wait(60), connector.output
    private = dict.fromkeys(
        (
            "provenance.sqlite3",
            "provenance.sqlite3-shm",
            "provenance.sqlite3-wal",
            "quarantine.jsonl",
            "quarantine.lock",
        ),
        "0o600",
    )
    assert modes(data) == private
    feed.release()
    assert connector.wait() == 0, connector.output
    assert set(modes(data).values()) == {"0o600"}


def page(port: int, path: str) -> str:
    """What health or metrics say, also when they say that something is wrong."""
    url = f"http://127.0.0.1:{port}{path}"
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        return error.read().decode()
    except OSError:
        return ""


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_records_beyond_the_limit_are_no_secret(
    feeders: Workshop, feed: Feed, free_port: int
) -> None:
    bad = {"name": None}
    for number in range(4):
        feed.publish(number, **(bad if number < 2 else {}))
    connector = feeders.connector(
        "feed",
        CONNECTOR_HEALTH_PORT=str(free_port),
        CONNECTOR_RUN_AND_TERMINATE="false",
        CONNECTOR_DURATION_PERIOD="PT1S",
        CONNECTOR_QUARANTINE_MAX_RECORDS="3",
    ).start()
    metric = "opencti_connector_quarantine_"
    until(lambda: f"{metric}records 2.0" in page(free_port, "/metrics"))
    assert f"{metric}dropped_total{{" not in page(free_port, "/metrics")
    assert json.loads(page(free_port, "/health"))["last_error"] is None
    for number in range(4, 6):
        feed.publish(number, **bad)
    until(
        lambda: f'{metric}dropped_total{{limit="count"}} 1.0'
        in page(free_port, "/metrics")
    )
    error = json.loads(page(free_port, "/health"))["last_error"]["reason"]
    assert error.startswith("1 records were dropped from the quarantine")
    connector.process.terminate()
    assert connector.wait() == 0
    assert "CONNECTOR_QUARANTINE_MAX_RECORDS (3)" in connector.output

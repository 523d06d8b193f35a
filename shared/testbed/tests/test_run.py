"""`testbed run`, tried as a person would."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

HEAD = """
import json, sys, time
from pycti import OpenCTIConnectorHelper
helper = OpenCTIConnectorHelper({"connector": {"type": "EXTERNAL_IMPORT", "name": "Tiny", "scope": "x", "duration_period": "PT0S"}})
def send(*objects):
    work = helper.api.work.initiate_work(helper.connect_id, "tiny work")
    helper.send_stix2_bundle(json.dumps({"type": "bundle", "id": "bundle--1", "objects": objects}), work_id=work, no_split=True)
    helper.api.work.to_processed(work, "sent")
tool = {"type": "tool", "id": "tool--11111111-1111-4111-8111-111111111111", "name": "a tool"}
"""


def connector(folder: Path, body: str) -> Path:
    (folder / "tiny" / "src").mkdir(parents=True)
    (folder / "tiny" / "src" / "main.py").write_text(HEAD + body)
    return folder / "tiny"


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "opencti_testbed", "run", *arguments]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "120"}
    environment.pop("OPENCTI_URL", None)
    return subprocess.run(
        command(*arguments),
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_good_run_shows_and_writes_what_arrived(tmp_path: Path) -> None:
    folder = connector(tmp_path, "send(tool)\n")
    summary = tmp_path / "out" / "summary.json"
    done = run(str(folder), "--once", "--runs", "2", "--summary", str(summary))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Tool" in done.stdout and "peak memory" in done.stdout
    written: dict[str, Any] = json.loads(summary.read_text())
    assert written["objects_by_type"]["Tool"] == 1
    assert written["rejected"] == 0
    first, second = written["runs"]
    assert (first["exit_code"], first["created"]) == (0, 1)
    assert (second["created"], second["unchanged"]) == (0, 1)
    assert first["works"][0]["messages"] == ["sent"]
    assert written["duration_s"] > 0 and written["objects_per_s"] > 0
    assert written["peak_rss_bytes"]["connector"] > 10_000_000
    assert written["peak_rss_bytes"]["platform"] > 10_000_000


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("print('these are my last words'); sys.exit(3)\n", "these are my last words"),
        ("send(dict(tool, created_by_ref='identity--1'))\n", "identity--1"),
        ("pass\n", "nothing arrived"),
    ],
)
def test_a_run_that_is_no_success_says_why(
    tmp_path: Path, body: str, words: str
) -> None:
    done = run(str(connector(tmp_path, body)), "--once")
    assert done.returncode == 1
    assert words in done.stdout


def test_a_folder_without_a_connector_is_said_so(tmp_path: Path) -> None:
    done = run(str(tmp_path))
    assert done.returncode == 2
    assert "src/main.py" in done.stdout


def test_variables_reach_the_connector(tmp_path: Path) -> None:
    folder = connector(
        tmp_path, "import os\nsend(dict(tool, name=os.environ['MY_NAME']))\n"
    )
    data = tmp_path / "data"
    done = run(str(folder), "--once", "--env", "MY_NAME=spoon", "--data", str(data))
    assert done.returncode == 0, done.stdout
    assert (data / "platform.sqlite3").is_file() and (data / "tiny.log").is_file()
    assert run(str(folder), "--env", "broken").returncode == 2


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_stopping_leaves_no_process_behind(tmp_path: Path, how: signal.Signals) -> None:
    folder = connector(tmp_path, "send(tool)\ntime.sleep(600)\n")
    with subprocess.Popen(
        command(str(folder)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        until = time.monotonic() + 60
        children: list[psutil.Process] = []
        while len(children) < 2 and time.monotonic() < until:
            children = psutil.Process(process.pid).children(recursive=True)
            time.sleep(0.1)
        assert len(children) >= 2, "platform and connector"
        process.send_signal(how)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stopped" in output
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive


def test_what_is_seeded_is_there_before_the_connector_starts_and_is_not_its_work(
    tmp_path: Path,
) -> None:
    seeds = tmp_path / "seeds.json"
    malware = {
        "type": "malware",
        "id": "malware--11111111-1111-4111-8111-111111111111",
        "name": "seeded",
        "is_family": False,
    }
    seeds.write_text(json.dumps([malware]))
    found = 'assert [m["name"] for m in helper.api.malware.list()] == ["seeded"]\n'
    folder = connector(tmp_path, found)
    done = run(str(folder), "--once", "--seed", str(seeds))
    assert done.returncode == 1
    assert "nothing arrived" in done.stdout and "exit code" not in done.stdout
    (folder / "src" / "main.py").write_text(HEAD + found + "send(tool)")
    assert run(str(folder), "--once", "--seed", str(seeds)).returncode == 0
    refused = run(str(folder), "--once", "--seed", str(tmp_path / "none.json"))
    assert refused.returncode == 1
    assert "none.json" in refused.stderr


def test_a_listening_connector_is_told_where_to_listen(tmp_path: Path) -> None:
    body = """
import os, socket
assert helper.listen_protocol == "API" and helper.queue_protocol == "api"
port = int(os.environ["CONNECTOR_LISTEN_PROTOCOL_API_PORT"])
assert helper.listen_protocol_api_uri == f"http://127.0.0.1:{port}"
socket.create_server(("127.0.0.1", port)).close()
send(tool)
"""
    done = run(str(connector(tmp_path, body)), "--once")
    assert done.returncode == 0, done.stdout

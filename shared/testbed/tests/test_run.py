"""`testbed run`, tried as a person would."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from pika.exceptions import ChannelClosedByBroker

from opencti_testbed.lanes.broker import Broker

CONNECTORS = Path(__file__).with_name("connectors")
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


def test_who_has_sent_nothing_yet_is_not_said_to_import(tmp_path: Path) -> None:
    folder = connector(tmp_path, "time.sleep(6)\nsend(tool)\n")
    done = run(str(folder), "--once")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [one for one in done.stdout.splitlines() if one.startswith("running")]
    assert lines and "objects" not in lines[0]


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


def test_what_the_connector_warns_of_is_seen_once_and_in_words(tmp_path: Path) -> None:
    body = """
for number in range(3):
    helper.connector_logger.warning("The source is slow")
helper.connector_logger.info("All is well")
print("no line of a log")
send(tool)
"""
    done = run(str(connector(tmp_path, body)), "--once")
    assert done.returncode == 0, done.stdout
    said = done.stdout.partition("What arrived")[0].splitlines()[3:]
    # How far it is, is said every few seconds, however long this machine takes.
    assert [one for one in said if not one.startswith("running: ")] == [
        "  The source is slow"
    ]


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


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        command(*arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(condition: Callable[[], object]) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("how", "options", "code", "words"),
    [
        (signal.SIGTERM, (), 0, "Tool"),
        (signal.SIGINT, ("--once",), 130, "Stopped before the run was over"),
    ],
)
def test_stopping_shows_what_arrived_and_leaves_no_process_behind(
    tmp_path: Path,
    how: signal.Signals,
    options: tuple[str, ...],
    code: int,
    words: str,
) -> None:
    folder = connector(tmp_path, "send(tool)\nprint('sent')\ntime.sleep(600)\n")
    log, summary = tmp_path / "data" / "tiny.log", tmp_path / "summary.json"
    where = ("--data", str(log.parent), "--summary", str(summary))
    with started(str(folder), *where, *options) as process:
        wait_for(lambda: log.is_file() and "sent" in log.read_text())
        children = psutil.Process(process.pid).children(recursive=True)
        assert len(children) >= 2, "platform and connector"
        process.send_signal(how)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == code, output
    assert words in output and "What arrived" in output
    written = json.loads(summary.read_text())
    assert written["objects_by_type"]["Tool"] == 1
    assert written["runs"][0]["interrupted"]
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive


def minimal(folder: Path, program: str) -> Path:
    """Return the folder of one of the minimal connectors on pycti."""
    (folder / program / "src").mkdir(parents=True)
    text = (CONNECTORS / f"{program}.py").read_text()
    (folder / program / "src" / "main.py").write_text(text)
    return folder / program


def settings(program: str, scope: str) -> list[str]:
    values = (f"NAME={program}", f"TYPE={program.upper()}", f"SCOPE={scope}")
    return [part for one in values for part in ("--env", f"CONNECTOR_{one}")]


def seeds(folder: Path) -> Path:
    malware = {
        "type": "malware",
        "id": "malware--11111111-1111-4111-8111-111111111111",
        "name": "seeded",
        "is_family": False,
    }
    (folder / "seeds.json").write_text(json.dumps([malware]))
    return folder / "seeds.json"


def test_a_stream_connector_runs_until_it_is_stopped(tmp_path: Path) -> None:
    seen, summary = tmp_path / "seen", tmp_path / "summary.json"
    with started(
        str(minimal(tmp_path, "stream")),
        *settings("stream", "all"),
        *("--env", f"SEEN={seen}"),
        *("--seed", str(seeds(tmp_path)), "--summary", str(summary)),
    ) as process:
        wait_for(lambda: seen.is_file() and "seeded" in seen.read_text())
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert "Failed" not in output and "Malware" in output
    assert json.loads(summary.read_text())["runs"][0]["created"] == 0


@pytest.mark.parametrize(
    ("program", "scope", "option", "value", "code", "words"),
    [
        ("internal_enrichment", "Malware", "--enrich", "Seeded", 0, "Sent 2 bundles"),
        ("internal_enrichment", "Malware", "--enrich", "other", 1, "no entity other"),
        ("internal_import_file", "text/plain", "--import", "names.txt", 0, "Sent 2 b"),
        ("internal_export_file", "application/json", "--export", "", 0, "Export done"),
    ],
)
def test_a_connector_does_what_it_is_asked_for_and_ends(
    tmp_path: Path,
    program: str,
    scope: str,
    option: str,
    value: str,
    code: int,
    words: str,
) -> None:
    if option == "--import":
        (tmp_path / value).write_text("one\ntwo\n")
        value = str(tmp_path / value)
    done = run(
        str(minimal(tmp_path, program)),
        *settings(program, scope),
        *("--seed", str(seeds(tmp_path)), option, value or scope),
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert words in done.stdout


def test_a_platform_that_does_not_start_is_said(tmp_path: Path) -> None:
    done = run(str(connector(tmp_path, "pass")), "--amqp", "http://127.0.0.1")
    assert done.returncode == 1
    assert "no AMQP URL" in done.stdout and "Traceback" not in done.stderr


def test_options_of_the_embedded_platform_are_not_ignored_elsewhere(
    tmp_path: Path,
) -> None:
    folder = connector(tmp_path, "pass\n")
    done = subprocess.run(
        command(str(folder), "--once", "--summary", "a.json", "--seed", "b.json"),
        env={
            **os.environ,
            "OPENCTI_URL": "http://127.0.0.1:9",
            "OPENCTI_TOKEN": "t",
            "COLUMNS": "200",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert "--seed, --summary: for the embedded platform only" in done.stdout


@pytest.mark.parametrize("transport", ["amqp"], indirect=True)
def test_what_the_broker_still_holds_is_awaited(tmp_path: Path, broker: str) -> None:
    body = """
import os, uuid
work = helper.api.work.initiate_work(helper.connect_id, "many")
many = [dict(tool, id=f"tool--{uuid.uuid4()}", name=f"tool {n}") for n in range(10_000)]
bundle = json.dumps({"type": "bundle", "id": "bundle--1", "objects": many})
helper.send_stix2_bundle(bundle, work_id=work, no_split=True)
os._exit(0)
"""
    known_as, summary = str(uuid.uuid4()), tmp_path / "summary.json"
    try:
        done = run(
            str(connector(tmp_path, body)),
            *("--once", "--amqp", broker, "--env", f"CONNECTOR_ID={known_as}"),
            *("--summary", str(summary)),
        )
        with Broker(broker).connected() as connection:
            with pytest.raises(ChannelClosedByBroker, match="NOT_FOUND"):
                connection.channel().queue_declare(f"push_{known_as}", passive=True)
    finally:
        Broker(broker).remove(known_as)
    assert done.returncode == 0, done.stdout
    assert json.loads(summary.read_text())["runs"][0]["created"] == 10_000


def test_what_is_seeded_is_there_before_the_connector_starts_and_is_not_its_work(
    tmp_path: Path,
) -> None:
    seed = str(seeds(tmp_path))
    found = 'assert [m["name"] for m in helper.api.malware.list()] == ["seeded"]\n'
    folder = connector(tmp_path, found)
    done = run(str(folder), "--once", "--seed", seed)
    assert done.returncode == 1
    assert "nothing arrived" in done.stdout and "exit code" not in done.stdout
    (folder / "src" / "main.py").write_text(HEAD + found + "send(tool)")
    assert run(str(folder), "--once", "--seed", seed).returncode == 0
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

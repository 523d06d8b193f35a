"""`testbed serve`, tried as a person would: how it ends, and what it refuses."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def serving(*options: str, temporary: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a platform and wait for its first line."""
    with subprocess.Popen(
        [sys.executable, "-m", "opencti_testbed", "serve", "--port", "0", *options],
        env={**os.environ, "TMPDIR": str(temporary)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert "ready" in process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_the_end_is_orderly_and_leaves_nothing_behind(
    tmp_path: Path, how: signal.Signals
) -> None:
    with serving(temporary=tmp_path) as process:
        assert [path.name for path in tmp_path.rglob("platform.sqlite3")]
        process.send_signal(how)
        said, _ = process.communicate(timeout=30)
    assert (process.returncode, said) == (0, "")
    assert not list(tmp_path.iterdir())


def refused(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "opencti_testbed", "serve", "--port", "0", *options],
        env={**os.environ, "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_a_folder_belongs_to_one_platform_at_a_time(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving("--data", str(data), temporary=tmp_path) as first:
        second = refused("--data", str(data))
        assert second.returncode == 1
        assert second.stderr == f"Another platform keeps its data in {data}\n"
        first.kill()
        first.wait(30)
    with serving("--data", str(data), temporary=tmp_path):
        pass  # what was killed keeps nobody out


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ("--port 99999", 2, "--port"),
        ("--port -1", 2, "--port"),
        ("--host 0.0.0.0 --token=", 2, "--token"),
        ("--host 0.0.0.0 --token=\N{NO-BREAK SPACE}", 2, "--token"),
        (
            "--host no.such.host.invalid --token t",
            1,
            "Cannot serve on no.such.host.invalid:0:",
        ),
        ("--heartbeat 0", 2, "--heartbeat"),
        ("--max-body-mb -5", 2, "--max-body-mb"),
        ("--amqp http://127.0.0.1", 1, "no AMQP URL"),
        ("--amqp amqp://a:secret@127.0.0.1:x/", 1, "no AMQP URL"),
        ("--data /dev/null/x", 1, "Cannot keep data in /dev/null/x"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    options: str, code: int, words: str
) -> None:
    done = refused(*options.split(" "))
    assert done.returncode == code, done.stderr
    assert words in done.stderr and "Traceback" not in done.stderr
    assert "secret" not in done.stderr
    assert code == 2 or len(done.stderr.splitlines()) == 1

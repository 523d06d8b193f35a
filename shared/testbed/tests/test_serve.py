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
    assert list(tmp_path.iterdir()) == []

"""A connector's process: started in its folder, its log kept, its memory measured."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from opencti_testbed.process import TestbedProcess

LAST_WORDS = 30
WORTH_SAYING = frozenset({"WARNING", "ERROR", "CRITICAL"})
GRACE_SECONDS = 15.0


class NoConnector(ValueError):
    """The folder holds no connector."""


@dataclass(frozen=True)
class Ended:
    """How a connector's process ended.

    Attributes:
        exit_code: as a shell would say it; 128 + n for signal n.
        seconds: how long it ran.
        peak_rss_bytes: the most memory it had resident.
    """

    exit_code: int
    seconds: float
    peak_rss_bytes: int


def main_file(folder: Path) -> Path:
    """Return the connector's program.

    Raises:
        NoConnector: there is no `src/main.py` in the folder.
    """
    main = folder / "src" / "main.py"
    if not main.is_file():
        raise NoConnector(f"{folder} is no connector: it has no src/main.py")
    return main.resolve()


def connector_id(folder: Path, extra: Mapping[str, str]) -> str:
    """Return the id under which a connector registers: the caller's, or one that its folder gives it."""
    own = str(uuid.uuid5(uuid.NAMESPACE_URL, f"connector/{folder.name}"))
    return {"CONNECTOR_ID": own, **os.environ, **extra}["CONNECTOR_ID"]


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def environment(
    folder: Path,
    platform: TestbedProcess,
    extra: Mapping[str, str],
    *,
    once: bool = False,
    transport: str = "api",
) -> dict[str, str]:
    """Return the environment of a connector for a platform.

    What the caller has set wins over the defaults; address, token and transport are the platform's.

    Args:
        folder: the connector's folder.
        extra: further variables; they win over everything.
        once: whether the connector shall end after one run.
        transport: `api` (HTTP alone) or `amqp`.
    """
    port = free_port()
    defaults = {
        "CONNECTOR_ID": connector_id(folder, extra),
        "CONNECTOR_LOG_LEVEL": "info",
        "CONNECTOR_LIVE_STREAM_ID": "live",
    }
    forced = {
        "OPENCTI_URL": platform.url,
        "OPENCTI_TOKEN": platform.token,
        "CONNECTOR_QUEUE_PROTOCOL": transport,
        "CONNECTOR_LISTEN_PROTOCOL": transport.upper(),
        "CONNECTOR_LISTEN_PROTOCOL_API_PORT": str(port),
        "CONNECTOR_LISTEN_PROTOCOL_API_URI": f"http://127.0.0.1:{port}",
        "PYTHONUNBUFFERED": "1",
    }
    if once:
        forced["CONNECTOR_RUN_AND_TERMINATE"] = "true"
    return {**defaults, **os.environ, **forced, **extra}


def read_line(line: str) -> tuple[str, str]:
    """Return the level and the text of a line of a log; a line that is no JSON has no level."""
    try:
        entry = json.loads(line)
        return str(entry["level"]), str(entry["message"])
    except (ValueError, TypeError, KeyError):
        return "", line.rstrip()


class ConnectorProcess:
    """One run of a connector."""

    def __init__(
        self, python: str, main: Path, env: Mapping[str, str], log: Path
    ) -> None:
        """Start it.

        Args:
            python: the interpreter.
            main: the program; it runs in its folder.
            env: the whole environment.
            log: file to which its output is appended.
        """
        self.last_words: deque[str] = deque(maxlen=LAST_WORDS)
        self._warnings: deque[str] = deque()
        self._warned: set[str] = set()
        self._log = log.open("a", encoding="utf-8")
        self._started = time.monotonic()
        self._ended: Ended | None = None
        self._process = subprocess.Popen(  # pylint: disable=consider-using-with
            [python, main.name],
            cwd=main.parent,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.last_words.append(line.rstrip())
            level, message = read_line(line)
            if level in WORTH_SAYING and message not in self._warned:
                self._warnings.append(message)
                self._warned.add(message)
            self._log.write(line)
            self._log.flush()

    def last_message(self) -> str:
        """Return what it said last; empty before it said anything."""
        return read_line(self.last_words[-1])[1] if self.last_words else ""

    def new_warnings(self) -> list[str]:
        """Return the warnings and errors since the last call, each text once in a life."""
        return [self._warnings.popleft() for _ in range(len(self._warnings))]

    def poll(self) -> Ended | None:
        """Return how it ended, or None while it runs."""
        if self._ended is None:
            # wait4 tells the process's own peak memory; nobody else may wait for it.
            pid, status, usage = os.wait4(self._process.pid, os.WNOHANG)
            if pid:
                self._finish(status, usage.ru_maxrss)
        return self._ended

    def _finish(self, status: int, peak: int) -> None:
        code = os.waitstatus_to_exitcode(status)
        self._process.returncode = code
        self._reader.join(timeout=5)
        self._log.close()
        self._ended = Ended(
            128 - code if code < 0 else code,
            time.monotonic() - self._started,
            peak if sys.platform == "darwin" else peak * 1024,
        )

    def stop(self) -> Ended:
        """Ask it to end; kill it when it does not within 15 seconds."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.poll() is None:
                os.killpg(self._process.pid, number)
            until = time.monotonic() + GRACE_SECONDS
            while self.poll() is None and time.monotonic() < until:
                time.sleep(0.05)
        assert self._ended is not None
        return self._ended

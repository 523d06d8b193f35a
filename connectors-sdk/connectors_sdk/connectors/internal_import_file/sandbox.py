"""Reading a file in a process of its own, which is ended when it takes too long or too much."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from connectors_sdk.connectors.internal_import_file.child import (
    LOG,
    MEGA,
    ORIGINS,
    OUTPUT,
    RESULT,
    SET_ASIDE,
    Task,
    write_request,
)

_MODULE = "connectors_sdk.connectors.internal_import_file.child"
_LOCK = "lock"
_TEMPORARY = "tmp"
_PRINTED = "printed.txt"
_LOOK_EVERY = 0.05
_LONGEST_PRINTED = 2000
# Of the environment a child gets what tells where things are, and nothing that may be a secret.
_PASSED_ON = (
    "PATH",
    "HOME",
    "LANG",
    "LANGUAGE",
    "TZ",
    "LD_LIBRARY_PATH",
    "VIRTUAL_ENV",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What reading a file came to.

    Attributes:
        found: how many objects were found.
        filtered: what was left out on purpose, by reason.
        set_aside: how many records could not become objects.
        remarks: what else the work says, sentence by sentence.
        error: why the file could not be read, in words; None when it could.
        is_bug: whether that is the fault of the connector rather than of the file.
        trace: the traceback, if there is one.
    """

    found: int = 0
    filtered: dict[str, int] = field(default_factory=dict)
    set_aside: int = 0
    remarks: list[str] = field(default_factory=list)
    error: str | None = None
    is_bug: bool = False
    trace: str = ""


class Workplace:
    """The folder in which one file is read; removed afterwards, if need be by the next process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._abandoned = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def file(self) -> Path:
        """Where the file is put."""
        return self.folder / "file"

    def read(self, task: Task, deadline: float) -> Outcome:
        """Let a child read the file.

        Args:
            task: what the child does.
            deadline: for how many seconds at most.
        """
        (self.folder / _TEMPORARY).mkdir()
        write_request(self.folder, task)
        with open(self.folder / _PRINTED, "wb") as printed:
            # pylint: disable-next=consider-using-with  # ended below, or by `kill` from another thread
            process = self._process = subprocess.Popen(
                [sys.executable, "-m", _MODULE, str(self.folder)],
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                env=self._environment(),
                # Whatever it starts itself ends with it.
                start_new_session=True,
            )
        try:
            error = self._watch(process, deadline, task.limits.memory)
        finally:
            self.kill()
        if self._abandoned.is_set():
            # The process ends, and the request is done again: nobody must hear of a failure.
            threading.Event().wait()
        if error is None:
            error = self._untold_end(process.returncode)
        if error is not None:
            return Outcome(error=error)
        told: dict[str, Any] = orjson.loads((self.folder / RESULT).read_bytes())
        failure = told["error"]
        if failure is not None:
            return Outcome(
                error=failure["words"],
                is_bug=failure["kind"] == "bug",
                trace=failure.get("trace", ""),
            )
        return Outcome(
            told["found"], told["filtered"], told["set_aside"], told["remarks"]
        )

    def kill(self) -> None:
        """End the child, if there is one, and all that it has started."""
        process = self._process
        if process is None:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def abandon(self) -> None:
        """End the child because the connector ends: whoever waits for it waits for ever."""
        self._abandoned.set()
        self.kill()

    def bundles(self) -> Iterator[dict[str, Any]]:
        """Yield what was found: `{"external": [ids], "objects": [STIX objects]}`."""
        yield from self._lines(OUTPUT)

    def set_aside(self) -> Iterator[dict[str, Any]]:
        """Yield what was set aside: `{"raw": ..., "reason": ..., "mapper": ...}`."""
        yield from self._lines(SET_ASIDE)

    def origins(self) -> Iterator[dict[str, Any]]:
        """Yield what objects were made from, if that was wanted: `{"id": ..., "record": ..., "mapper": ...}`."""
        yield from self._lines(ORIGINS)

    def log(self) -> Iterator[dict[str, Any]]:
        """Yield what an author's code has logged: `{"level": ..., "message": ..., "meta": ...}`."""
        yield from self._lines(LOG)

    def printed(self) -> str:
        """Return the last of what the child has printed."""
        try:
            content = (self.folder / _PRINTED).read_bytes()
        except OSError:
            return ""
        return content[-_LONGEST_PRINTED:].decode(errors="replace").strip()

    def _lines(self, name: str) -> Iterator[dict[str, Any]]:
        if not (self.folder / name).exists():
            return
        with open(self.folder / name, "rb") as file:
            for line in file:
                with suppress(orjson.JSONDecodeError):
                    # A child that was killed leaves half a line.
                    yield orjson.loads(line)

    def _environment(self) -> dict[str, str]:
        passed = {
            name: value
            for name, value in os.environ.items()
            if name in _PASSED_ON or name.startswith("LC_")
        }
        return {
            **passed,
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "PYTHONDONTWRITEBYTECODE": "1",
            "TMPDIR": str(self.folder / _TEMPORARY),
        }

    @staticmethod
    def _watch(
        process: "subprocess.Popen[bytes]", deadline: float, memory: int
    ) -> str | None:
        """Wait for the child's end; return why it was ended before that."""
        end = time.monotonic() + deadline
        while True:
            try:
                process.wait(_LOOK_EVERY)
                return None
            except subprocess.TimeoutExpired:
                pass
            if time.monotonic() > end:
                return f"reading it took longer than {deadline:.0f} s"
            if _resident(process.pid) > memory:
                return f"it needs more memory than the limit of {memory // MEGA} MB"

    def _untold_end(self, code: int) -> str | None:
        if code == 0 and (self.folder / RESULT).exists():
            return None
        if code == -signal.SIGXCPU:
            return "reading it took too much time of the processor"
        if code < 0:
            name = signal.Signals(-code).name
            return f"what reads it ended with {name}; perhaps there was no memory left"
        return f"what reads it ended with exit code {code} and without a word"


@contextmanager
def workplace(base: Path) -> Iterator[Workplace]:
    """Make a workplace below a folder; it is gone afterwards."""
    base.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = Path(tempfile.mkdtemp(dir=base))
    with open(folder / _LOCK, "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        place = Workplace(folder)
        try:
            yield place
        finally:
            place.kill()
            shutil.rmtree(folder, ignore_errors=True)


def sweep(base: Path) -> None:
    """Remove workplaces whose process was killed; those of living ones stay."""
    if not base.is_dir():
        return
    for folder in base.iterdir():
        with suppress(OSError), open(folder / _LOCK, "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)


def _resident(pid: int) -> int:
    """Return the bytes of memory that a process holds; 0 when that cannot be told."""
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return 0

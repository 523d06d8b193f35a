"""The platform as a process of its own, for tests and for `testbed run`."""

import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from opencti_testbed.config import DEFAULT_TOKEN

READY = re.compile(r"ready: (http://\S+)")
START_SECONDS = 30.0


class PlatformDidNotStart(RuntimeError):
    """The platform's process did not become ready; the text holds what it printed."""


class TestbedProcess:
    """Starts, kills and restarts a platform, and asks it what arrived.

    A context manager: leaves no process and, unless a data folder was given, no files behind.
    """

    __test__ = False  # not a test class, whatever its name looks like

    def __init__(
        self,
        data_dir: Path | None = None,
        *,
        token: str = DEFAULT_TOKEN,
        options: tuple[str, ...] = (),
    ) -> None:
        """Prepare a platform; `start()` or entering the context starts it.

        Args:
            data_dir: where it keeps its data; default: a temporary folder.
            token: the token that it demands.
            options: further options of `testbed serve`.
        """
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        if data_dir is None:
            # pylint: disable-next=consider-using-with  # __exit__ removes it
            self._temporary = tempfile.TemporaryDirectory(prefix="opencti-testbed-")
            data_dir = Path(self._temporary.name)
        self.data_dir = data_dir
        self.token = token
        self._options = options
        self._process: subprocess.Popen[str] | None = None
        self._port = 0
        self.url = ""
        # The last lines that it printed: its log.
        self.printed: deque[str] = deque(maxlen=1000)

    def start(self) -> Self:
        """Start the platform and wait until it answers; after a stop on the same port with the same data.

        Raises:
            PlatformDidNotStart: it did not become ready; the message holds what it printed.
        """
        self._process = subprocess.Popen(  # pylint: disable=consider-using-with
            [
                sys.executable,
                "-m",
                "opencti_testbed",
                "serve",
                "--port",
                str(self._port),
                "--data",
                str(self.data_dir),
                "--token",
                self.token,
                *self._options,
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # Ctrl-C in a terminal is for whoever started the platform; it decides in which order things end.
            start_new_session=True,
        )
        ready = threading.Event()

        def read(process: subprocess.Popen[str]) -> None:
            assert process.stdout is not None
            for line in process.stdout:
                self.printed.append(line)
                found = READY.search(line)
                if found:
                    self.url = found.group(1)
                    ready.set()
            ready.set()

        threading.Thread(target=read, args=(self._process,), daemon=True).start()
        ready.wait(START_SECONDS)
        if self._process.poll() is not None or not self.url:
            self.kill()
            raise PlatformDidNotStart(
                f"The platform did not start:\n{''.join(self.printed)}"
            )
        self._port = int(self.url.rsplit(":", 1)[1])
        return self

    @property
    def is_running(self) -> bool:
        """True while the process lives."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> int:
        """End it the orderly way and return its exit code."""
        return self._end("terminate")

    def kill(self) -> int:
        """End it at once (SIGKILL) and return its exit code."""
        return self._end("kill")

    def wipe(self) -> None:
        """Throw away the data of a platform that is stopped: started again, it knows nothing and nobody.

        Raises:
            RuntimeError: it is running.
        """
        if self.is_running:
            raise RuntimeError("Stop the platform before its data is thrown away")
        shutil.rmtree(self.data_dir, ignore_errors=True)

    def _end(self, how: str) -> int:
        if self._process is None:
            return 0
        if self._process.poll() is None:
            getattr(self._process, how)()
        try:
            code = self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
        return code

    def __enter__(self) -> Self:
        return self if self.is_running else self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        if self._temporary:
            self._temporary.cleanup()

    # -- asking ------------------------------------------------------------------------------------------------

    def get(self, path: str, patience: float = 60, **parameters: Any) -> Any:
        """Return the JSON answer of `/testbed/<path>`; `patience` is how long to wait for it, in seconds.

        Raises:
            requests.RequestException: the platform does not answer, or not with success.
        """
        response = requests.get(
            f"{self.url}/testbed/{path}",
            params=parameters,
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=patience,
        )
        response.raise_for_status()
        return response.json()

    def push(self, objects: Iterable[Mapping[str, Any]], patience: float = 60) -> str:
        """Send STIX objects as one bundle, without a connector; return the id of the work. See `wait_idle`.

        Raises:
            requests.RequestException: the platform does not answer within `patience` seconds, or refuses the bundle.
        """
        response = requests.post(
            f"{self.url}/testbed/bundles",
            json={
                "type": "bundle",
                "id": f"bundle--{uuid.uuid4()}",
                "objects": list(objects),
            },
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=patience,
        )
        response.raise_for_status()
        return str(response.json()["work"])

    def summary(self) -> dict[str, Any]:
        """Return counts by type and outcome, the queue, works by status, peak memory (`/testbed/summary`)."""
        answer: dict[str, Any] = self.get("summary")
        return answer

    def works(self) -> list[dict[str, Any]]:
        """Return the works, newest first, with their messages and counts."""
        answer: list[dict[str, Any]] = self.get("works", limit=1000)
        return answer

    def connectors(self) -> list[dict[str, Any]]:
        """Return the registered connectors with their state."""
        answer: list[dict[str, Any]] = self.get("connectors")
        return answer

    def errors(self) -> list[dict[str, Any]]:
        """Return the newest errors of all works."""
        answer: list[dict[str, Any]] = self.get("errors", limit=1000)
        return answer

    def objects(self, entity_type: str | None = None) -> Iterator[dict[str, Any]]:
        """Yield the stored STIX objects, of one entity type or of all."""
        after: int | None = 0
        while after is not None:
            parameters: dict[str, Any] = {"after": after, "limit": 1000}
            if entity_type:
                parameters["type"] = entity_type
            page = self.get("objects", **parameters)
            yield from page["objects"]
            after = page["after"]

    def fingerprint(self) -> str:
        """Return a hash over all content: equal for platforms that hold the same knowledge."""
        return str(self.get("fingerprint")["fingerprint"])

    def order_fault(self, action: str, **details: Any) -> str:
        """Order a fault and return its id.

        Args:
            action: `delay`, `drop`, `status`, `error`, `expire-token`, `answer`, `truncate`, `limit-body`,
                `break-stream`, `pause-worker` or `fill-queue`.
            details: see `opencti_testbed.faults.rules.Fault`.

        Raises:
            requests.HTTPError: there is no such fault.
        """
        response = requests.post(
            f"{self.url}/testbed/faults",
            json={"action": action, **details},
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=10,
        )
        response.raise_for_status()
        return str(response.json()["id"])

    def wait_for_fault(self, fault_id: str, timeout: float = 30) -> None:
        """Return when a fault that was ordered has met a request.

        Raises:
            LookupError: there is no such fault.
            TimeoutError: it met none within `timeout` seconds.
        """
        until = time.monotonic() + timeout
        while True:
            met = [one["met"] for one in self.get("faults") if one["id"] == fault_id]
            if not met:
                raise LookupError(f"There is no fault {fault_id}")
            if met[0]:
                return
            if time.monotonic() > until:
                raise TimeoutError(f"The fault met no request within {timeout} s")
            time.sleep(0.02)

    def lift_faults(self) -> int:
        """Lift all faults; return how many there were."""
        response = requests.delete(
            f"{self.url}/testbed/faults",
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=10,
        )
        response.raise_for_status()
        return int(response.json()["removed"])

    def wait_idle(self, timeout: float = 60) -> None:
        """Return when nothing waits for ingestion.

        Raises:
            requests.HTTPError: it took longer than `timeout` seconds.
        """
        self.get("wait", patience=timeout + 10, timeout=timeout)

    def wait_for(
        self, condition: Any, timeout: float = 30, interval: float = 0.02
    ) -> dict[str, Any]:
        """Return the first summary that fulfils `condition(summary)`.

        Raises:
            TimeoutError: none did within `timeout` seconds.
        """
        until = time.monotonic() + timeout
        while True:
            summary = self.summary()
            if condition(summary):
                return summary
            if time.monotonic() > until:
                raise TimeoutError(f"not so within {timeout} s: {summary}")
            time.sleep(interval)

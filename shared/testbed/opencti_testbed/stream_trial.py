"""A stream connector on trial: a process that is killed and started again while the platform changes.

with StreamTrial(Path("stream/example"), platform, tmp_path, EXAMPLE_API_URL=target.url) as trial:
    trial.push(indicator("bad.example"))
    trial.until(lambda: "bad.example" in target.names, "it is there")
    assert trial.stop() == 0
"""

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from opencti_testbed.process import TestbedProcess
from opencti_testbed.run.connector import environment

_PATIENCE = 90.0
# What the SDK's runtime says.
_FOLLOWS = "Following the live stream"
_NAMESPACE = uuid.UUID("2b0f4c8e-4d52-4c0c-9f39-5d6c0f6f9d10")


def indicator(name: str, **more: Any) -> dict[str, Any]:
    """Return an indicator of a domain, with an id that follows from its name."""
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--{uuid.uuid5(_NAMESPACE, name)}",
        "created": "2024-01-01T00:00:00.000Z",
        "modified": "2024-01-01T00:00:00.000Z",
        "valid_from": "2024-01-01T00:00:00.000Z",
        "name": name,
        "pattern": f"[domain-name:value = '{name}']",
        "pattern_type": "stix",
        **more,
    }


class StreamTrial:
    """Runs a connector's `src/main.py`, started by entering the context or by `start`."""

    def __init__(
        self, folder: Path, platform: TestbedProcess, data: Path, **variables: str
    ) -> None:
        """Prepare a connector.

        Args:
            folder: the connector's folder.
            platform: what it follows.
            data: where it keeps what it has to keep, and what it prints.
            variables: its settings, as environment variables.
        """
        self._folder = folder
        self._platform = platform
        self._printed = data / "output.txt"
        self._process: subprocess.Popen[bytes] | None = None
        data.mkdir(parents=True, exist_ok=True)
        self._printed.touch()
        self._followed_before = 0
        self._variables = {
            "CONNECTOR_DATA_PATH": str(data / "connector"),
            "CONNECTOR_BATCH_PERIOD": "PT0.1S",
            **variables,
        }

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    # -- the process ------------------------------------------------------------------------------------------------

    def start(self, **variables: str) -> Self:
        """Start it, or start it again; settings that are given stay."""
        self._variables.update(variables)
        self._followed_before = self.output.count(_FOLLOWS)
        with self._printed.open("ab") as output:
            self._process = subprocess.Popen(  # pylint: disable=consider-using-with
                [sys.executable, "main.py"],
                cwd=self._folder / "src",
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        return self

    def _environment(self) -> Mapping[str, str]:
        return environment(self._folder, self._platform, self._variables)

    def command(
        self, *arguments: str, timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of its command line to its end.

        Raises:
            subprocess.TimeoutExpired: it did not end.
        """
        return subprocess.run(
            [sys.executable, "main.py", *arguments],
            cwd=self._folder / "src",
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=timeout,
        )

    @property
    def output(self) -> str:
        """What it has printed since the first start."""
        return self._printed.read_text("utf-8", "replace")

    @property
    def pid(self) -> int:
        """The id of the process that was started last."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """End it at once (SIGKILL)."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> int:
        """End it the orderly way (SIGTERM) and return its exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(_PATIENCE)

    def wait(self) -> int:
        """Return its exit code once it has ended by itself."""
        assert self._process is not None
        return self._process.wait(_PATIENCE)

    # -- the platform -----------------------------------------------------------------------------------------------

    def push(self, *objects: Mapping[str, Any]) -> None:
        """Have objects on the platform, or change them, and wait until it has taken them."""
        self._platform.push(objects)
        self._platform.wait_idle()

    def internal_id(self, stix_id: str) -> str:
        """Return the platform's own id of an object.

        Raises:
            ValueError: there is no such object.
        """
        found = self._query(
            "query Own($id: String!) { stixCoreObject(id: $id) { id } }", id=stix_id
        )["stixCoreObject"]
        if found is None:
            raise ValueError(f"The platform has no {stix_id}")
        return str(found["id"])

    def delete(self, stix_id: str) -> None:
        """Delete an object.

        Raises:
            ValueError: there is no such object.
        """
        self._query(
            "mutation Gone($id: ID!) { stixCoreObjectEdit(id: $id) { delete } }",
            id=self.internal_id(stix_id),
        )

    def _query(self, query: str, **variables: Any) -> Any:
        answer = requests.post(
            f"{self._platform.url}/graphql",
            json={"query": query, "variables": variables},
            headers={"Authorization": f"Bearer {self._platform.token}"},
            timeout=60,
        ).json()
        if answer.get("errors"):
            raise ValueError(str(answer["errors"][0]["message"]))
        return answer["data"]

    def is_settled(self) -> bool:
        """Whether it has told the platform that it is at the end of the stream."""
        own = self._environment()["CONNECTOR_ID"]
        known = [one for one in self._platform.connectors() if one["id"] == own]
        state = json.loads((known[0]["state"] if known else None) or "{}") or {}
        with requests.get(
            f"{self._platform.url}/stream/live",
            headers={"Authorization": f"Bearer {self._platform.token}"},
            stream=True,
            timeout=10,
        ) as answer:
            lines = answer.iter_lines()
            while next(lines) != b"event: connected":
                pass
            last = json.loads(next(lines).removeprefix(b"data: "))["lastEventId"]
        return bool(state.get("start_from") == last)

    # -- waiting ----------------------------------------------------------------------------------------------------

    def until(
        self, condition: Callable[[], Any], what: str, *, may_end: bool = False
    ) -> None:
        """Wait for something.

        Args:
            condition: whether it is so.
            what: it in words.
            may_end: whether the connector may end meanwhile.

        Raises:
            TimeoutError: it does not happen.
            RuntimeError: the connector ended before.
        """
        deadline = time.monotonic() + _PATIENCE
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"In vain: {what}\n{self.output[-3000:]}")
            if not may_end and not self.is_running:
                raise RuntimeError(
                    f"The connector ended before {what}\n{self.output[-3000:]}"
                )
            time.sleep(0.05)

    def until_following(self) -> None:
        """Wait until it follows the stream, since it was started last."""
        self.until(
            lambda: self.output.count(_FOLLOWS) > self._followed_before,
            "it follows the stream",
        )

    def until_settled(self) -> None:
        """Wait until everything that the stream told has come to the target, and the platform knows."""
        self.until(self.is_settled, "the position is saved")

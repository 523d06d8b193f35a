"""A connector that listens, on trial: running against a platform while somebody asks it for something."""

import subprocess
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import requests

from opencti_testbed.trial import Trial

_PATIENCE = 120.0


class ListeningTrial:
    """Runs the connector while the context lasts.

    Attributes:
        trial: the connector, prepared.
        process: of the connector, while it runs.
    """

    process: "subprocess.Popen[bytes]"

    def __init__(self, trial: Trial) -> None:
        """Take a connector that is prepared."""
        self.trial = trial
        self._platform = trial.platform

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.wait()

    def start(self) -> None:
        """Start the connector and return when it listens.

        Raises:
            RuntimeError: it ended instead.
            TimeoutError: it is not there after two minutes.
        """
        before = self._registrations()
        self.process = self.trial.start()
        self.wait_for(
            lambda: self._registrations() != before, "the connector is registered"
        )

    def kill(self) -> None:
        """End it as `kill -9` does."""
        self.process.kill()
        self.process.wait()

    def _registrations(self) -> list[tuple[str, str]]:
        known = self._platform.connectors()
        return sorted((one["id"], str(one["updated_at"])) for one in known)

    def _done(self, title: str) -> bool:
        works = [one for one in self._platform.works() if one["name"] == title]
        return bool(
            works and works[0]["status"] == "complete" and works[0]["processed_time"]
        )

    def _work(self, title: str) -> dict[str, Any]:
        """Return the newest work of a title."""
        return next(work for work in self._platform.works() if work["name"] == title)

    def _marking(self, definition: str) -> str:
        query = (
            "{ markingDefinitions(first: 100) { edges { node { id definition } } } }"
        )
        edges = self._query(query, None)["markingDefinitions"]["edges"]
        known = {edge["node"]["definition"]: edge["node"]["id"] for edge in edges}
        return str(known[definition])

    def wait_for(self, condition: Callable[[], bool], what: str) -> None:
        """Return when something is so.

        Args:
            condition: looks whether it is.
            what: in words, for the error.

        Raises:
            RuntimeError: the connector has ended before.
            TimeoutError: it is not so after two minutes.
        """
        deadline = time.monotonic() + _PATIENCE
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"In vain: {what}")
            if self.process.poll() is not None:
                raise RuntimeError(
                    f"The connector ended with exit code {self.process.returncode}, before {what}"
                )
            time.sleep(0.05)

    def _query(self, query: str, user_id: str | None, **variables: Any) -> Any:
        headers = {"Authorization": f"Bearer {self._platform.token}"}
        if user_id:
            headers["opencti-applicant-id"] = user_id
        answer = requests.post(
            f"{self._platform.url}/graphql",
            json={"query": query, "variables": variables},
            headers=headers,
            timeout=60,
        ).json()
        if answer.get("errors"):
            raise ValueError(str(answer["errors"][0]["message"]))
        return answer["data"]

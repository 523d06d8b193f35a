"""A connector on trial: its program as a process, against a platform that is watched.

trial = Trial(Path("external-import/example"), platform, tmp_path, EXAMPLE_API_URL=source.url)
done = trial.run()
assert done.returncode == 0, done.stderr

A connector that has to be asked for something:

asked = Asked(Path("internal-enrichment/example"), tmp_path, EXAMPLE_API_URL=source.url)
code, summary = asked("--seed", "objects.json", "--enrich", "198.51.100.7")
assert code == 0, summary["output"]
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from opencti_testbed.process import TestbedProcess
from opencti_testbed.run.connector import environment


class Trial:
    """Runs a connector's `src/main.py` with the settings that any connector needs; an importer ends after one run.

    Attributes:
        variables: its own settings; may be changed between runs.
    """

    def __init__(
        self,
        folder: Path,
        platform: TestbedProcess,
        data: Path,
        *,
        transport: str = "api",
        **variables: str,
    ) -> None:
        """Prepare a connector.

        Args:
            folder: the connector's folder.
            platform: what it talks to.
            data: where it keeps what it has to keep.
            transport: `api` (HTTP alone), or `amqp` with a platform that has a broker.
            variables: its settings, as environment variables.
        """
        self.folder = folder
        self.platform = platform
        self.transport = transport
        self.variables = {"CONNECTOR_DATA_PATH": str(data), **variables}

    def run(
        self, *arguments: str, timeout: float = 120, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run it to its end, and wait until the platform has ingested everything.

        Args:
            arguments: of the program: `run`, `check`, ...
            timeout: seconds until it is killed; as long again for the platform.
            variables: for this run.

        Raises:
            subprocess.TimeoutExpired: it did not end.
        """
        done = subprocess.run(
            self._command(arguments),
            cwd=self.folder / "src",
            env=self._environment(variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=timeout,
        )
        self.platform.wait_idle(timeout)
        return done

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[bytes]:
        """Start it; the caller ends it. What it prints is lost."""
        return subprocess.Popen(
            self._command(arguments),
            cwd=self.folder / "src",
            env=self._environment(variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    @staticmethod
    def _command(arguments: tuple[str, ...]) -> list[str]:
        return [sys.executable, "main.py", *arguments]

    def _environment(self, variables: dict[str, str]) -> dict[str, str]:
        return environment(
            self.folder,
            self.platform,
            {**self.variables, **variables},
            once=True,
            transport=self.transport,
        )


class Asked:
    """Runs a connector with `testbed run` against a platform of its own, which asks it for what the options say.

    Attributes:
        data: the folder with the platform's data, to be looked at afterwards.
    """

    def __init__(self, folder: Path, place: Path, **variables: str) -> None:
        """Prepare a connector.

        Args:
            folder: the connector's folder.
            place: where everything is kept.
            variables: its settings, as environment variables.
        """
        self.folder = folder
        self.data = place / "platform"
        self._summary = place / "summary.json"
        self.variables = {"CONNECTOR_DATA_PATH": str(place / "connector"), **variables}

    def __call__(
        self, *options: str | Path, timeout: float = 120, **variables: str
    ) -> tuple[int, dict[str, Any]]:
        """Run it to its end; return the exit code and the run's summary, with what was printed as `output`.

        Args:
            options: of `testbed run`: `--seed`, `--enrich`, `--import`, `--export`, ...
            timeout: seconds until it is killed.
            variables: for this run.

        Raises:
            RuntimeError: the command could not be carried out; the text is what it printed.
            subprocess.TimeoutExpired: it did not end.
        """
        command = [sys.executable, "-m", "opencti_testbed", "run", str(self.folder)]
        command += ["--embedded", "--exit", "--data", str(self.data)]
        command += ["--summary", str(self._summary)]
        for name, value in {**self.variables, **variables}.items():
            command += ["--env", f"{name}={value}"]
        self._summary.unlink(missing_ok=True)
        done = subprocess.run(
            [*command, *map(str, options)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=timeout,
        )
        output = done.stdout + done.stderr
        if not self._summary.exists():
            raise RuntimeError(output)
        summary = json.loads(self._summary.read_text("utf-8"))
        return done.returncode, {**summary, "output": output}

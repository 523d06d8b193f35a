"""Fixtures of the template's tests; the connector's modules can be imported from here on."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from opencti_testbed.process import TestbedProcess
from opencti_testbed.simulator import Simulator

TEMPLATE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TEMPLATE / "src"))

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(name="source")
def fixture_source() -> Iterator[Simulator]:
    with Simulator(TEMPLATE / "demo") as source:
        yield source


@pytest.fixture(name="platform")
def fixture_platform() -> Iterator[TestbedProcess]:
    with TestbedProcess() as platform:
        yield platform


@pytest.fixture(name="run")
def fixture_run(platform: TestbedProcess, source: Simulator, tmp_path: Path) -> Run:
    """Runs the connector as a process with these arguments and variables, and waits for the platform."""

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "OPENCTI_URL": platform.url,
            "OPENCTI_TOKEN": platform.token,
            "CONNECTOR_ID": "7c1fa0d4-4a0f-4b0a-9d0e-2c4f0b8f5a11",
            "CONNECTOR_LOG_LEVEL": "info",
            "CONNECTOR_QUEUE_PROTOCOL": "api",
            "CONNECTOR_RUN_AND_TERMINATE": "true",
            "CONNECTOR_DATA_PATH": str(tmp_path / "data"),
            "TEMPLATE_API_URL": source.url,
            "TEMPLATE_API_KEY": "demo-key",
            "TEMPLATE_IMPORT_SINCE": "P10Y",
            **variables,
        }
        done = subprocess.run(
            [sys.executable, "main.py", *arguments],
            cwd=TEMPLATE / "src",
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        platform.wait_idle()
        return done

    return run

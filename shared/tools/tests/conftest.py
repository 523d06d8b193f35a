"""What the tests of the tools share."""

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

TESTS = Path(__file__).resolve().parent
# The tools are no installed package: they are run from their folder. And so that tests can share code.
sys.path[:0] = [str(TESTS.parent), str(TESTS)]

# pylint: disable=wrong-import-position
from support import COMPOSE, TOOLS, MakeConnector, Tool  # noqa: E402


@pytest.fixture(name="tool")
def fixture_tool() -> Tool:
    """Run a tool as people do: `tool("schemas", "folder", "--check")`."""

    def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(TOOLS), *map(str, arguments)],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )

    return run


@pytest.fixture(name="make_connector")
def fixture_make_connector(tmp_path: Path) -> MakeConnector:
    """Write a connector's folder: `make_connector({"src/main.py": "..."})`; README and docker-compose.yml come with it."""

    def make(files: dict[str, str], name: str = "feed") -> Path:
        folder = tmp_path / "external-import" / name
        every = {"README.md": "# Feed\n", "docker-compose.yml": COMPOSE, **files}
        for path, text in every.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
        return folder

    return make

"""What several tests of the tools need: the way to run a tool, and a connector to try it on."""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

TESTS = Path(__file__).resolve().parent
TOOLS = TESTS.parent
ROOT = TOOLS.parents[1]

Tool = Callable[..., subprocess.CompletedProcess[str]]
MakeConnector = Callable[..., Path]

SETTINGS = """
    from datetime import timedelta

    from pydantic import Field, SecretStr

    from connectors_sdk import (
        BaseConfigModel,
        BaseConnectorSettings,
        BaseExternalImportConnectorConfig,
        ListFromString,
    )


    class FeedConnectorConfig(BaseExternalImportConnectorConfig):
        name: str = Field(default="Feed", description="Name on the platform.")
        scope: ListFromString = Field(default=["report", "malware"], description="What it brings.")
        duration_period: timedelta = Field(default=timedelta(hours=6), description="Pause.")


    class FeedConfig(BaseConfigModel):
        api_key: SecretStr = Field(description="Key of the feed.")
        limit: int = Field(default=100, ge=1, description="At most so many.")


    class {name}(BaseConnectorSettings):
        connector: FeedConnectorConfig = Field(default_factory=FeedConnectorConfig)
        feed: FeedConfig = Field(default_factory=FeedConfig)
"""

COMPOSE = """
    services:
      connector-feed:
        image: opencti/connector-feed:latest
        environment:
          - OPENCTI_URL=http://localhost
        restart: always
"""


def settings(name: str = "ConnectorSettings") -> str:
    """Return the source of a settings module."""
    return SETTINGS.replace("{name}", name)


def wheel(folder: Path, name: str, source: str) -> Path:
    """Write a package that can be installed without any index."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}/__init__.py", source)
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
        )
        archive.writestr(
            f"{info}/WHEEL",
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr(f"{info}/RECORD", "")
    return path


def git(folder: Path, *arguments: str) -> str:
    """Run git in a repository made for a test; return what it prints."""
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    return subprocess.run(
        ["git", *identity, "-c", "commit.gpgsign=false", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def recorder(
    folder: Path, *programs: str, output: str = "", code: int = 0
) -> tuple[str, Callable[[], list[list[str]]]]:
    """Put programs in the way of the real ones that write down how they are called.

    Args:
        folder: Where they are put.
        programs: Their names.
        output: What they print.
        code: What they end with.

    Returns:
        The `PATH` on which they come first, and what gives all calls so far: name and arguments.
    """
    place = folder / "programs"
    place.mkdir()
    log = folder / "calls"
    for name in programs:
        program = place / name
        program.write_text(
            f"#!{sys.executable}\n"
            "import json, sys\n"
            f"with open({str(log)!r}, 'a', encoding='utf-8') as file:\n"
            f"    file.write(json.dumps([{name!r}, *sys.argv[1:]]) + '\\n')\n"
            f"print({output!r})\n"
            f"sys.exit({code})\n",
            encoding="utf-8",
        )
        program.chmod(0o755)

    def calls() -> list[list[str]]:
        lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
        return [json.loads(line) for line in lines]

    return f"{place}{os.pathsep}{os.environ['PATH']}", calls

"""`make lint`'s tool in a small repository: what it finds, and what it need not look at again."""

import re
import select
import shutil
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from ci.remembered import KEPT, Remembered, digest
from support import ROOT, TOOLS, git

CONNECTOR = "external-import/sample"
MODULE = f"{CONNECTOR}/src/connector/rows.py"
SDK_MODULE = "connectors-sdk/connectors_sdk/extra.py"
CLEAN = '"""Rows."""\n\n\ndef first(rows: list[str]) -> str:\n    """Return the first row."""\n    return rows[0]\n'
UNUSED = CLEAN.replace('"""Rows."""\n', '"""Rows."""\n\nimport os\n')


@pytest.fixture(name="repository", scope="module")
def fixture_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the tools of this one, a library and two connectors."""
    root = tmp_path_factory.mktemp("repository")
    for name in (".pylintrc", ".flake8", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, root / name)
    for name in ("shared/tools", "shared/pylint_plugins"):
        skip = shutil.ignore_patterns("__pycache__", "tests")
        shutil.copytree(ROOT / name, root / name, ignore=skip)
    for name in (MODULE, MODULE.replace("sample", "other"), SDK_MODULE):
        write(root, name, CLEAN)
    for name in ("sample", "other"):
        write(root, f"external-import/{name}/src/main.py", '"""The program."""\n')
    git(root, "init", "-q")
    return root


def write(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text, encoding="utf-8")


def lint(root: Path, *arguments: str) -> tuple[dict[str, str], str]:
    """Return the verdict of each check, and the whole output."""
    done = subprocess.run(
        [sys.executable, str(root / "shared/tools"), "lint", *arguments],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    found = re.findall(r"^(\w+) +(clean|FOUND SOMETHING) ", done.stdout, re.M)
    assert found, done.stdout + done.stderr
    assert done.returncode == any(verdict != "clean" for _, verdict in found)
    return dict(found), done.stdout


def remembered(root: Path) -> int:
    file = root / "build/lint/clean.txt"
    return len(file.read_text().split()) if file.is_file() else 0


def test_what_is_clean_is_looked_at_once(repository: Path) -> None:
    verdicts, output = lint(repository, CONNECTOR)
    assert verdicts["pylint"] == verdicts["flake8"] == "clean", output
    # Two files for flake8, one group of modules for pylint, one for mypy.
    assert remembered(repository) == 4
    assert lint(repository, CONNECTOR)[0] == verdicts
    assert remembered(repository) == 4


def test_a_mistake_is_found_until_it_is_gone(repository: Path) -> None:
    write(repository, MODULE, CLEAN)
    lint(repository, CONNECTOR)
    before = remembered(repository)
    write(repository, MODULE, UNUSED)
    for _ in range(2):
        verdicts, output = lint(repository, CONNECTOR)
        assert verdicts["pylint"] == verdicts["flake8"] == "FOUND SOMETHING"
        assert "F401" in output and "unused-import" in output
        assert verdicts["black"] == verdicts["mypy"] == "clean"
    # Its types are right all the same.
    assert remembered(repository) == before + 1
    write(repository, MODULE, CLEAN)
    verdicts, _ = lint(repository, CONNECTOR)
    assert verdicts["pylint"] == verdicts["flake8"] == "clean"
    assert remembered(repository) == before + 1


def test_a_verdict_depends_on_libraries_but_on_no_other_connector(
    repository: Path,
) -> None:
    write(repository, MODULE, CLEAN)
    lint(repository, CONNECTOR)
    before = remembered(repository)
    write(repository, MODULE.replace("sample", "other"), UNUSED)
    lint(repository, CONNECTOR)
    assert remembered(repository) == before
    write(repository, SDK_MODULE, f"{CLEAN}\n\nMORE = 1\n")
    lint(repository, CONNECTOR)
    assert remembered(repository) == before + 2
    # Another configuration: everything is looked at again.
    write(repository, ".flake8", "[flake8]\nignore = E,W,C\n")
    lint(repository, CONNECTOR)
    assert remembered(repository) == before + 6


def test_a_test_concerns_tests_alone(repository: Path) -> None:
    lint(repository, CONNECTOR)
    before = remembered(repository)
    write(repository, f"{CONNECTOR}/tests/test_rows.py", '"""Tests."""\n')
    lint(repository, CONNECTOR)
    # The file for flake8, the group of tests for pylint.
    assert remembered(repository) == before + 2
    (repository / CONNECTOR / "tests/test_rows.py").unlink()


SETTINGS = '''"""Settings."""

from pydantic import Field

from connectors_sdk import (
    BaseConfigModel,
    BaseConnectorSettings,
    BaseStreamConnectorConfig,
)


class OwnConfig(BaseStreamConnectorConfig):
    """The connector."""


class FeedConfig(BaseConfigModel):
    """The feed."""

    key: str = Field(description="Required.")


class ConnectorSettings(BaseConnectorSettings):
    """All settings."""

    connector: OwnConfig = Field(default_factory=OwnConfig)
    feed: FeedConfig = Field(default_factory=FeedConfig)
'''


def test_types_of_a_connectors_sources_are_checked(repository: Path) -> None:
    settings = f"{CONNECTOR}/src/connector/settings.py"
    write(repository, settings, SETTINGS)
    verdicts, output = lint(repository, CONNECTOR)
    # What is required comes from the environment: no mistake.
    assert verdicts["mypy"] == "clean", output
    write(repository, settings, SETTINGS.replace("=FeedConfig", "=OwnConfig"))
    for _ in range(2):
        verdicts, output = lint(repository, CONNECTOR)
        assert verdicts["mypy"] == "FOUND SOMETHING"
        assert (
            'expression has type "OwnConfig", variable has type "FeedConfig"' in output
        )
    # Another connector has a module of the same name, and types of its own.
    write(repository, settings, SETTINGS)
    write(repository, settings.replace("sample", "other"), CLEAN.replace(" -> str", ""))
    verdicts, output = lint(repository, CONNECTOR, "external-import/other")
    assert verdicts["mypy"] == "FOUND SOMETHING"
    assert "external-import/other/src/connector/settings.py:4: error" in output
    assert not re.search(rf"{settings}:\d+: error", output)
    for name in ("sample", "other"):
        (repository / settings.replace("sample", name)).unlink()


STYLE_AND_MISTAKES = """\
import os, sys
import json  # noqa: F401
x = lambda : missing
y='%s %s' % (1,)   
def f( a,b ):
    a = undefined
    return "{} {}".format(1)
"""


def test_flake8_without_style_finds_what_flake8_finds(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.py").write_text(STYLE_AND_MISTAKES)
    (tmp_path / ".flake8").write_text((ROOT / ".flake8").read_text())
    tool = str(ROOT / "shared/tools/ci/flake8_mistakes.py")
    outputs = []
    for command in (["-m", "flake8"], [tool]):
        done = subprocess.run(
            [sys.executable, *command, "--jobs", "2", "."],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1, done.stderr
        outputs.append(sorted(done.stdout.splitlines()))
    assert outputs[0] == outputs[1]
    codes = {line.split()[1] for line in outputs[0]}
    assert {"F401", "F507", "F524", "F821", "F841"} <= codes
    # That is all that is asked for: style is ignored.
    assert all(code.startswith("F") for code in codes)
    assert "ignore = E,W\n" in (ROOT / ".flake8").read_text()


def test_a_place_is_for_one_process_and_free_when_that_is_killed(
    tmp_path: Path,
) -> None:
    program = (
        "import sys, time; from ci.pylint_groups import place\n"
        "with place(sys.argv[1:]): print('entered', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "place")]
    start: Any = partial(subprocess.Popen, command, cwd=TOOLS, stdout=subprocess.PIPE)
    with start() as one, start() as other:
        processes = {process.stdout: process for process in (one, other)}
        try:
            first = select.select(processes, [], [], 30)[0]
            # The other one has had the time to enter as well.
            time.sleep(1)
            assert select.select(processes, [], [], 0)[0] == first and len(first) == 1
            processes.pop(first[0]).kill()
            assert select.select(processes, [], [], 30)[0] == [*processes]
        finally:
            one.kill()
            other.kill()


def test_a_connector_of_another_repository_meets_the_linter_alone(
    repository: Path, tmp_path: Path
) -> None:
    write(tmp_path, "external-import/far/src/main.py", "import os\n")
    folder = tmp_path / "external-import" / "far"
    verdicts, output = lint(repository, str(folder), "--", "--select", "VC202")
    assert verdicts == {"connectors": "FOUND SOMETHING"}
    assert "VC202" in output and "VC401" not in output


def test_good_verdicts_are_kept_in_a_file_that_does_not_grow_for_ever(
    tmp_path: Path,
) -> None:
    file = tmp_path / "build" / "clean.txt"
    keys = [digest("check", str(number)) for number in range(2 * KEPT + 1)]
    assert keys[0] not in Remembered(file)
    Remembered(file).add(keys[:1])
    assert keys[0] in Remembered(file) and keys[1] not in Remembered(file)
    Remembered(file).add(keys[1:])
    again = Remembered(file)
    assert keys[-1] in again and keys[0] not in again
    assert len(file.read_text().split()) == KEPT


def test_a_digest_tells_texts_apart() -> None:
    assert digest("ab", "c") != digest("a", "bc")
    assert digest("a", b"b") == digest("a", "b")

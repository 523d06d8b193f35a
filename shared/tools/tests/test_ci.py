"""The test runner and the rule that nothing may skip in CI, tried as processes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
CI = ROOT / "shared" / "tools" / "ci"


@pytest.fixture(name="tree")
def fixture_tree(tmp_path: Path) -> Path:
    """A small repository with the real runner, a library and two connectors."""
    shutil.copytree(
        CI,
        tmp_path / "shared" / "tools" / "ci",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    shutil.copy(ROOT / "conftest.py", tmp_path)
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    for folder, value in (("connectors-sdk", 1), ("external-import/a", 2)):
        write_project(tmp_path / folder, f"def test_value():\n    assert {value}\n")
    # Same module names in two connectors, different content: only separate processes survive it.
    write_project(tmp_path / "stream" / "b", "def test_value():\n    assert True\n")
    return tmp_path


def write_project(folder: Path, test: str) -> None:
    (folder / "tests").mkdir(parents=True)
    (folder / "tests" / "test_it.py").write_text(test)
    (folder / "src").mkdir()
    (folder / "src" / "main.py").write_text("")


def run(
    tree: Path, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "shared/tools/ci/run_tests.py", *arguments],
        cwd=tree,
        env={**os.environ, "NO_SKIPS": "", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_all_projects_are_found_and_counted(tree: Path) -> None:
    done = run(tree)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "3 passed, 0 failed, 0 skipped"
    for project in ("connectors-sdk", "external-import/a", "stream/b"):
        assert f"== {project}\n" in done.stdout


def test_a_failure_fails_the_whole_run_and_is_shown(tree: Path) -> None:
    (tree / "stream/b/tests/test_it.py").write_text(
        "def test_value():\n    assert 'what broke' == ''\n"
    )
    done = run(tree)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "2 passed, 1 failed, 0 skipped"
    assert "what broke" in done.stdout


def test_a_project_whose_tests_cannot_be_collected_fails(tree: Path) -> None:
    (tree / "stream/b/tests/test_it.py").write_text("import no_such_module\n")
    done = run(tree)
    assert done.returncode == 1
    assert "1 failed" in done.stdout.splitlines()[-1]


def test_a_project_that_runs_no_test_fails(tree: Path) -> None:
    (tree / "stream/b/tests/test_it.py").write_text("")
    done = run(tree)
    assert done.returncode == 1
    assert "no test was executed" in done.stdout


def test_one_project_can_be_chosen_and_options_are_passed_on(tree: Path) -> None:
    done = run(tree, "external-import/a", "--", "-k", "value")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "1 passed, 0 failed, 0 skipped"


def test_an_unknown_project_names_the_known_ones(tree: Path) -> None:
    done = run(tree, "external-import/nothing")
    assert done.returncode == 2
    assert "external-import/a" in done.stdout


@pytest.mark.parametrize(("no_skips", "exit_code"), [("", 0), ("1", 1)])
def test_a_skip_is_a_failure_where_nothing_may_skip(
    tree: Path, no_skips: str, exit_code: int
) -> None:
    (tree / "stream/b/tests/test_it.py").write_text(
        "import pytest\n\n"
        "def test_value():\n    assert True\n\n"
        "def test_skipped():\n    pytest.skip('no browser here')\n"
    )
    done = run(tree, NO_SKIPS=no_skips)
    assert done.returncode == exit_code, done.stdout
    assert done.stdout.splitlines()[-1] == "3 passed, 0 failed, 1 skipped"
    assert "no browser here" in done.stdout

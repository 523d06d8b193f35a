"""The test runner and the rule that nothing may skip in CI, tried as processes on a small repository."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import ROOT, TOOLS, git, wheel

# Every project has modules of these names: only in separate processes does each find its own.
FINDS_ITS_OWN = """
import pathlib

import names


def test_value():
    assert names.PROJECT == pathlib.Path(__file__).parents[1].name
"""


@pytest.fixture(name="tree")
def fixture_tree(tmp_path: Path) -> Path:
    """A small repository with the real tools, a library and two connectors."""
    shutil.copytree(
        TOOLS / "ci",
        tmp_path / "shared" / "tools" / "ci",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    shutil.copy(TOOLS / "__main__.py", tmp_path / "shared" / "tools")
    for name in ("conftest.py", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    for folder in ("connectors-sdk", "external-import/a", "stream/b"):
        write_project(tmp_path / folder)
    return tmp_path


def write_project(folder: Path) -> None:
    (folder / "tests").mkdir(parents=True)
    (folder / "tests" / "test_it.py").write_text(FINDS_ITS_OWN)
    (folder / "tests" / "names.py").write_text(f"PROJECT = {folder.name!r}\n")
    (folder / "src").mkdir()
    (folder / "src" / "main.py").write_text("")


def run(
    tree: Path, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "shared/tools", "test", *arguments],
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
    done = run(tree, "b")
    assert done.returncode == 1
    assert "1 failed" in done.stdout.splitlines()[-1]


def test_a_project_that_runs_no_test_fails(tree: Path) -> None:
    (tree / "stream/b/tests/test_it.py").write_text("")
    done = run(tree, "stream/b")
    assert done.returncode == 1
    assert "no test was executed" in done.stdout


@pytest.mark.parametrize("name", ["external-import/a", "external-import/a/", "a"])
def test_one_project_can_be_chosen_and_options_are_passed_on(
    name: str, tree: Path
) -> None:
    done = run(tree, name, "--", "-k", "value")
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
        f"import pytest\n{FINDS_ITS_OWN}\n"
        "def test_skipped():\n    pytest.skip('no browser here')\n"
    )
    done = run(tree, NO_SKIPS=no_skips)
    assert done.returncode == exit_code, done.stdout
    assert done.stdout.splitlines()[-1] == "3 passed, 0 failed, 1 skipped"
    assert "no browser here" in done.stdout


# Each says where it ran, and waits for the others to have come as far: only side by side do they pass.
MEETS = """
import os, pathlib, time

HERE = pathlib.Path({here!r})


def test_meets_the_others():
    with (HERE / "ran").open("a") as ran:
        print(os.getpid(), {name!r}, file=ran)
    deadline = time.monotonic() + 60
    while len((HERE / "ran").read_text().splitlines()) < {count}:
        assert time.monotonic() < deadline, "alone"
        time.sleep(0.02)
"""


def split(tree: Path, *parts: str, files: tuple[str, ...]) -> None:
    """Let the library's tests be some files that wait for each other, in some parts."""
    library = tree / "connectors-sdk"
    (library / "tests" / "test_it.py").unlink()
    (library / "pyproject.toml").write_text(f"[tool.tests]\nparts = {list(parts)}\n")
    for name in files:
        file = library / "tests" / name
        file.parent.mkdir(exist_ok=True, parents=True)
        file.write_text(MEETS.format(here=str(tree), name=name, count=len(parts) + 1))


FILES = ("test_a.py", "slow/test_b.py", "slow/test_c.py", "slower/test_d.py")


def test_parts_run_side_by_side_and_every_test_once(tree: Path) -> None:
    parts = ("slow", "slow/test_c.py", "slower/test_d.py")
    split(tree, *parts, files=FILES)
    done = run(tree, "connectors-sdk", "--jobs", "4")
    assert done.returncode == 0, done.stdout
    ran = [line.split() for line in (tree / "ran").read_text().splitlines()]
    assert sorted(name for _, name in ran) == sorted(FILES)
    assert len({process for process, _ in ran}) == len(FILES)
    _, _, summary = done.stdout.partition("== summary\n")
    row, total = summary.splitlines()
    assert row.split()[:3] == ["connectors-sdk", "4", "passed"]
    assert total == "4 passed, 0 failed, 0 skipped"
    for part in parts:
        assert f"== connectors-sdk/{part}\n" in done.stdout
    reports = {file.stem for file in (tree / "build/test-results").iterdir()}
    names = {f"connectors-sdk-{part.replace('/', '-')}" for part in parts}
    assert reports == {"connectors-sdk", *names}


def test_a_failure_in_one_part_fails_the_project(tree: Path) -> None:
    split(tree, "slow", files=FILES[:2])
    bad = tree / "connectors-sdk/tests/slow/test_bad.py"
    bad.write_text("def test_value():\n    assert 'what broke' == ''\n")
    done = run(tree, "connectors-sdk")
    assert done.returncode == 1
    assert "what broke" in done.stdout
    assert "FAILED" in done.stdout.splitlines()[-2]
    assert done.stdout.splitlines()[-1] == "2 passed, 1 failed, 0 skipped"


def test_tests_that_are_chosen_may_all_be_in_one_part(tree: Path) -> None:
    split(tree, "slow", files=FILES[:1])
    file = tree / "connectors-sdk/tests/slow/test_b.py"
    file.parent.mkdir()
    # It was run where its part is run: in a process of its own, beside which no other test was loaded.
    file.write_text(
        "import sys\n\n\ndef test_of_its_own():\n"
        "    loaded = {name.rpartition('.')[2] for name in sys.modules}\n"
        "    assert 'test_b' in loaded and 'test_a' not in loaded\n"
    )
    done = run(tree, "connectors-sdk", "--", "-k", "own")
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1] == "1 passed, 0 failed, 0 skipped"
    done = run(tree, "connectors-sdk", "--", "-k", "nowhere")
    assert done.returncode == 1
    assert "no test was executed" in done.stdout


@pytest.mark.parametrize("part", ["slow/test_gone.py", "../src"])
def test_a_part_that_is_not_there_is_told(part: str, tree: Path) -> None:
    split(tree, part, files=FILES[:2])
    done = run(tree)
    assert done.returncode == 2
    assert f"there is no tests/{part}" in done.stdout


USES_A_LIBRARY = (
    "from library_for_tests import A\n\ndef test_it():\n    assert A == 1\n"
)


@pytest.mark.parametrize(
    "place", ["src/requirements.txt", "tests/test-requirements.txt"]
)
def test_a_connector_has_what_it_requires_and_nothing_else(
    place: str, tree: Path, tmp_path: Path
) -> None:
    library = wheel(tmp_path, "library_for_tests", "A = 1\n")
    for connector in ("external-import/a", "stream/b"):
        (tree / connector / "tests" / "test_it.py").write_text(USES_A_LIBRARY)
    (tree / "stream/b" / place).write_text(f"library_for_tests @ {library.as_uri()}\n")
    done = run(tree)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "2 passed, 1 failed, 0 skipped"
    assert "No module named 'library_for_tests'" in done.stdout


def environments(tree: Path) -> dict[str, float]:
    """Return when each environment of a repository was completed."""
    found = (tree / "build" / "environments").glob("*/.complete")
    return {path.parent.name: path.stat().st_mtime for path in found}


def test_environments_are_shared_and_kept(tree: Path, tmp_path: Path) -> None:
    assert run(tree).returncode == 0
    before = environments(tree)
    assert len(before) == 1
    assert run(tree).returncode == 0
    assert environments(tree) == before
    library = wheel(tmp_path, "library_for_tests", "A = 1\n")
    (tree / "stream/b/src/requirements.txt").write_text(
        f"library_for_tests @ {library.as_uri()}\n"
    )
    assert run(tree).returncode == 0
    after = environments(tree)
    assert len(after) == 2
    assert before.items() <= after.items()


def test_an_environment_that_was_not_completed_is_built_anew(tree: Path) -> None:
    assert run(tree, "b").returncode == 0
    (name,) = environments(tree)
    folder = tree / "build" / "environments" / name
    (folder / ".complete").unlink()
    shutil.rmtree(folder / "lib")
    assert run(tree, "b").returncode == 0


def test_requirements_that_cannot_be_met_are_told(tree: Path) -> None:
    (tree / "stream/b/src/requirements.txt").write_text("pytest==1.0.0\n")
    done = run(tree)
    assert done.returncode == 1
    assert "No environment for its tests" in done.stdout
    assert "pytest==1.0.0" in done.stdout
    assert done.stdout.splitlines()[-1] == "2 passed, 1 failed, 0 skipped"


def test_only_what_is_touched_is_tested(tree: Path) -> None:
    (tree / ".gitignore").write_text("build/\n__pycache__/\n")
    git(tree, "init", "-q", "-b", "main")
    git(tree, "add", ".")
    git(tree, "commit", "-q", "-m", "first")
    nothing = run(tree, "--changed")
    assert nothing.returncode == 0
    assert "Nothing that has tests is touched." in nothing.stdout
    (tree / "stream/b/src/new.py").write_text("")
    done = run(tree, "--changed")
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1] == "1 passed, 0 failed, 0 skipped"
    assert "== stream/b\n" in done.stdout
    lock = tree / "constraints.txt"
    lock.write_text(f"{lock.read_text(encoding='utf-8')}\n", encoding="utf-8")
    assert run(tree, "--changed").stdout.splitlines()[-1].startswith("3 passed")

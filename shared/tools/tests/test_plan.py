"""What CI reads from the tools: matrices, the verdict, labels, proposals."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ci.changes import everything, known_projects
from ci.labels import labels_of
from ci.plan import MAX_JOBS, matrix
from support import TOOLS, Tool, git, recorder


@pytest.mark.parametrize("count", [0, 1, 2, 255, 256, 257, 300, 511, 1000])
def test_a_matrix_never_exceeds_the_limit_and_forgets_nobody(count: int) -> None:
    names = [f"stream/c{number}" for number in range(count)]
    jobs = matrix(names)["include"]
    assert len(jobs) == min(count, MAX_JOBS)
    assert [name for job in jobs for name in job["projects"].split()] == names
    assert len({job["name"] for job in jobs}) == len(jobs)
    sizes = [len(job["projects"].split()) for job in jobs]
    assert not sizes or max(sizes) - min(sizes) <= 1


def test_a_smaller_limit_can_be_asked_for() -> None:
    assert matrix(["a", "b", "c"], 2)["include"] == [
        {"name": "a", "projects": "a"},
        {"name": "b and 1 more", "projects": "b c"},
    ]
    assert len(matrix(["a", "b"], 0)["include"]) == 1


def plan(tool: Tool, *arguments: str) -> dict[str, str]:
    done = tool("plan", *arguments)
    assert done.returncode == 0, done.stderr
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


def test_a_plan_for_everything(tool: Tool) -> None:
    found = plan(tool, "--all")
    assert found["any_tests"] == found["any_images"] == "true"
    tests = [job["projects"] for job in json.loads(found["tests"])["include"]]
    assert {"connectors-sdk", "shared/tools", "external-import/mitre"} <= set(tests)
    images = [job["projects"] for job in json.loads(found["images"])["include"]]
    assert "external-import/mitre" in images
    assert "connectors-sdk" not in images


def test_a_plan_for_nothing(tool: Tool, tmp_path: Path) -> None:
    tree = tmp_path / "clone"
    shutil.copytree(TOOLS / "ci", tree / "shared/tools/ci")
    shutil.copy(TOOLS / "__main__.py", tree / "shared/tools")
    git(tree, "init", "-q", "-b", "main")
    (tree / ".gitignore").write_text("__pycache__/\n")
    git(tree, "add", ".")
    git(tree, "commit", "-q", "-m", "first")
    done = subprocess.run(
        [sys.executable, "shared/tools", "plan"],
        cwd=tree,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [
        'tests={"include": []}',
        "any_tests=false",
        'images={"include": []}',
        "any_images=false",
    ]


def test_everything_is_every_project() -> None:
    projects = known_projects()
    found = everything(projects, "why")
    assert set(found.tests) == set(projects.names)
    assert set(found.images) == set(filter(projects.is_connector, projects.names))


@pytest.mark.parametrize(
    ("results", "code"),
    [
        ({"lint": "success"}, 0),
        ({"lint": "success", "tests": "skipped"}, 0),
        ({"lint": "success", "tests": "failure"}, 1),
        ({"lint": "cancelled"}, 1),
        ({}, 1),
    ],
)
def test_a_verdict(results: dict[str, str], code: int, tool: Tool) -> None:
    needs = {
        name: {"result": result, "outputs": {}} for name, result in results.items()
    }
    assert tool("verdict", NEEDS=json.dumps(needs)).returncode == code


@pytest.mark.parametrize("needs", ["", "x", "[]", '{"a": {}}'])
def test_no_verdict_on_nonsense(needs: str, tool: Tool) -> None:
    done = tool("verdict", NEEDS=needs)
    assert done.returncode == 2
    assert "not what toJSON(needs) gives" in done.stdout


@pytest.mark.parametrize(
    ("files", "labels"),
    [
        (["external-import/mitre/src/main.py"], ["external-import"]),
        (["stream/a/README.md", "stream/b/x.py"], ["stream"]),
        (["connectors-sdk/connectors_sdk/x.py", "docs/a.md"], ["documentation", "sdk"]),
        (["shared/testbed/x.py", "shared/tools/ci/x.py"], ["testbed", "tools"]),
        (["constraints.txt", "requirements-test.in"], ["dependencies"]),
        ([".github/workflows/ci.yml", "Makefile"], ["ci"]),
        (["README.md", "external-import/README.md"], ["documentation"]),
        (["conftest.py"], []),
        ([], []),
    ],
)
def test_labels_of_a_change(files: list[str], labels: list[str]) -> None:
    assert labels_of(files) == labels


def test_labels_are_written_with_gh(tool: Tool, tmp_path: Path) -> None:
    path, calls = recorder(tmp_path, "gh")
    assert tool("labels", "sync", PATH=path).returncode == 0
    written = [call[3] for call in calls()]
    assert "bug" in written and "external-import" in written
    assert all(
        call[:3] == ["gh", "label", "create"] and "--force" in call for call in calls()
    )


def test_labels_that_cannot_be_written_are_told(tool: Tool, tmp_path: Path) -> None:
    path, _ = recorder(tmp_path, "gh", code=4)
    done = tool("labels", "sync", PATH=path)
    assert done.returncode == 1
    assert "bug: not written" in done.stderr


@pytest.fixture(name="clone")
def fixture_clone(tmp_path: Path) -> Path:
    """A clone of a small repository, with the tools in it."""
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "origin.git")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(tmp_path / "origin.git"), str(clone))
    shutil.copytree(TOOLS / "ci", clone / "shared/tools/ci")
    shutil.copy(TOOLS / "__main__.py", clone / "shared/tools")
    (clone / ".gitignore").write_text("__pycache__/\n")
    (clone / "constraints.txt").write_text("a==1\n")
    git(clone, "checkout", "-q", "-b", "main")
    git(clone, "add", ".")
    git(clone, "commit", "-q", "-m", "first")
    git(clone, "push", "-q", "origin", "main")
    return clone


def propose(clone: Path, path: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            sys.executable,
            "shared/tools",
            "propose",
            "--branch",
            "lock",
            "--title",
            "build: new",
        ],
        cwd=clone,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_changes_are_proposed(clone: Path, tmp_path: Path) -> None:
    path, calls = recorder(tmp_path, "gh", output="0")
    assert "Nothing has changed." in propose(clone, path).stdout
    assert calls() == []
    (clone / "constraints.txt").write_text("a==2\n")
    done = propose(clone, path)
    assert done.returncode == 0, done.stderr
    assert git(tmp_path / "origin.git", "show", "lock:constraints.txt") == "a==2\n"
    assert git(tmp_path / "origin.git", "show", "main:constraints.txt") == "a==1\n"
    assert [call[:3] for call in calls()] == [
        ["gh", "pr", "list"],
        ["gh", "pr", "create"],
    ]
    assert calls()[1][calls()[1].index("--title") + 1] == "build: new"


def test_a_proposal_is_replaced(clone: Path, tmp_path: Path) -> None:
    path, calls = recorder(tmp_path, "gh", output="1")
    for version in ("2", "3"):
        git(clone, "checkout", "-q", "main")
        (clone / "constraints.txt").write_text(f"a=={version}\n")
        assert propose(clone, path).returncode == 0
    assert git(tmp_path / "origin.git", "show", "lock:constraints.txt") == "a==3\n"
    assert {call[2] for call in calls()} == {"list"}


def test_a_proposal_that_fails_is_told(clone: Path, tmp_path: Path) -> None:
    path, _ = recorder(tmp_path, "gh", code=1)
    (clone / "constraints.txt").write_text("a==2\n")
    assert propose(clone, path).returncode == 1

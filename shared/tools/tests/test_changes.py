"""Kinds of change, and the projects that they touch."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ci import changes
from ci.changes import known_projects, touched_by
from support import ROOT, TOOLS, git

SDK, TESTBED, TOOLS_, LINTER, PLUGIN, TEMPLATES = changes.LIBRARIES
MITRE = "external-import/mitre"
RAW = "external-import/raw"
LOOKUP = "internal-enrichment/lookup"
SIEM = "stream/siem"
CONNECTORS = {MITRE, RAW, LOOKUP, SIEM}
OF_SDK = CONNECTORS - {RAW}
EVERY = {*changes.LIBRARIES, *CONNECTORS}
NOBODY: set[str] = set()

# A small repository: the files that say what depends on what.
FILES = {
    "connectors-sdk/connectors_sdk/__init__.py": "",
    "connectors-sdk/tests/test_it.py": "import opencti_testbed\n",
    "shared/testbed/opencti_testbed/__init__.py": "",
    "shared/tools/ci/__init__.py": "",
    "shared/tools/connector_linter/__init__.py": "",
    "shared/pylint_plugins/check_stix_plugin/plugin.py": "",
    "templates/stream/src/main.py": "",
    f"{MITRE}/src/main.py": "",
    f"{MITRE}/src/requirements.txt": "connectors-sdk==0.1.0\n",
    f"{MITRE}/tests/test_it.py": "from opencti_testbed.process import TestbedProcess\n",
    f"{RAW}/src/main.py": "",
    f"{RAW}/src/requirements.txt": "requests\n",
    f"{RAW}/tests/test_it.py": "",
    f"{LOOKUP}/src/main.py": "",
    f"{LOOKUP}/pyproject.toml": "[project]\ndependencies = ['connectors-sdk @ git+https://x#subdirectory=connectors-sdk']\n",
    f"{LOOKUP}/acceptance/acceptance.yml": "",
    f"{SIEM}/src/main.py": "",
    f"{SIEM}/requirements.txt": "../../connectors-sdk\n",
}

# kind of change -> (files, projects to test, images to build, connectors whose settings are to be written anew)
KINDS: dict[str, tuple[list[str], set[str], set[str], set[str]]] = {
    "the SDK's sources": (
        ["connectors-sdk/connectors_sdk/client/retry.py"],
        {SDK, TOOLS_, LINTER, TEMPLATES, *OF_SDK},
        OF_SDK,
        OF_SDK,
    ),
    "the SDK's dependencies": (
        ["connectors-sdk/requirements.txt"],
        {SDK, TOOLS_, LINTER, TEMPLATES, *OF_SDK},
        OF_SDK,
        OF_SDK,
    ),
    "a test of the SDK": (["connectors-sdk/tests/test_it.py"], {SDK}, NOBODY, NOBODY),
    "the SDK's README": (["connectors-sdk/README.md"], {SDK}, NOBODY, NOBODY),
    "the testbed's sources": (
        ["shared/testbed/opencti_testbed/server.py"],
        {SDK, TESTBED, TOOLS_, TEMPLATES, MITRE, LOOKUP},
        NOBODY,
        NOBODY,
    ),
    "a page of the testbed": (
        ["shared/testbed/opencti_testbed/web/static/page.css"],
        {SDK, TESTBED, TOOLS_, TEMPLATES, MITRE, LOOKUP},
        NOBODY,
        NOBODY,
    ),
    "a test of the testbed": (["shared/testbed/tests/x.py"], {TESTBED}, NOBODY, NOBODY),
    "the composer": (
        ["shared/tools/composer/describe.py"],
        {TOOLS_, TEMPLATES},
        NOBODY,
        CONNECTORS,
    ),
    "a test of the tools": (["shared/tools/tests/test_x.py"], {TOOLS_}, NOBODY, NOBODY),
    "the connector linter": (
        ["shared/tools/connector_linter/checks.py"],
        {LINTER, TEMPLATES},
        NOBODY,
        NOBODY,
    ),
    "the pylint plugin": (
        ["shared/pylint_plugins/check_stix_plugin/plugin.py"],
        {PLUGIN, LINTER, TEMPLATES},
        NOBODY,
        NOBODY,
    ),
    "a template": (["templates/stream/src/main.py"], {TEMPLATES}, NOBODY, NOBODY),
    "a template's README": (["templates/README.md"], {TEMPLATES}, NOBODY, NOBODY),
    "a connector's sources": ([f"{SIEM}/src/connector/x.py"], {SIEM}, {SIEM}, {SIEM}),
    "the sources of the connector that is demonstrated": (
        [f"{MITRE}/src/connector/settings.py"],
        {MITRE, TOOLS_, LINTER},
        {MITRE},
        {MITRE},
    ),
    "a connector's requirements": (
        [f"{RAW}/src/requirements.txt"],
        {RAW},
        {RAW},
        {RAW},
    ),
    "a connector's Dockerfile": ([f"{RAW}/Dockerfile"], {RAW}, {RAW}, {RAW}),
    "a connector's manifest": (
        [f"{SIEM}/__metadata__/connector_manifest.json"],
        {SIEM},
        {SIEM},
        {SIEM},
    ),
    "a connector's tests": ([f"{LOOKUP}/tests/test_x.py"], {LOOKUP}, NOBODY, {LOOKUP}),
    "a connector's README": ([f"{LOOKUP}/README.md"], {LOOKUP}, NOBODY, {LOOKUP}),
    "a connector's samples": ([f"{MITRE}/config.yml.sample"], {MITRE}, NOBODY, {MITRE}),
    "a connector's compose file": (
        [f"{RAW}/docker-compose.yml"],
        {RAW},
        NOBODY,
        {RAW},
    ),
    "a connector's acceptance file": (
        [f"{LOOKUP}/acceptance/acceptance.yml"],
        {LOOKUP},
        NOBODY,
        {LOOKUP},
    ),
    "two connectors": (
        [f"{RAW}/src/a.py", f"{SIEM}/src/b.py"],
        {RAW, SIEM},
        {RAW, SIEM},
        {RAW, SIEM},
    ),
    "the lock": (["constraints.txt"], EVERY, CONNECTORS, NOBODY),
    "the configuration of all tests": (["conftest.py"], EVERY, CONNECTORS, NOBODY),
    "the configuration of all tools": (["pyproject.toml"], EVERY, CONNECTORS, NOBODY),
    "what images leave out": ([".dockerignore"], CONNECTORS, CONNECTORS, NOBODY),
    "the Makefile": (["Makefile"], {TOOLS_}, NOBODY, NOBODY),
    "a workflow": ([".github/workflows/ci.yml"], {TOOLS_}, NOBODY, NOBODY),
    "the guard of main": ([".ci/run"], {TOOLS_}, NOBODY, NOBODY),
    "the catalogue": (["manifest.json"], {TOOLS_}, NOBODY, NOBODY),
    "the profile of pylint": ([".pylintrc"], {PLUGIN}, NOBODY, NOBODY),
    "a guide to the SDK": (["docs/sdk/settings.md"], {SDK, TOOLS_}, NOBODY, NOBODY),
    "the page for newcomers": (
        ["docs/first-connector.md"],
        {TEMPLATES},
        NOBODY,
        NOBODY,
    ),
    "another page": (["docs/architecture.md"], NOBODY, NOBODY, NOBODY),
    "a picture": (["docs/images/overview.png"], NOBODY, NOBODY, NOBODY),
    "a page at the root": (["README.md"], NOBODY, NOBODY, NOBODY),
    "a page about a type": (["external-import/README.md"], NOBODY, NOBODY, NOBODY),
    "a benchmark": (["benchmarks/sdk_emit.py"], NOBODY, NOBODY, NOBODY),
    "a file that nobody has heard of": (["strange.cfg"], EVERY, CONNECTORS, NOBODY),
    "a folder that nobody has heard of": (["new/a.md"], EVERY, CONNECTORS, NOBODY),
    "a connector that is gone": (["stream/gone/src/main.py"], {TOOLS_}, NOBODY, NOBODY),
    "nothing": ([], NOBODY, NOBODY, NOBODY),
}


@pytest.fixture(name="tree")
def fixture_tree(tmp_path: Path) -> Path:
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_of_change_touches_these_projects(kind: str, tree: Path) -> None:
    files, tests, images, schemas = KINDS[kind]
    found = touched_by(files, known_projects(tree))
    assert set(found.tests) == tests
    assert set(found.images) == images
    assert set(found.schemas) == schemas
    assert set(found.tests.values()) <= set(files)


def test_of_every_file_of_the_repository_it_is_written_what_it_touches() -> None:
    projects = known_projects()
    files = git(ROOT, "ls-files", "-co", "--exclude-standard").splitlines()
    assert len(files) > 100
    assert [file for file in files if not changes.is_ruled(file, projects)] == []


@pytest.fixture(name="repository")
def fixture_repository(tree: Path) -> Path:
    """The small repository under git, with the real tool in it; main is one commit behind."""
    shutil.copytree(TOOLS / "ci", tree / "shared/tools/ci", dirs_exist_ok=True)
    shutil.copy(TOOLS / "__main__.py", tree / "shared/tools")
    (tree / ".gitignore").write_text("__pycache__/\nbuild/\n")
    git(tree, "init", "-q", "-b", "main")
    git(tree, "add", ".")
    git(tree, "commit", "-q", "-m", "first")
    git(tree, "checkout", "-q", "-b", "work")
    return tree


def touched_in(tree: Path, *arguments: str, **environment: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "shared/tools", "changes", "--json", *arguments],
        cwd=tree,
        env={**os.environ, "GITHUB_BASE_REF": "", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(done.stdout)["tests"])


def change(tree: Path, path: str, commit: bool = True) -> None:
    (tree / path).parent.mkdir(parents=True, exist_ok=True)
    (tree / path).write_text("# changed\n")
    if commit:
        git(tree, "add", path)
        git(tree, "commit", "-q", "-m", path)


def test_what_is_committed_staged_edited_and_new_counts(repository: Path) -> None:
    assert touched_in(repository) == NOBODY
    change(repository, f"{RAW}/src/a.py")
    assert touched_in(repository) == {RAW}
    change(repository, f"{SIEM}/src/main.py", commit=False)
    assert touched_in(repository) == {RAW, SIEM}
    git(repository, "add", ".")
    assert touched_in(repository) == {RAW, SIEM}
    change(repository, f"{LOOKUP}/src/new.py", commit=False)
    assert touched_in(repository) == {RAW, SIEM, LOOKUP}


def test_what_is_deleted_or_moved_counts_where_it_was(repository: Path) -> None:
    git(repository, "mv", f"{RAW}/tests/test_it.py", f"{SIEM}/test_it.py")
    assert touched_in(repository) == {RAW, SIEM}
    git(repository, "rm", "-q", f"{LOOKUP}/acceptance/acceptance.yml")
    assert touched_in(repository) == {RAW, SIEM, LOOKUP}


def test_names_with_spaces_and_umlauts_count(repository: Path) -> None:
    change(repository, f"{RAW}/src/über uns.py")
    assert touched_in(repository) == {RAW}


def test_what_others_did_meanwhile_does_not_count(repository: Path) -> None:
    change(repository, f"{RAW}/src/a.py")
    git(repository, "checkout", "-q", "main")
    change(repository, f"{SIEM}/src/a.py")
    git(repository, "checkout", "-q", "work")
    assert touched_in(repository) == {RAW}
    git(repository, "merge", "-q", "main", "-m", "merge")
    assert touched_in(repository) == {RAW}


def test_the_base_can_be_named(repository: Path) -> None:
    change(repository, f"{RAW}/src/a.py")
    change(repository, f"{SIEM}/src/a.py")
    assert touched_in(repository, "--base", "HEAD~1") == {SIEM}
    git(repository, "branch", "-q", "release/1")
    git(repository, "update-ref", "refs/remotes/origin/release/1", "HEAD~1")
    assert touched_in(repository, GITHUB_BASE_REF="release/1") == {SIEM}


@pytest.mark.parametrize("base", ["0" * 40, "no-such-commit"])
def test_without_a_base_everything_is_touched(base: str, repository: Path) -> None:
    assert touched_in(repository, "--base", base) == EVERY


def test_in_a_clone_without_history_everything_is_touched(
    repository: Path, tmp_path: Path
) -> None:
    change(repository, f"{RAW}/src/a.py")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "--depth=1", repository.as_uri(), str(clone))
    assert touched_in(clone) == EVERY


def test_reasons_are_told(repository: Path) -> None:
    change(repository, f"{RAW}/src/a.py")
    done = subprocess.run(
        [sys.executable, "shared/tools", "changes"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"  {RAW:40} {RAW}/src/a.py\n" in done.stdout

"""Which projects a change touches.

    python shared/tools changes [--base COMMIT] [--json]

Compares the working tree, what is not committed included, with where it parted from a base: what `--base` names, or
else the branch that a pull request goes to (`GITHUB_BASE_REF`), or else main. A project is touched when a file of its own
changed, or one that it is built on or tested with. When the base is not known (a shallow clone, a new branch),
everything is.
"""

import json
import os
import re
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

from ci.projects import CONNECTOR_FOLDERS, ROOT, connectors
from ci.requirements import uses_sdk
from ci.usage import command_line

SDK = "connectors-sdk"
TESTBED = "shared/testbed"
TOOLS = "shared/tools"
LINTER = "shared/tools/connector_linter"
PLUGIN = "shared/pylint_plugins/check_stix_plugin"
TEMPLATES = "templates"
LIBRARIES = (SDK, TESTBED, TOOLS, LINTER, PLUGIN, TEMPLATES)

# The connector that the make targets run.
DEMONSTRATED = "external-import/mitre"

EVERYTHING = "*"
NOTHING = ""
# Files outside all projects, and whose tests or images they have a say in. The first that matches counts; what
# matches none counts as everything, until somebody writes here what it touches.
RULES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("constraints.txt", (EVERYTHING,)),
    ("conftest.py", (EVERYTHING,)),
    ("pyproject.toml", (EVERYTHING,)),
    (".dockerignore", ("connectors",)),
    # The guides' examples run as tests of the SDK.
    ("docs/sdk/*.md", (SDK, TOOLS)),
    ("docs/checks/*", (TOOLS,)),
    # Its commands run as a test of the templates.
    ("docs/first-connector.md", (TEMPLATES,)),
    ("docs/*", (NOTHING,)),
    ("Makefile", (TOOLS,)),
    ("manifest.json", (TOOLS,)),
    (".github/*", (TOOLS,)),
    (".ci/*", (TOOLS,)),
    (".pre-commit-config.yaml", (TOOLS,)),
    (".pylintrc", (PLUGIN,)),
    (".flake8", (NOTHING,)),
    (".editorconfig", (NOTHING,)),
    (".gitignore", (NOTHING,)),
    (".gitattributes", (NOTHING,)),
    # What they ask for is pinned in constraints.txt.
    ("requirements-*.in", (NOTHING,)),
    ("benchmarks/*", (NOTHING,)),
    ("shared/README.md", (NOTHING,)),
    ("shared/pylint_plugins/README.md", (NOTHING,)),
    *((f"{folder}/README.md", (NOTHING,)) for folder in CONNECTOR_FOLDERS),
    # A connector that is gone, or not one yet: the catalogue no longer, or not yet, names it.
    *((f"{folder}/*/*", (TOOLS,)) for folder in CONNECTOR_FOLDERS),
    ("*.md", (NOTHING,)),
    ("LICENSE", (NOTHING,)),
)
# Of a project's files: what no other project can depend on.
_NO_SOURCES = ("tests/*", "acceptance/*", "*.md", "*.sample", "docker-compose.yml")
# And what the image of a connector is made of.
_IN_IMAGES = (
    "src/*",
    "__metadata__/*",
    "Dockerfile*",
    "entrypoint.sh",
    "connectors_sdk/*",
    "requirements.txt",
    "pyproject.toml",
)
_ALL_ZEROS = re.compile(r"^0+$")


@dataclass(frozen=True)
class Projects:
    """The projects of a repository and what they are built on.

    Attributes:
        names: Every project, its folder relative to the root.
        built_on: For each the projects whose sources are part of it.
        tested_with: For each the projects that its tests need besides.
    """

    names: tuple[str, ...]
    built_on: dict[str, frozenset[str]]
    tested_with: dict[str, frozenset[str]]

    def sources_of(self, name: str) -> frozenset[str]:
        """Return all projects whose sources are part of a project, itself included."""
        found: set[str] = set()
        waiting = [name]
        while waiting:
            current = waiting.pop()
            if current not in found:
                found.add(current)
                waiting += self.built_on.get(current, ())
        return frozenset(found)

    def is_connector(self, name: str) -> bool:
        """Say whether a project is a connector."""
        return name.startswith(tuple(f"{folder}/" for folder in CONNECTOR_FOLDERS))


@dataclass
class Touched:
    """What a change touches.

    Attributes:
        tests: Project -> why its tests are to run.
        images: Connector -> why its image is another one now.
        schemas: Connector -> why what is generated from its settings may be another text now.
    """

    tests: dict[str, str] = field(default_factory=dict)
    images: dict[str, str] = field(default_factory=dict)
    schemas: dict[str, str] = field(default_factory=dict)


def known_projects(root: Path = ROOT) -> Projects:
    """Read from the repository's files which projects there are and how they depend on each other."""
    folders = [root / name for name in LIBRARIES if (root / name).is_dir()]
    folders += connectors(root)
    names = [folder.relative_to(root).as_posix() for folder in folders]
    built_on: dict[str, frozenset[str]] = {}
    tested_with: dict[str, frozenset[str]] = {}
    for name, folder in zip(names, folders, strict=True):
        if name not in LIBRARIES and uses_sdk(folder):
            built_on[name] = frozenset({SDK})
        if (
            _mentions(folder / "tests", "opencti_testbed")
            or (folder / "acceptance").is_dir()
        ):
            tested_with[name] = frozenset({TESTBED})
    # The tools read settings with the SDK; their tests run the make targets, which start the testbed and a connector.
    built_on[TOOLS] = frozenset({SDK})
    demonstrated = {name for name in names if name == DEMONSTRATED}
    tested_with[TOOLS] = frozenset({TESTBED, *demonstrated})
    # The linter knows what the SDK's runtimes see to, and finds nothing in the connectors.
    built_on[LINTER] = frozenset({PLUGIN})
    tested_with[LINTER] = frozenset({SDK, *demonstrated})
    # What comes out of a template is checked with everything.
    tested_with[TEMPLATES] = frozenset({SDK, TESTBED, TOOLS, LINTER, PLUGIN})
    return Projects(tuple(names), built_on, tested_with)


def _mentions(folder: Path, word: str) -> bool:
    return any(
        word in file.read_text(encoding="utf-8", errors="replace")
        for file in sorted(folder.rglob("*.py"))
    )


def touched_by(files: Iterable[str], projects: Projects) -> Touched:
    """Return what changes of files touch.

    Args:
        files: Paths relative to the root, deleted ones too.
        projects: See `known_projects`.
    """
    result = Touched()
    for file in files:
        owner = owner_of(file, projects.names)
        if owner:
            _touch_project(result, file, owner, projects)
        else:
            _touch_by_rule(result, file, projects)
    return result


def everything(projects: Projects, why: str) -> Touched:
    """Return that everything is touched."""
    every = [name for name in projects.names if projects.is_connector(name)]
    return Touched(
        dict.fromkeys(projects.names, why),
        dict.fromkeys(every, why),
        dict.fromkeys(every, why),
    )


def fnmatch_any(path: str, patterns: Iterable[str]) -> bool:
    """Say whether a path matches one of several patterns, in which `*` matches `/` too."""
    return any(fnmatch(path, pattern) for pattern in patterns)


def owner_of(file: str, projects: Iterable[str]) -> str:
    """Return the project that a file is in, empty when it is in none."""
    owners = [name for name in projects if file.startswith(f"{name}/")]
    return max(owners, key=len, default="")


def _touch_project(result: Touched, file: str, owner: str, projects: Projects) -> None:
    """A project's tests and texts are its own business; its sources are also that of those built on it."""
    inside = file.removeprefix(f"{owner}/")
    is_source = owner == TEMPLATES or not fnmatch_any(inside, _NO_SOURCES)
    is_in_image = fnmatch_any(inside, _IN_IMAGES)
    for name in projects.names:
        sources = projects.sources_of(name)
        needed = {
            source
            for other in projects.tested_with.get(name, ())
            for source in projects.sources_of(other)
        }
        if name == owner or (is_source and owner in sources | needed):
            result.tests.setdefault(name, file)
        if not projects.is_connector(name):
            continue
        if is_in_image and owner in sources:
            result.images.setdefault(name, file)
        # The README is one of the generated places; the composer writes all of them.
        if name == owner or (is_source and owner in {TOOLS, *sources}):
            result.schemas.setdefault(name, file)


def _touch_by_rule(result: Touched, file: str, projects: Projects) -> None:
    for meant in _rule(file):
        for name in projects.names:
            in_every = meant == "connectors" and projects.is_connector(name)
            if meant == EVERYTHING or meant == name or in_every:
                result.tests.setdefault(name, file)
        if meant in (EVERYTHING, "connectors"):
            for name in filter(projects.is_connector, projects.names):
                result.images.setdefault(name, file)


def _rule(file: str) -> tuple[str, ...]:
    for pattern, meant in RULES:
        # `*` at the beginning means a file at the root; behind a folder it means all below.
        if fnmatch(file, pattern) and ("/" in pattern or "/" not in file):
            return meant
    return (EVERYTHING,)


def is_ruled(file: str, projects: Projects) -> bool:
    """Say whether it is written down what a file touches."""
    return bool(owner_of(file, projects.names)) or any(
        fnmatch(file, pattern) and ("/" in pattern or "/" not in file)
        for pattern, _ in RULES
    )


def changed_files(base: str = "", root: Path = ROOT) -> list[str] | None:
    """Return the files that differ from where the working tree parted from a base; None when that is not known.

    Args:
        base: A commit; default see the module's description.
        root: The repository.
    """
    start = merge_base(base, root)
    if start is None:
        return None
    listings = (
        ["diff", "--name-only", "--no-renames", "-z", start],
        ["ls-files", "--others", "--exclude-standard", "-z"],
    )
    found: set[str] = set()
    for listing in listings:
        output = _git(listing, root)
        if output is None:
            return None
        found |= set(filter(None, output.split("\0")))
    return sorted(found)


def merge_base(base: str = "", root: Path = ROOT) -> str | None:
    """Return the commit where the working tree parted from a base; None when that is not known."""
    target = os.environ.get("GITHUB_BASE_REF", "")
    candidates = [base] if base else [f"origin/{target}"] if target else []
    for candidate in candidates or ("origin/main", "main", "origin/master", "master"):
        if candidate and not _ALL_ZEROS.match(candidate):
            found = _git(["merge-base", candidate, "HEAD"], root)
            if found:
                return found.strip()
    return None


def _git(arguments: Sequence[str], root: Path) -> str | None:
    done = subprocess.run(
        ["git", *arguments],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    return done.stdout if done.returncode == 0 else None


@cache
def touched(base: str = "") -> Touched:
    """Return what the changes in this repository touch; see the module's description."""
    projects = known_projects()
    files = changed_files(base)
    if files is None:
        return everything(projects, "what to compare with is not known")
    return touched_by(files, projects)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as a program; see the module's description."""
    parser = command_line("changes", __doc__)
    parser.add_argument("--base", default="", metavar="COMMIT")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    found = touched(options.base)
    if options.json:
        print(json.dumps(vars(found), indent=2))
        return 0
    for kind, names in vars(found).items():
        print(f"{kind}:" if names else f"{kind}: nothing")
        for name, why in names.items():
            print(f"  {name:40} {why}")
    return 0

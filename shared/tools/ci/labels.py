"""Labels of issues and pull requests.

    python shared/tools labels of [--base COMMIT]
    python shared/tools labels sync

`of` prints, separated by commas, the labels of what was changed since a base. `sync` makes the repository's labels those of
`.github/labels.yml`, with GitHub's command line program `gh`; labels that are not listed stay.

Exit code: 0 done, 1 `gh` failed, 2 wrong usage.
"""

import subprocess
import sys
from collections.abc import Iterable, Sequence
from fnmatch import fnmatch

import yaml
from ci.changes import changed_files
from ci.projects import CONNECTOR_FOLDERS, ROOT
from ci.usage import command_line

LIST = ROOT / ".github" / "labels.yml"
# The first pattern that a file matches gives its label; `*` matches `/` too.
_BY_PATH = (
    *((f"{folder}/*/*", folder) for folder in CONNECTOR_FOLDERS),
    ("connectors-sdk/*", "sdk"),
    ("shared/testbed/*", "testbed"),
    ("shared/*", "tools"),
    ("templates/*", "templates"),
    ("requirements-*.in", "dependencies"),
    ("constraints.txt", "dependencies"),
    (".github/*", "ci"),
    (".ci/*", "ci"),
    ("Makefile", "ci"),
    ("docs/*", "documentation"),
    ("*.md", "documentation"),
)


def labels_of(files: Iterable[str]) -> list[str]:
    """Return the labels of a change, in the order of their names."""
    found = set()
    for file in files:
        labels = (label for pattern, label in _BY_PATH if fnmatch(file, pattern))
        found.add(next(labels, ""))
    return sorted(found - {""})


def known_labels() -> list[dict[str, str]]:
    """Return the labels of the repository: `name`, `color` (six hexadecimal digits), `description`."""
    listed: list[dict[str, str]] = yaml.safe_load(LIST.read_text(encoding="utf-8"))
    return listed


def sync() -> int:
    """Make or change the repository's labels; return an exit code."""
    for label in known_labels():
        command = ["gh", "label", "create", label["name"], "--force"]
        command += ["--color", label["color"], "--description", label["description"]]
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            print(f"{label['name']}: not written", file=sys.stderr)
            return 1
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as a program; see the module's description."""
    parser = command_line("labels", __doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("of").add_argument("--base", default="", metavar="COMMIT")
    actions.add_parser("sync")
    options = parser.parse_args(arguments)
    if options.action == "sync":
        return sync()
    print(",".join(labels_of(changed_files(options.base) or [])))
    return 0

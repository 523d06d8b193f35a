"""Write or check the manifests of connectors.

    python shared/tools manifests [CONNECTOR ...] [--all | --changed] [--check]

`__metadata__/connector_manifest.json` says what a connector is. What is missing in it is filled in from the folder (title and
texts from the README, the type from the folder above, ...); what is there stays. Then it is checked: its fields, its logo, that it
belongs to its folder, and that no other connector of the repository has the same names.

Exit code: 0 good, 1 something is wrong or, with `--check`, missing, 2 wrong usage.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ci.projects import CONNECTOR_FOLDERS
from ci.usage import add_choice, command_line
from ci.which import NotChosen, choose_connectors, display_name
from composer.manifests import rules
from composer.manifests.manifest import (
    FILE,
    UnreadableManifest,
    as_json,
    complete,
    read,
)
from composer.manifests.problems import Problem


def all_manifests(folders: Sequence[Path]) -> dict[Path, dict[str, Any]]:
    """Return the manifests of connectors by folder; those that are missing or cannot be read are left out."""
    found = {}
    for folder in folders:
        try:
            content = read(folder)
        except UnreadableManifest:
            continue
        if content:
            found[folder] = content
    return found


def neighbours(root: Path) -> list[Path]:
    """Return the folders of all connectors of a repository that have a manifest."""
    return [
        path.parents[1]
        for kind in CONNECTOR_FOLDERS
        for path in sorted((root / kind).glob(f"*/{FILE}"))
    ]


def handle(folder: Path, check: bool) -> list[Problem]:
    """Write (or check) the manifest of one connector and return what is wrong with it."""
    try:
        content = read(folder)
    except UnreadableManifest as error:
        return [Problem("", str(error))]
    wanted = complete(folder, content)
    path = folder / FILE
    text = as_json(wanted)
    current = path.read_text(encoding="utf-8") if path.is_file() else ""
    if text == current:
        return list(rules.check(folder, wanted))
    if not check:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"{display_name(folder)}: {FILE} written")
        return list(rules.check(folder, wanted))
    missing = [key for key in wanted if key not in content]
    what = f"there is no {', '.join(missing)}" if missing else "fields or format"
    words = f"not as `make connector_manifest` writes it: {what}"
    return [Problem("", words), *rules.check(folder, content)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as a program; see the module's description."""
    parser = command_line("manifests", __doc__)
    add_choice(parser, "connectors", "CONNECTOR")
    parser.add_argument("--all", action="store_true", help="every connector")
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args(arguments)
    try:
        folders = choose_connectors(
            options.connectors, options.all, options.changed, options.base
        )
    except NotChosen as error:
        print(error, file=sys.stderr)
        return 2
    problems = {folder: handle(folder, options.check) for folder in folders}
    for root in {folder.parents[1] for folder in folders}:
        manifests = all_manifests(neighbours(root))
        for folder, problem in rules.check_uniqueness(manifests):
            if folder in problems:
                problems[folder].append(problem)
    for folder, found in problems.items():
        for problem in found:
            print(f"{display_name(folder)}: {problem}")
    bad = sum(any(p.is_error for p in found) for found in problems.values())
    print(f"{len(problems)} manifests, {bad} with errors")
    return 1 if bad else 0

"""Which connectors a command is about."""

import sys
from collections.abc import Sequence
from pathlib import Path

from ci.changes import touched
from ci.projects import CONNECTOR_FOLDERS, ROOT, connectors


class NotChosen(Exception):
    """It is not clear which connector is meant; the text says what to do."""


def choose_connectors(
    names: Sequence[str], everyone: bool, changed: bool, base: str = ""
) -> list[Path]:
    """Return the folders that are meant.

    Args:
        names: Folders, anywhere, or names of connectors of this repository.
        everyone: All connectors of this repository.
        changed: Those of them that are touched by what was changed.
        base: What to compare with; see `ci.changes`.

    Raises:
        NotChosen: A name means nothing, or none was given and nobody can be asked.
    """
    if everyone:
        return list(connectors())
    if changed:
        schemas = touched(base).schemas
        return [
            folder
            for folder in connectors()
            if folder.relative_to(ROOT).as_posix() in schemas
        ]
    if names:
        return [find_connector(name) for name in names]
    return [_ask()]


def find_connector(name: str) -> Path:
    """Return the folder that a name means.

    Raises:
        NotChosen: There is none, or there are several.
    """
    for base in (Path.cwd(), ROOT):
        folder = (base / name).resolve()
        if folder.is_dir() and folder != ROOT:
            return folder
    found = [
        ROOT / kind / name
        for kind in CONNECTOR_FOLDERS
        if (ROOT / kind / name).is_dir()
    ]
    if len(found) == 1:
        return found[0]
    if found:
        shown = ", ".join(str(folder.relative_to(ROOT)) for folder in found)
        raise NotChosen(f"{name} may be each of {shown}")
    raise NotChosen(f"There is no folder {name}.")


def display_name(folder: Path) -> str:
    """Return a folder relative to the repository, or else absolute."""
    return str(folder.relative_to(ROOT) if folder.is_relative_to(ROOT) else folder)


def _ask() -> Path:
    known = list(connectors())
    if not sys.stdin.isatty():
        raise NotChosen(
            "Which connector? Name its folder: CONNECTOR=external-import/mitre"
        )
    for number, folder in enumerate(known, 1):
        print(f"{number:4}  {folder.relative_to(ROOT)}")
    answer = input("Which connector (number, name or folder)? ").strip()
    if answer.isdecimal() and 0 < int(answer) <= len(known):
        return known[int(answer) - 1]
    return find_connector(answer) if answer else _nothing()


def _nothing() -> Path:
    raise NotChosen("Nothing was chosen.")

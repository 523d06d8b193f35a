"""Finds connectors: from a folder, from a file in one, from a repository of many."""

from collections.abc import Iterator
from pathlib import Path

from connector_linter.connector import UnknownConnectorError
from connector_linter.model import ALL

TYPE_FOLDERS = tuple(type_.lower().replace("_", "-") for type_ in ALL)
# What tells a connector's folder from any other.
_MARKS = ("src", "__metadata__", "Dockerfile", "docker-compose.yml")


def is_connector(folder: Path) -> bool:
    """Tell whether a folder looks like a connector."""
    if folder.name in ("src", "tests", "__metadata__"):
        return False
    return any((folder / mark).exists() for mark in _MARKS)


def repository_of(path: Path) -> Path | None:
    """Return the repository that a path is in: the folder above it with `.git` or with the folders of connectors."""
    for folder in (path, *path.parents):
        if (folder / ".git").exists():
            return folder
        if sum((folder / name).is_dir() for name in (*TYPE_FOLDERS, "templates")) > 1:
            return folder
    return None


def connectors_at(path: Path) -> tuple[list[Path], Path | None]:
    """Return the connectors that a path means.

    Args:
        path: a connector's folder, something in it, a folder of connectors of one type, or a repository.

    Returns:
        the connectors' folders, sorted; and the file in a connector that the path names, if it is one.

    Raises:
        UnknownConnectorError: there is no connector.
    """
    path = path.resolve()
    if not path.exists():
        raise UnknownConnectorError(f"{path} does not exist")
    if path.is_dir():
        below = list(_below(path))
        if below:
            return below, None
    for folder in (path, *path.parents):
        if folder.is_dir() and is_connector(folder):
            return [folder], path if path.is_file() else None
    raise UnknownConnectorError(
        f"{path} is no connector: there is none of {', '.join(_MARKS)} in it or above it"
    )


def _below(path: Path) -> Iterator[Path]:
    """Yield the connectors of a repository or of a folder of one type."""
    if path.name in TYPE_FOLDERS and not is_connector(path):
        yield from sorted(
            one for one in path.iterdir() if one.is_dir() and is_connector(one)
        )
        return
    for name in TYPE_FOLDERS:
        folder = path / name
        if folder.is_dir() and not is_connector(folder):
            yield from sorted(
                one for one in folder.iterdir() if one.is_dir() and is_connector(one)
            )
    templates = path / "templates"
    for name in TYPE_FOLDERS:
        if is_connector(templates / name):
            yield templates / name

"""What a connector needs to be installed, as its own files say."""

import re
import tomllib
from pathlib import Path

SDK = "connectors-sdk"
_NAME = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)")


def package_name(requirement: str) -> str:
    """Return the normalised name of the package that a requirement line asks for; empty when it names none."""
    match = _NAME.match(requirement)
    return re.sub(r"[-_.]+", "-", match[1]).lower() if match else ""


def is_sdk(requirement: str) -> bool:
    """Say whether a requirement, in any spelling, is the SDK: a name, a path, a git reference."""
    named = package_name(requirement) == SDK
    return named or re.search(rf"[/=]{SDK}(?![\w-])", requirement) is not None


def connector_requirements(folder: Path) -> list[str]:
    """Return what a connector needs besides the SDK, which always comes from this repository.

    That is its `requirements.txt` (in `src`, at the root, or else the least deep one), or the dependencies of its
    `pyproject.toml`.

    Args:
        folder: The connector.
    """
    for candidate in (folder / "src", folder):
        file = candidate / "requirements.txt"
        if file.is_file():
            return read_requirements(file)
    deeper = [
        file
        for file in folder.rglob("requirements.txt")
        if not {"tests", "node_modules", ".venv"} & set(file.parts)
    ]
    if deeper:
        return read_requirements(min(deeper, key=lambda file: (len(file.parts), file)))
    listed = project_dependencies(folder / "pyproject.toml")
    return [line for line in listed if not is_sdk(line)]


def uses_sdk(folder: Path) -> bool:
    """Say whether a connector's own files ask for the SDK."""
    files = [*folder.glob("**/*requirements*.txt"), folder / "pyproject.toml"]
    return any(
        file.is_file() and SDK in file.read_text(encoding="utf-8", errors="replace")
        for file in files
    )


def project_dependencies(file: Path) -> list[str]:
    """Return the dependencies that a `pyproject.toml` lists; none when there is no such file."""
    if not file.is_file():
        return []
    project = tomllib.loads(file.read_text(encoding="utf-8")).get("project", {})
    return [str(line) for line in project.get("dependencies", [])]


def read_requirements(file: Path) -> list[str]:
    """Return the lines of a requirements file and of those it refers to, without the SDK, comments and hashes.

    Options of pip other than `-r` are left out: where packages come from is this machine's business. No file, no lines.
    """
    found: list[str] = []
    if not file.is_file():
        return found
    text = file.read_text(encoding="utf-8").replace("\\\n", " ")
    for raw in text.splitlines():
        line = re.sub(r"(^|\s)#.*", "", raw).strip()
        line = re.sub(r"\s--hash[= ]\S+", "", line).strip()
        other = re.match(r"(?:-r|--requirement)[\s=]+(.+)", line)
        if other:
            found += read_requirements(file.parent / other[1].strip())
        elif line and not line.startswith("-") and not is_sdk(line):
            found.append(line)
    return list(dict.fromkeys(found))

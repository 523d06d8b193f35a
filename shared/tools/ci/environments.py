"""Isolated environments, built with uv and kept for the next time.

An environment is named by the hash of everything that goes into it, so that it never has to be updated: other
requirements are another environment. They are in `build/environments`; `make clean` removes them.
"""

import ast
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from ci.projects import ROOT

ENVIRONMENTS = ROOT / "build" / "environments"
# What pip calls it, and the variable that tells uv the same.
_SETTINGS = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "cert": "SSL_CERT_FILE",
}
_SEPARATORS = {"UV_FIND_LINKS": ","}


class EnvironmentFailed(Exception):
    """An environment could not be built; the text is uv's own."""


def python_of(
    requirements: Sequence[str],
    *,
    paths: Sequence[Path] = (),
    constraints: Path | None = None,
) -> tuple[Path, bool]:
    """Return the interpreter of an environment that holds what is asked for.

    Args:
        requirements: Lines as in a requirements file.
        paths: Folders whose packages can be imported too, where the environment has none of the same name.
        constraints: File of versions, with hashes, that are not to be departed from.

    Returns:
        The interpreter, and whether the environment had to be built now.

    Raises:
        EnvironmentFailed: uv is not there, or cannot install.
    """
    folder = ENVIRONMENTS / _key(requirements, paths, constraints)
    python = folder / "bin" / "python"
    complete = folder / ".complete"
    ENVIRONMENTS.mkdir(parents=True, exist_ok=True)
    with _locked(folder.with_suffix(".lock")):
        if complete.exists():
            return python, False
        shutil.rmtree(folder, ignore_errors=True)
        _uv(["venv", "--quiet", "--python", sys.executable, str(folder)])
        if requirements:
            limits = ["--constraints", str(constraints)] if constraints else []
            _uv(
                ["pip", "install", "--quiet", "--python", str(python), *limits]
                + ["--requirements", "-"],
                text="\n".join(requirements),
            )
        if paths:
            variables = {"base": str(folder), "platbase": str(folder)}
            packages = Path(sysconfig.get_path("purelib", "venv", variables))
            lines = "".join(f"{path}\n" for path in paths)
            (packages / "repository.pth").write_text(lines, encoding="utf-8")
        complete.touch()
        return python, True


def _key(
    requirements: Sequence[str], paths: Sequence[Path], constraints: Path | None
) -> str:
    parts = [
        sys.version,
        sys.platform,
        *sorted(requirements),
        "paths",
        *map(str, paths),
        constraints.read_text(encoding="utf-8") if constraints else "",
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Let one process at a time build the same environment."""
    with file.open("w", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _uv(arguments: list[str], text: str = "") -> None:
    done = subprocess.run(
        [_uv_program(), *arguments],
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**_settings_of_pip(), **os.environ},
        check=False,
    )
    if done.returncode:
        raise EnvironmentFailed(done.stdout.strip())


def _uv_program() -> str:
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        raise EnvironmentFailed("uv is needed: run `make setup`, or install it")
    return found


@cache
def _settings_of_pip() -> dict[str, str]:
    """Return, as variables for uv, where pip is told to find packages: one machine, one place to say it."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    found: dict[str, str] = {}
    for line in done.stdout.splitlines():
        name, _, value = line.partition("=")
        variable = _SETTINGS.get(name.strip("':").split(".")[-1])
        if variable:
            places = str(ast.literal_eval(value)).split()
            found.setdefault(variable, _SEPARATORS.get(variable, " ").join(places))
    if found:
        # As pip does: the best version of all places.
        found["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return found

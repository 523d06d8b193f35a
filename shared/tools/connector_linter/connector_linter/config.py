"""What to check: `[tool.connector-linter]` of the nearest pyproject.toml, and what the command line says."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class ConfigError(Exception):
    """The configuration cannot be read; the message says why."""


@dataclass(frozen=True)
class Config:
    """What to check, and how.

    Attributes:
        select: codes or prefixes to check; empty for all.
        ignore: codes or prefixes to leave out.
        per_file_ignores: pattern of files, relative to the connector -> codes or prefixes to leave out in them.
        honour_noqa: whether `# noqa` switches findings off.
        only: the only file whose findings are wanted.
        root: where the templates are; the connector's repository when None.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    per_file_ignores: dict[str, list[str]] = field(default_factory=dict)
    honour_noqa: bool = True
    only: Path | None = None
    root: Path | None = None


def read(folder: Path, file: Path | None = None) -> dict[str, Any]:
    """Return the section of a configuration file.

    Args:
        folder: from where upwards a pyproject.toml is looked for.
        file: the file to read instead.

    Raises:
        ConfigError: it cannot be read, or holds something else than it should.
    """
    if file is None:
        candidates = (one / "pyproject.toml" for one in (folder, *folder.parents))
        # The nearest one decides, whether or not it has something to say.
        file = next((one for one in candidates if one.is_file()), None)
        if file is None:
            return {}
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file} cannot be read: {error}") from error
    section = content.get("tool", {}).get("connector-linter", {})
    known = {"select": list, "ignore": list, "per-file-ignores": dict}
    for name, value in section.items():
        if name not in known:
            raise ConfigError(
                f"{file}: [tool.connector-linter] has no {name}; there are {', '.join(known)}"
            )
        if not isinstance(value, known[name]):
            raise ConfigError(f"{file}: {name} must be a {known[name].__name__}")
    return dict(section)

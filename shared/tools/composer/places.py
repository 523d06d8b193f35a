"""The six places that say what can be configured, as they should be for a connector."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from composer.extract import Described
from composer.outputs import compose, config_doc, readme, samples

METADATA = "__metadata__"
SCHEMA = f"{METADATA}/connector_config_schema.json"


@dataclass(frozen=True)
class Place:
    """One file.

    Attributes:
        path: Relative to the connector.
        text: What it should hold.
        problem: Why it cannot be written, in words; empty when it can.
    """

    path: str
    text: str
    problem: str = ""


def places(described: Described) -> Iterator[Place]:
    """Yield the six files of a connector."""
    folder = described.source.folder
    settings = described.settings
    schema = json.dumps(described.schema, indent=2, ensure_ascii=False)
    yield Place(SCHEMA, f"{schema}\n")
    yield Place(
        f"{METADATA}/CONNECTOR_CONFIG_DOC.md", config_doc.render(described.schema)
    )
    yield Place(_sample_path(folder), samples.render_config_yml(settings))
    yield Place(".env.sample", samples.render_dot_env(settings))
    yield _compose(folder, described)
    yield _readme(folder, described)


def _sample_path(folder: Path) -> str:
    """Return where the sample of `config.yml` is; the SDK reads the file at both places."""
    in_src = "src/config.yml.sample"
    at_root = "config.yml.sample"
    if (folder / in_src).is_file() and not (folder / at_root).is_file():
        return in_src
    return at_root


def _compose(folder: Path, described: Described) -> Place:
    names = ("docker-compose.yml", "docker-compose.yaml", "compose.yml", "compose.yaml")
    name = next((name for name in names if (folder / name).is_file()), "")
    if not name:
        return Place(names[0], "", "there is no such file")
    text = (folder / name).read_text(encoding="utf-8")
    try:
        return Place(name, compose.render(described.settings, text, folder.name))
    except compose.NoEnvironmentBlock as error:
        return Place(name, "", str(error))


def _readme(folder: Path, described: Described) -> Place:
    if not (folder / "README.md").is_file():
        return Place("README.md", "", "there is no such file")
    text = (folder / "README.md").read_text(encoding="utf-8")
    return Place("README.md", readme.render(described.settings, text))

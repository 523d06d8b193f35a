"""From connectors' folders to what their settings classes declare."""

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ci.environments import EnvironmentFailed, python_of
from ci.projects import ROOT
from ci.requirements import connector_requirements
from composer.discover import NoSettingsClass, SettingsClass, find_settings_class

SDK = ROOT / "connectors-sdk"
_PROGRAM = Path(__file__).with_name("describe.py")
# Building an environment takes as long as the network; importing a module does not.
_IMPORT_SECONDS = 20.0


@dataclass(frozen=True)
class Setting:
    """One setting of a connector.

    Attributes:
        variable: Environment variable.
        section: Section of `config.yml`; empty for a setting outside all sections.
        key: Name in the section.
        description: What it is for.
        list_style: How a list is written as text: `comma` or `json`.
        schema: Its JSON schema; None for what is left out there.
        required: True when the connector does not start without it.
        derived: True when the connector finds a value itself if none is given.
    """

    variable: str
    section: str
    key: str
    description: str
    list_style: str
    schema: dict[str, Any] | None
    required: bool
    derived: bool = False


@dataclass(frozen=True)
class Described:
    """What a settings class declares.

    Attributes:
        source: Where the class is.
        schema: JSON schema of the environment variables.
        settings: Every setting in the order of declaration.
        environment: Empty, or why and where an isolated environment was used.
    """

    source: SettingsClass
    schema: dict[str, Any]
    settings: tuple[Setting, ...]
    environment: str = ""


@dataclass(frozen=True)
class Failed:
    """A settings class could not be read.

    Attributes:
        folder: The connector.
        reason: In words.
        absent: True when there is no settings class at all.
    """

    folder: Path
    reason: str
    absent: bool = False


def describe_all(
    folders: Iterable[Path], chosen: str = "", jobs: int = 0
) -> Iterator[Described | Failed]:
    """Read the settings classes of connectors, several at a time, and yield them as they come.

    A class is imported with the interpreter and the packages that run this. If one of the connector's own imports is not installed
    there, an environment with the connector's requirements is made (once) and used.

    Args:
        folders: The connectors.
        chosen: Name of the class, where that is not clear.
        jobs: How many at a time; default: one per processor.
    """
    jobs = jobs or os.cpu_count() or 1
    found: list[SettingsClass] = []
    for folder in folders:
        try:
            found.append(find_settings_class(folder, chosen))
        except NoSettingsClass as error:
            yield Failed(folder, str(error), absent=not chosen)
    lacking: list[tuple[SettingsClass, str]] = []
    for source, answer in _ask(Path(sys.executable), found, jobs):
        if answer.get("missing"):
            lacking.append((source, answer["missing"]))
        else:
            yield _read(source, answer)
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        futures = [pool.submit(_describe_apart, *item) for item in lacking]
        for future in as_completed(futures):
            yield future.result()


def _describe_apart(source: SettingsClass, missing: str) -> Described | Failed:
    """Read one settings class in an environment of its own."""
    why = f"it imports {missing}, which is not installed here"
    # On top of what is installed here: pydantic, and what the SDK needs.
    here = Path(sysconfig.get_path("purelib"))
    try:
        python, built = python_of(connector_requirements(source.folder), paths=[here])
    except EnvironmentFailed as error:
        reason = f"{why}, and its requirements cannot be installed: {error}"
        return Failed(source.folder, reason)
    ((_, answer),) = _ask(python, [source], 1)
    state = "built" if built else "kept from before"
    note = f"{why}: used an isolated environment ({state}: {python.parents[1].name})"
    if answer.get("missing"):
        answer["error"] += " (with the connector's requirements installed)"
    return _read(source, answer, note)


def _ask(
    python: Path, sources: Sequence[SettingsClass], jobs: int
) -> Iterator[tuple[SettingsClass, dict[str, Any]]]:
    """Let an interpreter describe settings classes."""
    if not sources:
        return
    questions = [
        {
            "id": number,
            "folder": str(source.folder),
            "file": str(source.file),
            "modules": source.modules,
            "class": source.name,
            "path": list(map(str, source.path)),
        }
        for number, source in enumerate(sources)
    ]
    command = [str(python), str(_PROGRAM), "--sdk", str(SDK), "--jobs", str(jobs)]
    # Sets come out in the same order every time.
    environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(
        [*command, "--timeout", str(_IMPORT_SECONDS)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
        encoding="utf-8",
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        json.dump(questions, process.stdin)
        process.stdin.close()
        unanswered = dict(enumerate(sources))
        for line in process.stdout:
            answer = json.loads(line)
            yield unanswered.pop(answer["id"]), answer
    for source in unanswered.values():
        yield source, {"error": f"{python} ended without an answer"}


def _read(
    source: SettingsClass, answer: dict[str, Any], note: str = ""
) -> Described | Failed:
    if "error" in answer:
        where = source.file.relative_to(source.folder)
        reason = f"{source.name} in {where} cannot be read: {answer['error']}"
        return Failed(source.folder, reason)
    described = answer["described"]
    schema = described["schema"]
    settings = tuple(
        _setting(item, schema, described["derives_id"])
        for item in described["settings"]
    )
    return Described(source, schema, settings, note)


def _setting(item: dict[str, Any], schema: dict[str, Any], derives_id: bool) -> Setting:
    own = schema["properties"].get(item["variable"])
    if own is not None:
        # A section that may be left out requires nothing: the schema knows, the single field does not.
        item = {**item, "required": item["variable"] in schema["required"]}
    derived = derives_id and item["variable"] == "CONNECTOR_ID" and item["required"]
    return Setting(
        **{**item, "required": item["required"] and not derived},
        schema=own,
        derived=derived,
    )

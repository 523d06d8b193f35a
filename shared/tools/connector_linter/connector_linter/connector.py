"""One connector as the checks see it: its files, its calls, its names."""

import ast
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from connector_linter.model import ALL
from stix_ids import Project, Source
from stix_ids.project import Class, External

if TYPE_CHECKING:
    from connector_linter.settings_facts import SettingsFacts

_SKIPPED = frozenset(
    {
        ".git",
        ".venv",
        "venv",
        ".temp_venv",
        "__pycache__",
        "node_modules",
        "build",
        "dist",
    }
)
# Folders whose Python is not the connector's own code.
_NOT_CODE = frozenset({"tests", "test", "acceptance", "demo"})
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_VARIABLE = re.compile(r"^\s*(#?)[\s-]*([A-Z][A-Z0-9_]+)\s*=\s*(.*?)\s*$")

# Runtime classes of the SDK, and the connector type that they run.
RUNTIMES = {
    "ExternalImportConnector": "EXTERNAL_IMPORT",
    "BaseDataProcessor": "EXTERNAL_IMPORT",
    "PageProcessor": "EXTERNAL_IMPORT",
    "WindowProcessor": "EXTERNAL_IMPORT",
    "InternalEnrichmentConnector": "INTERNAL_ENRICHMENT",
    "StreamConnector": "STREAM",
    "InternalImportFileConnector": "INTERNAL_IMPORT_FILE",
    "InternalExportFileConnector": "INTERNAL_EXPORT_FILE",
}


class UnknownConnectorError(Exception):
    """A folder is no connector that anything is known of; the message says why."""


@dataclass(frozen=True)
class Variable:
    """An environment variable in a sample or a compose file.

    Attributes:
        name, value: of the variable.
        path: the file.
        line: the line in it.
        active: False when it is commented out.
    """

    name: str
    value: str
    path: str
    line: int
    active: bool = True


@dataclass(frozen=True)
class Instruction:
    """One instruction of a Dockerfile: `word` in capitals, the rest on one line."""

    word: str
    rest: str
    line: int


class Connector:
    """A connector's folder.

    Args:
        folder: where it is.
        type_: its type, e.g. `EXTERNAL_IMPORT`.
        root: the repository that it is part of; templates are looked for in it.
    """

    def __init__(self, folder: Path, type_: str, root: Path | None = None) -> None:
        """Read nothing yet."""
        self.folder = folder
        self.type = type_
        self.root = root
        self.project = Project()
        self._texts: dict[str, str | None] = {}
        self.broken: dict[str, tuple[str, int]] = {}

    def forget(self) -> None:
        """Let go of everything that was read; what refers to it in circles would stay until it is searched for."""
        self.__dict__.clear()

    @property
    def name(self) -> str:
        """What image and manifest call it: its folder's name; every template is called `template`."""
        folder = self.folder
        return "template" if folder.parent.name == "templates" else folder.name

    # -- files ----------------------------------------------------------------------------------------------------

    @cached_property
    def files(self) -> list[str]:
        """Every file, relative to the folder, sorted."""
        found: list[str] = []
        waiting = [self.folder]
        while waiting:
            for path in waiting.pop().iterdir():
                if path.is_dir():
                    if path.name not in _SKIPPED and not path.is_symlink():
                        waiting.append(path)
                elif path.is_file():
                    found.append(path.relative_to(self.folder).as_posix())
        return sorted(found)

    def text(self, path: str) -> str | None:
        """Return a file's text, or None when there is none."""
        if path not in self._texts:
            file = self.folder / path
            self._texts[path] = (
                file.read_text(encoding="utf-8", errors="replace")
                if file.is_file()
                else None
            )
        return self._texts[path]

    def lines(self, path: str) -> list[str]:
        """Return a file's lines."""
        return (self.text(path) or "").splitlines()

    def first_of(self, *paths: str) -> str:
        """Return the first of some files that is there, or an empty text."""
        return next((path for path in paths if (self.folder / path).is_file()), "")

    @cached_property
    def sources(self) -> list[Source]:
        """The connector's own code, parsed; what cannot be parsed is in `broken`."""
        sources = []
        for path in self.files:
            if not path.endswith(".py") or not _NOT_CODE.isdisjoint(path.split("/")):
                continue
            file = self.folder / path
            try:
                sources.append(self.project.take(file, file.read_bytes()))
            except SyntaxError as error:
                self.broken[path] = (error.msg, error.lineno or 0)
            except (ValueError, RecursionError) as error:
                self.broken[path] = (str(error), 0)
        return sources

    def path_of(self, source: Source) -> str:
        """Return a parsed file's path, relative to the folder."""
        return source.path.relative_to(self.folder).as_posix()

    @cached_property
    def tests(self) -> list[str]:
        """The files with tests."""
        return [
            path
            for path in self.files
            if re.search(r"(^|/)tests?/", path)
            and re.search(r"(^|/)(test_[^/]*|[^/]*_test)\.py$", path)
        ]

    # -- what the code does ---------------------------------------------------------------------------------------

    @cached_property
    def _calls(self) -> dict[str, list[tuple[Source, ast.Call]]]:
        calls: dict[str, list[tuple[Source, ast.Call]]] = defaultdict(list)
        for source in self.sources:
            for call in source.of(ast.Call):
                function = call.func
                if isinstance(function, ast.Attribute):
                    calls[function.attr].append((source, call))
                elif isinstance(function, ast.Name):
                    calls[function.id].append((source, call))
        return calls

    def calls(self, *names: str) -> Iterator[tuple[Source, ast.Call]]:
        """Yield every call of a function or method of one of these names."""
        for name in names:
            yield from self._calls.get(name, ())

    @cached_property
    def _attributes(self) -> dict[str, list[tuple[Source, ast.Attribute]]]:
        attributes: dict[str, list[tuple[Source, ast.Attribute]]] = defaultdict(list)
        for source in self.sources:
            for node in source.of(ast.Attribute):
                attributes[node.attr].append((source, node))
        return attributes

    def attributes(self, *names: str) -> Iterator[tuple[Source, ast.Attribute]]:
        """Yield every use of an attribute of one of these names."""
        for name in names:
            yield from self._attributes.get(name, ())

    @cached_property
    def _strings(self) -> dict[str, list[tuple[Source, ast.Constant]]]:
        strings: dict[str, list[tuple[Source, ast.Constant]]] = defaultdict(list)
        for source in self.sources:
            for node in source.of(ast.Constant):
                if isinstance(node.value, str):
                    strings[node.value].append((source, node))
        return strings

    def strings(self, *values: str) -> Iterator[tuple[Source, ast.Constant]]:
        """Yield every text constant with one of these values."""
        for value in values:
            yield from self._strings.get(value, ())

    def strings_like(
        self, pattern: re.Pattern[str]
    ) -> Iterator[tuple[Source, ast.Constant]]:
        """Yield every text constant that a pattern matches as a whole."""
        for value, found in self._strings.items():
            if pattern.fullmatch(value):
                yield from found

    def dotted(self, source: Source, node: ast.expr) -> str:
        """Return the full name of something of another package, or an empty text."""
        return self.project.dotted(source, node)

    def mentions(self, *names: str) -> bool:
        """Tell whether the code uses a name at all: as attribute, call, keyword, import or text."""
        return any(
            self._calls.get(name)
            or self._attributes.get(name)
            or self._strings.get(name)
            or name in self._words
            for name in names
        )

    @cached_property
    def _words(self) -> set[str]:
        words: set[str] = set()
        for source in self.sources:
            words.update(node.id for node in source.of(ast.Name))
            words.update(node.arg for node in source.of(ast.keyword) if node.arg)
            words.update(node.name for node in source.of(ast.alias))
        return words

    @cached_property
    def runtimes(self) -> set[str]:
        """The connector types whose runtime of the SDK is used."""
        used = set()
        for source in self.sources:
            for node in source.of(ast.ImportFrom):
                if (node.module or "").split(".")[0] == "connectors_sdk":
                    used |= {RUNTIMES[a.name] for a in node.names if a.name in RUNTIMES}
        for _, bases in self.classes:
            for base in bases:
                package, _, name = base.rpartition(".")
                if package.startswith("connectors_sdk") and name in RUNTIMES:
                    used.add(RUNTIMES[name])
        return used

    @property
    def has_runtime(self) -> bool:
        """True when the SDK's runtime of this type does what all connectors of it have to do."""
        return self.type in self.runtimes

    def derives_from(self, class_: Class) -> list[str]:
        """Return the full names of the other packages' classes that a class derives from."""
        return [
            base.path
            for base in self.project.lineage(class_)
            if isinstance(base, External)
        ]

    @cached_property
    def classes(self) -> list[tuple[Class, list[str]]]:
        """Every class of the code, with the full names of the other packages' classes that it derives from."""
        found = []
        for source in self.sources:
            for node in source.of(ast.ClassDef):
                class_ = Class(source, node)
                found.append((class_, self.derives_from(class_)))
        return found

    @cached_property
    def settings(self) -> "SettingsFacts":
        """What the settings classes declare."""
        from connector_linter.settings_facts import SettingsFacts

        return SettingsFacts(self)

    # -- the other files ------------------------------------------------------------------------------------------

    @cached_property
    def manifest(self) -> dict[str, Any] | None:
        """`connector_manifest.json`, or None when it is not there or no JSON object."""
        try:
            content = json.loads(
                self.text("__metadata__/connector_manifest.json") or ""
            )
        except ValueError:
            return None
        return content if isinstance(content, dict) else None

    @cached_property
    def compose_path(self) -> str:
        """The compose file, or an empty text."""
        return self.first_of(
            "docker-compose.yml", "docker-compose.yaml", "compose.yml", "compose.yaml"
        )

    @cached_property
    def compose(self) -> yaml.Node | None:
        """The compose file as YAML nodes, which know their lines; None when it is not there or no YAML."""
        try:
            node: yaml.Node | None = yaml.compose(
                self.text(self.compose_path) or "", Loader=_LOADER
            )
        except yaml.YAMLError:
            return None
        return node

    def services(self) -> Iterator[tuple[str, yaml.MappingNode]]:
        """Yield the services of the compose file."""
        services = entry(self.compose, "services")
        for name, service in entries(services):
            if isinstance(service, yaml.MappingNode):
                yield name, service

    @cached_property
    def variables(self) -> list[Variable]:
        """The environment variables of the compose file and of `.env.sample`, those that are commented out included."""
        found = list(self._compose_variables())
        for path in (".env.sample", "src/.env.sample"):
            for number, line in enumerate(self.lines(path), start=1):
                match = _VARIABLE.match(line)
                if match:
                    found.append(
                        Variable(match[2], _plain(match[3]), path, number, not match[1])
                    )
        return found

    def _compose_variables(self) -> Iterator[Variable]:
        path = self.compose_path
        active = set()
        for _, service in self.services():
            environment = entry(service, "environment")
            if isinstance(environment, yaml.SequenceNode):
                for item in environment.value:
                    name, _, value = str(item.value).partition("=")
                    line = item.start_mark.line + 1
                    active.add(line)
                    yield Variable(name.strip(), value.strip(), path, line)
            for name, node in entries(environment):
                line = node.start_mark.line + 1
                active.add(line)
                yield Variable(name, str(node.value), path, line)
        for number, text in enumerate(self.lines(path), start=1):
            if number not in active:
                match = _VARIABLE.match(text) or re.match(
                    r"^\s*(#)\s*([A-Z][A-Z0-9_]+)\s*:\s*(.*?)\s*$", text
                )
                if match and match[1]:
                    yield Variable(match[2], _plain(match[3]), path, number, False)

    @cached_property
    def samples(self) -> list[str]:
        """The configuration samples that are there."""
        known = ("config.yml.sample", "src/config.yml.sample", ".env.sample")
        return [path for path in known if (self.folder / path).is_file()]

    @cached_property
    def instructions(self) -> list[Instruction]:
        """The instructions of the Dockerfile."""
        return instructions(self.text("Dockerfile") or "")

    @cached_property
    def entry(self) -> str:
        """The Python file that the container starts, or `src/main.py`, or an empty text when neither is there."""
        started = self._started()
        for text in started:
            match = re.search(r"\bpython[\d.]*\W+(?:-u\W+)?([\w./-]+\.py)\b", text)
            if match:
                name = match[1].rsplit("/", maxsplit=1)[-1]
                found = [
                    p for p in self.files if p.endswith(f"src/{name}") or p == name
                ]
                if found:
                    return found[0]
            match = re.search(r"\bpython[\d.]*\W+(?:-u\W+)?-m\W+([\w.]+)", text)
            if match:
                module = match[1].replace(".", "/")
                found = [
                    path
                    for path in self.files
                    if re.search(rf"(^|/){re.escape(module)}(/__main__)?\.py$", path)
                ]
                if found:
                    return found[0]
        return self.first_of("src/main.py", "src/__main__.py", "main.py")

    def _started(self) -> list[str]:
        """Return the commands that start the connector, the last word of the Dockerfile first."""
        commands = [
            one.rest for one in self.instructions if one.word in ("CMD", "ENTRYPOINT")
        ]
        return [*reversed(commands), self.text("entrypoint.sh") or ""]


def instructions(text: str) -> list[Instruction]:
    """Return the instructions of a Dockerfile, continued lines joined, comments left out."""
    found: list[Instruction] = []
    pending, start = "", 0
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        start = start if pending else number
        pending = f"{pending} {stripped}" if pending else stripped
        if pending.endswith("\\"):
            pending = pending[:-1].rstrip()
            continue
        word, _, rest = pending.partition(" ")
        found.append(Instruction(word.upper(), " ".join(rest.split()), start))
        pending = ""
    return found


def entry(node: yaml.Node | None, key: str) -> yaml.Node | None:
    """Return what a YAML mapping has under a key, or None."""
    return next((value for name, value in entries(node) if name == key), None)


def entries(node: yaml.Node | None) -> Iterator[tuple[str, yaml.Node]]:
    """Yield the keys and values of a YAML mapping."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                yield str(key.value), value


def _plain(value: str) -> str:
    """Return a value without quotes and without a comment behind it."""
    value = re.sub(r"\s+#.*$", "", value).strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    return value


def type_of(folder: Path) -> str:
    """Return a connector's type, from the folder that it is in, or from its manifest.

    Raises:
        UnknownConnectorError: neither tells it.
    """
    for name in (folder.parent.name, folder.name):
        type_ = name.upper().replace("-", "_")
        if type_ in ALL:
            return type_
    manifest = folder / "__metadata__" / "connector_manifest.json"
    try:
        type_ = str(json.loads(manifest.read_text(encoding="utf-8"))["container_type"])
    except (OSError, ValueError, KeyError, TypeError):
        type_ = ""
    if type_ not in ALL:
        folders = ", ".join(one.lower().replace("_", "-") for one in ALL)
        raise UnknownConnectorError(
            f"{folder}: the type of this connector is unknown: it is in none of the folders {folders}, and "
            "container_type in its __metadata__/connector_manifest.json is none of the types"
        )
    return type_

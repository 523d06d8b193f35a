"""Say what a connector's settings class declares. A program of its own, in an interpreter of its own.

    describe.py [--sdk FOLDER] [--jobs N] [--timeout SECONDS] < jobs > answers

Reads one JSON list of jobs from standard input and writes one JSON object per job, a line each, as they end. A job:

    {"id": any, "folder": "/path/of/connector", "file": "/path/of/settings.py", "modules": ["connector.settings", ...],
     "class": "ConnectorSettings", "path": ["/path/of/connector/src", ...]}

An answer repeats `id` and has either `described` (see `describe`) or `error` (text) with `missing` (name of the package that is
not installed, or null).

Each job runs in a forked process: modules of different connectors have the same names, and one that never ends is
ended. Forking after the libraries are loaded is what makes it quick. Nothing but the standard library, pydantic and,
if there is one, the SDK is needed, so that any environment's interpreter can run this file.

What runs of the connector is its settings module and what that imports. Packages are not run for the sake of a module
inside them, only when something asks them for a name. Of a main module nothing runs but its declarations.
"""

import argparse
import ast
import contextlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import re
import select
import signal
import sys
import time
import traceback
import types
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

MAIN_MODULES = ("main.py", "__main__.py")
# Variables that stay: a default taken from any other would differ from machine to machine.
_ENVIRONMENT = ("PATH", "HOME", "LANG", "TMPDIR")


class _LazyPackage(types.ModuleType):
    """A package whose `__init__` runs when the package is first asked for a name that is no module of it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__all__":
            raise AttributeError(name)
        with contextlib.suppress(ModuleNotFoundError):
            if importlib.util.find_spec(f"{self.__name__}.{name}"):
                return import_module(f"{self.__name__}.{name}")
        run = self.__dict__.pop("_run", None)
        if run is not None:
            run(self)
            if name in self.__dict__:
                return self.__dict__[name]
        raise AttributeError(f"package {self.__name__!r} has no {name!r}")


class _PackageLoader(importlib.abc.Loader):
    """Loads a package without running it."""

    def __init__(self, loader: importlib.abc.Loader) -> None:
        self._loader = loader

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return _LazyPackage(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        module.__dict__["_run"] = self._loader.exec_module


def needed_statements(tree: ast.Module, names: set[str]) -> list[ast.stmt]:
    """Return the statements of a module that some of its names depend on, in their order.

    Calls that stand alone and loops are left out: they make something happen. So is `if __name__ == "__main__"`, which
    binds nothing that a declaration needs or, if it does, does not run.

    Args:
        tree: The module.
        names: Names bound at its top level; empty means all its classes and functions.
    """
    candidates = [
        node
        for node in tree.body
        if not isinstance(node, ast.Expr | ast.While | ast.For | ast.With | ast.Delete)
    ]
    definitions = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    needed = names or {n.name for n in candidates if isinstance(n, definitions)}
    kept: set[int] = set()
    grows = True
    while grows:
        grows = False
        for node in candidates:
            if id(node) not in kept and (
                _bound(node) & needed
                or isinstance(node, ast.ImportFrom)
                and node.module == "__future__"
            ):
                kept.add(id(node))
                needed = needed | _used(node)
                grows = True
    return [node for node in candidates if id(node) in kept]


def _bound(statement: ast.stmt) -> set[str]:
    """Return the names that a statement binds in the module."""
    if isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return {statement.name}
    bound = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Import | ast.ImportFrom):
            bound |= {(a.asname or a.name).split(".")[0] for a in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
        elif isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            bound.add(node.name)
    return bound


def _used(statement: ast.stmt) -> set[str]:
    """Return the names that a statement reads; text counts too, it may be an annotation."""
    used = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Name):
            used.add(node.id)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            used |= set(re.findall(r"[A-Za-z_]\w*", node.value[:200]))
    return used


class _DeclarationsLoader(importlib.machinery.SourceFileLoader):
    """Loads a module without what it would do."""

    def __init__(self, fullname: str, path: str, names: set[str]) -> None:
        super().__init__(fullname, path)
        self._names = names

    def get_code(self, fullname: str) -> types.CodeType | None:
        """Compile the needed statements; never from the cache, which holds the whole module."""
        path = self.get_filename(fullname)
        tree = ast.parse(self.get_data(path), filename=path)
        tree.body = needed_statements(tree, self._names)
        code: types.CodeType = compile(tree, path, "exec", dont_inherit=True)
        return code


class _ConnectorFinder(importlib.abc.MetaPathFinder):
    """Finds the modules of one connector, and says how they are loaded.

    Args:
        folder: The connector.
        sliced: Modules of which only certain names are wanted.
    """

    def __init__(self, folder: Path, sliced: Mapping[str, set[str]]) -> None:
        self._folder = f"{folder}{os.sep}"
        self._sliced = sliced

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: types.ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        """Find a module as Python would; see `importlib`."""
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.origin is None or spec.loader is None:
            return spec
        if not spec.origin.startswith(self._folder) or not spec.has_location:
            return spec
        if spec.submodule_search_locations is not None:
            if spec.origin not in self._sliced:
                spec.loader = _PackageLoader(spec.loader)
        elif spec.origin in self._sliced or Path(spec.origin).name in MAIN_MODULES:
            names = self._sliced.get(spec.origin, set())
            spec.loader = _DeclarationsLoader(fullname, spec.origin, names)
        return spec


def load_class(job: dict[str, Any]) -> Any:
    """Import the settings class of a job.

    Raises:
        ImportError: The module, or one that it imports, cannot be found.
        Exception: Whatever the module raises.
    """
    folder, file, name = Path(job["folder"]), job["file"], job["class"]
    sys.path[:0] = job["path"]
    known = set(sys.modules)
    failures: list[Exception] = []
    # What cannot be imported as a whole may declare a class that can: an unused import of a package that is not
    # installed, settings read as soon as the module is imported.
    only_class = {file: {name}}
    ways: list[dict[str, set[str]]] = [{}, only_class]
    for sliced in ways[1:] if Path(file).name in MAIN_MODULES else ways:
        for module in job["modules"]:
            outcome = _try_import(module, name, _ConnectorFinder(folder, sliced))
            if not isinstance(outcome, Exception):
                return outcome
            failures.append(outcome)
            for leftover in set(sys.modules) - known:
                origin = getattr(sys.modules[leftover], "__file__", None) or ""
                if origin.startswith(f"{folder}{os.sep}"):
                    del sys.modules[leftover]
    missing = [f for f in failures if isinstance(f, ModuleNotFoundError)]
    raise missing[-1] if missing else failures[0]


def _try_import(module: str, name: str, finder: _ConnectorFinder) -> Any:
    """Return a class of a module, or the error that importing it came to."""
    sys.meta_path.insert(0, finder)
    try:
        return getattr(import_module(module), name)
    except SystemExit as error:
        failure: Exception = RuntimeError(f"importing it ends the process ({error})")
    except Exception as error:  # pylint: disable=broad-exception-caught
        failure = error
    sys.meta_path.remove(finder)
    return failure


def describe(settings: Any, connector_name: str) -> dict[str, Any]:
    """Describe a settings class.

    Args:
        settings: A subclass of the SDK's `BaseConnectorSettings`, or of pydantic's models otherwise.
        connector_name: Goes into the schema's `$id`.

    Returns:
        `schema`: JSON schema of the environment variables. `settings`: for every variable, in the order of declaration, also
        for those that the schema leaves out, `variable`, `section` (empty outside all sections), `key`, `description`,
        `required`, and `list_style` (`comma` when a list is accepted as comma-separated text, else `json`).
        `derives_id`: True when the connector starts without `CONNECTOR_ID` too, as the SDK sees to.
    """
    return {
        "schema": _schema(settings, connector_name),
        "settings": list(_settings(settings)),
        "derives_id": _derives_id(settings),
    }


def _derives_id(settings: Any) -> bool:
    try:
        from connectors_sdk import BaseConnectorSettings
    except ImportError:
        return False
    return issubclass(settings, BaseConnectorSettings)


def _schema(settings: Any, connector_name: str) -> dict[str, Any]:
    if hasattr(settings, "config_json_schema"):
        own: dict[str, Any] = settings.config_json_schema(connector_name=connector_name)
        return own
    from connectors_sdk.settings.json_schema_generator import (
        ConnectorConfigJsonSchemaGenerator,
    )

    generator = type(
        "SchemaGenerator",
        (ConnectorConfigJsonSchemaGenerator,),
        {"connector_name": connector_name},
    )
    schema: dict[str, Any] = settings.model_json_schema(
        by_alias=False, schema_generator=generator, mode="validation"
    )
    return schema


def _settings(settings: Any) -> Iterator[dict[str, Any]]:
    for name, field in settings.model_fields.items():
        section = _model_of(field.annotation)
        if section is None:
            yield _setting(settings, "", name, field)
        else:
            for key, inner in section.model_fields.items():
                yield _setting(section, name, key, inner)


def _setting(model: Any, section: str, key: str, field: Any) -> dict[str, Any]:
    return {
        "variable": f"{section}_{key}".strip("_").upper(),
        "section": section,
        "key": key,
        "description": field.description or "",
        "required": field.is_required(),
        "list_style": "comma" if _accepts_commas(model, key) else "json",
    }


def _model_of(annotation: Any) -> Any:
    """Return the model that an annotation stands for, alone or in a union; None when it is a plain value."""
    from pydantic import BaseModel

    origin = get_origin(annotation)
    if origin is None:
        is_model = isinstance(annotation, type) and issubclass(annotation, BaseModel)
        return annotation if is_model else None
    if origin in (Annotated, Union, types.UnionType):
        for part in get_args(annotation):
            model = _model_of(part)
            if model is not None:
                return model
    return None


def _accepts_commas(model: Any, key: str) -> bool:
    """Say whether a setting takes a comma-separated text, its model's own validators included."""
    from pydantic import ValidationError

    names = {key, model.model_fields[key].alias or key}
    try:
        model.__pydantic_validator__.validate_python({name: "a,b" for name in names})
    except ValidationError as error:
        # A wrong item has a place inside the list: so there is a list.
        places = [wrong["loc"] for wrong in error.errors()]
        return not any(place and place[-1] in names for place in places)
    except Exception:  # pylint: disable=broad-exception-caught
        return (
            True  # a validator of the whole model that cannot live with one value alone
        )
    return True


def _answer(job: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"described": describe(load_class(job), Path(job["folder"]).name)}
    except ModuleNotFoundError as error:
        return {"error": str(error), "missing": (error.name or "").split(".")[0]}
    except BaseException as error:  # pylint: disable=broad-exception-caught
        frames = traceback.extract_tb(error.__traceback__)
        place = next(
            (frame for frame in reversed(frames) if job["folder"] in frame.filename),
            None,
        )
        where = f" ({place.filename}, line {place.lineno})" if place else ""
        return {"error": f"{type(error).__name__}: {error}{where}", "missing": None}


def _run_child(job: dict[str, Any], channel: int) -> None:
    """Answer one job and end the process."""
    os.setpgid(0, 0)
    # What the connector prints must not end up among the answers.
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    for name in set(os.environ) - set(_ENVIRONMENT):
        del os.environ[name]
    text = json.dumps({"id": job["id"], **_answer(job)}, default=str)
    with os.fdopen(channel, "w", encoding="utf-8") as file:
        file.write(text)
    os._exit(0)


def serve(jobs: list[dict[str, Any]], workers: int, timeout: float) -> None:
    """Answer all jobs, several at a time.

    Args:
        jobs: See the module's description.
        workers: How many at a time.
        timeout: Seconds after which a job's process is killed.
    """
    waiting = list(reversed(jobs))
    running: dict[int, tuple[int, dict[str, Any], float, bytearray]] = {}
    while waiting or running:
        while waiting and len(running) < workers:
            job = waiting.pop()
            ours, theirs = os.pipe()
            pid = os.fork()
            if pid == 0:
                os.close(ours)
                _run_child(job, theirs)
            os.close(theirs)
            running[ours] = (pid, job, time.monotonic() + timeout, bytearray())
        soonest = min(deadline for _, _, deadline, _ in running.values())
        patience = max(0.0, soonest - time.monotonic())
        ready, _, _ = select.select(list(running), [], [], patience)
        for channel in ready:
            data = os.read(channel, 65536)
            running[channel][3].extend(data)
            if not data:
                _finish(running, channel, "")
        for channel, (_, _, deadline, _) in list(running.items()):
            if time.monotonic() >= deadline:
                late = f"importing it took longer than {timeout:g} s"
                _finish(running, channel, late)


def _finish(
    running: dict[int, tuple[int, dict[str, Any], float, bytearray]],
    channel: int,
    problem: str,
) -> None:
    pid, job, _, data = running.pop(channel)
    os.close(channel)
    if problem:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    text = data.decode("utf-8")
    if problem or not text:
        problem = problem or "its process ended without an answer"
        text = json.dumps({"id": job["id"], "error": problem, "missing": None})
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    """Run as a program; see the module's description."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sdk")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--timeout", type=float, default=20.0)
    options = parser.parse_args()
    # This file's own folder must not lend modules to connectors.
    sys.path[0:1] = [options.sdk] if options.sdk else []
    for library in ("pydantic", "connectors_sdk.settings.base_settings"):
        with contextlib.suppress(ImportError):
            import_module(library)
    serve(json.load(sys.stdin), options.jobs, options.timeout)


if __name__ == "__main__":
    main()

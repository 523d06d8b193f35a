"""What an expression stands for, followed through assignments, imports and the files of a code base."""

import ast
import re
import sys
from collections import OrderedDict, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

from stix_ids.source import Binding, Function, Source

# A connector's modules are read one after the other; a repository of hundreds must not stay in memory.
_FILES_KEPT = 300
# How many folders above a file its imports are looked for in: `src` or a repository's root.
_FOLDERS_ABOVE = 8
# What a file has to hold that builds STIX objects: the libraries, or dictionaries of their shape.
_BUILDS = re.compile(rb"\b(?:from|import)\s[\w., ]*\bstix2\b|\bCustomOb|spec_version")
_NOT_OURS = sys.stdlib_module_names | {"stix2", "pycti", "pydantic", "requests"}


@dataclass(frozen=True)
class External:
    """Something of another package, by its dotted name; `requests.Session().get` for what a call of it gives."""

    path: str


@dataclass(frozen=True)
class Module:
    """A file or folder of the code base that was imported."""

    path: Path


@dataclass(frozen=True)
class Class:
    """A class of the code base."""

    source: Source
    node: ast.ClassDef


@dataclass(frozen=True)
class Instance:
    """An object of a class of the code base."""

    of: Class


@dataclass(frozen=True)
class Callee:
    """A function of the code base; `bound` when its first parameter is given already."""

    source: Source
    node: Function
    bound: bool = False


@dataclass(frozen=True)
class Partial:
    """A `functools.partial` of something."""

    of: "Thing"
    source: Source
    call: ast.Call


@dataclass(frozen=True)
class Parameter:
    """What a caller gives to a function."""

    source: Source
    function: Function
    name: str


@dataclass(frozen=True)
class Value:
    """The value of an expression that is no name."""

    source: Source
    node: ast.expr


Thing: TypeAlias = (
    External | Module | Class | Instance | Callee | Partial | Parameter | Value
)


class Project:
    """The files of a code base, read when they are asked for."""

    def __init__(self) -> None:
        """Start with no file read.

        Attributes:
            generation: grows when files were forgotten; whatever refers to their trees may be forgotten too.
        """
        self._sources: OrderedDict[Path, Source | None] = OrderedDict()
        self._is_file: dict[Path, bool] = {}
        self._found: dict[tuple[Path, str], Path | None] = {}
        self._things: dict[ast.expr, tuple[Thing, ...]] = {}
        self._attributes: dict[ast.ClassDef, dict[str, list[ast.expr]]] = {}
        self._indexed: set[ast.Module] = set()
        self._builders: dict[Path, bool] = {}
        self._builds_itself: dict[Path, bool] = {}
        self._imported_by: dict[Path, list[Path]] = {}
        self._asked: set[tuple[Path, str]] = set()
        self.generation = 0

    # -- files ----------------------------------------------------------------------------------------------------

    def take(self, path: Path, content: bytes) -> Source:
        """Return a file with a content of which the disk need not know.

        Raises:
            SyntaxError: it is no Python of this interpreter's version.
            ValueError: it holds null bytes.
        """
        known = self._sources.get(path)
        if known is None or known.content != content:
            if known is not None:
                # What other files were told of its old content does not hold any more.
                self._forget()
            known = Source.parse(path, content)
            self._keep(path, known)
        return known

    def source(self, path: Path) -> Source | None:
        """Return a file of the code base, or None when it is no valid Python."""
        if path in self._sources:
            self._sources.move_to_end(path)
            return self._sources[path]
        try:
            source = Source.parse(path, path.read_bytes())
        except (OSError, SyntaxError, ValueError, RecursionError):
            source = None
        self._keep(path, source)
        return source

    def _keep(self, path: Path, source: Source | None) -> None:
        self._sources[path] = source
        if len(self._sources) > _FILES_KEPT:
            # What was worked out refers to trees; it goes with them.
            for _ in range(_FILES_KEPT // 2):
                self._sources.popitem(last=False)
            self._forget()

    def _forget(self) -> None:
        for known in (self._things, self._attributes, self._indexed):
            known.clear()
        for told in (self._builders, self._builds_itself, self._imported_by):
            told.clear()
        self.generation += 1

    def _exists(self, path: Path) -> bool:
        if path not in self._is_file:
            self._is_file[path] = path.is_file()
        return self._is_file[path]

    def _module_at(self, path: Path) -> Path | None:
        """Return the file of a module without suffix; a folder when it is a package without file."""
        for file in (path.with_name(f"{path.name}.py"), path / "__init__.py"):
            if self._exists(file):
                return file
        return path if path.is_dir() else None

    def find(self, module: str, level: int, source: Source) -> Path | None:
        """Return the file or folder that an import in a file means, or None for another package's."""
        parts = module.split(".") if module else []
        if level:
            folder = source.path.parent
            for _ in range(level - 1):
                folder = folder.parent
            return self._module_at(folder.joinpath(*parts)) if parts else folder
        if not parts or parts[0] in _NOT_OURS:
            return None
        key = (source.path.parent, module)
        if key not in self._found:
            self._found[key] = self._search(parts, source.path.parent)
        return self._found[key]

    def _search(self, parts: list[str], folder: Path) -> Path | None:
        for _ in range(_FOLDERS_ABOVE):
            found = self._module_at(folder.joinpath(*parts))
            # A folder without any Python file is no package.
            if found is not None and (found.suffix or any(found.glob("*.py"))):
                return found
            if (folder / ".git").exists() or folder == folder.parent:
                break
            folder = folder.parent
        return None

    def may_build(self, source: Source) -> bool:
        """Tell whether a file, or one that it imports, can have to do with STIX objects at all."""
        seen = {source.path}
        waiting = [source]
        while waiting:
            one = waiting.pop()
            if self._builders.get(one.path) or self._builds(one):
                self._builders[source.path] = True
                return True
            for path in self._imports(one):
                if path not in seen:
                    seen.add(path)
                    imported = self.source(path)
                    if imported is not None:
                        waiting.append(imported)
        return False

    def _builds(self, source: Source) -> bool:
        known = self._builds_itself.get(source.path)
        if known is None:
            known = _BUILDS.search(source.content) is not None
            self._builds_itself[source.path] = known
        return known

    def _imports(self, source: Source) -> list[Path]:
        """Return the files of the code base that a file imports."""
        known = self._imported_by.get(source.path)
        if known is None:
            known = self._imported_by[source.path] = list(self._find_imports(source))
        return known

    def _find_imports(self, source: Source) -> Iterator[Path]:
        for module, level, members in source.imported_modules():
            path = self.find(module, level, source)
            if path is None:
                continue
            if path.suffix:
                yield path
            if not path.suffix or path.name == "__init__.py":
                folder = path.parent if path.suffix else path
                for member in members:
                    inner = self._module_at(folder / member)
                    if inner is not None and inner.suffix:
                        yield inner

    # -- names ----------------------------------------------------------------------------------------------------

    def resolve(self, source: Source, expression: ast.expr) -> tuple[Thing, ...]:
        """Return what an expression may stand for; nothing when that cannot be told."""
        known = self._things.get(expression)
        if known is None:
            # What refers to itself stands for nothing.
            self._things[expression] = ()
            known = tuple(dict.fromkeys(self._resolve(source, expression)))
            self._things[expression] = known
        return known

    def dotted(self, source: Source, expression: ast.expr) -> str:
        """Return the full name of something of another package (`stix2.Indicator`), or an empty text."""
        for thing in self.resolve(source, expression):
            if isinstance(thing, External):
                return thing.path
        return ""

    def _resolve(self, source: Source, node: ast.expr) -> Iterator[Thing]:
        if isinstance(node, ast.Name):
            yield from self._name(source, node)
        elif isinstance(node, ast.Attribute):
            for base in self.resolve(source, node.value):
                yield from self.member(base, node.attr)
        elif isinstance(node, ast.Call):
            yield from self._call(source, node)
        elif isinstance(node, ast.Lambda):
            yield Callee(source, node)
        elif isinstance(node, ast.IfExp):
            yield from self.resolve(source, node.body)
            yield from self.resolve(source, node.orelse)
        elif isinstance(node, ast.BoolOp):
            for value in node.values:
                yield from self.resolve(source, value)
        elif isinstance(node, ast.Subscript):
            yield from self._item(source, node)
        elif isinstance(node, (ast.Dict, ast.List, ast.Tuple, ast.Constant)):
            yield Value(source, node)

    def _name(self, source: Source, node: ast.Name) -> Iterator[Thing]:
        bindings = source.lookup(node.id, node)
        for binding in bindings:
            yield from self._bound(source, node.id, binding)
        if not bindings:
            yield from self._starred(source, node.id)

    def _starred(self, source: Source, name: str) -> Iterator[Thing]:
        for module, level in source.stars:
            path = self.find(module, level, source)
            if path is not None:
                yield from self.member(Module(path), name)
            elif module:
                yield External(f"{module}.{name}")

    def _bound(self, source: Source, name: str, binding: Binding) -> Iterator[Thing]:
        node = binding.node
        if binding.is_import:
            yield from self._imported(source, binding)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield Callee(source, node)
        elif isinstance(node, ast.ClassDef):
            yield Class(source, node)
        elif isinstance(node, ast.arg):
            yield from self._parameter(source, name, node)
        elif binding.value is not None:
            things = self.resolve(source, binding.value)
            yield from things or (Value(source, binding.value),)

    def _imported(self, source: Source, binding: Binding) -> Iterator[Thing]:
        module, member = binding.module or "", binding.member
        path = self.find(module, binding.level, source)
        if path is None:
            if not binding.level:
                yield External(f"{module}.{member}" if member else module)
        elif member is None:
            yield Module(path)
        else:
            yield from self.member(Module(path), member)

    def _parameter(self, source: Source, name: str, node: ast.arg) -> Iterator[Thing]:
        function = source.taker_of(node)
        owner = source.class_of(function)
        decorators = {
            decorator.id
            for decorator in getattr(function, "decorator_list", ())
            if isinstance(decorator, ast.Name)
        }
        positional = [*function.args.posonlyargs, *function.args.args]
        if owner is not None and "staticmethod" not in decorators:
            if positional and positional[0] is node:
                class_ = Class(source, owner)
                yield class_ if "classmethod" in decorators else Instance(class_)
                return
        if node.annotation is not None:
            for thing in self.resolve(source, node.annotation):
                if isinstance(thing, Class):
                    yield Instance(thing)
                elif isinstance(thing, External):
                    yield External(f"{thing.path}()")
        yield Parameter(source, function, name)

    def _call(self, source: Source, node: ast.Call) -> Iterator[Thing]:
        if isinstance(node.func, ast.Name) and node.func.id == "super":
            method = source.function_of(node)
            owner = source.class_of(method) if method is not None else None
            if owner is not None:
                yield from self.bases(Class(source, owner), as_instances=True)
                return
        for thing in self.resolve(source, node.func):
            if isinstance(thing, Class):
                yield Instance(thing)
            elif isinstance(thing, External):
                if thing.path == "functools.partial" and node.args:
                    for inner in self.resolve(source, node.args[0]):
                        yield Partial(inner, source, node)
                else:
                    yield External(f"{thing.path}()")

    def _item(self, source: Source, node: ast.Subscript) -> Iterator[Thing]:
        """Yield what the items of a dictionary stand for: a table of classes or functions."""
        for thing in self.resolve(source, node.value):
            if isinstance(thing, Value) and isinstance(thing.node, ast.Dict):
                for value in thing.node.values:
                    yield from self.resolve(thing.source, value)

    def bases(self, class_: Class, *, as_instances: bool = False) -> Iterator[Thing]:
        """Yield what a class derives from, as classes or as objects of them."""
        for base in class_.node.bases:
            for thing in self.resolve(class_.source, base):
                if isinstance(thing, Class) and as_instances:
                    yield Instance(thing)
                else:
                    yield thing

    def lineage(self, class_: Class) -> Iterator[Class | External]:
        """Yield a class and everything it derives from, nearest first."""
        seen: set[Thing] = set()
        waiting: list[Thing] = [class_]
        while waiting:
            thing = waiting.pop(0)
            if thing in seen:
                continue
            seen.add(thing)
            if isinstance(thing, Class):
                yield thing
                waiting += self.bases(thing)
            elif isinstance(thing, External):
                yield thing

    # -- members --------------------------------------------------------------------------------------------------

    def member(self, thing: Thing, name: str) -> Iterator[Thing]:
        """Yield what an attribute of something stands for."""
        if isinstance(thing, External):
            yield External(f"{thing.path}.{name}")
        elif isinstance(thing, Module):
            yield from self._module_member(thing, name)
        elif isinstance(thing, (Class, Instance)):
            yield from self._class_member(thing, name)

    def _module_member(self, module: Module, name: str) -> Iterator[Thing]:
        # Modules may import from each other in circles.
        asked = (module.path, name)
        if asked in self._asked:
            return
        self._asked.add(asked)
        try:
            yield from list(self._find_in_module(module, name))
        finally:
            self._asked.discard(asked)

    def _find_in_module(self, module: Module, name: str) -> Iterator[Thing]:
        if module.path.suffix:
            source = self.source(module.path)
            bindings = source.module_names().get(name) if source is not None else None
            if source is not None and bindings:
                for binding in bindings:
                    yield from self._bound(source, name, binding)
                return
            if source is not None and source.stars:
                found = list(self._starred(source, name))
                if found:
                    yield from found
                    return
        if module.path.name == "__init__.py" or not module.path.suffix:
            folder = module.path.parent if module.path.suffix else module.path
            inner = self._module_at(folder / name)
            if inner is not None:
                yield Module(inner)

    def _class_member(self, thing: Class | Instance, name: str) -> Iterator[Thing]:
        start = thing.of if isinstance(thing, Instance) else thing
        for class_ in self.lineage(start):
            if isinstance(class_, External):
                yield External(f"{class_.path}.{name}")
                return
            found = list(self._own_member(class_, name, isinstance(thing, Instance)))
            if found:
                yield from found
                return

    def _own_member(self, class_: Class, name: str, bound: bool) -> Iterator[Thing]:
        source = class_.source
        for binding in source.class_names(class_.node).get(name, ()):
            for thing in self._bound(source, name, binding):
                if isinstance(thing, Callee):
                    yield self._method(thing, bound)
                else:
                    yield thing
        for value in self.attributes(class_).get(name, ()):
            yield from self.resolve(source, value) or (Value(source, value),)

    @staticmethod
    def _method(callee: Callee, bound: bool) -> Callee:
        decorators = {
            decorator.id
            for decorator in getattr(callee.node, "decorator_list", ())
            if isinstance(decorator, ast.Name)
        }
        if "staticmethod" in decorators:
            return callee
        return Callee(callee.source, callee.node, bound or "classmethod" in decorators)

    def attributes(self, class_: Class) -> dict[str, list[ast.expr]]:
        """Return what a class's methods assign to the attributes of their object."""
        if class_.source.tree not in self._indexed:
            self._indexed.add(class_.source.tree)
            self._index(class_.source)
        return self._attributes.get(class_.node, {})

    def _index(self, source: Source) -> None:
        empty = partial(defaultdict[str, list[ast.expr]], list)
        for assign in source.of(ast.Assign, ast.AnnAssign):
            if assign.value is None:
                continue
            targets = (
                assign.targets if isinstance(assign, ast.Assign) else [assign.target]
            )
            for target in targets:
                if not isinstance(target, ast.Attribute):
                    continue
                if isinstance(target.value, ast.Name) and target.value.id == "self":
                    method = source.function_of(assign)
                    owner = source.class_of(method) if method is not None else None
                    if owner is not None:
                        known = self._attributes.setdefault(owner, empty())
                        known[target.attr].append(assign.value)

    def value_of(self, source: Source, node: ast.expr) -> list[tuple[Source, ast.expr]]:
        """Return the expressions that a name or an attribute was set to, where that is known."""
        if isinstance(node, ast.Name):
            return self._values_of_name(source, node)
        if isinstance(node, ast.Attribute):
            found: list[tuple[Source, ast.expr]] = []
            for base in self.resolve(source, node.value):
                found += self._values_of_member(base, node.attr)
            return found
        return []

    def _values_of_name(
        self, source: Source, node: ast.Name
    ) -> list[tuple[Source, ast.expr]]:
        found: list[tuple[Source, ast.expr]] = []
        for binding in source.lookup(node.id, node):
            if binding.value is not None:
                found.append((source, binding.value))
            elif binding.is_import and binding.member is not None:
                path = self.find(binding.module or "", binding.level, source)
                if path is not None:
                    found += self._values_of_member(Module(path), binding.member)
        return found

    def _values_in_module(
        self, module: Module, name: str
    ) -> list[tuple[Source, ast.expr]]:
        source = self.source(module.path) if module.path.suffix else None
        asked = (module.path, f"={name}")
        if source is None or asked in self._asked:
            return []
        self._asked.add(asked)
        bindings = source.module_names().get(name, [])
        found = [(source, one.value) for one in bindings if one.value is not None]
        for binding in bindings:
            if binding.is_import and binding.member is not None:
                path = self.find(binding.module or "", binding.level, source)
                if path is not None:
                    found += self._values_in_module(Module(path), binding.member)
        self._asked.discard(asked)
        return found

    def _values_of_member(
        self, thing: Thing, name: str
    ) -> list[tuple[Source, ast.expr]]:
        if isinstance(thing, Module):
            return self._values_in_module(thing, name)
        if isinstance(thing, (Class, Instance)):
            start = thing.of if isinstance(thing, Instance) else thing
            for class_ in self.lineage(start):
                if isinstance(class_, Class):
                    bindings = class_.source.class_names(class_.node).get(name, [])
                    values = [b.value for b in bindings if b.value is not None]
                    values += self.attributes(class_).get(name, [])
                    if values:
                        return [(class_.source, value) for value in values]
        return []

"""Find a connector's settings class in its sources, without importing them."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

# The roots that make a class a settings class: the SDK's, and pydantic-settings' own.
SDK_ROOT = "BaseConnectorSettings"
PYDANTIC_ROOT = "BaseSettings"
# Where several classes qualify, the names that are used for the one that is meant.
_USUAL_NAMES = ("ConnectorSettings", "ConfigLoader", "Settings", "ConfigConnector")
_NOT_SOURCES = frozenset(
    "tests test __pycache__ node_modules build dist site-packages".split()
)
MAIN_MODULES = ("main.py", "__main__.py")


class NoSettingsClass(Exception):
    """There is none, or there are several and nothing says which is meant."""


@dataclass(frozen=True)
class SettingsClass:
    """Where a settings class is.

    Attributes:
        folder: The connector, absolute.
        file: Absolute path of the module that defines it.
        name: Its name.
        modules: The names under which that module may be imported, the likeliest first.
        path: What `sys.path` must begin with for that.
    """

    folder: Path
    file: Path
    name: str
    modules: tuple[str, ...]
    path: tuple[Path, ...]


@dataclass
class _Class:
    name: str
    file: Path
    bases: list[str]
    fields: dict[str, set[str]] = field(default_factory=dict)


@dataclass
class _Sources:
    classes: list[_Class] = field(default_factory=list)
    # Classes that are called somewhere, so that something is made of them.
    called: set[str] = field(default_factory=set)
    # Folders of modules that are started: the modules next to them are imported without any package.
    started: set[Path] = field(default_factory=set)
    imports_src: bool = False


def find_settings_class(folder: Path, chosen: str = "") -> SettingsClass:
    """Find the class that holds all settings of a connector.

    That is a subclass, direct or not, of the SDK's `BaseConnectorSettings`, else of pydantic-settings' `BaseSettings`, that
    is neither a base nor a section of another one.

    Args:
        folder: The connector.
        chosen: The class's name, where that is not clear.

    Raises:
        NoSettingsClass: With the reason.
    """
    folder = folder.resolve()
    src = folder / "src"
    sources = _read(src if src.is_dir() else folder)
    found = _choose(sources, chosen, folder)
    path = [src, folder] if src.is_dir() else [folder]
    for extra in (*sorted(sources.started), *_parents(found.file, folder)):
        if extra not in path:
            path.append(extra)
    roots = path[:2] if not sources.imports_src else path[:2][::-1]
    modules = [_module_name(found.file, root) for root in (*roots, *path[2:])]
    usable = tuple(dict.fromkeys(name for name in modules if name))
    return SettingsClass(folder, found.file, found.name, usable, tuple(path))


def source_files(folder: Path) -> list[Path]:
    """Return the Python files below a folder in order, without tests, hidden folders and environments."""
    found: list[Path] = []
    for entry in sorted(folder.iterdir()):
        if entry.is_dir():
            skip = entry.name in _NOT_SOURCES or entry.name.startswith(".")
            if not skip and not (entry / "pyvenv.cfg").exists():
                found += source_files(entry)
        elif entry.suffix == ".py" and not entry.name.startswith("test_"):
            found.append(entry)
    return found


def _read(folder: Path) -> _Sources:
    sources = _Sources()
    for file in source_files(folder):
        try:
            tree = ast.parse(file.read_bytes(), filename=str(file))
        except (SyntaxError, ValueError):
            continue
        nodes = list(ast.walk(tree))
        names = _imported_names(nodes)
        sources.classes += _classes(tree, file, names)
        if file.name in MAIN_MODULES:
            sources.started.add(file.parent)
        for node in nodes:
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                sources.called.add(names.get(node.func.id, node.func.id))
            elif isinstance(node, ast.ImportFrom) and not node.level:
                sources.imports_src |= (node.module or "").split(".")[0] == "src"
            elif isinstance(node, ast.Import):
                sources.imports_src |= any(
                    alias.name.split(".")[0] == "src" for alias in node.names
                )
    return sources


def _imported_names(nodes: list[ast.AST]) -> dict[str, str]:
    """Map the names that a module imports under another name to the real ones."""
    return {
        alias.asname: alias.name.split(".")[-1]
        for node in nodes
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname
    }


def _classes(tree: ast.Module, file: Path, names: dict[str, str]) -> Iterator[_Class]:
    blocks: list[list[ast.stmt]] = [tree.body]
    while blocks:
        for node in blocks.pop():
            if isinstance(node, ast.If | ast.Try):
                blocks += [node.body, node.orelse]
                blocks += [h.body for h in getattr(node, "handlers", [])]
            elif isinstance(node, ast.ClassDef):
                found = _Class(
                    node.name, file, [_last_name(base, names) for base in node.bases]
                )
                for item in node.body:
                    if isinstance(item, ast.AnnAssign) and isinstance(
                        item.target, ast.Name
                    ):
                        found.fields[item.target.id] = _names_in(item.annotation, names)
                yield found


def _last_name(node: ast.expr, names: dict[str, str]) -> str:
    if isinstance(node, ast.Subscript):
        return _last_name(node.value, names)
    if isinstance(node, ast.Attribute):
        return node.attr
    return names.get(node.id, node.id) if isinstance(node, ast.Name) else ""


def _names_in(annotation: ast.expr, names: dict[str, str]) -> set[str]:
    found = set()
    for node in ast.walk(annotation):
        if isinstance(node, ast.Name | ast.Attribute):
            found.add(_last_name(node, names))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value.split(".")[-1].strip())
    return found


def _choose(sources: _Sources, chosen: str, folder: Path) -> _Class:
    by_name: dict[str, list[_Class]] = {}
    for item in sources.classes:
        by_name.setdefault(item.name, []).append(item)
    for root in (SDK_ROOT, PYDANTIC_ROOT):
        family = _descendants(sources.classes, by_name, root)
        if not family:
            continue
        if chosen:
            family = [item for item in family if item.name == chosen]
        inner = {base for item in family for base in item.bases}
        inner |= {n for item in family for names in item.fields.values() for n in names}
        leaves = [item for item in family if item.name not in inner] or family
        best = _narrow(leaves, by_name, sources)
        if len(best) == 1:
            return best[0]
        if best:
            places = ", ".join(
                f"{item.name} ({item.file.relative_to(folder)})" for item in best
            )
            raise NoSettingsClass(
                f"several settings classes: {places}; name one with --class"
            )
    if chosen:
        raise NoSettingsClass(f"there is no settings class {chosen}")
    raise NoSettingsClass(
        f"there is no subclass of {SDK_ROOT} or of pydantic's {PYDANTIC_ROOT}"
    )


def _descendants(
    classes: list[_Class], by_name: dict[str, list[_Class]], root: str
) -> list[_Class]:
    def descends(item: _Class, seen: frozenset[str]) -> bool:
        for base in item.bases:
            if base == root and base not in by_name:
                return True
            if base not in seen and any(
                descends(parent, seen | {base}) for parent in by_name.get(base, ())
            ):
                return True
        return False

    return [item for item in classes if descends(item, frozenset({item.name}))]


def _narrow(
    leaves: list[_Class], by_name: dict[str, list[_Class]], sources: _Sources
) -> list[_Class]:
    """Keep those that look like the class that is meant, by one sign after the other while several are left."""

    def fields(item: _Class, seen: frozenset[str]) -> set[str]:
        own = set(item.fields)
        for base in set(item.bases) - seen:
            for parent in by_name.get(base, ()):
                own |= fields(parent, seen | {base})
        return own

    def has_sections(item: _Class) -> bool:
        return bool({"connector", "opencti"} & fields(item, frozenset({item.name})))

    signs = (
        has_sections,
        lambda item: item.name in sources.called,
        lambda item: item.name in _USUAL_NAMES,
        lambda item: item.name == _USUAL_NAMES[0],
        lambda item: item.name == _USUAL_NAMES[1],
    )
    for sign in signs:
        if len(leaves) > 1:
            leaves = [item for item in leaves if sign(item)] or leaves
    return leaves


def _parents(file: Path, folder: Path) -> list[Path]:
    """Return the folders between a connector and a file in it, the outermost first."""
    inside = [parent for parent in file.parents if parent.is_relative_to(folder)]
    return inside[::-1]


def _module_name(file: Path, root: Path) -> str:
    """Return a file's module name as seen from a folder; empty when it has none."""
    if not file.is_relative_to(root):
        return ""
    parts = list(file.relative_to(root).with_suffix("").parts)
    if parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts) if all(part.isidentifier() for part in parts) else ""

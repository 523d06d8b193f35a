"""Write the reference of the SDK from its docstrings.

    sdk_reference.py [--check]

Reads the sources of `connectors-sdk` (nothing is imported) and writes one Markdown page for each part of it into
`docs/sdk/reference`. With `--check` nothing is written; pages that differ are named.

Exit code: 0 the pages are as the docstrings say, 1 they differ (`--check`), 2 wrong usage.
"""

import argparse
import ast
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import griffe

ROOT = Path(__file__).resolve().parents[3]
PAGES = ROOT / "docs" / "sdk" / "reference"
PACKAGE = "connectors_sdk"
# page -> (title, modules whose public names it lists)
PARTS = {
    "settings": (
        "Settings",
        (
            "settings.base_settings",
            "settings.annotated_types",
            "settings.deprecations",
            "settings.exceptions",
            "settings.json_schema_generator",
            "settings.helper_variables",
        ),
    ),
    "models": ("Models", ()),
    "bundles": (
        "Bundles",
        ("bundles.builder", "bundles.bundle", "bundles.errors", "bundles._merge"),
    ),
    "connectors": (
        "Runtime",
        (
            "connectors.main",
            "connectors.exit_codes",
            "connectors.external_import.external_import_connector",
            "connectors.external_import.base_data_processor",
            "connectors.external_import._work_manager",
            "connectors.external_import.logger",
            "connectors.run_report",
        ),
    ),
    "client": (
        "HTTP client",
        (
            "client.base_client_api",
            "client.request_api",
            "client.paging_api",
            "client.transfer_api",
            "client.rate_limit",
            "client.quota",
            "client.retry",
            "client.stream",
            "client.download",
            "client.conditional",
            "client.paginate",
            "client.records",
            "client.links",
            "client.redact",
            "client.exceptions",
        ),
    ),
    "state": ("State", ("states.states", "states._base_state")),
    "exceptions": (
        "Exceptions and warnings",
        ("exceptions.error", "exceptions.warning"),
    ),
    "testing": (
        "Test support",
        (
            "testing._settings",
            "testing._run",
            "testing._recording_helper",
            "testing._canned_server",
            "testing.pytest_plugin",
        ),
    ),
}
# Names with one underscore that a connector calls or overrides are part of the interface of these classes.
_FOR_SUBCLASSES = {"BaseClientApi", "PagingApi", "TransferApi", "RequestApi"}
_NOTE = "<!-- Written by `make docs` from the docstrings. Do not edit. -->"


def _paragraph(text: str) -> str:
    """Return text as Markdown: indented examples as code."""
    lines: list[str] = []
    code = False
    for line in text.strip().splitlines():
        indented = line.startswith("    ")
        if indented and not code and (not lines or not lines[-1]):
            lines.append("```python")
            code = True
        elif code and line and not indented:
            while lines and not lines[-1]:
                lines.pop()
            lines += ["```", ""]
            code = False
        lines.append(line[4:] if code else line)
    if code:
        lines.append("```")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _entries(title: str, entries: Iterable[tuple[str, str]]) -> Iterator[str]:
    yield f"**{title}**"
    yield ""
    for name, description in entries:
        label = f"`{name}`: " if name else ""
        yield f"- {label}{' '.join(description.split())}"
    yield ""


def _docstring(item: griffe.Object) -> Iterator[str]:
    """Yield the docstring of a class or function, section by section."""
    if item.docstring is None:
        return
    for section in item.docstring.parse("google", warnings=False):
        value: Any = section.value
        kind = section.kind.value
        if kind == "text":
            yield from (_paragraph(value), "")
        elif kind in ("parameters", "attributes", "raises", "warns"):
            title = {"parameters": "Arguments"}.get(kind, kind.capitalize())
            named = [
                (
                    (
                        entry.name
                        if kind in ("parameters", "attributes")
                        else str(entry.annotation or "")
                    ),
                    entry.description,
                )
                for entry in value
            ]
            yield from _entries(title, named)
        elif kind in ("returns", "yields"):
            yield from _entries(
                kind.capitalize(), [("", entry.description) for entry in value]
            )
        elif kind == "admonition":
            yield f"**{value.kind.capitalize()}**: {' '.join(value.contents.split())}"
            yield ""
        elif kind == "examples":
            yield "**Example**"
            yield ""
            yield "```python"
            for _, text in value:
                yield text
            yield "```"
            yield ""


def _signature(function: griffe.Function) -> str:
    shown = []
    star = False
    for parameter in function.parameters:
        if parameter.name in ("self", "cls") and function.parent is not None:
            if function.parent.is_class:
                continue
        kind = parameter.kind.value if parameter.kind else ""
        if kind == "keyword-only" and not star:
            shown.append("*")
            star = True
        star = star or kind == "variadic positional"
        prefix = {"variadic positional": "*", "variadic keyword": "**"}.get(kind, "")
        default = (
            f"={parameter.default}"
            if parameter.default is not None and not prefix
            else ""
        )
        shown.append(f"{prefix}{parameter.name}{default}")
    returns = f" -> {function.returns}" if function.returns is not None else ""
    return f"{function.name}({', '.join(shown)}){returns}"


def _is_listed(name: str, owner: str) -> bool:
    if name.startswith("__"):
        return name in ("__init__", "__call__")
    return not name.startswith("_") or owner in _FOR_SUBCLASSES


def _function(function: griffe.Function, level: str) -> Iterator[str]:
    if function.docstring is None:
        return
    yield f"{level} `{_signature(function)}`"
    yield ""
    yield from _docstring(function)


def _class(kind: griffe.Class) -> Iterator[str]:
    bases = ", ".join(str(base).rsplit(".", maxsplit=1)[-1] for base in kind.bases)
    yield f"## `{kind.name}`"
    yield ""
    if bases:
        yield f"Base: `{bases}`"
        yield ""
    yield from _docstring(kind)
    for member in kind.members.values():
        if member.is_alias or not _is_listed(member.name, kind.name):
            continue
        if isinstance(member, griffe.Function):
            yield from _function(member, "###")
        elif isinstance(member, griffe.Attribute) and "property" in member.labels:
            yield f"### `{member.name}`"
            yield ""
            yield from _docstring(member)


def _module_page(package: griffe.Module, title: str, modules: Iterable[str]) -> str:
    lines = [_NOTE, "", f"# {title}", ""]
    for path in modules:
        module = package[path]
        lines += [f"Module `{PACKAGE}.{path}`", ""]
        if module.docstring is not None:
            lines += [_paragraph(module.docstring.value), ""]
        for member in module.members.values():
            if member.is_alias or member.name.startswith("_"):
                continue
            if isinstance(member, griffe.Class):
                lines += _class(member)
            elif isinstance(member, griffe.Function):
                lines += _function(member, "##")
    return "\n".join(lines).rstrip() + "\n"


def _bases(kind: griffe.Class) -> list[griffe.Class]:
    return [base for base in kind.mro() if base.path.startswith(PACKAGE)]


def _fields(kind: griffe.Class) -> dict[str, tuple[griffe.Attribute, str]]:
    """Return the fields that a class declares itself, each with its description."""
    described: dict[str, str] = {}
    for owner in reversed((kind, *_bases(kind))):
        if owner.docstring is None:
            continue
        for section in owner.docstring.parse("google", warnings=False):
            if section.kind.value == "attributes":
                described |= {entry.name: entry.description for entry in section.value}
    return {
        name: (member, described.get(name, ""))
        for name, member in kind.members.items()
        if isinstance(member, griffe.Attribute)
        and not name.startswith("_")
        and member.annotation is not None
        and "property" not in member.labels
    }


def _is_required(field: griffe.Attribute) -> bool:
    value = str(field.value) if field.value is not None else ""
    return not value or (value.startswith("Field(") and "default" not in value)


def _field_table(kind: griffe.Class) -> Iterator[str]:
    keys: dict[str, str] = {}
    for owner in reversed((kind, *_bases(kind))):
        attribute = owner.members.get("_stix_keys")
        if isinstance(attribute, griffe.Attribute) and attribute.value is not None:
            keys |= ast.literal_eval(str(attribute.value))
    rows = []
    common = {"BaseDomainEntity", "BaseObservableEntity", "BaseIdentifiedEntity"}
    chain = [
        base
        for base in reversed(_bases(kind))
        if base.name not in common and base.name != "BaseObject"
    ]
    for owner in (*chain, kind):
        for name, (field, description) in _fields(owner).items():
            key = keys.get(name, name)
            shown = f"`{key}`" if key != name else ""
            must = " (required)" if _is_required(field) else ""
            rows.append(
                f"| `{name}` | `{_cell(str(field.annotation).strip(chr(34)))}` | "
                f"{_cell(description)}{must} | {shown} |"
            )
    if rows:
        yield "| field | type | meaning | STIX |"
        yield "| --- | --- | --- | --- |"
        yield from rows
        yield ""


def _summary(kind: griffe.Class) -> Iterator[str]:
    if kind.docstring is not None:
        for section in kind.docstring.parse("google", warnings=False):
            if section.kind.value == "text":
                yield from (_paragraph(section.value), "")


def _models_page(package: griffe.Module) -> str:
    models = package["models"]
    bases, groups = _sorted_models(models)
    lines = [
        _NOTE,
        "",
        "# Models",
        "",
        "From `connectors_sdk.models`. The last column names the STIX property where it is not called like the field.",
        "",
        "## What they have in common",
        "",
    ]
    for kind in bases:
        lines += [f"### `{kind.name}`", "", *_docstring(kind), *_methods(kind)]
    for title, kinds in groups.items():
        lines += [f"## {title}", ""]
        for kind in sorted(kinds, key=lambda kind: kind.name):
            lines += [f"### `{kind.name}`", "", *_summary(kind), *_field_table(kind)]
            lines += _methods(kind, besides=("to_stix_dict", "to_stix2_object"))
    for path in ("patterns", "relationships"):
        module = models[path]
        lines += [f"## Module `{PACKAGE}.models.{path}`", ""]
        lines += [_paragraph(module.docstring.value), ""]
        lines += _methods(module, level="###")
    return "\n".join([*lines, *_vocabularies(models["enums"])]).rstrip() + "\n"


def _sorted_models(
    models: griffe.Module,
) -> tuple[list[griffe.Class], dict[str, list[griffe.Class]]]:
    """Return the base classes, and the others by the title they stand under."""
    bases: list[griffe.Class] = []
    entities, observables, parts = (
        "Entities, relationships and markings",
        "Observables",
        "Parts of other objects",
    )
    groups: dict[str, list[griffe.Class]] = {entities: [], observables: [], parts: []}
    for module in sorted(models.modules.values(), key=lambda module: module.name):
        if module.name.startswith("_") or module.name == "octi":
            continue
        for kind in module.members.values():
            if not isinstance(kind, griffe.Class) or kind.name.startswith("_"):
                continue
            lineage = {base.name for base in _bases(kind)}
            if module.name.startswith("base_"):
                if kind.name not in ("NamedEntity", "BaseAuthorEntity"):
                    bases.append(kind)
            elif "BaseObservableEntity" in lineage:
                groups[observables].append(kind)
            elif "BaseIdentifiedObject" in lineage:
                groups[entities].append(kind)
            elif "BaseObject" in lineage or kind.name == "Reference":
                groups[parts].append(kind)
    return bases, groups


def _methods(
    owner: griffe.Class | griffe.Module,
    *,
    besides: tuple[str, ...] = (),
    level: str = "####",
) -> Iterator[str]:
    for member in owner.members.values():
        if isinstance(member, griffe.Function) and _is_listed(member.name, ""):
            if member.name not in besides:
                yield from _function(member, level)


def _vocabularies(module: griffe.Module) -> Iterator[str]:
    yield from ("## Vocabularies", "", "From `connectors_sdk.models.enums`.", "")
    yield from ("| name | values |", "| --- | --- |")
    for kind in module.members.values():
        if not isinstance(kind, griffe.Class) or kind.name == "OpenEnum":
            continue
        values = ", ".join(
            str(member.value).strip("'\"")
            for member in kind.members.values()
            if isinstance(member, griffe.Attribute) and member.value is not None
        )
        strict = "" if "OpenEnum" in map(str, kind.bases) else " (strict)"
        yield f"| `{kind.name}`{strict} | {_cell(values)} |"


def build() -> dict[str, str]:
    """Return the pages by file name."""
    package = griffe.load(
        PACKAGE,
        search_paths=[str(ROOT / "connectors-sdk")],
        allow_inspection=False,
        resolve_aliases=True,
        resolve_external=False,
    )
    if not isinstance(package, griffe.Module):
        raise SystemExit(f"{PACKAGE} is no package")
    pages = {
        f"{page}.md": (
            _module_page(package, title, modules) if modules else _models_page(package)
        )
        for page, (title, modules) in PARTS.items()
    }
    index = [_NOTE, "", "# Reference of the SDK", ""]
    index += [f"- [{title}]({page}.md)" for page, (title, _) in PARTS.items()]
    pages["README.md"] = "\n".join(index) + "\n"
    return pages


def main(arguments: list[str] | None = None) -> int:
    """Write or check the pages; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args(arguments)
    pages = build()
    PAGES.mkdir(parents=True, exist_ok=True)
    known = {path.name for path in PAGES.glob("*.md")}
    differing = sorted(known - set(pages))
    for name, text in pages.items():
        path = PAGES / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            differing.append(name)
            if not options.check:
                path.write_text(text, encoding="utf-8")
    if not options.check:
        for name in known - set(pages):
            (PAGES / name).unlink()
        print(f"{len(pages)} pages, {len(differing)} of them changed")
        return 0
    for name in differing:
        print(
            f"docs/sdk/reference/{name} is not what the docstrings say: run `make docs`"
        )
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())

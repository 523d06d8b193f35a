"""VC3: what is sent, and how it is built."""

import ast
import re
from collections.abc import Iterator

from connector_linter.connector import Connector
from connector_linter.model import (
    EXTERNAL_IMPORT,
    INTERNAL_ENRICHMENT,
    INTERNAL_IMPORT_FILE,
    Problem,
    Severity,
    check,
)
from connector_linter.syntax import (
    at,
    constant,
    keyword,
    last_name,
    text,
    unpacks,
)
from stix_ids import Checker, Source

_SENDING = (EXTERNAL_IMPORT, INTERNAL_ENRICHMENT, INTERNAL_IMPORT_FILE)
_AUTHORS = ("OrganizationAuthor", "BaseAuthorEntity", "Identity")
_AUTHOR_KEYS = ("created_by_ref", "x_opencti_created_by_ref", "author")
_MARKINGS = (
    "object_marking_refs",
    "x_opencti_object_marking_refs",
    "markings",
    "TLPMarking",
    "objectMarking",
)
_CONVERTER = "src/connector/converter_to_stix.py"


def _runtime_enriches(connector: Connector) -> bool:
    """Tell whether the SDK's runtime gives an author and markings to every finding that has none."""
    return connector.has_runtime and connector.type == INTERNAL_ENRICHMENT


def _runtime_names_author(connector: Connector) -> bool:
    """Tell whether the SDK's runtime names an author: of files the one that the connector has as `author`."""
    if not connector.has_runtime or connector.type != INTERNAL_IMPORT_FILE:
        return _runtime_enriches(connector)
    return any(
        node.id == "author" and isinstance(node.ctx, ast.Store)
        for source in connector.sources
        for node in source.of(ast.Name)
    ) or any(
        isinstance(node.ctx, ast.Store) for _, node in connector.attributes("author")
    )


@check(
    "VC301",
    "author-defined",
    Severity.ERROR,
    _SENDING,
    what="The connector defines an author.",
    why="Without one nobody can tell in OpenCTI where the knowledge is from, or filter by it.",
    fix="Create one `OrganizationAuthor(name=…)` (SDK) or `stix2.Identity(…)` and send it with every bundle.",
    bad={_CONVERTER: "def convert(row):\n    return []\n"},
    good={
        _CONVERTER: "from connectors_sdk.models import OrganizationAuthor\n\nAUTHOR = OrganizationAuthor(name='ACME')\n"
    },
)
def author_defined(connector: Connector) -> Iterator[Problem]:
    """Report a connector without any author."""
    if _runtime_enriches(connector) or any(True for _ in connector.calls(*_AUTHORS)):
        return
    if any(True for _ in connector.attributes(*_AUTHORS)) or connector.mentions(
        "identity"
    ):
        return
    if any(
        base.rpartition(".")[2] in _AUTHORS
        for _, bases in connector.classes
        for base in bases
    ):
        return
    yield Problem("no author is defined")


@check(
    "VC302",
    "author-referenced-on-entities",
    Severity.ERROR,
    _SENDING,
    what="What is sent names its author.",
    why="An author that nothing refers to says nothing.",
    fix="Give entities `author=` (SDK), `created_by_ref=` (stix2) or, observables, `x_opencti_created_by_ref`.",
    bad={
        _CONVERTER: "from connectors_sdk.models import Malware\n\n\ndef convert(row):\n    return Malware(name=row)\n"
    },
    good={
        _CONVERTER: "from connectors_sdk.models import Malware, OrganizationAuthor\n\n"
        "AUTHOR = OrganizationAuthor(name='ACME')\n\n\n"
        "def convert(row):\n    return Malware(name=row, author=AUTHOR)\n"
    },
)
def author_referenced_on_entities(connector: Connector) -> Iterator[Problem]:
    """Report a connector of which nothing refers to an author."""
    if _runtime_names_author(connector):
        return
    for source in connector.sources:
        if any(node.arg in _AUTHOR_KEYS for node in source.of(ast.keyword)):
            return
    if not any(True for _ in connector.strings(*_AUTHOR_KEYS)):
        yield Problem("nothing that is sent names its author")


@check(
    "VC310",
    "external-references-not-default",
    Severity.ERROR,
    what="External references are about the object that carries them.",
    why="One link to the vendor on every object makes the references of all of them worthless.",
    fix="Leave the general reference to the author, and give others the page that is about them.",
    bad={
        _CONVERTER: "import stix2\n\n\nclass Converter:\n    def malware(self, name):\n"
        "        return stix2.Malware(  # <- VC310\n"
        "            name=name, is_family=True, external_references=self.external_references\n        )\n"
    },
    good={
        _CONVERTER: "import stix2\n\n\nclass Converter:\n    def author(self, name):\n"
        "        return stix2.Identity(name=name, external_references=self.external_references)\n"
    },
)
def external_references_not_default(connector: Connector) -> Iterator[Problem]:
    """Report the converter's own reference on objects that are no author."""
    shared = {"external_reference", "external_references"}
    for source in connector.sources:
        for argument in source.of(ast.keyword):
            if argument.arg != "external_references":
                continue
            if not _is_shared(argument.value, shared):
                continue
            call = source.parents[argument]
            if isinstance(call, ast.Call) and last_name(call.func) not in _AUTHORS:
                message = (
                    "the converter's own external reference is put on every object"
                )
                yield at(connector, source, call, message)


def _is_shared(value: ast.expr, names: set[str]) -> bool:
    items = value.elts if isinstance(value, (ast.List, ast.Tuple)) else [value]
    return any(
        isinstance(item, ast.Attribute)
        and item.attr in names
        and isinstance(item.value, ast.Name)
        and item.value.id == "self"
        for item in items
    )


@check(
    "VC311",
    "tlp-markings-on-entities",
    Severity.WARNING,
    (EXTERNAL_IMPORT, INTERNAL_ENRICHMENT),
    what="What is sent is marked, paid knowledge amber or red by default, free knowledge clear.",
    why="Unmarked objects are open to everybody, and wrongly marked ones leak what was paid for or hide what is free.",
    fix="Give entities a marking from a setting whose default fits the licence in the manifest.",
    bad={
        "src/connector/settings.py": "from connectors_sdk import BaseConfigModel, BaseConnectorSettings\n"
        "from pydantic import Field\n\n\n"
        "class SampleConfig(BaseConfigModel):\n    tlp_level: str = Field(default='red')  # <- VC311\n\n\n"
        "class ConnectorSettings(BaseConnectorSettings):\n    sample: SampleConfig\n"
    },
    good={
        "src/connector/settings.py": "from connectors_sdk import BaseConfigModel, BaseConnectorSettings\n"
        "from pydantic import Field\n\n\n"
        "class SampleConfig(BaseConfigModel):\n    tlp_level: str = Field(default='clear')\n\n\n"
        "class ConnectorSettings(BaseConnectorSettings):\n    sample: SampleConfig\n"
    },
)
def tlp_markings_on_entities(connector: Connector) -> Iterator[Problem]:
    """Report a connector that marks nothing, and defaults that contradict the licence."""
    if not connector.mentions(*_MARKINGS) and not _runtime_enriches(connector):
        yield Problem("nothing that is sent is marked")
    licence = (connector.manifest or {}).get("license_type")
    for setting in connector.settings.all:
        if not re.fullmatch(r"(default_)?tlp(_level|_marking)?", setting.name):
            continue
        level = text(setting.default).lower().removeprefix("tlp:").removeprefix("tlp_")
        if licence == "Commercial" and level in ("clear", "white"):
            message = f"a paid source is marked {level} by default"
            yield at(connector, setting.source, setting.node, message)
        if licence == "Free" and level in ("amber", "amber+strict", "red"):
            message = f"a free source is marked {level} by default"
            yield at(connector, setting.source, setting.node, message)


@check(
    "VC313",
    "pycti-generate-id",
    Severity.ERROR,
    what="Every STIX object has an id that is the same on every run.",
    why="With a random id every run makes a new object; with another type's or other values' id two things become one.",
    fix="Use the SDK's models, or the `generate_id` of pycti that the message names.",
    bad={
        _CONVERTER: "import stix2\n\n\ndef convert(pattern):\n"
        "    return stix2.Indicator(pattern=pattern, pattern_type='stix')  # <- VC313\n"
    },
    good={
        _CONVERTER: "import pycti\nimport stix2\n\n\ndef convert(pattern):\n"
        "    return stix2.Indicator(\n"
        "        id=pycti.Indicator.generate_id(pattern), pattern=pattern, pattern_type='stix'\n    )\n"
    },
)
def pycti_generate_id(connector: Connector) -> Iterator[Problem]:
    """Report what the pylint plugin reports as W9101."""
    checker = Checker(connector.project)
    for source in connector.sources:
        for finding in checker.check(source):
            yield Problem(finding.message, connector.path_of(source), finding.line)


@check(
    "VC324",
    "relationship-start-stop-time",
    Severity.WARNING,
    what="A relationship has no start and stop time, unless the source's own relationship says both.",
    why="Both are part of its id: when one moves with every sighting, every run makes a new relationship.",
    fix="Leave `stop_time` out, or put first and last seen on the objects.",
    bad={
        _CONVERTER: "from connectors_sdk.models import Relationship\n\n\ndef relate(row, source, target):\n"
        "    return Relationship(  # <- VC324\n"
        "        type='uses', source=source, target=target, start_time=row.first_seen, stop_time=row.last_seen\n    )\n"
    },
    good={
        _CONVERTER: "from connectors_sdk.models import Relationship\n\n\ndef relate(row, source, target):\n"
        "    return Relationship(\n"
        "        type='uses', source=source, target=target, start_time=row.start_time, stop_time=row.stop_time\n    )\n"
    },
)
def relationship_start_stop_time(connector: Connector) -> Iterator[Problem]:
    """Report relationships with both times, where the source's record is no relationship itself."""
    for source, call in connector.calls("Relationship"):
        times = {name: keyword(call, name) for name in ("start_time", "stop_time")}
        if any(value is None or _is_none(value) for value in times.values()):
            continue
        if not all(_is_entry(value, name) for name, value in times.items()):
            message = "start and stop time are part of the relationship's id"
            yield at(connector, source, call, message)


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_entry(node: ast.expr | None, name: str) -> bool:
    """Tell whether a value is the entry of this name of a record."""
    if isinstance(node, ast.Attribute):
        return node.attr == name
    if isinstance(node, ast.Subscript):
        return constant(node.slice) == name
    if isinstance(node, ast.Call) and last_name(node.func) == "get" and node.args:
        return constant(node.args[0]) == name
    return False


# -- patterns -----------------------------------------------------------------------------------------------------

# A comparison with a quoted placeholder, in a text whose placeholders are numbered between null characters.
_PATTERN = re.compile(r"\[\s*[a-z0-9\0-]+:[^\]]*", re.DOTALL)
_COMPARED = re.compile(r"(?:=|LIKE|MATCHES|[(,])\s*'[^'\0]*\0(\d+)\0")
_SAFE_NAME = re.compile(r"escap|quot|sanit|safe", re.IGNORECASE)
_SAFE_CALLS = frozenset(
    "int float len round bool hexdigest ip_address ip_network ip_interface uuid4 uuid5 UUID".split()
)


@check(
    "VC704",
    "escaped-patterns",
    Severity.ERROR,
    what="A value that is put into a STIX pattern is escaped.",
    why="A quote or backslash in it ends the comparison: the pattern is invalid, or says something else.",
    fix="Build patterns with `connectors_sdk.models.patterns`, or escape backslashes and quotes first.",
    bad={
        _CONVERTER: "def pattern(value):\n    return f\"[domain-name:value = '{value}']\"  # <- VC704\n"
    },
    good={
        _CONVERTER: "def pattern(value):\n"
        '    escaped = value.replace("\\\\", "\\\\\\\\").replace("\'", "\\\\\'")\n'
        "    return f\"[domain-name:value = '{escaped}']\"\n"
    },
)
def escaped_patterns(connector: Connector) -> Iterator[Problem]:
    """Report values that get into a pattern as they are."""
    for source in connector.sources:
        for node, template, parts in _templates(source):
            if not _PATTERN.search(template):
                continue
            raw = [
                parts[int(number)]
                for number in _COMPARED.findall(template)
                if not _is_safe(connector, source, parts[int(number)])
            ]
            if raw:
                shown = ", ".join(ast.unparse(part) for part in raw)
                yield at(connector, source, node, f"{shown} is not escaped")


def _templates(source: Source) -> Iterator[tuple[ast.expr, str, list[ast.expr]]]:
    """Yield texts that are put together of parts: the place, the text with numbered placeholders, the parts."""
    for joined in source.of(ast.JoinedStr):
        parts: list[ast.expr] = []
        template = ""
        for value in joined.values:
            if isinstance(value, ast.FormattedValue):
                template += f"\0{len(parts)}\0"
                parts.append(value.value)
            else:
                template += text(value)
        yield joined, template, parts
    for call in source.of(ast.Call):
        if isinstance(call.func, ast.Attribute) and call.func.attr == "format":
            yield from _formatted(call, text(call.func.value))
    for operation in source.of(ast.BinOp):
        if isinstance(operation.op, ast.Mod):
            yield from _percent(operation)
        elif not isinstance(source.parents[operation], ast.BinOp):
            pieces = list(_added(operation))
            parts = [piece for piece in pieces if not text(piece)]
            template = "".join(
                text(piece) or f"\0{parts.index(piece)}\0" for piece in pieces
            )
            yield operation, template, parts


def _formatted(
    call: ast.Call, template: str
) -> Iterator[tuple[ast.expr, str, list[ast.expr]]]:
    if not template or unpacks(call) or "\0" in template:
        return
    by_name = {one.arg: one.value for one in call.keywords}
    parts: list[ast.expr] = []
    count = -1

    def placeholder(match: re.Match[str]) -> str:
        nonlocal count
        name = match[1]
        if not name:
            count += 1
            name = str(count)
        value = by_name.get(name)
        if name.isdigit() and int(name) < len(call.args):
            value = call.args[int(name)]
        if value is None:
            return ""
        parts.append(value)
        return f"\0{len(parts) - 1}\0"

    numbered = re.sub(r"(?<!\{)\{(\w*)(?:![rsa])?(?::[^}]*)?\}", placeholder, template)
    yield call, numbered, parts


def _percent(operation: ast.BinOp) -> Iterator[tuple[ast.expr, str, list[ast.expr]]]:
    template = text(operation.left)
    right = operation.right
    parts = list(right.elts) if isinstance(right, ast.Tuple) else [right]
    if template and template.count("%s") == len(parts):
        for number in range(len(parts)):
            template = template.replace("%s", f"\0{number}\0", 1)
        yield operation, template, parts


def _added(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        yield from _added(node.left)
        yield from _added(node.right)
    else:
        yield node


def _is_safe(
    connector: Connector, source: Source, node: ast.expr, depth: int = 3
) -> bool:
    """Tell whether a value can hold no quote that means something."""
    if isinstance(node, ast.Constant) or _SAFE_NAME.search(last_name(node)):
        return True
    if isinstance(node, ast.Call):
        name = last_name(node.func)
        if name in _SAFE_CALLS or _SAFE_NAME.search(name):
            return True
        if name == "str" and node.args:
            return _is_safe(connector, source, node.args[0], depth)
        if isinstance(node.func, ast.Attribute):
            if name == "replace" and node.args and text(node.args[0]) == "'":
                return True
            # `escape(value).lower()`, `value.replace("'", "…").strip()`
            return _is_safe(connector, source, node.func.value, depth) and isinstance(
                node.func.value, ast.Call
            )
    if isinstance(node, ast.IfExp):
        return _is_safe(connector, source, node.body, depth) and _is_safe(
            connector, source, node.orelse, depth
        )
    if depth and isinstance(node, (ast.Name, ast.Attribute)):
        values = connector.project.value_of(source, node)
        return bool(values) and all(
            _is_safe(connector, there, value, depth - 1) for there, value in values
        )
    return False

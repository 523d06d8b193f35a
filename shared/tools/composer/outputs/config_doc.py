"""`__metadata__/CONNECTOR_CONFIG_DOC.md`: the schema as a table for people."""

import json
from typing import Any

from composer.outputs.values import cell, code, table

_INTRODUCTION = (
    "Every variable with which this connector can be configured: what it is for, what it may be, and what it is when "
    "it is not set. The required ones come first."
)
_YES = "✅"
_LIMITS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
    "pattern": "matching {}",
}


def render(schema: dict[str, Any]) -> str:
    """Return the document of a connector's JSON schema."""
    required = set(schema["required"])
    names = sorted(schema["properties"], key=lambda name: name not in required)
    columns: dict[str, list[str]] = {
        "Property": [],
        "Type": [],
        "Required": [],
        "Possible values": [],
        "Deprecated": [],
        "Default": [],
        "Description": [],
        "Examples": [],
    }
    for name in names:
        node = schema["properties"][name]
        cells = {
            "Property": name,
            "Type": code(_type(node)),
            "Required": _YES if name in required else "",
            "Possible values": _possible(node),
            "Deprecated": _YES if node.get("deprecated") else "",
            "Default": _json(node["default"]) if "default" in node else "",
            "Description": node.get("description", ""),
            "Examples": ", ".join(
                _json(example) for example in node.get("examples", [])
            ),
        }
        for column, text in cells.items():
            columns[column].append(cell(text))
    optional = {"Deprecated", "Examples"}
    shown = [
        name for name, cells in columns.items() if any(cells) or name not in optional
    ]
    rows = [[columns[name][number] for name in shown] for number in range(len(names))]
    return (
        f"# Connector Configurations\n\n{_INTRODUCTION}\n\n### Type: `object`\n\n"
        + table(shown, rows)
    )


def _type(node: dict[str, Any]) -> str:
    kind = node.get("type", "any")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def _possible(node: dict[str, Any]) -> str:
    if "const" in node:
        return code(str(node["const"]))
    if "enum" in node:
        return " ".join(code(str(value)) for value in node["enum"])
    if node.get("type") == "array":
        return _of_items(node.get("items", {}))
    words = [
        text.format(code(str(node[limit])))
        for limit, text in _LIMITS.items()
        if limit in node
    ]
    kind = f"Format: {code(node['format'])}" if "format" in node else _type(node)
    return ", ".join([kind, *words])


def _of_items(items: dict[str, Any]) -> str:
    return f"list of: {_possible(items)}" if items else "list"


def _json(value: Any) -> str:
    return code(json.dumps(value, ensure_ascii=False))

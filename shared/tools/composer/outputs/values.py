"""How settings and their defaults are written down."""

import json
import math
from typing import Any

import yaml
from composer.extract import Setting

PLACEHOLDER = "ChangeMe"
_PLACEHOLDERS = {"OPENCTI_URL": "http://localhost"}


def is_offered(setting: Setting) -> bool:
    """Say whether samples show a setting: not those that cannot be chosen, nor deprecated ones."""
    if setting.schema is None:
        return setting.variable == "CONNECTOR_ID"
    return "const" not in setting.schema and not setting.schema.get("deprecated")


def is_given(setting: Setting) -> bool:
    """Say whether samples set it: what the connector cannot start without, and the id, which each deployment chooses."""
    return setting.required or setting.variable == "CONNECTOR_ID"


def default_of(setting: Setting) -> Any:
    """Return the default as JSON value, or None when there is none."""
    return None if setting.schema is None else setting.schema.get("default")


def as_text(setting: Setting) -> str:
    """Return what stands behind `NAME=` in samples: a placeholder for what must be given, else the default."""
    if is_given(setting):
        return _PLACEHOLDERS.get(setting.variable, PLACEHOLDER)
    return text_of(setting, default_of(setting))


def text_of(setting: Setting, value: Any, separator: str = ",") -> str:
    """Write a value as an environment variable holds it; nothing for None."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and _can_be_joined(setting, value):
        return separator.join(value)
    return json.dumps(value, ensure_ascii=False)


def as_yaml(setting: Setting) -> str:
    """Return what stands behind `key:` in `config.yml`, on one line."""
    if is_given(setting):
        return yaml_scalar(as_text(setting))
    value = default_of(setting)
    if value is None:
        return ""
    if isinstance(value, list) and _can_be_joined(setting, value):
        return yaml_scalar(",".join(value))
    return yaml_scalar(value)


def yaml_scalar(value: Any) -> str:
    """Write a value as YAML on one line."""
    text = yaml.safe_dump(
        value, default_flow_style=True, width=math.inf, allow_unicode=True
    )
    text = text.removesuffix("\n").removesuffix("\n...")
    # YAML would break a line at every line break in the value; JSON, which is YAML too, writes it as `\\n`.
    return json.dumps(value, ensure_ascii=False) if "\n" in text else text


def _can_be_joined(setting: Setting, value: list[Any]) -> bool:
    return setting.list_style == "comma" and all(
        isinstance(item, str) and item and "," not in item and item == item.strip()
        for item in value
    )


def cell(text: str) -> str:
    """Return text as it can stand in a cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|")


def code(text: str) -> str:
    """Return text as code in Markdown, whatever it contains."""
    fence = "`" * (1 + max((len(run) for run in _runs_of_ticks(text)), default=0))
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _runs_of_ticks(text: str) -> list[str]:
    return [run for run in "".join(c if c == "`" else " " for c in text).split() if run]


def table(header: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table, with a line break at its end."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)

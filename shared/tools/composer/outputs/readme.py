"""The table of settings in `README.md`, between two markers."""

from collections.abc import Sequence

from composer.extract import Setting
from composer.outputs.marked import with_block
from composer.outputs.values import cell, code, default_of, table, text_of


def render(settings: Sequence[Setting], readme: str) -> str:
    """Return the README with the table as it should be; a README without the markers gets them in a section at its end."""
    return with_block(readme, "settings", "the settings class", _table(settings))


def _table(settings: Sequence[Setting]) -> str:
    rows = [
        [code(s.variable), _default(s), cell(_meaning(s))]
        for s in settings
        if "const" not in (s.schema or {})
    ]
    return table(["variable", "default", "meaning"], rows)


def _default(setting: Setting) -> str:
    if setting.derived:
        return "derived"
    if setting.required:
        return "required"
    text = text_of(setting, default_of(setting), separator=", ")
    return cell(code(text)) if text else ""


def _meaning(setting: Setting) -> str:
    schema = setting.schema or {}
    text = str(schema.get("description") or setting.description)
    if setting.derived:
        text += " Derived from the connector's folder and name when it is not set."
    if schema.get("deprecated"):
        return f"Deprecated. {text}".strip()
    choices = schema.get("enum") or schema.get("items", {}).get("enum")
    if not choices:
        return text
    of = "Any of" if schema.get("type") == "array" else "One of"
    return f"{text} {of} {', '.join(code(str(c)) for c in choices)}.".strip()

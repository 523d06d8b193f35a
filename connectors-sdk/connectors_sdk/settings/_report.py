"""Which setting has which value from where: for an operator who wonders."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined, to_json

from connectors_sdk.settings import _fields
from connectors_sdk.settings._sources import Layer, Shape, Unusable
from connectors_sdk.settings.deprecations import Deprecate

DEFAULT = "default"
MISSING = "missing"


@dataclass(frozen=True, slots=True)
class SettingSource:
    """One setting, its value and where the value comes from.

    Attributes:
        key: Its place in `config.yml`, e.g. `connector.scope`.
        variable: Its environment variable, e.g. `CONNECTOR_SCOPE`.
        value: The value as text; a secret is masked, a missing value is empty.
        source: `environment`, `.env`, `config.yml`, `default`, `missing`, or a sentence for other origins.
    """

    key: str
    variable: str
    value: str
    source: str


def list_sources(shape: Shape, layer: Layer) -> list[SettingSource]:
    """List all settings that are declared or given.

    Args:
        shape: What the settings class declares.
        layer: What the sources gave.
    """
    rows: list[SettingSource] = []
    for name in dict.fromkeys([*shape.model.model_fields, *layer.values]):
        given = layer.values.get(name)
        info = shape.model.model_fields.get(name)
        if name in shape.scalars:
            rows += _rows("", {name: shape.scalars[name]}, layer.values, layer)
        elif isinstance(given, dict) or (given is None and info is not None):
            # A section that may be absent, and is, has no settings to tell of.
            if given or (info and (info.default_factory or info.is_required())):
                section = shape.sections.get(name)
                declared = section.model_fields if section else {}
                rows += _rows(name, declared, given or {}, layer)
        else:
            rows += _rows("", {}, {name: given}, layer)
    return rows


def _rows(
    section: str, declared: dict[str, FieldInfo], given: dict[str, Any], layer: Layer
) -> Iterator[SettingSource]:
    one_setting = declared and not section
    extras = [] if one_setting else [key for key in given if key not in declared]
    for name in [*declared, *extras]:
        field = declared.get(name)
        names = [name, *([field.alias] if field and field.alias else [])]
        key = f"{section}.{name}" if section else name
        found = next((spelling for spelling in names if spelling in given), None)
        if found is not None:
            value = given[found]
            origin = f"{section}.{found}" if section else found
            source = layer.origins.get(origin, "")
        elif field is not None and not field.is_required():
            if Deprecate.of(field):
                continue
            value, source = field.get_default(call_default_factory=True), DEFAULT
        else:
            value, source = PydanticUndefined, MISSING
        secret = _fields.is_secret(name, field)
        variable = key.replace(".", "_").upper()
        text = _text(_fields.masked(name, value), secret)
        yield SettingSource(key, variable, text, source)


def _text(value: Any, secret: bool) -> str:
    if value is PydanticUndefined or value is None or value == "":
        return ""
    if isinstance(value, Unusable):
        return str(value)
    if secret:
        return _fields.MASK
    if isinstance(value, list):
        return ",".join(map(str, value))
    text = to_json(value, fallback=str).decode()
    return text[1:-1] if text.startswith('"') else text

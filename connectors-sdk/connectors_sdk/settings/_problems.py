"""From pydantic's errors to sentences for the operator."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, SecretBytes, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from connectors_sdk.settings import _fields
from connectors_sdk.settings._sources import Layer, Shape, Unusable
from connectors_sdk.settings.deprecations import Deprecate
from connectors_sdk.settings.exceptions import SettingProblem

_SHOWN = 60


def describe(
    error: ValidationError,
    model: type[BaseModel],
    layer: Layer,
    variables: Mapping[str, str],
) -> list[SettingProblem]:
    """Put every error of a validation into words, one problem for each setting.

    Args:
        error: What pydantic found wrong.
        model: The settings class.
        layer: What the sources gave; names the source of a bad value.
        variables: The environment; a variable whose name is nearly that of a missing one is named.
    """
    shape = Shape(model)
    secrets = sorted(set(_secrets(shape, layer.values)), key=len, reverse=True)
    problems: dict[str, SettingProblem] = {}
    for details in error.errors(include_url=False):
        problem = _describe_one(details, shape, layer, variables)
        wrong = problem.wrong
        for secret in secrets:
            wrong = wrong.replace(secret, _fields.MASK)
        # The members of a union fail one by one, the first speaks for all of them.
        problems.setdefault(
            problem.key or wrong, SettingProblem(problem.key, wrong, problem.expected)
        )
    return list(problems.values())


def _describe_one(
    details: ErrorDetails, shape: Shape, layer: Layer, variables: Mapping[str, str]
) -> SettingProblem:
    key, field = _place(details["loc"], shape)
    name = key.partition("[")[0]
    value = details["input"]
    expected = _fields.expectation(field) if field else ""
    former = "" if name in layer.origins else _former(name, shape, layer)
    if isinstance(value, Unusable):
        return SettingProblem(former or name, value.reason)
    if former:
        key = name = former
        value, field, own = _given(former, shape, layer)
        expected = own or expected
    if details["type"] == "missing" and len(details["loc"]) > 2:
        inside = ".".join(map(str, details["loc"][2:]))
        return SettingProblem(name, f"'{inside}' is missing in it", expected)
    if details["type"] == "missing":
        variable = SettingProblem(name, "").variable
        near = get_close_matches(variable, variables, n=1, cutoff=0.85)
        hint = f" ({near[0]} is set: is that a typing mistake?)" if near else ""
        if variable in layer.empty:
            hint = " (it is set, but empty)"
        if field and field.description:
            expected = f"{expected} ({field.description.rstrip('.')})".strip()
        return SettingProblem(name, f"missing{hint}", expected)
    message = details["msg"].removeprefix("Value error, ")
    if not details["loc"]:
        return SettingProblem("", message)
    origin = layer.origins.get(name)
    source = f" (from {origin})" if origin else ""
    shown = "" if _is_secret(name, field, value) else f" {_short(value)}"
    wrong = f"the value{shown}{source} cannot be used: {message}"
    return SettingProblem(key, wrong, expected)


def _given(
    former: str, shape: Shape, layer: Layer
) -> tuple[Any, FieldInfo | None, str]:
    """Return the value of a deprecated setting, its declaration, and what it expects if that is something of its own."""
    section, _, key = former.partition(".")
    field = shape.field(section, key)
    mark = Deprecate.of(field) if field else None
    own = (
        _fields.expectation(field) if field and mark and mark.new_value_factory else ""
    )
    return layer.values[section][key], field, own


def _former(name: str, shape: Shape, layer: Layer) -> str:
    """Return the key of the deprecated setting that was given in place of another, or ""."""
    for section in shape.sections:
        whole = Deprecate.of(shape.model.model_fields[section]) or Deprecate()
        given = layer.values.get(section)
        for key in given if isinstance(given, dict) else ():
            field = shape.field(section, key)
            mark = (Deprecate.of(field) if field else None) or Deprecate()
            target = mark.new_namespace or whole.new_namespace or section
            moved = f"{target}.{mark.new_namespaced_var or key}"
            if moved == name != f"{section}.{key}":
                return f"{section}.{key}"
    return ""


def _place(
    location: tuple[int | str, ...], shape: Shape
) -> tuple[str, FieldInfo | None]:
    """Return the key of a setting (`my.items[2]`) and its declaration."""
    if not location:
        return "", None
    section, *rest = location
    if section in shape.scalars:
        return str(section), shape.scalars[str(section)]
    if not rest:
        return str(section), shape.model.model_fields.get(str(section))
    key, *inside = rest
    model = shape.sections.get(str(section))
    field = shape.field(str(section), str(key))
    # An alias is an implementation detail of the section; the operator knows the setting by its name.
    names = model.model_fields if model else {}
    name = next((name for name, info in names.items() if info is field), str(key))
    items = "".join(f"[{part}]" for part in inside if isinstance(part, int))
    return f"{section}.{name}{items}", field


def _is_secret(name: str, field: FieldInfo | None, value: Any) -> bool:
    # A whole section, or any other mapping, may hold secrets inside.
    return isinstance(value, Mapping | BaseModel) or _fields.is_secret(name, field)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _secrets(shape: Shape, values: Mapping[str, Any]) -> Iterator[str]:
    """Yield the texts that must not be shown, whatever an author's validator writes into its message."""
    for section, content in values.items():
        settings = content if isinstance(content, dict) else {section: content}
        for key, value in settings.items():
            field = shape.field(section if settings is content else "", key)
            if isinstance(value, SecretStr | SecretBytes):
                value = str(value.get_secret_value())
            if isinstance(value, str) and value and _fields.is_secret(key, field):
                yield value

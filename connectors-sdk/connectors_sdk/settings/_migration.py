"""Carries the deprecated settings of a raw configuration over to the names of today."""

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from connectors_sdk.settings import _fields
from connectors_sdk.settings._sources import Unusable
from connectors_sdk.settings.deprecations import (
    Deprecate,
    migrate_deprecated_namespace,
    migrate_deprecated_variable,
)


def migrate_namespaces(model: type[BaseModel], data: dict[str, Any]) -> None:
    """Move the deprecated sections, in place.

    The settings inside that have a target of their own go there, not with the rest.

    Args:
        model: The settings class.
        data: The configuration, section by section.

    Raises:
        ValueError: A deprecation is declared in a way that cannot be carried out.
    """
    for name, field in model.model_fields.items():
        mark = Deprecate.of(field)
        if mark is None:
            continue
        _check(name, mark)
        if mark.new_namespaced_var:
            raise ValueError(
                f"'{name}' is a section: it can move to 'new_namespace', not to 'new_namespaced_var'"
            )
        if mark.new_namespace:
            section = _fields.namespace_model(field)
            if section is not None:
                _migrate_variables(data, name, section, mark.new_namespace)
            migrate_deprecated_namespace(
                data, name, mark.new_namespace, mark.removal_date
            )


def migrate_variables(model: type[BaseModel], data: dict[str, Any]) -> None:
    """Move the deprecated settings of all sections, in place.

    Args:
        model: The settings class.
        data: The configuration, section by section.

    Raises:
        ValueError: A deprecation is declared in a way that cannot be carried out.
    """
    for name, field in model.model_fields.items():
        section = _fields.namespace_model(field)
        if section is not None:
            _migrate_variables(data, name, section, None)


def _migrate_variables(
    data: dict[str, Any],
    namespace: str,
    section: type[BaseModel],
    new_namespace: str | None,
) -> None:
    names = _fields.input_names(section)
    for name, field in section.model_fields.items():
        mark = Deprecate.of(field)
        if mark is None:
            continue
        _check(f"{namespace}.{name}", mark)
        if mark.new_namespaced_var:
            factory = mark.new_value_factory
            migrate_deprecated_variable(
                data,
                names[name.lower()],
                mark.new_namespaced_var,
                namespace,
                mark.new_namespace or new_namespace,
                _guarded(factory, field) if factory else None,
                mark.removal_date,
            )


def _check(name: str, mark: Deprecate) -> None:
    for target in (mark.new_namespace, mark.new_namespaced_var):
        if target is not None and not isinstance(target, str):
            raise ValueError(f"the deprecated '{name}' has a new name that is no text")


def _guarded(factory: Callable[[Any], Any], field: FieldInfo) -> Callable[[Any], Any]:
    """Let a value that cannot be converted be reported like any other wrong value of the deprecated setting."""

    def convert(value: Any) -> Any:
        try:
            return factory(value)
        except Exception as error:  # pylint: disable=broad-exception-caught
            reason = (
                str(error) if isinstance(error, ValueError) else type(error).__name__
            )
            kind: Any = field.annotation
            try:
                TypeAdapter(kind).validate_python(value)
            except ValidationError as wrong:
                # Its type tells it in words, a factory's `int(...)` in Python's.
                reason = wrong.errors()[0]["msg"]
            return Unusable(f"the value cannot be used: {reason}")

    return convert

"""Settings that have moved: how an author declares it and how old configurations are carried over."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import Field
from pydantic.fields import FieldInfo


@dataclass(frozen=True, slots=True)
class Deprecate:
    """Metadata of a deprecated setting, for `Annotated[...]`; `DeprecatedField` is the usual way to write it.

    Args:
        new_namespace: Section that holds the setting now; default its own.
        new_namespaced_var: Name of the setting now; only for a setting, not for a whole section.
        new_value_factory: Turns an old value into a new one.
        removal_date: Day (or ISO 8601 text) from which the old name will be gone.

    Raises:
        ValueError: `removal_date` is not a date.
    """

    new_namespace: str | None = None
    new_namespaced_var: str | None = None
    new_value_factory: Callable[[Any], Any] | None = None
    removal_date: date | str | None = None

    def __post_init__(self) -> None:
        day = self.removal_date
        if day is not None:
            day = date.fromisoformat(day) if isinstance(day, str) else day
            object.__setattr__(self, "removal_date", day.strftime("%Y-%m-%d"))

    @classmethod
    def of(cls, field: FieldInfo) -> "Deprecate | None":
        """Return the mark on a field, if it has one."""
        return next((mark for mark in field.metadata if isinstance(mark, cls)), None)


def DeprecatedField(  # pylint: disable=invalid-name  # reads like pydantic's Field
    *,
    deprecated: bool | str = True,
    new_namespace: str | None = None,
    new_namespaced_var: str | None = None,
    new_value_factory: Callable[[Any], Any] | None = None,
    removal_date: date | str | None = None,
    **field_kwargs: Any,
) -> Any:
    """Declare a setting, or a whole section, that should no longer be used.

    The setting becomes optional with None as default, and a value given under its old name moves to the new one.

    Args:
        deprecated: True, or the words for those who still use it.
        new_namespace: Section that holds it now; default its own.
        new_namespaced_var: Name of the setting now; only for a setting, not for a whole section.
        new_value_factory: Turns an old value into a new one.
        removal_date: Day (or ISO 8601 text) from which the old name will be gone.
        field_kwargs: What pydantic's `Field` takes.

    Raises:
        ValueError: `deprecated` is false or empty, or `removal_date` is not a date.
    """
    if not deprecated:
        raise ValueError("DeprecatedField must have a true 'deprecated' value")
    field: FieldInfo = Field(deprecated=deprecated, **field_kwargs)
    field.metadata.append(
        Deprecate(new_namespace, new_namespaced_var, new_value_factory, removal_date)
    )
    return field


def migrate_deprecated_namespace(
    data: dict[str, Any],
    old_namespace: str,
    new_namespace: str,
    removal_date: date | str | None = None,
) -> None:
    """Move the settings of a section to another one, in place; what is set there already stays.

    Args:
        data: The configuration, section by section.
        old_namespace: Section to empty and remove.
        new_namespace: Section to fill.
        removal_date: Day to name in the warning.

    Warns:
        UserWarning: For each setting found in the old section.
    """
    if not data or old_namespace not in data:
        return
    old_settings = data.pop(old_namespace)
    if not isinstance(old_settings, dict):
        return
    new_settings = _section(data, new_namespace)
    # Where one section's name begins with the other's, one variable may have been read as a setting of both:
    # SETTINGS_GOOD_KEY is `settings.good_key` and `settings_good.key`. The section with the longer name owns it.
    own_prefix = _rest(new_namespace, old_namespace)
    copy_prefix = _rest(old_namespace, new_namespace)
    for key, value in old_settings.items():
        if own_prefix and key.startswith(own_prefix):
            continue
        if copy_prefix:
            new_settings.pop(copy_prefix + key, None)
        old, new = f"{old_namespace}.{key}", f"{new_namespace}.{key}"
        _warn(old, new, key in new_settings, removal_date)
        new_settings.setdefault(key, value)


def migrate_deprecated_variable(  # pylint: disable=too-many-positional-arguments
    data: dict[str, Any],
    old_name: str,
    new_name: str,
    current_namespace: str,
    new_namespace: str | None = None,
    new_value_factory: Callable[[Any], Any] | None = None,
    removal_date: date | str | None = None,
) -> None:
    """Move one setting to its new name, in place; if the new one is set already, it stays.

    Args:
        data: The configuration, section by section.
        old_name: Name of the setting to remove.
        new_name: Name of the setting to fill.
        current_namespace: Section of the old setting.
        new_namespace: Section of the new setting; default the same.
        new_value_factory: Turns the old value into the new one.
        removal_date: Day to name in the warning.

    Warns:
        UserWarning: When the old setting is found.
    """
    section = data.get(current_namespace) if data else None
    if not isinstance(section, dict) or old_name not in section:
        return
    value = section.pop(old_name)
    target = new_namespace or current_namespace
    new_settings = _section(data, target)
    is_set = new_name in new_settings
    old, new = f"{current_namespace}.{old_name}", f"{target}.{new_name}"
    _warn(old, new, is_set, removal_date)
    if not is_set:
        new_settings[new_name] = (
            new_value_factory(value) if new_value_factory else value
        )


def _section(data: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a section of the configuration, made if need be."""
    if not isinstance(data.get(name), dict):
        data[name] = {}
    section: dict[str, Any] = data[name]
    return section


def _rest(longer: str, shorter: str) -> str:
    """Return what follows `<shorter>_` in a longer section name, with a final `_`; else an empty text."""
    prefix = f"{shorter}_"
    return f"{longer.removeprefix(prefix)}_" if longer.startswith(prefix) else ""


def _warn(old: str, new: str, is_set: bool, removal_date: date | str | None) -> None:
    action = f"Using only '{new}'." if is_set else f"Migrating to '{new}'."
    end = f" This setting will be removed on {removal_date}." if removal_date else ""
    text = f"Deprecated setting '{old}' found. {action}{end}"
    warnings.warn(text, UserWarning, stacklevel=3)

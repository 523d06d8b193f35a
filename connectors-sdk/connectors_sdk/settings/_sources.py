"""From raw environment variables and file contents to one nested dictionary, each value with its origin."""

import json
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from connectors_sdk.settings import _fields
from connectors_sdk.settings.helper_variables import (
    HELPER_KEYS,
    HELPER_PREFIXES,
    HELPER_SECTIONS,
)

PLACEHOLDER = "ChangeMe"


class Unusable:
    """Stands for a value that could not even be read; no field accepts it, so validation reports it in its place."""

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def __repr__(self) -> str:
        return f"<{self.reason}>"


@dataclass(slots=True)
class Layer:
    """The settings that one source gives.

    Attributes:
        values: Section by section, or the value itself for a setting outside all sections.
        origins: For each key (`connector.scope`) where its value comes from, in words.
        empty: Environment variables that were given without a value where that means "not set".
    """

    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    empty: list[str] = field(default_factory=list)

    def put(self, section: str, key: str, value: Any, origin: str) -> None:
        """Set one setting; an empty section means a setting outside all sections."""
        target = self.values.setdefault(section, {}) if section else self.values
        target[key] = value
        self.origins[f"{section}.{key}" if section else key] = origin

    def update(self, stronger: "Layer") -> None:
        """Take over what a stronger source says."""
        for name, value in stronger.values.items():
            mine = self.values.get(name)
            if isinstance(mine, dict) and isinstance(value, dict):
                mine.update(value)
            else:
                self.values[name] = value
        self.origins.update(stronger.origins)
        self.empty.extend(stronger.empty)

    def settle(self, environment: MutableMapping[str, str]) -> None:
        """Remove the empty variables of pycti's own sections: it reads the environment again, and takes them as set."""
        for variable in self.empty:
            if variable.lower().startswith(("opencti_", "connector_")):
                environment.pop(variable, None)


class Shape:
    """The sections and settings that a settings model declares.

    Args:
        model: The settings class. Its fields that are models are the sections.
    """

    def __init__(self, model: type[BaseModel]) -> None:
        self.model = model
        self.sections: dict[str, type[BaseModel] | None] = {}
        self.scalars: dict[str, FieldInfo] = {}
        for name, info in model.model_fields.items():
            if _fields.is_namespace(info):
                self.sections[name] = _fields.namespace_model(info)
            else:
                self.scalars[name] = info
        self._names = {
            name: _fields.input_names(section) if section else {}
            for name, section in self.sections.items()
        }

    def section_of(self, name: str) -> str:
        """Return the section that a name in a file means: files of the ecosystem also write `export-file-csv`."""
        plain = name.replace("-", "_")
        return plain if plain in self.sections else name

    def key_of(self, section: str, name: str) -> str:
        """Return the key that a section's validation wants for a name in any spelling; unknown names stay."""
        return self._names.get(section, {}).get(name.lower(), name)

    def is_known(self, section: str, key: str) -> bool:
        """Say whether somebody (the section's model, or pycti's helper) understands a key."""
        return (
            key.lower() in self._names.get(section, {})
            or f"{section}.{key}".lower() in HELPER_KEYS
            or f"{section}_{key}".upper().startswith(HELPER_PREFIXES)
            or self.secret_of_file(section, key) is not None
        )

    def known_names(self, section: str) -> list[str]:
        """List the names that are understood in a section."""
        helper = [
            key.partition(".")[2]
            for key in HELPER_KEYS
            if key.startswith(f"{section}.")
        ]
        return [*self._names.get(section, {}), *sorted(helper)]

    def field(self, section: str, key: str) -> FieldInfo | None:
        """Return the declaration of a setting, if it is declared; an empty section means outside all sections."""
        if not section:
            return self.scalars.get(key)
        return _fields.field_of(self.sections.get(section), key)

    def secret_of_file(self, section: str, key: str) -> str | None:
        """Return the secret that `<secret>_file` names the file of, unless that is a setting of its own."""
        names = self._names.get(section, {})
        secret, suffix = key[:-5].lower(), key[-5:].lower()
        if suffix != "_file" or secret not in names or key.lower() in names:
            return None
        target = names[secret]
        return (
            target if _fields.is_secret(secret, self.field(section, target)) else None
        )

    def targets(self, variable: str) -> Iterator[tuple[str, str]]:
        """Yield the (section, key) that an environment variable sets.

        A variable that several sections could claim (`FOO_BAR_KEY` with the sections `foo` and `foo_bar`) sets
        whatever is declared under that name; if nothing is, it belongs to the section with the longest name alone.
        """
        name = variable.lower()
        if name in self.scalars:
            yield "", name
            return
        candidates = [
            (section, name[len(section) + 1 :])
            for section in sorted(self.sections, key=len, reverse=True)
            if name.startswith(f"{section.lower()}_") and len(name) > len(section) + 1
        ]
        known = [candidate for candidate in candidates if self.is_known(*candidate)]
        for section, key in known or candidates[:1]:
            yield section, self.key_of(section, key)


def from_variables(shape: Shape, variables: Mapping[str, str], origin: str) -> Layer:
    """Read environment variables (or the content of a `.env` file).

    Args:
        shape: What the settings class declares.
        variables: Names and texts.
        origin: Name of this source, e.g. `environment`.
    """
    layer = Layer()
    lower = {name.lower(): name for name in variables}
    for section in shape.sections:
        # A whole section as one JSON object; its single variables are stronger.
        if section.lower() in lower:
            whole = _from_json(variables[lower[section.lower()]])
            if isinstance(whole, dict):
                layer.update(from_mapping(shape, {section: whole}, origin))
            elif whole != "":
                layer.put("", section, whole, origin)
    for variable, text in variables.items():
        for section, key in shape.targets(variable):
            if isinstance(layer.values.get(section, {}), dict):
                _put(layer, shape, (section, key), text, origin, variable)
    _read_secret_files(layer, shape)
    return layer


def from_mapping(shape: Shape, data: Mapping[str, Any], origin: str) -> Layer:
    """Read the nested content of a `config.yml`.

    Args:
        shape: What the settings class declares.
        data: Section by section. Never changed.
        origin: Name of this source, e.g. `config.yml`.
    """
    layer = Layer()
    for written, content in data.items():
        name = shape.section_of(str(written))
        if isinstance(content, dict):
            layer.values.setdefault(name, {})
            for key, value in content.items():
                target = shape.key_of(name, str(key))
                _put(layer, shape, (name, target), value, origin)
        elif name in shape.scalars:
            _put(layer, shape, ("", name), content, origin)
        elif content is not None or name not in shape.sections:
            layer.put("", name, content, origin)
    _read_secret_files(layer, shape)
    return layer


def _put(
    layer: Layer,
    shape: Shape,
    place: tuple[str, str],
    raw: Any,
    origin: str,
    variable: str = "",
) -> None:
    """Set one setting from its raw value, unless that means "not set"."""
    section, key = place
    if section == "opencti" and key == "token" and raw == PLACEHOLDER:
        raw = Unusable(f"still the placeholder '{PLACEHOLDER}' of the sample")
    declared = shape.field(section, key)
    if means_unset(section, key, raw, declared):
        if variable:
            layer.empty.append(variable)
        return
    # pycti reads the variables of its own sections again, without knowing JSON.
    if declared and section not in HELPER_SECTIONS and _fields.is_container(declared):
        raw = _from_json(raw)
    layer.put(section, key, raw, origin)


def means_unset(section: str, key: str, value: Any, declared: FieldInfo | None) -> bool:
    """Say whether a value stands for "not set".

    That is an empty text (`MY_LIMIT=`) or null (`limit:`) where the setting's type does not accept it or, for a
    required text, where it says nothing; likewise an empty setting of pycti's helper, and a connector id that is
    still the sample's placeholder.
    """
    if (section, key) == ("connector", "id") and value == PLACEHOLDER:
        return declared is not None
    if value is not None and value != "":
        return False
    if declared is None:
        return f"{section}.{key}".lower() in HELPER_KEYS
    text_types = _fields.plain_types(declared)
    if declared.is_required() and any(
        _fields.is_secret_type(part) or part is str for part in text_types
    ):
        return True
    return not _accepts(declared, value)


def _accepts(declared: FieldInfo, value: Any) -> bool:
    annotation: Any = (
        Annotated[(declared.annotation, *declared.metadata)]
        if declared.metadata
        else declared.annotation
    )
    try:
        TypeAdapter(annotation).validate_python(value)
    # An author's validator may raise anything.
    except Exception:  # pylint: disable=broad-exception-caught
        return False
    return True


def _from_json(raw: Any) -> Any:
    """Decode a text that is a JSON array or object; anything else, broken JSON included, stays as it is."""
    if isinstance(raw, str) and raw.strip()[:1] in ("[", "{"):
        try:
            return json.loads(raw)
        except ValueError:
            return raw
    return raw


def _read_secret_files(layer: Layer, shape: Shape) -> None:
    """Replace `<secret>_file` by the secret that the file holds."""
    for section, settings in layer.values.items():
        if not isinstance(settings, dict):
            continue
        for key in list(settings):
            secret = shape.secret_of_file(section, key)
            if secret is None:
                continue
            path = settings.pop(key)
            source = layer.origins.pop(f"{section}.{key}", "")
            if not path:
                continue
            name = f"{section}_{key}".upper()
            value: Any
            if secret in settings:
                value = Unusable(f"given twice: directly and as {name}")
            else:
                value = _read_secret_file(str(path), name)
            layer.put(section, secret, value, f"file of {name} ({source})")


def _read_secret_file(path: str, name: str) -> str | Unusable:
    try:
        text = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        return Unusable(f"the file '{path}' of {name} cannot be read: {reason}")
    return text or Unusable(f"the file '{path}' of {name} is empty")

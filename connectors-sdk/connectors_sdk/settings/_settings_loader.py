"""Where the configuration of a connector is found, and how its sources are put together."""

import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel

from connectors_sdk.settings._identity import connector_slug, derive_connector_id
from connectors_sdk.settings._sources import (
    Layer,
    Shape,
    from_mapping,
    from_variables,
)
from connectors_sdk.settings.exceptions import (
    ConfigValidationError,
    SettingProblem,
    UnknownSettingWarning,
)
from connectors_sdk.settings.helper_variables import HELPER_SECTIONS

ENVIRONMENT = "environment"
DERIVED = "derived from the connector's folder and name"
ASSUMED = "assumed, because it is not needed here"

_ASSUMED: ContextVar[Mapping[str, Mapping[str, Any]]] = ContextVar(
    "_ASSUMED", default={}
)


@contextmanager
def assumed(values: Mapping[str, Mapping[str, Any]]) -> Iterator[None]:
    """Inside the block, let settings that are required and not given have these values, section by section.

    For what needs a connector's settings but not all of them, e.g. a run without a platform.
    """
    token = _ASSUMED.set(values)
    try:
        yield
    finally:
        _ASSUMED.reset(token)


class _SettingsLoader:
    """Reads the raw configuration: the environment, then `config.yml` or else `.env`, the former being stronger.

    Without a model only the file is read, as it is. `build_loader_from_model` gives a loader that knows a model's
    sections.
    """

    _model: ClassVar[type[BaseModel] | None] = None

    def __init__(self) -> None:
        if self._model is None:
            self._values = self._read_file_as_it_is()
        else:
            self._values = self.load(self._model).values

    def model_dump(self) -> dict[str, Any]:
        """Return the raw values: section by section, or one level deep for a `.env` file without a model."""
        return self._values

    @classmethod
    def build_loader_from_model(
        cls, settings_cls: type[BaseModel]
    ) -> "type[_SettingsLoader]":
        """Return a loader for the sections of a settings class."""
        return type("SettingsLoader", (cls,), {"_model": settings_cls})

    @classmethod
    def load(cls, model: type[BaseModel]) -> Layer:
        """Read every source for a settings class.

        Raises:
            RuntimeError: There is no main module to look for files next to.
            ConfigValidationError: A file cannot be read.
        """
        shape = Shape(model)
        config_yml = cls._get_config_yml_file_path()
        dot_env = None if config_yml else cls._get_dot_env_file_path()
        layer = Layer()
        if config_yml:
            layer = from_mapping(shape, _read_yaml(config_yml), config_yml.name)
        elif dot_env:
            layer = from_variables(shape, _read_dot_env(dot_env), dot_env.name)
        layer.update(from_variables(shape, os.environ, ENVIRONMENT))
        _assume(layer, shape)
        derive_id(layer, shape, cls._get_connector_main_path)
        return layer

    @classmethod
    def _get_connector_main_path(cls) -> Path:
        """Return the resolved path of the running main module.

        Raises:
            RuntimeError: There is none, as with `python -c`.
        """
        file = getattr(sys.modules.get("__main__"), "__file__", None)
        if not file:
            raise RuntimeError(
                "Cannot tell where the configuration files are: the program was not started from a file."
            )
        return Path(file).resolve()

    @classmethod
    def _get_config_yml_file_path(cls) -> Path | None:
        """Find `config.yml` next to the main module or one folder above."""
        folder = cls._get_connector_main_path().parent
        candidates = (folder / "config.yml", folder.parent / "config.yml")
        return next((path for path in candidates if path.is_file()), None)

    @classmethod
    def _get_dot_env_file_path(cls) -> Path | None:
        """Find `.env` one folder above the main module."""
        path = cls._get_connector_main_path().parent.parent / ".env"
        return path if path.is_file() else None

    @classmethod
    def _read_file_as_it_is(cls) -> dict[str, Any]:
        config_yml = cls._get_config_yml_file_path()
        if config_yml:
            return _read_yaml(config_yml)
        dot_env = cls._get_dot_env_file_path()
        variables = _read_dot_env(dot_env) if dot_env else {}
        return {name.lower(): value for name, value in variables.items()}


def _assume(layer: Layer, shape: Shape) -> None:
    for section, values in _ASSUMED.get().items():
        given = layer.values.get(section)
        for key, value in values.items():
            field = shape.field(section, key)
            absent = given is None or (isinstance(given, dict) and key not in given)
            if absent and field is not None and field.is_required():
                layer.put(section, key, value, ASSUMED)


def load_mapping(model: type[BaseModel], data: Mapping[str, Any]) -> Layer:
    """Treat a dictionary as the only source for a settings class."""
    shape = Shape(model)
    layer = from_mapping(shape, data, "dictionary")
    derive_id(layer, shape, lambda: None)
    return layer


def derive_id(layer: Layer, shape: Shape, main_path: Callable[[], Path | None]) -> None:
    """Give the connector an id if it has none, in place.

    Args:
        layer: All that the sources say.
        shape: What the settings class declares.
        main_path: Tells where the connector's main module is.
    """
    declared = shape.field("connector", "id")
    connector = layer.values.setdefault("connector", {})
    if (
        declared is None
        or not declared.is_required()
        or not isinstance(connector, dict)
    ):
        return
    if "id" not in connector:
        name_field = shape.field("connector", "name")
        default = (
            name_field.get_default(call_default_factory=True) if name_field else None
        )
        name = str(connector.get("name") or default or "")
        slug = connector_slug(main_path(), shape.model.__name__)
        layer.put("connector", "id", derive_connector_id(slug, name), DERIVED)


def announce_derived_id(layer: Layer) -> None:
    """Tell the operator, on standard error, the id that was derived for the connector."""
    if layer.origins.get("connector.id") == DERIVED:
        print(
            f"CONNECTOR_ID is not set: using {layer.values['connector']['id']}, {DERIVED}.",
            file=sys.stderr,
        )


def warn_of_unknown(layer: Layer, shape: Shape) -> None:
    """Warn of every setting that neither the settings class nor pycti's helper understands.

    Warns:
        UnknownSettingWarning: With the nearest known name, if one is near.
    """
    for section, content in layer.values.items():
        if section not in shape.sections:
            if section not in shape.scalars and section not in HELPER_SECTIONS:
                _warn_of_unknown(section, [*shape.sections, *shape.scalars], "")
        elif isinstance(content, dict) and shape.sections[section] is not None:
            for key in content:
                if not shape.is_known(section, key):
                    _warn_of_unknown(key, shape.known_names(section), section)


def _warn_of_unknown(name: str, known: list[str], section: str) -> None:
    from difflib import get_close_matches

    def both(key: str) -> str:
        return f"{section}_{key}".upper() + f" ({section}.{key})" if section else key

    near = get_close_matches(name.lower(), known, n=1)
    hint = f" Did you mean {both(near[0])}?" if near else ""
    warnings.warn(
        f"Unknown setting {both(name)}.{hint}", UnknownSettingWarning, stacklevel=2
    )


def _read_yaml(path: Path) -> dict[str, Any]:
    import yaml  # only a connector that has such a file pays for it

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        # The problem's place is told, its text is not: the line may hold a secret.
        mark = getattr(error, "problem_mark", None)
        place = f" (line {mark.line + 1})" if mark else ""
        wrong = f"{path} cannot be read{place}: {_reason(error)}"
        raise ConfigValidationError(problems=[SettingProblem("", wrong)]) from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        problem = SettingProblem("", f"{path} does not hold sections with settings")
        raise ConfigValidationError(problems=[problem])
    return {str(name): value for name, value in content.items()}


def _reason(error: Exception) -> str:
    for attribute in ("strerror", "problem"):
        if words := getattr(error, attribute, None):
            return str(words)
    return type(error).__name__


def _read_dot_env(path: Path) -> dict[str, str]:
    from dotenv import dotenv_values

    return {
        name: value
        for name, value in dotenv_values(path, encoding="utf-8").items()
        if value is not None
    }

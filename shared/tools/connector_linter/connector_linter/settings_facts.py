"""What a connector's settings classes declare."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from connector_linter.connector import Connector
from connector_linter.syntax import keyword, last_name, names_in
from stix_ids import Source
from stix_ids.project import Class

SETTINGS = "BaseConnectorSettings"
# Class of the SDK -> the connector type that it fixes.
CONNECTOR_CONFIGS = {
    "BaseExternalImportConnectorConfig": "EXTERNAL_IMPORT",
    "BaseInternalEnrichmentConnectorConfig": "INTERNAL_ENRICHMENT",
    "BaseStreamConnectorConfig": "STREAM",
    "BaseInternalImportFileConnectorConfig": "INTERNAL_IMPORT_FILE",
    "BaseInternalExportFileConnectorConfig": "INTERNAL_EXPORT_FILE",
    # Those of the runtimes, with everything that the runtime can be told.
    "EnrichmentConnectorConfig": "INTERNAL_ENRICHMENT",
    "StreamConnectorConfig": "STREAM",
    "ImportFileConnectorConfig": "INTERNAL_IMPORT_FILE",
    "ExportFileConnectorConfig": "INTERNAL_EXPORT_FILE",
}
_CONFIGS = {"BaseConfigModel", SETTINGS, *CONNECTOR_CONFIGS}
# Both, so that a settings class on pydantic alone is seen as well.
_PYDANTIC = {"pydantic_settings.BaseSettings", "pydantic.BaseSettings"}
_FIELD_MAKERS = {"Field", "DeprecatedField"}


@dataclass(frozen=True)
class Setting:
    """One field of a settings class.

    Attributes:
        name: of the field.
        annotation: its type, as written.
        value: what it is set to in the class, if anything.
        source, node: where it is declared.
    """

    name: str
    annotation: ast.expr
    value: ast.expr | None
    source: Source
    node: ast.AnnAssign

    @property
    def types(self) -> set[str]:
        """Every name in its type."""
        return names_in(self.annotation)

    @property
    def is_deprecated(self) -> bool:
        """True for a field that is kept for old configurations only."""
        return isinstance(self.value, ast.Call) and (
            last_name(self.value.func) == "DeprecatedField"
            or keyword(self.value, "deprecated") is not None
        )

    @property
    def has_default(self) -> bool:
        """True when it may be left out."""
        if self.is_deprecated:
            return True
        value = self._made_by_field()
        if value is None:
            return self.value is not None and not _is_ellipsis(self.value)
        if keyword(value, "default_factory") is not None:
            return True
        return self.default is not None and not _is_ellipsis(self.default)

    @property
    def default(self) -> ast.expr | None:
        """The expression that it is by default, if there is one."""
        value = self._made_by_field()
        if value is None:
            return self.value
        return keyword(value, "default") or (value.args[0] if value.args else None)

    def _made_by_field(self) -> ast.Call | None:
        if (
            isinstance(self.value, ast.Call)
            and last_name(self.value.func) in _FIELD_MAKERS
        ):
            return self.value
        return None


@dataclass(frozen=True)
class Namespace:
    """One section of the settings: a field of the settings class and the class behind it."""

    setting: Setting
    config: Class | None


class SettingsFacts:
    """What the settings classes of a connector declare."""

    def __init__(self, connector: Connector) -> None:
        """Look at a connector's classes."""
        self._connector = connector

    @cached_property
    def settings_classes(self) -> list[Class]:
        """The classes that derive from the SDK's settings."""
        return [c for c, bases in self._connector.classes if _sdk(bases, SETTINGS)]

    @cached_property
    def pydantic_classes(self) -> list[Class]:
        """The classes that derive from pydantic's settings instead."""
        return [
            class_
            for class_, bases in self._connector.classes
            if _PYDANTIC.intersection(bases)
        ]

    @cached_property
    def connector_configs(self) -> list[tuple[Class, str]]:
        """The classes that configure the connector itself, each with the type that its base class fixes."""
        return [
            (class_, type_)
            for class_, bases in self._connector.classes
            for base, type_ in CONNECTOR_CONFIGS.items()
            if _sdk(bases, base)
        ]

    @cached_property
    def config_classes(self) -> list[Class]:
        """Every class of settings: of the SDK, and those that a settings class names as sections."""
        found = [
            class_
            for class_, bases in self._connector.classes
            if any(_sdk(bases, name) for name in _CONFIGS)
            or _PYDANTIC.intersection(bases)
        ]
        found += [n.config for n in self.namespaces if n.config is not None]
        return list(dict.fromkeys(found))

    @cached_property
    def namespaces(self) -> list[Namespace]:
        """The sections that the settings classes declare, inherited ones included."""
        found: dict[str, Namespace] = {}
        for class_ in (*self.settings_classes, *self.pydantic_classes):
            for one in self._connector.project.lineage(class_):
                if isinstance(one, Class):
                    for setting in fields(one):
                        config = self._config(setting)
                        # A plain value is a setting of its own and no section.
                        if config is not None:
                            found.setdefault(setting.name, Namespace(setting, config))
        return list(found.values())

    def _config(self, setting: Setting) -> Class | None:
        for part in ast.walk(setting.annotation):
            if isinstance(part, (ast.Name, ast.Attribute)):
                for thing in self._connector.project.resolve(setting.source, part):
                    if isinstance(thing, Class):
                        return thing
        return None

    @cached_property
    def all(self) -> list[Setting]:
        """Every field of every class of settings."""
        return [setting for class_ in self.config_classes for setting in fields(class_)]

    def variables(self) -> Iterator[tuple[str, Setting]]:
        """Yield the environment variable of every field, with the field."""
        for namespace in self.namespaces:
            if namespace.config is None:
                continue
            for one in self._connector.project.lineage(namespace.config):
                if isinstance(one, Class):
                    for setting in fields(one):
                        name = f"{namespace.setting.name}_{setting.name}".upper()
                        yield name, setting


def fields(class_: Class) -> list[Setting]:
    """Return the fields that a class itself declares."""
    return [
        Setting(node.target.id, node.annotation, node.value, class_.source, node)
        for node in class_.node.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
        if not node.target.id.startswith(("_", "model_"))
        and "ClassVar" not in names_in(node.annotation)
    ]


def _sdk(bases: list[str], name: str) -> bool:
    return any(
        base.startswith("connectors_sdk") and base.rpartition(".")[2] == name
        for base in bases
    )


def _is_ellipsis(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is Ellipsis

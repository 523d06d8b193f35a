"""The classes that a connector's settings are made of.

An author subclasses `BaseConnectorSettings`, overrides `connector` with the base of the connector's type and adds one
`BaseConfigModel` for each section of its own. The operator sets `SECTION_FIELD` in the environment or `section.field`
in `config.yml`.
"""

import os
from abc import ABC
from collections.abc import Mapping
from contextvars import ContextVar
from copy import deepcopy
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    SecretStr,
    SerializationInfo,
    ValidationError,
    field_serializer,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic.functional_validators import ModelWrapValidatorHandler

from connectors_sdk.settings import _fields
from connectors_sdk.settings._migration import migrate_namespaces, migrate_variables
from connectors_sdk.settings._problems import describe
from connectors_sdk.settings._report import SettingSource, list_sources
from connectors_sdk.settings._settings_loader import (
    _SettingsLoader,
    announce_derived_id,
    load_mapping,
    warn_of_unknown,
)
from connectors_sdk.settings._sources import Layer, Shape
from connectors_sdk.settings.annotated_types import (
    ListFromString,
    RelativeDatetime,
    wants_pycti_form,
)
from connectors_sdk.settings.deprecations import Deprecate
from connectors_sdk.settings.exceptions import ConfigValidationError
from connectors_sdk.settings.helper_variables import HELPER_SECTIONS

__all__ = [
    "BaseConfigModel",
    "BaseConnectorSettings",
    "BaseExternalImportConnectorConfig",
    "BaseInternalEnrichmentConnectorConfig",
    "BaseInternalExportFileConnectorConfig",
    "BaseInternalImportFileConnectorConfig",
    "BaseStreamConnectorConfig",
    "SettingSource",
    "_BaseConnectorConfig",
    "_OpenCTIConfig",
    # Tests of connectors patch the loader under this module's name.
    "_SettingsLoader",
]

# What the constructor that is running has loaded, for its error message.
_LAYER: ContextVar[Layer] = ContextVar("_LAYER")
# What `from_dict` gives to the constructor of one class: a constructor that takes no arguments can take it nowhere else.
_GIVEN: ContextVar[tuple[type, Mapping[str, Any]] | None] = ContextVar(
    "_GIVEN", default=None
)


class BaseConfigModel(BaseModel, ABC):
    """A section of the configuration. Settings that it does not declare are kept as extra attributes."""

    model_config = ConfigDict(
        extra="allow",
        frozen=True,
        validate_default=True,
        # A traceback that ends in a log must not carry secrets there.
        hide_input_in_errors=True,
    )

    _model_deprecated_fields: ClassVar[dict[str, FieldInfo]] = {}

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Make the deprecated fields of a new subclass optional: their values move elsewhere."""
        super().__pydantic_init_subclass__(**kwargs)
        cls._model_deprecated_fields = {
            name: field
            for name, field in cls.model_fields.items()
            if Deprecate.of(field)
        }
        for field in cls._model_deprecated_fields.values():
            _make_optional(field)
        if cls._model_deprecated_fields:
            cls.model_rebuild(force=True)

    def __getattribute__(self, name: str) -> Any:
        # A window such as "the last 30 days" is counted from the moment it is asked for.
        value = super().__getattribute__(name)
        return value.resolve() if isinstance(value, RelativeDatetime) else value

    def __repr_args__(self) -> Any:
        """Show no secret, be it declared as mere text or not declared at all."""
        for name, value in super().__repr_args__():
            yield name, _fields.masked(name or "", value)


def _make_optional(field: FieldInfo) -> None:
    """Turn a deprecated field's type into an optional one, with None as default that is not validated."""
    mark = Deprecate.of(field)
    if mark is None:
        return
    if not _fields.is_nullable(field):
        others = [part for part in field.metadata if part is not mark]
        inner: Any = field.annotation
        inner = Annotated[(inner, *others)] if others else inner
        field.metadata = [mark]
        field.annotation = inner | None
    field.default = None
    field.default_factory = None
    field.validate_default = False
    field.deprecated = field.deprecated or True
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    field.json_schema_extra = {
        **extra,
        "new_namespace": mark.new_namespace,
        "new_namespaced_var": mark.new_namespaced_var,
        "removal_date": str(mark.removal_date) if mark.removal_date else None,
    }
    if isinstance(field.deprecated, str):
        field.json_schema_extra["deprecation_message"] = field.deprecated


class _OpenCTIConfig(BaseConfigModel):
    """How the platform is reached."""

    url: HttpUrl = Field(description="The base URL of the OpenCTI platform.")
    token: SecretStr = Field(description="The API token to use with the platform.")

    @field_serializer("token", when_used="json")
    def _serialize_token(self, value: SecretStr, info: SerializationInfo) -> str:
        """Reveal the token to pycti's helper only."""
        return value.get_secret_value() if wants_pycti_form(info) else str(value)


class _BaseConnectorConfig(BaseConfigModel):
    """What every type of connector is told about itself."""

    id: str = Field(description="A unique identifier (UUIDv4) of this connector.")
    name: str = Field(description="The name of the connector.")
    scope: ListFromString = Field(description="The scope of the connector.")
    log_level: Literal["debug", "info", "warn", "warning", "error"] = Field(
        default="error", description="The least severe level of log lines to write."
    )

    @field_validator("log_level", mode="before")
    @classmethod
    def _ignore_case(cls, value: Any) -> Any:
        return value.strip().lower() if isinstance(value, str) else value


class BaseExternalImportConnectorConfig(_BaseConnectorConfig):
    """The `connector` section of a connector that imports from a source on its own schedule."""

    type: Literal["EXTERNAL_IMPORT"] = "EXTERNAL_IMPORT"
    duration_period: timedelta = Field(
        description="The time between the starts of two runs of the connector."
    )

    # It holds for a connector's own declaration of the field too, which a limit in the field would not.
    @field_validator("duration_period")
    @classmethod
    def _refuse_negative(cls, value: Any) -> Any:
        if isinstance(value, timedelta) and value < timedelta(0):
            raise ValueError("the period must not be negative (zero means one run)")
        return value


class BaseInternalEnrichmentConnectorConfig(_BaseConnectorConfig):
    """The `connector` section of a connector that enriches entities on request."""

    type: Literal["INTERNAL_ENRICHMENT"] = "INTERNAL_ENRICHMENT"
    auto: bool = Field(
        default=False,
        description="Whether every new entity of the scope is enriched without being asked for.",
    )


class BaseStreamConnectorConfig(_BaseConnectorConfig):
    """The `connector` section of a connector that follows a live stream."""

    type: Literal["STREAM"] = "STREAM"
    live_stream_id: str = Field(description="The id of the live stream to follow.")
    live_stream_listen_delete: bool = Field(
        default=True, description="Whether deletions are followed too."
    )
    live_stream_no_dependencies: bool = Field(
        default=True,
        description="Whether entities come without those they depend on.",
    )


class BaseInternalExportFileConnectorConfig(_BaseConnectorConfig):
    """The `connector` section of a connector that renders entities into files."""

    type: Literal["INTERNAL_EXPORT_FILE"] = "INTERNAL_EXPORT_FILE"


class BaseInternalImportFileConnectorConfig(_BaseConnectorConfig):
    """The `connector` section of a connector that extracts intelligence from uploaded files."""

    type: Literal["INTERNAL_IMPORT_FILE"] = "INTERNAL_IMPORT_FILE"
    auto: bool = Field(
        default=False,
        description="Whether every uploaded file of the scope is imported without being asked for.",
    )


class BaseConnectorSettings(BaseConfigModel, ABC):
    """The whole configuration of a connector.

    Built without arguments it reads, from strong to weak: the environment, `config.yml` (or else `.env`), defaults.

    Raises:
        ConfigValidationError: Something is missing or wrong; the text names every such setting.
        RuntimeError: There is no main module to look for files next to.

    Warns:
        UnknownSettingWarning: A setting of a declared section that nobody understands.
        UserWarning: A deprecated setting was used.
    """

    opencti: _OpenCTIConfig = Field(
        default_factory=_OpenCTIConfig,  # type: ignore[arg-type]  # what is missing is reported setting by setting
        description="How the platform is reached.",
    )
    connector: _BaseConnectorConfig = Field(
        default_factory=_BaseConnectorConfig,  # type: ignore[arg-type]
        description="What the connector is told about itself.",
    )

    def __init__(self) -> None:
        token = _LAYER.set(Layer())
        try:
            super().__init__()
        except ValidationError as error:
            layer = _LAYER.get()
            problems = describe(error, type(self), layer, os.environ)
            wrong = ConfigValidationError(problems=problems)
            wrong.settings_class = type(self)
            raise wrong from error
        finally:
            _LAYER.reset(token)

    @classmethod
    def from_dict(cls, config: Mapping[str, Any]) -> Self:
        """Build settings from a dictionary alone: no environment, no file. Meant for tests.

        Args:
            config: What a `config.yml` would hold, section by section. Never changed.

        Raises:
            ConfigValidationError: Something is missing or wrong; the text names every such setting.
        """
        token = _GIVEN.set((cls, config))
        try:
            return cls()
        finally:
            _GIVEN.reset(token)

    @classmethod
    def config_sources(cls) -> list[SettingSource]:
        """Tell for each setting its value and where that comes from, whether or not it is valid.

        Returns:
            Declared settings in the order of declaration, each section followed by what else was given for it. Secrets are
            masked.

        Raises:
            ConfigValidationError: A file cannot be read.
            RuntimeError: There is no main module to look for files next to.
        """
        return list_sources(Shape(cls), _SettingsLoader.load(cls))

    @model_validator(mode="wrap")
    @classmethod
    def _migrate_deprecation(
        cls, data: Any, handler: ModelWrapValidatorHandler[Self]
    ) -> Self:
        """Carry deprecated settings over to their new names."""
        if isinstance(data, dict):
            data = cls._migrate_deprecated_namespaces(deepcopy(data))
            data = cls._migrate_deprecated_variables(data)
        return handler(data)

    # Connectors override these two to look at what is moved.
    @classmethod
    def _migrate_deprecated_namespaces(cls, data: dict[str, Any]) -> dict[str, Any]:
        """Move deprecated sections; see `Deprecate`."""
        migrate_namespaces(cls, data)
        return data

    @classmethod
    def _migrate_deprecated_variables(cls, data: dict[str, Any]) -> dict[str, Any]:
        """Move deprecated settings; see `Deprecate`."""
        migrate_variables(cls, data)
        return data

    @model_validator(mode="wrap")
    @classmethod
    def _load_config_dict(
        cls, _: Any, handler: ModelWrapValidatorHandler[Self]
    ) -> Self:
        """Put the loaded configuration in the place of the constructor's arguments.

        Tests of connectors override this method, without its decorator, to hand `handler` a dictionary of their own.
        """
        given = _GIVEN.get()
        if given and given[0] is cls:
            layer = load_mapping(cls, given[1])
        else:
            layer = _SettingsLoader.load(cls)
            layer.settle(os.environ)
            announce_derived_id(layer)
        warn_of_unknown(layer, Shape(cls))
        _LAYER.set(layer)
        return handler(layer.values)

    @model_validator(mode="before")
    @classmethod
    def _name_missing_sections(cls, data: Any) -> Any:
        """Put an empty section where a whole one is missing, so that each missing setting is reported by its name."""
        if not isinstance(data, dict):
            return data
        missing: dict[str, Any] = {
            name: {}
            for name, field in cls.model_fields.items()
            if name not in data and _fields.has_no_usable_default(field)
        }
        return {**data, **missing}

    def to_helper_config(self) -> dict[str, Any]:
        """Return the configuration as pycti's helper wants it: `OpenCTIConnectorHelper(config=...)`.

        Returns:
            Section by section JSON-ready values: the platform's token in clear, the scope joined with commas, periods as ISO
            8601 durations. All other declared secrets are masked, as are settings of the connector's own
            sections whose name says that they are secret.
        """
        config = self.model_dump(mode="json", context={"mode": "pycti"})
        return {
            section: (
                content
                if section in HELPER_SECTIONS
                else _fields.masked(section, content)
            )
            for section, content in config.items()
        }

    @classmethod
    def config_json_schema(
        cls,
        *,
        connector_name: str,
        by_alias: bool = False,
        mode: Literal["validation", "serialization"] = "validation",
    ) -> dict[str, Any]:
        """Describe the settings as environment variables in a JSON schema (draft 2020-12).

        Args:
            connector_name: Slug of the connector, for the schema's `$id`.
            by_alias: Name the settings by their aliases.
            mode: Describe what is read (`validation`) or what a dump gives (`serialization`).
        """
        from connectors_sdk.settings.json_schema_generator import (
            ConnectorConfigJsonSchemaGenerator,
        )

        generator = type(
            "SchemaGenerator",
            (ConnectorConfigJsonSchemaGenerator,),
            {"connector_name": connector_name},
        )
        return cls.model_json_schema(
            by_alias=by_alias, schema_generator=generator, mode=mode
        )

"""The classes, the helper's configuration, and the seams that connectors and their tests rely on."""

import copy
import warnings
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

import pytest
from pydantic import (
    Field,
    HttpUrl,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic.functional_validators import ModelWrapValidatorHandler

from connectors_sdk import (
    BaseConfigModel,
    BaseConnectorSettings,
    BaseExternalImportConnectorConfig,
    BaseInternalEnrichmentConnectorConfig,
    BaseInternalExportFileConnectorConfig,
    BaseInternalImportFileConnectorConfig,
    BaseStreamConnectorConfig,
    ConfigValidationError,
    ListFromString,
)
from connectors_sdk.settings.base_settings import (
    _BaseConnectorConfig,
    _OpenCTIConfig,
)
from connectors_sdk.settings.exceptions import UnknownSettingWarning

SetEnv = Callable[..., None]

OPENCTI = {"url": "http://localhost:8080", "token": "t0ken-of-a-test"}
CONNECTOR = {"id": "connector-id", "name": "Test", "scope": "a, b"}


class Import(BaseExternalImportConnectorConfig):
    name: str = "Default name"
    scope: ListFromString = Field(default=["default"])
    duration_period: timedelta = timedelta(hours=1)


class Feed(BaseConfigModel):
    api_key: SecretStr
    user_token: str = "clear-text"
    pages: int = 3
    inner: dict[str, str] = Field(default={"password": "inner-text", "user": "u"})


class Settings(BaseConnectorSettings):
    connector: Import = Field(default_factory=Import)  # type: ignore[arg-type]
    feed: Feed = Field(default_factory=Feed)  # type: ignore[arg-type]
    optional: Feed | None = None


CONFIG: dict[str, Any] = {
    "opencti": OPENCTI,
    "connector": CONNECTOR,
    "feed": {"api_key": "k3y"},
}


def test_helper_config(set_env: SetEnv) -> None:
    set_env()
    assert BaseConnectorSettings().to_helper_config() == {
        "connector": {
            "duration_period": "PT5M",
            "id": "connector-poc--uid",
            "log_level": "error",
            "name": "Test Connector",
            "scope": "scope1,scope2",
        },
        "opencti": {"token": "t0ken-of-a-test", "url": "http://localhost:8080/"},
    }


def test_helper_config_masks_what_is_not_the_helpers() -> None:
    config = Settings.from_dict(CONFIG).to_helper_config()
    assert config["connector"]["duration_period"] == "PT1H"
    assert config["feed"] == {
        "api_key": "**********",
        "user_token": "**********",
        "pages": 3,
        "inner": {"password": "**********", "user": "u"},
    }
    assert config["optional"] is None


def test_dumps_and_repr_show_no_secret() -> None:
    with pytest.warns(UnknownSettingWarning, match="x_key"):
        settings = Settings.from_dict(
            {**CONFIG, "connector": {**CONNECTOR, "x_key": "e"}}
        )
    text = repr(settings) + settings.model_dump_json(include={"opencti", "connector"})
    assert "t0ken-of-a-test" not in text
    assert "clear-text" not in text and "inner-text" not in text
    assert "x_key='**********'" in repr(settings)
    assert settings.opencti.token.get_secret_value() == "t0ken-of-a-test"


@pytest.mark.parametrize(
    ("config_class", "type_", "needed"),
    [
        (BaseExternalImportConnectorConfig, "EXTERNAL_IMPORT", {"duration_period"}),
        (BaseInternalEnrichmentConnectorConfig, "INTERNAL_ENRICHMENT", set()),
        (BaseStreamConnectorConfig, "STREAM", {"live_stream_id"}),
        (BaseInternalExportFileConnectorConfig, "INTERNAL_EXPORT_FILE", set()),
        (BaseInternalImportFileConnectorConfig, "INTERNAL_IMPORT_FILE", set()),
    ],
)
def test_types(
    config_class: type[_BaseConnectorConfig], type_: str, needed: set[str]
) -> None:
    required = {
        name for name, field in config_class.model_fields.items() if field.is_required()
    }
    assert required == {"id", "name", "scope", *needed}
    values = {**CONNECTOR, "duration_period": 60, "live_stream_id": "live"}
    config = config_class.model_validate(values)
    assert getattr(config, "type") == type_
    with pytest.raises(ValidationError):
        config_class.model_validate({**values, "type": "OTHER"})


def test_switches_of_types() -> None:
    enrichment = BaseInternalEnrichmentConnectorConfig.model_validate(CONNECTOR)
    imports = BaseInternalImportFileConnectorConfig.model_validate(CONNECTOR)
    assert (enrichment.auto, imports.auto) == (False, False)
    stream = BaseStreamConnectorConfig.model_validate(
        {**CONNECTOR, "live_stream_id": "live"}
    )
    assert stream.live_stream_listen_delete and stream.live_stream_no_dependencies


def test_sections_are_frozen_and_keep_extras() -> None:
    config = _OpenCTIConfig.model_validate({**OPENCTI, "ssl_verify": "true"})
    assert config.url == HttpUrl("http://localhost:8080")
    assert config.model_extra == {"ssl_verify": "true"}
    with pytest.raises(ValidationError):
        setattr(config, "url", HttpUrl("http://elsewhere"))


def test_from_dict_reads_nothing_else(
    set_env: SetEnv, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    set_env(FEED_PAGES="9", OPENCTI_URL="http://elsewhere")
    (folder / "config.yml").write_text("feed: {pages: 8}")
    given = copy.deepcopy(CONFIG)
    settings = Settings.from_dict(given)
    assert given == CONFIG
    assert settings.feed.pages == 3
    assert str(settings.opencti.url) == "http://localhost:8080/"
    without_id = {**CONFIG, "connector": {"name": "Test"}}
    first, second = (Settings.from_dict(without_id) for _ in range(2))
    assert first.connector.id == second.connector.id
    assert capsys.readouterr().err == ""


def test_from_dict_runs_the_constructor_of_the_subclass() -> None:
    class Greeting(Settings):
        def __init__(self) -> None:
            super().__init__()
            object.__setattr__(self, "greeted", True)

    assert getattr(Greeting.from_dict(CONFIG), "greeted") is True


def test_from_dict_leaves_other_classes_alone(set_env: SetEnv) -> None:
    set_env(CONNECTOR_NAME="From the environment")
    seen: list[str] = []

    class Curious(Settings):
        @model_validator(mode="after")
        def _look(self) -> Self:
            seen.append(BaseConnectorSettings().connector.name)
            return self

    assert Curious.from_dict(CONFIG).connector.name == "Test"
    assert seen == ["From the environment"]


def test_missing_optional_section_stays_away() -> None:
    assert Settings.from_dict(CONFIG).optional is None
    with pytest.raises(ConfigValidationError, match="OPTIONAL_API_KEY"):
        Settings.from_dict({**CONFIG, "optional": {"pages": 1}})


def test_missing_section_of_a_free_factory() -> None:
    class Free(Settings):
        feed: Feed = Field(default_factory=lambda: Feed(pages=5))  # type: ignore[call-arg]
        other: Feed = Field(
            default_factory=lambda: Feed(api_key=SecretStr("k"), pages=5)
        )

    with pytest.raises(ConfigValidationError, match=r"FEED_API_KEY \(feed.api_key\)"):
        Free.from_dict({**CONFIG, "feed": None})
    assert Free.from_dict(CONFIG).other.pages == 5


# -- seams ---------------------------------------------------------------------------------------------------------


class StubSettings(Settings):
    @classmethod
    def _load_config_dict(cls, _: Any, handler: Any) -> Any:  # type: ignore[override]
        return handler(CONFIG)


def test_load_can_be_overridden_without_its_decorator() -> None:
    settings = StubSettings()
    assert settings.connector.scope == ["a", "b"]
    assert settings.connector.name == "Test"
    assert settings.feed.api_key.get_secret_value() == "k3y"
    assert CONFIG["connector"] is CONNECTOR


def test_overridden_load_derives_no_id() -> None:
    class WithoutId(Settings):
        @classmethod
        def _load_config_dict(cls, _: Any, handler: Any) -> Any:  # type: ignore[override]
            return handler({**CONFIG, "connector": {"name": "Test"}})

    with pytest.raises(ConfigValidationError, match="CONNECTOR_ID") as caught:
        WithoutId()
    assert "Error validating configuration" in str(caught)


@pytest.mark.parametrize("config", [{}, {"opencti": OPENCTI}, {"feed": "text"}, None])
def test_overridden_load_with_too_little(config: Any) -> None:
    class Little(Settings):
        @classmethod
        def _load_config_dict(cls, _: Any, handler: Any) -> Any:  # type: ignore[override]
            return handler(config)

    with pytest.raises(ConfigValidationError):
        Little()


def test_order_of_validators() -> None:
    seen: list[tuple[str, Any]] = []

    class Watching(StubSettings):
        @model_validator(mode="before")
        @classmethod
        def _before(cls, data: Any) -> Any:
            seen.append(("before", copy.copy(data)))
            return data

        @model_validator(mode="wrap")
        @classmethod
        def _around(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
            seen.append(("wrap", data))
            return handler(data)

    Watching()
    assert seen == [("wrap", {}), ("before", CONFIG)]


def test_migration_can_be_overridden() -> None:
    class Careful(Settings):
        @classmethod
        def _migrate_deprecated_variables(cls, data: dict[str, Any]) -> dict[str, Any]:
            data["feed"]["pages"] += 1
            return super()._migrate_deprecated_variables(data)

    config = {**CONFIG, "feed": {"api_key": "k", "pages": 1}}
    assert Careful.from_dict(config).feed.pages == 2


def test_settings_of_the_runtime_are_known() -> None:
    config = {**CONFIG, "connector": {**CONNECTOR, "platform_timeout": "PT1M"}}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        helper_config = Settings.from_dict(config).to_helper_config()
    assert helper_config["connector"]["platform_timeout"] == "PT1M"


def test_sources_are_told(set_env: SetEnv, folder: Path) -> None:
    (folder / "config.yml").write_text(
        "connector: {name: In file}\nfeed: {user_token: s3cr3t, more: [1]}\nflag: on\n"
    )
    set_env(CONNECTOR_NAME=None, CONNECTOR_ID=None, OPENCTI_URL=None, FEED_PAGES="x")
    rows = {row.key: row for row in Settings.config_sources()}
    told = {key: (row.value, row.source) for key, row in rows.items()}
    assert told.pop("connector.id")[1].startswith("derived from")
    assert told == {
        "opencti.url": ("", "missing"),
        "opencti.token": ("**********", "environment"),
        "connector.name": ("In file", "config.yml"),
        "connector.scope": ("scope1, scope2", "environment"),
        "connector.log_level": ("error", "default"),
        "connector.type": ("EXTERNAL_IMPORT", "default"),
        "connector.duration_period": ("PT5M", "environment"),
        "feed.api_key": ("", "missing"),
        "feed.user_token": ("**********", "config.yml"),
        "feed.pages": ("x", "environment"),
        "feed.inner": ('{"password":"**********","user":"u"}', "default"),
        "feed.more": ("1", "config.yml"),
        "flag": ("true", "config.yml"),
    }
    assert rows["feed.user_token"].variable == "FEED_USER_TOKEN"

"""Where values come from: environment, files, precedence, names."""

import os
import sys
import warnings
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field, HttpUrl, SecretStr

from connectors_sdk import (
    BaseConfigModel,
    BaseConnectorSettings,
    BaseExternalImportConnectorConfig,
    ConfigValidationError,
    ListFromString,
)
from connectors_sdk.settings.base_settings import _SettingsLoader
from connectors_sdk.settings.exceptions import UnknownSettingWarning

SetEnv = Callable[..., None]

YAML = """
opencti:
  url: http://localhost:8080
  token: token-of-a-file
connector:
  id: connector-poc--uid
  name: Test Connector
  duration_period: PT5M
  scope: scope1,scope2
  log_level: debug
"""
DOT_ENV = """
OPENCTI_URL=http://localhost:8080
OPENCTI_TOKEN="token-of-a-file"
CONNECTOR_ID=connector-poc--uid
CONNECTOR_NAME=Test Connector
CONNECTOR_DURATION_PERIOD=PT5M
CONNECTOR_SCOPE=scope1,scope2
"""


class My(BaseConfigModel):
    text: str = "default"
    number: int = 7
    flag: bool = False
    password: SecretStr | None = None
    names: list[str] = Field(default=["n"])
    weights: dict[str, int] = Field(default={})
    tags: ListFromString = Field(default=["t"])
    site: HttpUrl | None = None
    key_name: str | None = Field(default=None, alias="keyName")


class Settings(BaseConnectorSettings):
    connector: BaseExternalImportConnectorConfig = Field(
        default_factory=BaseExternalImportConnectorConfig  # type: ignore[arg-type]
    )
    my: My = Field(default_factory=My)
    dry_run: bool = False


def test_environment(set_env: SetEnv) -> None:
    set_env(CONNECTOR_LOG_LEVEL=" Info ", MY_NUMBER="8", my_text="lower", DRY_RUN="yes")
    settings = Settings()
    assert settings.opencti.url == HttpUrl("http://localhost:8080/")
    assert settings.opencti.token.get_secret_value() == "t0ken-of-a-test"
    assert settings.connector.id == "connector-poc--uid"
    assert settings.connector.scope == ["scope1", "scope2"]
    assert settings.connector.duration_period == timedelta(minutes=5)
    assert settings.connector.log_level == "info"
    assert (settings.my.number, settings.my.text) == (8, "lower")
    assert settings.dry_run is True


@pytest.mark.parametrize("place", ["config.yml", "src/config.yml"])
def test_yaml_below_environment(
    folder: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    (folder / place).write_text(YAML + "my:\n  tags: [x, y]\n  keyName: k\n")
    (folder / ".env").write_text("MY_NUMBER=1\n")
    monkeypatch.setenv("CONNECTOR_NAME", "From the environment")
    settings = Settings()
    assert settings.connector.name == "From the environment"
    assert settings.connector.scope == ["scope1", "scope2"]
    assert settings.my.tags == ["x", "y"]
    assert settings.my.key_name == "k"
    assert settings.my.number == 7, "the .env file must not be read beside config.yml"


def test_legacy_yaml_goes_first(folder: Path) -> None:
    (folder / "config.yml").write_text(YAML.replace("Test Connector", "Root"))
    (folder / "src" / "config.yml").write_text(YAML)
    assert Settings().connector.name == "Test Connector"


def test_dot_env(folder: Path) -> None:
    (folder / ".env").write_text(DOT_ENV)
    settings = Settings()
    assert settings.opencti.token.get_secret_value() == "token-of-a-file"
    assert settings.connector.name == "Test Connector"


def test_dot_env_beside_main_is_not_read(folder: Path) -> None:
    (folder / "src" / ".env").write_text(DOT_ENV)
    with pytest.raises(ConfigValidationError):
        Settings()


def test_program_without_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["__main__"], "__file__", None)
    with pytest.raises(RuntimeError, match="not started from a file"):
        Settings()


@pytest.mark.parametrize(
    "content", ["a: [1", "- a list", "opencti: {token: 'se\tcret-value"]
)
def test_unreadable_yaml_is_told_without_its_text(folder: Path, content: str) -> None:
    (folder / "config.yml").write_text(content)
    with pytest.raises(ConfigValidationError, match="config.yml") as caught:
        Settings()
    assert "cret-value" not in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "attribute", "expected"),
    [
        ("MY_NUMBER", "number", 7),
        ("MY_FLAG", "flag", False),
        ("MY_SITE", "site", None),
        ("MY_NAMES", "names", ["n"]),
        ("MY_TEXT", "text", ""),
        ("MY_TAGS", "tags", []),
    ],
)
def test_empty_means_unset_where_the_type_has_no_empty_value(
    set_env: SetEnv, variable: str, attribute: str, expected: Any
) -> None:
    set_env(**{variable: ""})
    assert getattr(Settings().my, attribute) == expected


def test_null_in_yaml_means_unset(folder: Path) -> None:
    (folder / "config.yml").write_text(YAML + "my:\n  number:\n  text: ~\n")
    assert (Settings().my.number, Settings().my.text) == (7, "default")


def test_empty_helper_variables_are_unset_for_the_helper_too(set_env: SetEnv) -> None:
    set_env(CONNECTOR_QUEUE_THRESHOLD="", CONNECTOR_LOG_LEVEL="", MY_NUMBER="")
    config = Settings().to_helper_config()
    assert "queue_threshold" not in config["connector"]
    assert config["connector"]["log_level"] == "error"
    assert "CONNECTOR_QUEUE_THRESHOLD" not in os.environ
    assert "CONNECTOR_LOG_LEVEL" not in os.environ
    assert os.environ["MY_NUMBER"] == ""


@pytest.mark.parametrize(
    ("variable", "text", "attribute", "expected"),
    [
        ("MY_NAMES", '["a", "b,c"]', "names", ["a", "b,c"]),
        ("MY_WEIGHTS", '{"a": 1}', "weights", {"a": 1}),
        ("MY_TAGS", '["a", "b,c"]', "tags", ["a", "b,c"]),
        ("MY_TAGS", "[a-z]+,b", "tags", ["[a-z]+", "b"]),
        ("MY_TEXT", '{"a": 1}', "text", '{"a": 1}'),
        ("MY", '{"number": 3, "text": "t"}', "number", 3),
    ],
)
def test_json_in_the_environment(
    set_env: SetEnv, variable: str, text: str, attribute: str, expected: Any
) -> None:
    set_env(**{variable: text})
    assert getattr(Settings().my, attribute) == expected


def test_single_variable_is_stronger_than_a_whole_section(set_env: SetEnv) -> None:
    set_env(MY='{"number": 3, "text": "t"}', MY_NUMBER="4")
    assert (Settings().my.number, Settings().my.text) == (4, "t")


def test_extras_reach_the_helper(set_env: SetEnv) -> None:
    set_env(CONNECTOR_QUEUE_THRESHOLD="100", OPENCTI_SSL_VERIFY="true")
    config = Settings().to_helper_config()
    assert config["connector"]["queue_threshold"] == "100"
    assert config["opencti"]["ssl_verify"] == "true"


def test_undeclared_yaml_sections_reach_the_helper(folder: Path) -> None:
    (folder / "config.yml").write_text(YAML + "mq:\n  host: broker\n  pass: m4sk-me\n")
    settings = Settings()
    assert settings.to_helper_config()["mq"] == {"host": "broker", "pass": "m4sk-me"}
    assert "m4sk-me" not in repr(settings)


class Api(BaseConfigModel):
    key: str


class OverlapSettings(BaseConnectorSettings):
    connector_api: Api = Field(default_factory=Api)  # type: ignore[arg-type]
    connector_secret: str = "none"


def test_overlapping_sections_do_not_copy(set_env: SetEnv) -> None:
    set_env(
        CONNECTOR_API_KEY="s3cr3t-value",
        CONNECTOR_SECRET="an0ther-value",
        CONNECTOR_API_OTHER="extra",
        CONNECTOR_DURATION_PERIOD=None,
    )
    with pytest.warns(UnknownSettingWarning, match="connector_api.other"):
        settings = OverlapSettings()
    assert settings.connector_api.key == "s3cr3t-value"
    assert settings.connector_secret == "an0ther-value"
    assert settings.connector.model_extra == {}
    assert "s3cr3t-value" not in repr(settings)
    assert "s3cr3t-value" not in str(settings.to_helper_config())


def test_overlap_does_not_take_what_the_helper_needs(set_env: SetEnv) -> None:
    class QueueSettings(BaseConnectorSettings):
        connector_queue: My = Field(default_factory=My)

    set_env(CONNECTOR_QUEUE_THRESHOLD="9", CONNECTOR_DURATION_PERIOD="PT1M")
    settings = QueueSettings()
    assert settings.to_helper_config()["connector"]["queue_threshold"] == "9"
    assert settings.connector_queue.model_extra == {}


def test_secret_from_a_file(set_env: SetEnv, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("token-of-a-file\n")
    (tmp_path / "password").write_text("passw0rd-of-a-file")
    set_env(
        OPENCTI_TOKEN=None,
        OPENCTI_TOKEN_FILE=str(tmp_path / "token"),
        MY_PASSWORD_FILE=str(tmp_path / "password"),
    )
    settings = Settings()
    assert settings.to_helper_config()["opencti"]["token"] == "token-of-a-file"
    assert settings.my.password == SecretStr("passw0rd-of-a-file")
    assert not settings.opencti.model_extra and not settings.my.model_extra


def test_secret_in_the_environment_is_stronger_than_a_file_named_in_yaml(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "config.yml").write_text(YAML + "my:\n  password_file: /nowhere\n")
    monkeypatch.setenv("MY_PASSWORD", "direct")
    assert Settings().my.password == SecretStr("direct")


def test_secret_files_that_do_not_work(set_env: SetEnv, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    set_env(
        OPENCTI_TOKEN_FILE=str(tmp_path / "empty"),
        MY_PASSWORD_FILE=str(tmp_path / "missing"),
    )
    with pytest.raises(ConfigValidationError) as caught:
        Settings()
    text = str(caught.value)
    assert "OPENCTI_TOKEN (opencti.token): given twice" in text
    assert "MY_PASSWORD (my.password): the file" in text
    assert "No such file or directory" in text


def test_id_is_derived_from_folder_and_name(
    set_env: SetEnv, capsys: pytest.CaptureFixture[str]
) -> None:
    set_env(CONNECTOR_ID=None)
    first = Settings().connector.id
    assert f"CONNECTOR_ID is not set: using {first}" in capsys.readouterr().err
    set_env(CONNECTOR_ID="ChangeMe")
    assert Settings().connector.id == first
    assert "CONNECTOR_ID" not in os.environ, "pycti would use the placeholder"
    set_env(CONNECTOR_ID="", CONNECTOR_NAME="Another instance")
    assert Settings().connector.id != first


def test_derived_id_is_the_same_in_an_image(
    set_env: SetEnv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_env(CONNECTOR_ID=None)
    in_checkout = Settings().connector.id
    image = tmp_path / "opencti-connector-my-feed" / "main.py"
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(image))
    assert Settings().connector.id == in_checkout


def test_id_with_a_default_is_not_derived(set_env: SetEnv) -> None:
    class Config(BaseExternalImportConnectorConfig):
        id: str = "fixed"

    class FixedSettings(BaseConnectorSettings):
        connector: Config = Field(default_factory=Config)  # type: ignore[arg-type]

    set_env(CONNECTOR_ID=None)
    assert FixedSettings().connector.id == "fixed"


def test_a_section_may_be_written_with_hyphens(folder: Path) -> None:
    class FileSettings(BaseConnectorSettings):
        export_file_csv: My = Field(default_factory=My)

    (folder / "config.yml").write_text(YAML + "export-file-csv:\n  number: 8\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert FileSettings().export_file_csv.number == 8


def test_unknown_settings_are_told_with_the_nearest_name(
    set_env: SetEnv, folder: Path
) -> None:
    (folder / "config.yml").write_text("conector:\n  scope: a\nmy:\n  nummber: 3\n")
    set_env(CONNECTOR_SCOPES="a", CONNECTOR_QUEUE_TRESHOLD="5", MY_ZZZZ="s3cr3t")
    with pytest.warns(UnknownSettingWarning) as caught:
        Settings()
    texts = sorted(str(warning.message) for warning in caught)
    assert texts == [
        "Unknown setting CONNECTOR_QUEUE_TRESHOLD (connector.queue_treshold)."
        " Did you mean CONNECTOR_QUEUE_THRESHOLD (connector.queue_threshold)?",
        "Unknown setting CONNECTOR_SCOPES (connector.scopes)."
        " Did you mean CONNECTOR_SCOPE (connector.scope)?",
        "Unknown setting MY_NUMMBER (my.nummber). Did you mean MY_NUMBER (my.number)?",
        "Unknown setting MY_ZZZZ (my.zzzz).",
        "Unknown setting conector. Did you mean connector?",
    ]


def test_loader_reads_files_as_they_are(folder: Path) -> None:
    assert _SettingsLoader().model_dump() == {}
    (folder / ".env").write_text(DOT_ENV)
    assert _SettingsLoader().model_dump()["connector_scope"] == "scope1,scope2"
    (folder / "config.yml").write_text(YAML)
    assert _SettingsLoader().model_dump()["connector"]["scope"] == "scope1,scope2"


def test_loader_for_a_model(set_env: SetEnv) -> None:
    set_env()
    values = _SettingsLoader.build_loader_from_model(Settings)().model_dump()
    assert values["connector"]["scope"] == "scope1, scope2"
    assert values["opencti"]["url"] == "http://localhost:8080"


@pytest.mark.usefixtures("folder")
def test_config_path_can_be_patched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "config.test.yml"
    elsewhere.write_text(YAML)
    monkeypatch.setattr(
        "connectors_sdk.settings.base_settings._SettingsLoader._get_config_yml_file_path",
        lambda: elsewhere,
    )
    assert Settings().connector.name == "Test Connector"

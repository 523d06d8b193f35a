"""What an operator reads when the configuration is wrong."""

import pickle
import subprocess
import sys
import textwrap
import traceback
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, Self

import pytest
from pydantic import (
    Field,
    HttpUrl,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from connectors_sdk import (
    BaseConfigModel,
    BaseConnectorSettings,
    BaseExternalImportConnectorConfig,
    ConfigError,
    ConfigValidationError,
    DatetimeFromIsoString,
)
from connectors_sdk.settings.exceptions import SettingProblem, UnknownSettingWarning

SetEnv = Callable[..., None]
CANARY = "c4nary-value"


class My(BaseConfigModel):
    api_key: SecretStr = Field(description="The key of the source.")
    limit: int = Field(default=1, ge=1, le=100)
    level: Literal["low", "high"] = "low"
    start: DatetimeFromIsoString = "P30D"  # type: ignore[assignment]
    site: HttpUrl | None = None
    numbers: list[int] = Field(default=[])
    password: str = "none"
    either: int | bool = 1

    @field_validator("password")
    @classmethod
    def _indiscreet(cls, value: str) -> str:
        if value != "none":
            raise ValueError(f"{value} is too short")
        return value


class Settings(BaseConnectorSettings):
    connector: BaseExternalImportConnectorConfig = Field(
        default_factory=BaseExternalImportConnectorConfig  # type: ignore[arg-type]
    )
    my: My = Field(default_factory=My)  # type: ignore[arg-type]
    dry_run: bool = False


def problems_of(build: Callable[[], Any]) -> dict[str, SettingProblem]:
    with pytest.raises(ConfigValidationError) as caught:
        build()
    assert isinstance(caught.value, ConfigError)
    return {problem.variable: problem for problem in caught.value.problems}


@pytest.mark.usefixtures("folder")
def test_everything_missing_is_told_at_once() -> None:
    with pytest.raises(ConfigValidationError) as caught:
        Settings()
    lines = str(caught.value).splitlines()
    assert lines[0] == "Error validating configuration."
    assert [line.split(":")[0] for line in lines[1:]] == [
        "  - OPENCTI_URL (opencti.url)",
        "  - OPENCTI_TOKEN (opencti.token)",
        "  - CONNECTOR_NAME (connector.name)",
        "  - CONNECTOR_SCOPE (connector.scope)",
        "  - CONNECTOR_DURATION_PERIOD (connector.duration_period)",
        "  - MY_API_KEY (my.api_key)",
    ]
    assert lines[-1] == (
        "  - MY_API_KEY (my.api_key): missing; expected text (The key of the source)"
    )
    assert isinstance(caught.value.__cause__, ValidationError)


@pytest.mark.parametrize(
    ("variable", "text", "wrong", "expected"),
    [
        ("OPENCTI_URL", "nowhere", "'nowhere' (from environment)", "a URL such as"),
        ("OPENCTI_TOKEN", "ChangeMe", "placeholder 'ChangeMe'", ""),
        ("OPENCTI_TOKEN", "", "missing (it is set, but empty)", "text"),
        ("CONNECTOR_LOG_LEVEL", "loud", "'loud'", "one of debug, info, warn, warning"),
        ("CONNECTOR_DURATION_PERIOD", "1 hour or so", "", "an ISO 8601 duration such"),
        ("CONNECTOR_DURATION_PERIOD", "-P1D", "negative", "an ISO 8601 duration such"),
        ("MY_LIMIT", "101", "'101'", "an integer, at least 1, at most 100"),
        ("MY_LEVEL", "mid", "'mid'", "one of low, high"),
        ("MY_START", "soon", "'soon'", "an ISO 8601 date such"),
        ("MY_SITE", "x", "'x'", "a URL"),
        ("MY_NUMBERS", "1,2", "'1,2'", "a list, written as JSON"),
        ("MY_EITHER", "x", "'x'", "an integer or true or false"),
        ("DRY_RUN", "maybe", "'maybe'", "true or false"),
        ("MY_LEVEL", "x" * 500, "xxx...", "one of low, high"),
    ],
)
def test_wrong_value(
    set_env: SetEnv, variable: str, text: str, wrong: str, expected: str
) -> None:
    set_env(**{"MY_API_KEY": CANARY, variable: text})
    problems = problems_of(Settings)
    assert list(problems) == [variable]
    assert wrong in problems[variable].wrong
    assert len(problems[variable].wrong) < 250
    assert problems[variable].expected.startswith(expected)


class Overriding(BaseExternalImportConnectorConfig):
    duration_period: timedelta | None = Field(default=None)  # type: ignore[assignment]


class OverridingSettings(BaseConnectorSettings):
    connector: Overriding = Field(default_factory=Overriding)  # type: ignore[arg-type]


def test_a_negative_period_is_refused_in_a_field_of_the_connectors_own(
    set_env: SetEnv,
) -> None:
    set_env(CONNECTOR_DURATION_PERIOD="-PT1S")
    problems = problems_of(OverridingSettings)
    assert "negative" in problems["CONNECTOR_DURATION_PERIOD"].wrong
    for text, seconds in (("PT0S", 0), ("P1D", 86_400)):
        set_env(CONNECTOR_DURATION_PERIOD=text)
        period = OverridingSettings().connector.duration_period
        assert period == timedelta(seconds=seconds)


def test_items_and_sections(set_env: SetEnv) -> None:
    set_env(MY='{"api_key": "k", "numbers": [1, "x"]}', CONNECTOR="{broken")
    problems = problems_of(Settings)
    assert problems["MY_NUMBERS"].key == "my.numbers[1]"
    assert problems["CONNECTOR"].key == "connector"


def test_missing_variable_with_a_near_name(set_env: SetEnv) -> None:
    set_env(MY_API_KEY=None, MY_APIKEY="k", MY_ZZZ="z")
    with pytest.warns(UnknownSettingWarning):
        problems = problems_of(Settings)
    assert "MY_APIKEY is set" in problems["MY_API_KEY"].wrong


def test_no_secret_is_told(set_env: SetEnv) -> None:
    set_env(
        OPENCTI_URL=None, OPENCTI_TOKEN=CANARY, MY_API_KEY=CANARY, MY_PASSWORD=CANARY
    )
    with pytest.raises(ConfigValidationError) as caught:
        Settings()
    text = "".join(traceback.format_exception(caught.value))
    assert "MY_PASSWORD (my.password): the value" in text
    assert "is too short" in text
    assert CANARY not in str(caught.value)


def test_no_secret_in_the_original_error(set_env: SetEnv) -> None:
    set_env(OPENCTI_URL=None, OPENCTI_TOKEN=CANARY, MY_API_KEY=CANARY)
    with pytest.raises(ConfigValidationError) as caught:
        Settings()
    assert CANARY not in "".join(traceback.format_exception(caught.value))


def test_rule_over_several_settings(set_env: SetEnv) -> None:
    class Rules(Settings):
        @model_validator(mode="after")
        def _check(self) -> Self:
            raise ValueError(f"dry runs need a limit, key {CANARY}")

    set_env(MY_API_KEY=CANARY)
    with pytest.raises(ConfigValidationError) as caught:
        Rules()
    assert str(caught.value).splitlines()[1:] == [
        "  - dry runs need a limit, key **********"
    ]


def test_constructor_takes_no_arguments() -> None:
    arguments: dict[str, Any] = {"opencti": {}}
    with pytest.raises(TypeError):
        Settings(**arguments)  # pylint: disable=unexpected-keyword-arg


def test_error_can_be_raised_and_copied_by_hand() -> None:
    assert str(ConfigValidationError("Broken.")) == "Broken."
    error = ConfigValidationError(problems=[SettingProblem("a.b", "bad", "good")])
    assert str(error).endswith("- A_B (a.b): bad; expected good")
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.problems) == (str(error), error.problems)


def test_process_tells_everything_on_one_screen(tmp_path: Path) -> None:
    main = tmp_path / "feed" / "src" / "main.py"
    main.parent.mkdir(parents=True)
    main.write_text(textwrap.dedent("""
            import sys
            from connectors_sdk import BaseConnectorSettings, ConfigValidationError
            try:
                BaseConnectorSettings()
            except ConfigValidationError as error:
                sys.exit(str(error))
            """))
    (tmp_path / "feed" / "config.yml").write_text("opencti:\n  url: http://x\n")
    done = subprocess.run(
        [sys.executable, str(main)],
        env={"CONNECTOR_SCOPES": "a"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Did you mean CONNECTOR_SCOPE (connector.scope)?" in done.stderr
    assert "OPENCTI_TOKEN (opencti.token): missing" in done.stderr
    assert "CONNECTOR_SCOPE (connector.scope): missing (CONNECTOR_SCOPES" in done.stderr
    assert "Traceback" not in done.stderr

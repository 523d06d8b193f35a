"""Settings that have moved."""

import warnings
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any

import pytest
from pydantic import Field, SkipValidation

from connectors_sdk import (
    BaseConfigModel,
    BaseConnectorSettings,
    BaseExternalImportConnectorConfig,
    ConfigValidationError,
    Deprecate,
    DeprecatedField,
    ListFromString,
)
from connectors_sdk.settings.deprecations import (
    migrate_deprecated_namespace,
    migrate_deprecated_variable,
)

SetEnv = Callable[..., None]


def texts_of(function: Callable[..., Any], *args: Any, **kwargs: Any) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function(*args, **kwargs)
    assert all(warning.category is UserWarning for warning in caught)
    return [str(warning.message) for warning in caught]


# -- the functions -------------------------------------------------------------------------------------------------


def test_namespace_moves() -> None:
    data: dict[str, Any] = {"old": {"a": 1, "b": 2}, "new": {"b": 3}}
    assert texts_of(migrate_deprecated_namespace, data, "old", "new") == [
        "Deprecated setting 'old.a' found. Migrating to 'new.a'.",
        "Deprecated setting 'old.b' found. Using only 'new.b'.",
    ]
    assert data == {"new": {"a": 1, "b": 3}}


@pytest.mark.parametrize("data", [None, {}, {"new": {"a": 1}}, {"old": None}])
def test_namespace_that_is_not_there(data: Any) -> None:
    assert not texts_of(migrate_deprecated_namespace, data, "old", "new")
    assert data in (None, {}, {"new": {"a": 1}})


def test_namespace_whose_new_name_is_longer() -> None:
    data = {"settings": {"good_api_key": "k", "other": "o"}}
    texts = texts_of(migrate_deprecated_namespace, data, "settings", "settings_good")
    assert len(texts) == 1
    assert data == {"settings_good": {"other": "o"}}


def test_namespace_whose_old_name_is_longer() -> None:
    data: dict[str, Any] = {
        "settings_bad": {"api_key": "k"},
        "settings": {"bad_api_key": "copy", "bad_luck": "declared"},
    }
    texts_of(migrate_deprecated_namespace, data, "settings_bad", "settings")
    assert data == {"settings": {"api_key": "k", "bad_luck": "declared"}}


def test_variable_moves() -> None:
    data: dict[str, Any] = {"ns": {"old": "5"}}
    texts = texts_of(
        migrate_deprecated_variable,
        data,
        "old",
        "new",
        "ns",
        None,
        lambda value: int(value) * 2,
        removal_date="2026-12-31",
    )
    assert data == {"ns": {"new": 10}}
    assert texts == [
        "Deprecated setting 'ns.old' found. Migrating to 'ns.new'."
        " This setting will be removed on 2026-12-31."
    ]


def test_variable_moves_to_another_namespace_unless_it_is_set_there() -> None:
    data: dict[str, Any] = {"ns": {"old": 1}}
    texts_of(migrate_deprecated_variable, data, "old", "new", "ns", "other")
    assert data == {"ns": {}, "other": {"new": 1}}
    data["ns"]["old"] = 2
    texts = texts_of(migrate_deprecated_variable, data, "old", "new", "ns", "other")
    assert texts == ["Deprecated setting 'ns.old' found. Using only 'other.new'."]
    assert data == {"ns": {}, "other": {"new": 1}}


@pytest.mark.parametrize("data", [None, {}, {"ns": {"x": 1}}, {"ns": None}])
def test_variable_that_is_not_there(data: Any) -> None:
    before = repr(data)
    assert not texts_of(migrate_deprecated_variable, data, "old", "new", "ns")
    assert repr(data) == before


# -- the declaration -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("deprecated", [False, ""])
def test_field_must_be_deprecated(deprecated: Any) -> None:
    with pytest.raises(ValueError, match="DeprecatedField must have"):
        DeprecatedField(deprecated=deprecated)


def test_mark_holds_what_was_declared() -> None:
    field = DeprecatedField(
        deprecated="Moved.",
        new_namespace="ns",
        new_namespaced_var="var",
        new_value_factory=int,
        removal_date=date(2026, 12, 31),
        description="Text",
    )
    assert (field.deprecated, field.description) == ("Moved.", "Text")
    assert Deprecate.of(field) == Deprecate("ns", "var", int, "2026-12-31")
    with pytest.raises(ValueError, match="isoformat"):
        Deprecate(removal_date="next year")


class Old(BaseConfigModel):
    required: int = DeprecatedField(ge=3)
    moved: ListFromString = DeprecatedField(
        deprecated="Moved.", new_namespaced_var="names", removal_date="2027-01-01"
    )
    annotated: Annotated[str, Deprecate(new_namespaced_var="text")] = ""
    names: ListFromString = Field(default=[])
    text: str = "default"


def deprecated_of(model: type[BaseConfigModel]) -> list[str]:
    return list(getattr(model, "_model_deprecated_fields"))


def test_deprecated_fields_become_optional() -> None:
    assert deprecated_of(Old) == ["required", "moved", "annotated"]
    assert Old().model_dump() == {
        "required": None,
        "moved": None,
        "annotated": None,
        "names": [],
        "text": "default",
    }
    with pytest.raises(ValueError, match="greater than or equal to 3"):
        Old(required=1)
    assert Old(moved="a,b").model_dump()["moved"] == ["a", "b"]
    moved = Old.model_json_schema()["properties"]["moved"]
    assert moved["deprecated"] is True
    assert moved["new_namespaced_var"] == "names"
    assert moved["removal_date"] == "2027-01-01"


def test_deprecated_fields_are_inherited_and_can_be_replaced() -> None:
    class Child(Old):
        moved: ListFromString = Field(default=["no more"])
        more: int = DeprecatedField()

    assert deprecated_of(Child) == ["required", "annotated", "more"]
    assert Child().model_dump()["moved"] == ["no more"]
    assert deprecated_of(Old) == ["required", "moved", "annotated"]


def test_reading_a_deprecated_field_warns() -> None:
    with pytest.warns(DeprecationWarning, match="Moved."):
        assert Old().moved is None


# -- settings ------------------------------------------------------------------------------------------------------


class Config(BaseExternalImportConnectorConfig):
    interval: int = DeprecatedField(
        new_namespaced_var="duration_period",
        new_value_factory=lambda hours: f"PT{int(hours)}H",
    )
    text: str = "default"


class Feed(BaseConfigModel):
    api_key: str
    limit: int = 1
    text: str = "default"
    moved_far: str = DeprecatedField(
        new_namespace="connector", new_namespaced_var="text"
    )


class Settings(BaseConnectorSettings):
    connector: Config = Field(default_factory=Config)  # type: ignore[arg-type]
    feed: Feed = Field(default_factory=Feed)  # type: ignore[arg-type]
    old_feed: SkipValidation[Feed] = DeprecatedField(
        deprecated="Gone.", new_namespace="feed", removal_date="2027-01-01"
    )


def test_old_names_in_the_environment(set_env: SetEnv) -> None:
    set_env(
        CONNECTOR_DURATION_PERIOD=None,
        CONNECTOR_INTERVAL="2",
        OLD_FEED_API_KEY="old",
        OLD_FEED_TEXT="old",
        OLD_FEED_MOVED_FAR="far",
        FEED_TEXT="new",
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        settings = Settings()
    assert settings.connector.duration_period.total_seconds() == 7200
    assert (settings.feed.api_key, settings.feed.text) == ("old", "new")
    assert settings.connector.text == "far"
    assert settings.model_dump()["old_feed"] is None
    end = " This setting will be removed on 2027-01-01."
    assert sorted(str(warning.message) for warning in caught) == [
        "Deprecated setting 'connector.interval' found."
        " Migrating to 'connector.duration_period'.",
        f"Deprecated setting 'old_feed.api_key' found. Migrating to 'feed.api_key'.{end}",
        "Deprecated setting 'old_feed.moved_far' found. Migrating to 'connector.text'.",
        f"Deprecated setting 'old_feed.text' found. Using only 'feed.text'.{end}",
    ]


def test_old_value_that_cannot_be_converted(set_env: SetEnv) -> None:
    set_env(CONNECTOR_DURATION_PERIOD=None, CONNECTOR_INTERVAL="x", FEED_API_KEY="k")
    with (
        pytest.warns(UserWarning),
        pytest.raises(
            ConfigValidationError,
            match=r"CONNECTOR_INTERVAL \(connector.interval\): .* should be a valid integer",
        ),
    ):
        Settings()


def test_a_wrong_value_is_told_of_the_variable_that_was_set(set_env: SetEnv) -> None:
    set_env(
        CONNECTOR_DURATION_PERIOD=None,
        CONNECTOR_INTERVAL="-1",
        CONNECTOR_SCOPE=None,
        OLD_FEED_API_KEY="k",
        OLD_FEED_LIMIT="x",
    )
    with pytest.warns(UserWarning), pytest.raises(ConfigValidationError) as caught:
        Settings()
    told = {problem.variable: problem for problem in caught.value.problems}
    assert list(told) == ["CONNECTOR_SCOPE", "CONNECTOR_INTERVAL", "OLD_FEED_LIMIT"]
    assert told["CONNECTOR_INTERVAL"].wrong.startswith("the value '-1' (from ")
    assert told["CONNECTOR_INTERVAL"].expected == "an integer"


def test_no_warning_without_old_names(set_env: SetEnv) -> None:
    set_env(FEED_API_KEY="k")
    assert not texts_of(Settings)


@pytest.mark.parametrize(
    "mark",
    [
        Deprecate(new_namespace="feed", new_namespaced_var="name"),
        Deprecate(new_namespace=5),  # type: ignore[arg-type]
    ],
)
def test_misused_on_a_section(mark: Deprecate) -> None:
    class Misused(Settings):
        bad: Annotated[Feed, mark]

    with pytest.raises(ConfigValidationError, match="Error validating configuration"):
        Misused.from_dict({"bad": {"api_key": "k"}})

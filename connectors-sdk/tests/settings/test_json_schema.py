"""The JSON schema of the environment variables."""

from datetime import timedelta
from enum import Enum
from typing import Any

import jsonschema
import pytest
from pydantic import BaseModel, Field, HttpUrl, SecretStr

from connectors_sdk import (
    BaseConfigModel,
    BaseConnectorSettings,
    BaseExternalImportConnectorConfig,
    DatetimeFromIsoString,
    DeprecatedField,
    ListFromString,
)
from connectors_sdk.settings.json_schema_generator import (
    ConnectorConfigJsonSchemaGenerator as Generator,
)


class Level(Enum):
    LOW = "low"
    HIGH = "high"


class Config(BaseExternalImportConnectorConfig):
    name: str = Field(default="Feed", description="The name.")
    scope: ListFromString = Field(default=[], description="The scope.")
    duration_period: timedelta = Field(default=timedelta(hours=12))


class Feed(BaseConfigModel):
    url: HttpUrl = Field(description="Where.")
    api_key: SecretStr
    level: Level = Level.LOW
    since: DatetimeFromIsoString = "P30D"  # type: ignore[assignment]
    limit: int | None = Field(default=None, description="At most.")
    old_limit: int = DeprecatedField(
        new_namespaced_var="limit", removal_date="2027-01-01", description="Was."
    )
    far: str = DeprecatedField(
        deprecated="Nobody needs it", new_namespace="connector", new_namespaced_var="x"
    )
    gone: str = DeprecatedField(deprecated="Has no effect.", description="Was.")
    quiet: str = DeprecatedField(description="Was.")


class Older(BaseConfigModel):
    key: str = Field(description="The key.")


class Settings(BaseConnectorSettings):
    connector: Config = Field(default_factory=Config)  # type: ignore[arg-type]
    feed: Feed = Field(default_factory=Feed)  # type: ignore[arg-type]
    maybe: Older | None = None
    older: Older = DeprecatedField(new_namespace="feed", removal_date="2027-01-01")
    flag: bool = Field(default=False, description="A flag.")
    needed: int


def schema() -> dict[str, Any]:
    return Settings.config_json_schema(connector_name="my-feed")


def test_shape() -> None:
    result = schema()
    jsonschema.Draft202012Validator.check_schema(result)
    assert list(result) == [
        "$schema",
        "$id",
        "type",
        "properties",
        "required",
        "additionalProperties",
    ]
    assert result["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert result["$id"] == (
        "https://www.filigran.io/connectors/my-feed_config.schema.json"
    )
    assert result["type"] == "object"
    assert result["additionalProperties"] is True
    assert result["required"] == [
        "OPENCTI_URL",
        "OPENCTI_TOKEN",
        "FEED_URL",
        "FEED_API_KEY",
        "NEEDED",
    ]


def test_properties() -> None:
    properties = schema()["properties"]
    for name in ("OPENCTI_URL", "OPENCTI_TOKEN"):
        assert properties[name].pop("description")
    assert properties.pop("CONNECTOR_LOG_LEVEL").pop("description")
    assert properties == {
        "OPENCTI_URL": {
            "format": "uri",
            "maxLength": 2083,
            "minLength": 1,
            "type": "string",
        },
        "OPENCTI_TOKEN": {"format": "password", "type": "string", "writeOnly": True},
        "CONNECTOR_NAME": {
            "default": "Feed",
            "description": "The name.",
            "type": "string",
        },
        "CONNECTOR_SCOPE": {
            "default": [],
            "description": "The scope.",
            "items": {"type": "string"},
            "type": "array",
        },
        "CONNECTOR_TYPE": {
            "const": "EXTERNAL_IMPORT",
            "default": "EXTERNAL_IMPORT",
            "type": "string",
        },
        "CONNECTOR_DURATION_PERIOD": {
            "default": "PT12H",
            "format": "duration",
            "type": "string",
        },
        "FEED_URL": {
            "description": "Where.",
            "format": "uri",
            "maxLength": 2083,
            "minLength": 1,
            "type": "string",
        },
        "FEED_API_KEY": {"format": "password", "type": "string", "writeOnly": True},
        "FEED_LEVEL": {"default": "low", "enum": ["low", "high"], "type": "string"},
        "FEED_SINCE": {"default": "P30D", "format": "date-time", "type": "string"},
        "FEED_LIMIT": {"default": None, "description": "At most.", "type": "integer"},
        "FEED_OLD_LIMIT": {
            "deprecated": True,
            "description": "Use FEED_LIMIT instead. (removal scheduled for 2027-01-01)",
            "type": "integer",
        },
        "FEED_FAR": {
            "deprecated": True,
            "description": "Nobody needs it. Use CONNECTOR_X instead.",
            "type": "string",
        },
        "FEED_GONE": {
            "deprecated": True,
            "description": "Was. Has no effect.",
            "type": "string",
        },
        "FEED_QUIET": {"deprecated": True, "description": "Was.", "type": "string"},
        "MAYBE_KEY": {"description": "The key.", "type": "string"},
        "OLDER_KEY": {
            "deprecated": True,
            "description": "Use FEED_KEY instead. (removal scheduled for 2027-01-01)",
            "type": "string",
        },
        "FLAG": {"default": False, "description": "A flag.", "type": "boolean"},
        "NEEDED": {"type": "integer"},
    }
    order = [name.partition("_")[0] for name in properties]
    assert list(dict.fromkeys(order)) == (
        ["OPENCTI", "CONNECTOR", "FEED", "MAYBE", "OLDER", "FLAG", "NEEDED"]
    )


def test_of_a_foreign_settings_class() -> None:
    class Part(BaseModel):
        url: str
        alias: int = Field(default=1, alias="other")

    class Foreign(BaseModel):
        part: Part

    class Named(Generator):
        connector_name = "foreign"

    result = Foreign.model_json_schema(schema_generator=Named, by_alias=False)
    assert list(result["properties"]) == ["PART_URL", "PART_ALIAS"]
    assert result["required"] == ["PART_URL"]


def test_references_are_replaced() -> None:
    nested = {
        "$defs": {
            "Inner": {"type": "string", "description": "inner"},
            "Outer": {"items": {"$ref": "#/$defs/Inner"}, "type": "array"},
        },
        "properties": {
            "a": {"$ref": "#/$defs/Outer", "description": "outer"},
            "b": {"anyOf": [{"$ref": "#/$defs/Inner"}]},
        },
    }
    inner = {"type": "string", "description": "inner"}
    assert Generator.dereference_schema(nested) == {
        "properties": {
            "a": {"items": inner, "type": "array", "description": "outer"},
            "b": {"anyOf": [inner]},
        },
    }


def test_foreign_and_recursive_references_are_refused() -> None:
    with pytest.raises(ValueError, match="Unsupported ref format"):
        Generator.dereference_schema({"a": {"$ref": "http://example.com/schema"}})
    recursive = {"$defs": {"A": {"x": {"$ref": "#/$defs/A"}}}, "$ref": "#/$defs/A"}
    with pytest.raises(ValueError, match="Recursive"):
        Generator.dereference_schema(recursive)


def test_filter_takes_out_the_id_only() -> None:
    given = {
        "properties": {"CONNECTOR_ID": {}, "CONNECTOR_NAME": {}},
        "required": ["CONNECTOR_ID", "CONNECTOR_NAME"],
    }
    assert Generator.filter_schema(given) == {
        "properties": {"CONNECTOR_NAME": {}},
        "required": ["CONNECTOR_NAME"],
    }
    assert list(given["properties"]) == ["CONNECTOR_ID", "CONNECTOR_NAME"]

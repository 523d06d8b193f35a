"""The settings that the SDK's runtimes understand, whatever the type of the connector.

No settings class declares them: an operator may set them for any connector, in the `connector` section. This model is
the one place that names them; what is a known setting, and its documentation, are made from it.
"""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from connectors_sdk.settings.exceptions import ConfigValidationError, SettingProblem

SECTION = "connector"


def _seconds(value: Any) -> Any:
    """Take a number of seconds, also as text, besides an ISO 8601 duration."""
    if isinstance(value, timedelta):
        return value
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return value
    return timedelta(seconds=seconds)


Period = Annotated[timedelta, BeforeValidator(_seconds), Field(ge=timedelta(0))]

_PERIOD = "an ISO 8601 duration such as PT5M, or a number of seconds"
_COUNT = "an integer of at least 1"


class RuntimeSettings(BaseModel):
    """How a runtime behaves. Every setting has a default."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    platform_timeout: Period = Field(
        default=timedelta(minutes=5),
        description="How long to wait for a platform that is away, as ISO 8601 duration or seconds",
        json_schema_extra={"expected": _PERIOD},
    )
    data_path: Path | None = Field(
        default=None,
        description="Folder for what the connector keeps on disk; by default a folder of its own below the user's home "
        "or, if that cannot be written, below the temporary folder",
        json_schema_extra={"expected": "the path of a folder"},
    )
    health_port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="Port on which health and metrics are offered over HTTP; not set: not at all",
        json_schema_extra={"expected": "a port between 1 and 65535"},
    )
    health_host: str = Field(
        default="127.0.0.1",
        description="Address on which health and metrics are offered; 0.0.0.0 for every network",
    )
    freshness_limit: Period | None = Field(
        default=None,
        description="Age of the last success from which on the connector counts as stale; by default three times the "
        "period of a connector that has one, else there is no limit",
        json_schema_extra={"expected": _PERIOD},
    )
    lag_limit: Period | None = Field(
        default=None,
        description="How far the newest data may lie behind the source's own clock before the connector counts as "
        "stale; not set: no limit",
        json_schema_extra={"expected": _PERIOD},
    )
    stall_limit: Period = Field(
        default=timedelta(hours=1),
        description="How long work may go on without any progress before the connector counts as dead",
        json_schema_extra={"expected": _PERIOD},
    )
    quarantine_max_records: int = Field(
        default=10_000,
        ge=1,
        description="How many records that could not be processed are kept at most",
        json_schema_extra={"expected": _COUNT},
    )
    quarantine_max_size: int = Field(
        default=500,
        ge=1,
        description="How many MB of such records are kept at most",
        json_schema_extra={"expected": _COUNT},
    )
    quarantine_max_age: Period = Field(
        default=timedelta(days=30),
        description="How long records that could not be processed are kept, as ISO 8601 duration or seconds",
        json_schema_extra={"expected": _PERIOD},
    )
    daily_credits: int | None = Field(
        default=None,
        ge=1,
        description="How many calls to the source the connector may make per day (UTC), remembered across restarts; not "
        "set: as many as it needs. Connectors that count their calls respect it",
        json_schema_extra={"expected": _COUNT},
    )
    memory_limit: int | None = Field(
        default=None,
        ge=1,
        description="Memory in MB that the connector's process may use; work that comes near is stopped. The limit of the "
        "container, where there is one, counts besides",
        json_schema_extra={"expected": _COUNT},
    )
    version: str = Field(
        default="",
        description="Version of the connector, as health, metrics and traces show it; images set it",
    )
    provenance: bool = Field(
        default=False,
        description="Whether to keep on disk from which record, by which mapper and in which run each object was made",
        json_schema_extra={"expected": "true or false"},
    )

    @classmethod
    def read(cls, config: Mapping[str, Any]) -> Self:
        """Take the settings out of the helper's configuration (`settings.to_helper_config()`).

        Raises:
            ConfigValidationError: one is wrong; the text names every such setting.
        """
        section = config.get(SECTION) or {}
        given = {
            name: section[name]
            for name in cls.model_fields
            if section.get(name) not in (None, "")
        }
        try:
            return cls(**given)
        except ValidationError as error:
            raise ConfigValidationError(
                problems=[
                    cls._problem(str(details["loc"][0]), given, details["msg"])
                    for details in error.errors()
                ]
            ) from error

    @classmethod
    def _problem(
        cls, name: str, given: Mapping[str, Any], message: str
    ) -> SettingProblem:
        extra = cls.model_fields[name].json_schema_extra
        expected = extra.get("expected", message) if isinstance(extra, dict) else ""
        wrong = f"{given[name]!r} cannot be used"
        return SettingProblem(f"{SECTION}.{name}", wrong, str(expected))

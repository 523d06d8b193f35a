"""What an operator can say about how a stream is followed."""

from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from connectors_sdk.settings.annotated_types import TLPFromString, parse_iso_string
from connectors_sdk.settings.base_settings import (
    BaseConfigModel,
    BaseStreamConnectorConfig,
)

NOW = "now"
EVERYTHING = "everything"


def start_of(text: str) -> str | datetime:
    """Return what a start means: `now`, `everything`, or a moment.

    Args:
        text: one of the two words, an ISO 8601 date or datetime, or a duration counted back from now.

    Raises:
        ValueError: it is none of them.
    """
    word = text.strip().lower()
    if word in (NOW, EVERYTHING):
        return word
    try:
        moment: datetime = parse_iso_string(text)
    except ValueError as error:
        raise ValueError(
            f"neither {NOW}, {EVERYTHING}, an ISO 8601 date, nor a duration"
        ) from error
    return moment


def _checked(text: str) -> str:
    start_of(text)
    return text


def _as_text(value: Any) -> Any:
    # YAML makes dates of what looks like one.
    return value.isoformat() if hasattr(value, "isoformat") else value


# A mere text for whoever fills in a form, who would be puzzled by a type that is a date or a word.
StreamStart = Annotated[str, BeforeValidator(_as_text), AfterValidator(_checked)]
"""Where a first run begins: `now`, `everything`, an ISO 8601 date, or a duration counted back from now."""


class StreamOptions(BaseConfigModel):
    """How a live stream is followed."""

    live_stream_start: StreamStart = Field(
        default=EVERYTHING,
        description="Where the first run begins: now, everything, an ISO 8601 date, or a duration counted back from now "
        "(P30D).",
    )
    live_stream_timeout: timedelta = Field(
        default=timedelta(seconds=45),
        gt=timedelta(0),
        description="The silence after which the connection to the stream counts as broken.",
    )
    max_tlp: TLPFromString = Field(
        default="amber+strict",
        description="The highest TLP marking that may reach the target.",
    )
    batch_size: int = Field(
        default=500, ge=1, description="The most events in one batch."
    )
    batch_period: timedelta = Field(
        default=timedelta(seconds=1),
        ge=timedelta(0),
        description="The longest time that an event waits for its batch to fill.",
    )
    batch_max_bytes: int = Field(
        default=8_000_000,
        ge=1,
        description="The most bytes of events in one batch. A bigger event is a batch of its own.",
    )
    delivery_attempts: int = Field(
        default=8,
        ge=1,
        description="How often an event is offered to a target that asks for it again, before it is set aside.",
    )


class StreamConnectorConfig(StreamOptions, BaseStreamConnectorConfig):
    """The `connector` section of a stream connector, with everything that the runtime can be told."""

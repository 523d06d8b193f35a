"""Something that happens."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import AwareDatetime, Field

from connectors_sdk.models._periods import period
from connectors_sdk.models.base_domain_entity import NamedEntity


class Event(NamedEntity):
    """Something that happens in the world: an election, a match, a fair (OpenCTI's Event).

    Attributes:
        name: its name.
        description: what is known.
        aliases: other names.
        event_types: kinds of event.
        start_time: when it begins.
        stop_time: when it ends.
        score: 0 to 100.
    """

    _stix_type: ClassVar[str] = "event"
    _stix2_class: ClassVar[str] = "connectors_sdk.models._custom_stix2:EventStix"
    _stix_keys: ClassVar[Mapping[str, str]] = {"score": "x_opencti_score"}

    description: str | None = None
    aliases: list[str] | None = None
    event_types: list[str] | None = None
    start_time: AwareDatetime | None = None
    stop_time: AwareDatetime | None = None
    score: int | None = Field(default=None, ge=0, le=100)

    _check_times = period("start_time", "stop_time", moment_will_do=False)

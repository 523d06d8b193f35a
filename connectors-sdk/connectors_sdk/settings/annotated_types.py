"""Types for settings that are written as text: lists, points in time, markings."""

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Annotated, Any, Literal, Protocol, Self, SupportsIndex

from pydantic import BeforeValidator, PlainSerializer, TypeAdapter, ValidationError


class _DumpInfo(Protocol):
    """The part of pydantic's serialisation info that is read here."""

    @property
    def context(self) -> Any:
        """Whatever the caller of the dump gave."""


def wants_pycti_form(info: _DumpInfo) -> bool:
    """Say whether a dump is meant for pycti's helper (context `{"mode": "pycti"}`)."""
    return isinstance(info.context, dict) and info.context.get("mode") == "pycti"


def parse_comma_separated_list(value: Any) -> Any:
    """Split a comma-separated text.

    Args:
        value: Text such as `"a, b"`, or anything else.

    Returns:
        The stripped items of the text (an empty text gives an empty list, empty items between two commas are kept);
        anything but text is returned as it came.
    """
    if not isinstance(value, str):
        return value
    return [item.strip() for item in value.split(",")] if value else []


def serialize_list_of_strings(value: list[str], info: _DumpInfo) -> list[str] | str:
    """Join the items with commas for pycti, which knows no lists; leave them a list for everybody else."""
    return ",".join(value) if wants_pycti_form(info) else value


class RelativeDatetime(datetime):
    """A point in time that is defined by its distance from now, such as "30 days ago".

    It is the right datetime for the moment at which it was made. `resolve` gives the right one for any other moment,
    so that the window of a connector that runs for months does not grow with the age of its process.

    Attributes:
        period: The distance from now. None on what arithmetic made of such a value: that is fixed.
    """

    period: timedelta | None = None

    @classmethod
    def ago(cls, period: timedelta, now: datetime | None = None) -> Self:
        """Make the value for a distance from now.

        Args:
            period: How long ago.
            now: The moment to count from (aware); default the SDK's clock.
        """
        moment = (now or _now()) - period
        value = cls.combine(moment.date(), moment.timetz())
        value.period = period
        return value

    def resolve(self, now: datetime | None = None) -> datetime:
        """Return the plain datetime meant at a moment.

        Args:
            now: The moment to count from (aware); default the SDK's clock.
        """
        if self.period is None:
            return datetime.combine(self.date(), self.timetz())
        return (now or _now()) - self.period

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        # datetime's own way of copying forgets attributes of subclasses.
        plain = datetime.combine(self.date(), self.timetz())
        return _rebuild, (type(self), plain, self.period)


def _rebuild(
    cls: type[RelativeDatetime], moment: datetime, period: timedelta | None
) -> RelativeDatetime:
    value = cls.combine(moment.date(), moment.timetz())
    value.period = period
    return value


def _now() -> datetime:
    from connectors_sdk import clock

    moment: datetime = clock.now()
    return moment


@cache
def _durations() -> TypeAdapter[timedelta]:
    return TypeAdapter(timedelta)


def parse_iso_string(value: Any) -> Any:
    """Understand a point in time.

    Args:
        value: ISO 8601 date or datetime (without offset: UTC), or an ISO 8601 duration (`P30D`) or pydantic duration
            (`2 days`) that is counted back from now; or anything else.

    Returns:
        For text an aware UTC datetime, for a duration a `RelativeDatetime`; anything but text as it came.

    Raises:
        ValueError: The text is neither.
    """
    if not isinstance(value, str):
        return value
    text = value.strip()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        pass
    else:
        if moment.tzinfo is None:
            return moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC)
    try:
        period = _durations().validate_python(text)
        return RelativeDatetime.ago(period)
    except (ValidationError, OverflowError) as error:
        raise ValueError("neither an ISO 8601 date nor a duration") from error


def parse_tlp(value: Any) -> Any:
    """Return the name of a TLP level as settings have it: `TLP:AMBER` becomes `amber`; anything but text as it came."""
    if not isinstance(value, str):
        return value
    return value.strip().casefold().removeprefix("tlp:")


def serialize_datetime(value: datetime, info: Any) -> datetime | str:
    """Dump a point in time as of now: text with offset in JSON mode, else a plain datetime."""
    moment = value.resolve() if isinstance(value, RelativeDatetime) else value
    return moment.isoformat() if info.mode_is_json() else moment


ListFromString = Annotated[
    list[str],
    BeforeValidator(parse_comma_separated_list),
    PlainSerializer(serialize_list_of_strings, when_used="json"),
]
"""A list of strings that may be written as one comma-separated text."""

TLPFromString = Annotated[
    Literal["clear", "white", "green", "amber", "amber+strict", "red"],
    BeforeValidator(parse_tlp),
]
"""A level of the Traffic Light Protocol, in either case, with or without `TLP:` before it."""

DatetimeFromIsoString = Annotated[
    datetime,
    BeforeValidator(parse_iso_string),
    PlainSerializer(serialize_datetime),
]
"""A point in time that may be written as ISO 8601 date, datetime, or duration counted back from now.

In a `BaseConfigModel` a duration is evaluated each time the attribute is read.
"""

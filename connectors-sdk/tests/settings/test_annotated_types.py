import copy
import pickle
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError, field_validator

from connectors_sdk import (
    BaseConfigModel,
    DatetimeFromIsoString,
    ListFromString,
    clock,
)
from connectors_sdk.settings.annotated_types import (
    RelativeDatetime,
    TLPFromString,
    parse_comma_separated_list,
    parse_iso_string,
)

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)
PYCTI = {"mode": "pycti"}


class Window(BaseConfigModel):
    start: DatetimeFromIsoString = "P30D"  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("a,b,c", ["a", "b", "c"]),
        ("a, b  , c", ["a", "b", "c"]),
        ("a,,b", ["a", "", "b"]),
        ("", []),
        ([" a ", "b"], [" a ", "b"]),
    ],
)
def test_list_is_split(given: Any, expected: list[str]) -> None:
    assert parse_comma_separated_list(given) == expected
    assert TypeAdapter(ListFromString).validate_python(given) == expected


def test_list_dumps_as_text_for_pycti_only() -> None:
    adapter = TypeAdapter(ListFromString)
    assert adapter.dump_python(["a", "b"], mode="json", context=PYCTI) == "a,b"
    assert adapter.dump_python([], mode="json", context=PYCTI) == ""
    assert adapter.dump_python(["a", "b"], mode="json") == ["a", "b"]
    assert adapter.dump_python(["a", "b"], context=PYCTI) == ["a", "b"]
    assert adapter.json_schema() == {"type": "array", "items": {"type": "string"}}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2023-10-01", datetime(2023, 10, 1, tzinfo=UTC)),
        ("2023-10-01T12:30", datetime(2023, 10, 1, 12, 30, tzinfo=UTC)),
        ("2023-10-01T12:30+02:00", datetime(2023, 10, 1, 10, 30, tzinfo=UTC)),
        ("2023-10-01T12:30:00Z", datetime(2023, 10, 1, 12, 30, tzinfo=UTC)),
        ("P30D", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("PT5M", datetime(2026, 3, 31, 11, 55, tzinfo=UTC)),
        ("2 days", datetime(2026, 3, 29, 12, tzinfo=UTC)),
        (NOON, NOON),
    ],
)
def test_datetime_is_understood(given: Any, expected: datetime) -> None:
    with clock.frozen(NOON):
        parsed = parse_iso_string(given)
        validated = TypeAdapter(DatetimeFromIsoString).validate_python(given)
    assert parsed == validated == expected
    assert validated.utcoffset() == timedelta(0)


@pytest.mark.parametrize("given", ["soon", "", "P99999999D", "2023-13-01"])
def test_datetime_that_is_none_is_refused(given: str) -> None:
    with pytest.raises(ValidationError, match="neither an ISO 8601 date nor"):
        TypeAdapter(DatetimeFromIsoString).validate_python(given)


def test_datetime_dump_keeps_the_offset() -> None:
    adapter = TypeAdapter(DatetimeFromIsoString)
    elsewhere = datetime(2023, 10, 1, 10, 30, tzinfo=timezone(timedelta(hours=2)))
    assert adapter.dump_python(NOON, mode="json") == "2026-03-31T12:00:00+00:00"
    assert adapter.dump_python(elsewhere, mode="json", context=PYCTI) == (
        "2023-10-01T10:30:00+02:00"
    )
    assert adapter.json_schema() == {"type": "string", "format": "date-time"}


def test_window_moves_with_the_clock() -> None:
    with clock.frozen(NOON):
        window = Window()
        assert window.start == NOON - timedelta(days=30)
    later = NOON + timedelta(days=365)
    with clock.frozen(later):
        start = later - timedelta(days=30)
        assert window.start == start
        assert not isinstance(window.start, RelativeDatetime)
        assert window.model_dump() == {"start": start}
        assert window.model_dump(mode="json") == {"start": start.isoformat()}
        assert copy.deepcopy(window).start == start
        assert pickle.loads(pickle.dumps(window)).start == start


def test_fixed_date_does_not_move() -> None:
    window = Window(start="2026-01-01")
    with clock.frozen(NOON):
        assert window.start == datetime(2026, 1, 1, tzinfo=UTC)


def test_author_may_change_a_window_into_a_fixed_date() -> None:
    class Midnight(Window):
        @field_validator("start")
        @classmethod
        def _at_midnight(cls, value: datetime) -> datetime:
            assert isinstance(value, datetime)
            return value.replace(hour=0)

    with clock.frozen(NOON):
        window = Midnight()
    assert window.start == datetime(2026, 3, 1, tzinfo=UTC)


def test_relative_datetime_resolves_at_any_moment() -> None:
    value = RelativeDatetime.ago(timedelta(days=1), now=NOON)
    assert value == NOON - timedelta(days=1)
    assert value.resolve(NOON + timedelta(hours=1)) == NOON - timedelta(hours=23)
    assert (value - timedelta(days=1)).resolve() == NOON - timedelta(days=2)


@pytest.mark.parametrize(
    ("given", "level"),
    [
        ("amber", "amber"),
        ("TLP:CLEAR", "clear"),
        (" tlp:Amber+Strict ", "amber+strict"),
        ("WHITE", "white"),
    ],
)
def test_levels_of_tlp_in_any_spelling(given: str, level: str) -> None:
    assert TypeAdapter(TLPFromString).validate_python(given) == level


@pytest.mark.parametrize(
    "given", ["", "TLP:", "TLP:TLP:RED", "PAP:RED", "amber strict", 7]
)
def test_what_is_no_level_of_tlp_is_refused(given: Any) -> None:
    with pytest.raises(ValidationError, match="'clear', 'white'"):
        TypeAdapter(TLPFromString).validate_python(given)

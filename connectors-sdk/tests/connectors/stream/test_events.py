"""What an author sees of an event."""

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors_sdk.connectors.stream import (
    Action,
    EventKind,
    StreamEvent,
    attribute,
)
from connectors_sdk.connectors.stream._patch import PatchError, patched

OPENCTI = "extension-definition--ea279b3e-5c71-4632-ac08-831c66a786ba"
OBSERVABLE = "extension-definition--f93e2c80-4231-4f9a-af8b-95c9bd566a82"


def event(data: dict[str, Any], **more: Any) -> StreamEvent:
    return StreamEvent(
        Action.UPSERT, EventKind.UPDATE, data, "internal", "Malware", **more
    )


def test_the_state_before() -> None:
    now = {
        "id": "malware--1",
        "name": "new",
        "labels": ["a", "b", "c"],
        "extensions": {OPENCTI: {"score": 80, "id": "internal"}},
    }
    reverse = [
        {"op": "replace", "path": "/name", "value": "old"},
        {"op": "remove", "path": "/labels/1"},
        {"op": "add", "path": "/labels/-", "value": "d"},
        {"op": "replace", "path": f"/extensions/{OPENCTI}/score", "value": 10},
        {"op": "add", "path": "/a~1b~0c", "value": True},
    ]
    before = event(now, context={"reverse_patch": reverse}).previous
    assert before == {
        "id": "malware--1",
        "name": "old",
        "labels": ["a", "c", "d"],
        "extensions": {OPENCTI: {"score": 10, "id": "internal"}},
        "a/b~c": True,
    }
    assert now["labels"] == ["a", "b", "c"]


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/absent"},
        {"op": "replace", "path": "/labels/9", "value": 1},
        {"op": "add", "path": "/labels/x", "value": 1},
        {"op": "move", "path": "/name", "from": "/labels"},
        {"op": "replace", "path": "name", "value": 1},
        {"op": "add", "path": "/name/deeper", "value": 1},
        {"op": "replace", "path": "", "value": 1},
        {"path": "/name"},
    ],
)
def test_a_patch_that_does_not_fit(operation: dict[str, Any]) -> None:
    data = {"name": "x", "labels": ["a"]}
    with pytest.raises(PatchError):
        patched(data, [operation])
    assert event(data, context={"reverse_patch": [operation]}).previous is None


def test_nobody_knows_the_state_before() -> None:
    assert event({"id": "x"}).previous is None


def test_properties_wherever_they_are() -> None:
    data = {
        "type": "ipv4-addr",
        "value": "192.0.2.1",
        "x_opencti_score": 1,
        "extensions": {OPENCTI: {"type": "IPv4-Addr"}, OBSERVABLE: {"score": 7}},
    }
    assert attribute(data, "score") == 7
    assert attribute(data, "value") == "192.0.2.1"
    assert attribute({"x_opencti_score": 1}, "score") == 1
    assert event(data).get("absent", "default") == "default"


@pytest.mark.parametrize(
    ("position", "at"),
    [
        ("1767225600000-3", datetime(2026, 1, 1, tzinfo=UTC)),
        ("", None),
        ("0-0", None),
        ("soon", None),
        ("9" * 30 + "-1", None),
    ],
)
def test_the_time_of_an_event(position: str, at: datetime | None) -> None:
    assert event({}, position=position).at == at

"""What the target is to do about a frame: by type, kind, validity, marking and wish."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from connectors_sdk import clock
from connectors_sdk.connectors.egress import EgressGate
from connectors_sdk.connectors.stream import Action, EventKind, StreamEvent
from connectors_sdk.connectors.stream._frames import Frame
from connectors_sdk.connectors.stream._intake import (
    Intake,
    PoisonError,
    UndecidedError,
)
from connectors_sdk.connectors.stream._scope import TypeScope
from connectors_sdk.models import TLPMarking

OPENCTI = "extension-definition--ea279b3e-5c71-4632-ac08-831c66a786ba"
NOW = datetime(2026, 6, 1, tzinfo=UTC)
GREEN = TLPMarking(level="green").id
RED = TLPMarking(level="red").id
UNEXPLAINED = "marking-definition--5b4a7e8c-6c0c-4a42-8c4a-0a4a4a4a4a4a"


class Scene:
    """An intake for malware and indicators up to TLP:AMBER."""

    def __init__(self, **options: Any) -> None:
        self.known: set[str] = set()
        self.skipped: Counter[str] = Counter()
        self.decisions: Counter[bool] = Counter()
        self.wanted = lambda stix: True
        scope = TypeScope(
            options.pop("types", ["indicator", "Malware"]), options.pop("scope", [])
        )
        gate = EgressGate("amber", resolve=options.pop("resolve", None))
        self.intake = Intake(
            scope,
            gate,
            self._wants,
            lambda platform_id: platform_id in self.known,
            self._skip,
            self._decided,
            **options,
        )

    def _wants(self, data: Mapping[str, Any]) -> bool:
        return self.wanted(data)

    def _skip(self, kind: EventKind | None, reason: str) -> None:
        self.skipped[reason] += 1

    def _decided(self, allowed: bool) -> None:
        self.decisions[allowed] += 1

    def take(self, event: str, data: Any, **body: Any) -> list[StreamEvent]:
        with clock.frozen(NOW):
            return list(self.intake.events(frame(event, data, **body)))


def frame(event: str, data: Any, **body: Any) -> Frame:
    content = {"version": "4", "type": event, "data": data, "origin": {}, **body}
    return Frame(event, "1700000000000-5", orjson.dumps(content))


def stix(kind: str = "malware", **more: Any) -> dict[str, Any]:
    names = {"malware": "Malware", "indicator": "Indicator", "url": "Url"}
    data = {
        "type": kind,
        "id": f"{kind}--1",
        "extensions": {OPENCTI: {"id": "internal", "type": names[kind]}},
        **more,
    }
    if kind != "url":
        data["created"] = "2026-01-01T00:00:00Z"
    return data


def reverse(**values: Any) -> dict[str, Any]:
    operations = [
        {"op": "replace", "path": f"/{key}", "value": value}
        for key, value in values.items()
    ]
    return {"patch": [], "reverse_patch": operations}


@pytest.mark.parametrize(
    ("event", "action", "kind"),
    [
        ("create", Action.UPSERT, EventKind.CREATE),
        ("update", Action.UPSERT, EventKind.UPDATE),
        ("delete", Action.REMOVE, EventKind.DELETE),
        ("merge", Action.UPSERT, EventKind.MERGE),
    ],
)
def test_kinds(event: str, action: Action, kind: EventKind) -> None:
    (found,) = Scene().take(event, stix(), message="so it was", origin={"user_id": "u"})
    assert (found.action, found.kind) == (action, kind)
    assert (found.id, found.entity_type) == ("internal", "Malware")
    assert found.position == "1700000000000-5" and found.message == "so it was"
    assert found.origin == {"user_id": "u"} and found.size > 100


def test_what_was_merged_away_is_removed_first() -> None:
    source = stix(id="malware--2")
    source["extensions"] = {OPENCTI: {"id": "other", "type": "Malware"}}
    removed, kept = Scene().take("merge", stix(), context={"sources": [source]})
    assert (removed.action, removed.id) == (Action.REMOVE, "other")
    assert (kept.action, kept.id) == (Action.UPSERT, "internal")
    assert removed.kind is kept.kind is EventKind.MERGE


def test_without_the_platforms_extension() -> None:
    (found,) = Scene().take("create", {"type": "malware", "id": "malware--9"})
    assert (found.id, found.entity_type) == ("malware--9", "malware")


@pytest.mark.parametrize(
    ("types", "scope", "kind", "covered"),
    [
        ([], [], "url", True),
        ([], ["all"], "url", True),
        ([], ["elastic"], "url", True),
        ([], ["indicator"], "url", False),
        ([], ["Url", "elastic"], "url", True),
        (["url"], [], "malware", False),
        (["Url"], [], "url", True),
        (["Stix-Cyber-Observable"], [], "url", True),
        (["Stix-Cyber-Observable"], [], "malware", False),
        (["stix-domain-object"], [], "malware", True),
        (["url", "malware"], ["malware"], "url", False),
        (["x-own-type"], ["X-Own-Type"], "url", False),
    ],
)
def test_types(types: list[str], scope: list[str], kind: str, covered: bool) -> None:
    scene = Scene(types=types, scope=scope)
    assert bool(scene.take("create", stix(kind))) is covered
    assert scene.skipped == ({} if covered else {"other type": 1})


def test_words_that_are_no_types_are_named() -> None:
    scope = TypeScope([], ["all", "Elastic", "indicator", " "])
    assert scope.ignored == ["elastic"] and scope.names == ["indicator"]


def test_an_unknown_kind_of_event_is_skipped() -> None:
    scene = Scene()
    assert not scene.take("rollback", stix())
    assert scene.skipped == {"unknown kind of event": 1}


# -- validity ------------------------------------------------------------------------------------------------------------


def test_revoked() -> None:
    data = stix("indicator", revoked=True)
    (found,) = Scene().take("update", data, context=reverse(revoked=False))
    assert (found.action, found.kind) == (Action.REMOVE, EventKind.REVOKE)
    (found,) = Scene(remove_revoked=False).take("update", data)
    assert (found.action, found.kind) == (Action.UPSERT, EventKind.REVOKE)


@pytest.mark.parametrize(
    ("until", "expired"),
    [
        ("2026-05-31T23:59:59.999Z", True),
        ("2026-06-01T00:00:00Z", True),
        ("2026-06-01T00:00:00.001Z", False),
        ("2026-06-01T01:30:00+02:00", True),
        ("2026-05-31T00:00:00", True),
        ("some day", False),
        (None, False),
    ],
)
def test_expired(until: Any, expired: bool) -> None:
    data = stix("indicator", valid_until=until)
    (found,) = Scene().take("create", data)
    assert (found.action is Action.REMOVE) is expired
    assert (found.kind is EventKind.EXPIRE) is expired
    (found,) = Scene(remove_expired=False).take("create", data)
    assert found.action is Action.UPSERT


# -- markings ------------------------------------------------------------------------------------------------------------


def test_what_is_above_the_maximum_stays_here() -> None:
    scene = Scene()
    for event in ("create", "update", "delete", "merge"):
        assert not scene.take(event, stix(object_marking_refs=[GREEN, RED]))
    assert scene.skipped == {"above the maximum marking": 4}
    assert scene.decisions == {False: 4}


@pytest.mark.parametrize("known", [True, False])
def test_a_raised_marking_removes_what_was_delivered(known: bool) -> None:
    scene = Scene()
    # The map may be lost; then the change itself tells that the target may have it.
    if known:
        scene.known.add("internal")
    data = stix(name="secret now", object_marking_refs=[RED])
    context = {} if known else reverse(object_marking_refs=[GREEN])
    (found,) = scene.take("update", data, context=context, message="secret now")
    assert found.action is Action.REMOVE and found.id == "internal"
    assert found.data == {"type": "malware", "id": "malware--1"}
    assert "secret" not in repr(found) and found.previous is None


def test_a_raised_marking_while_the_object_is_on_its_way() -> None:
    scene = Scene()
    scene.intake.pending = {"internal"}.__contains__
    (found,) = scene.take("update", stix(object_marking_refs=[RED]))
    assert found.action is Action.REMOVE


def test_a_secret_that_was_never_delivered_is_not_even_deleted() -> None:
    scene = Scene()
    data = stix(object_marking_refs=[RED])
    assert not scene.take("update", data, context=reverse(object_marking_refs=[RED]))
    assert not scene.take("delete", data)
    scene.known.add("internal")
    (found,) = scene.take("delete", data)
    assert found.action is Action.REMOVE and "extensions" not in found.data


def test_markings_of_single_properties_count() -> None:
    granular = [{"marking_ref": RED, "selectors": ["name"]}]
    scene = Scene()
    assert scene.take("create", stix(object_marking_refs=[GREEN]))
    data = stix(object_marking_refs=[GREEN], granular_markings=granular)
    assert not scene.take("create", data)


def test_what_cannot_be_decided_does_not_leave() -> None:
    def resolve(_: str) -> Mapping[str, Any] | None:
        if answers:
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        return None

    answers: list[Any] = [ValueError("the platform is away")]
    scene = Scene(resolve=resolve)
    data = stix(object_marking_refs=[UNEXPLAINED])
    with pytest.raises(UndecidedError, match="away"):
        scene.take("create", data)
    # A refusal is not remembered: somebody may explain the marking later.
    assert not scene.take("create", data)
    answers.append({"definition_type": "TLP", "definition": "TLP:GREEN"})
    assert scene.take("create", data)


# -- wishes --------------------------------------------------------------------------------------------------------------


def test_what_is_not_wanted_is_skipped_or_removed() -> None:
    scene = Scene()
    scene.wanted = lambda data: data.get("confidence", 0) >= 50
    assert scene.take("create", stix(confidence=50))
    assert not scene.take("create", stix(confidence=49))
    (found,) = scene.take("update", stix(confidence=1), context=reverse(confidence=90))
    assert found.action is Action.REMOVE and found.data["confidence"] == 1
    scene.known.add("internal")
    (found,) = scene.take("update", stix(confidence=1))
    assert found.action is Action.REMOVE
    # Whether something that goes was wanted does not matter.
    scene.known.clear()
    assert scene.take("delete", stix(confidence=1))
    assert scene.skipped == {"not wanted": 1}


# -- poison --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"{", "it is no JSON"),
        (b"[]", "it holds no STIX object"),
        (b'{"data": null}', "it holds no STIX object"),
        (b'{"data": {"id": "malware--1"}}', "it holds no STIX object"),
        (
            b'{"data": {"id": "m--1", "type": "malware", "extensions": [1]}}',
            "extensions",
        ),
    ],
)
def test_what_cannot_be_understood(data: bytes, reason: str) -> None:
    with pytest.raises(PoisonError, match=reason):
        list(Scene().intake.events(Frame("create", "1-1", data)))


def test_a_failing_wish_is_poison() -> None:
    scene = Scene()
    scene.wanted = lambda data: data["score"] > 5
    with pytest.raises(PoisonError, match="KeyError"):
        scene.take("create", stix())


def test_a_merge_with_a_broken_source() -> None:
    with pytest.raises(PoisonError, match="source"):
        Scene().take("merge", stix(), context={"sources": ["x"]})

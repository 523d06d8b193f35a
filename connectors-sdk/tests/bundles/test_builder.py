"""What the pieces of a bundle promise."""

import uuid
import warnings
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import orjson
import pycti
import pytest
import stix2
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors_sdk import clock
from connectors_sdk.bundles import (
    Bundle,
    BundleBuilder,
    BundleError,
    DanglingReferenceError,
    OversizedBundleWarning,
    iter_bundles,
    references_of,
)
from connectors_sdk.models import (
    URL,
    Malware,
    OrganizationAuthor,
    Reference,
    Relationship,
    TLPMarking,
    Tool,
)
from connectors_sdk.models.enums import RelationshipType, TLPLevel

GREEN = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"
STRICT = "marking-definition--826578e1-40ad-459f-bc73-ede076f81f37"
NOWHERE = "identity--00000000-0000-5000-8000-000000000000"
Make = Callable[..., dict[str, Any]]


def assert_closed(bundle: Bundle) -> None:
    ids = set(bundle.ids)
    for data in bundle.objects:
        assert ids.issuperset(references_of(data)), data


def assert_dependencies_first(bundle: Bundle) -> None:
    seen: set[str] = set()
    for data in bundle.objects:
        assert seen.issuperset(references_of(data)), data
        seen.add(data["id"])


def authored(make: Make, count: int) -> Iterator[dict[str, Any]]:
    author = make("identity", "author")
    yield author
    for number in range(count):
        yield make(
            "indicator",
            f"i{number}",
            created_by_ref=author["id"],
            object_marking_refs=[GREEN],
        )


# -- form ------------------------------------------------------------------------------------------------------------


def test_a_piece_is_a_stix_bundle_and_knows_its_size(stix: Make) -> None:
    (bundle,) = iter_bundles([stix("tool", "é\N{GRINNING FACE}")])
    parsed = orjson.loads(bundle.to_bytes())
    assert list(parsed) == ["type", "id", "objects"]
    assert parsed["objects"] == bundle.objects
    assert bundle.to_json().encode() == bundle.to_bytes()
    assert bundle.size == len(bundle.to_bytes())
    assert len(bundle) == 1
    read = stix2.parse(bundle.to_json())
    assert isinstance(read, stix2.v21.Bundle)
    assert [o.id for o in read.objects] == list(bundle.ids)


def test_same_content_same_id_other_content_other_id(stix: Make) -> None:
    (one,) = iter_bundles([stix("malware", "a")])
    (same,) = iter_bundles([stix("malware", "a")])
    (other,) = iter_bundles([stix("malware", "a", description="x")])
    assert one.to_bytes() == same.to_bytes()
    assert one.id != other.id
    assert repr(one) == f"Bundle(1 objects, {one.size} bytes)"
    assert uuid.UUID(one.id.removeprefix("bundle--")).version == 5


def test_nothing_in_nothing_out() -> None:
    assert not list(iter_bundles([]))
    assert not list(iter_bundles(iter(())))


# -- what is accepted ------------------------------------------------------------------------------------------------


def test_stix2_objects_and_hand_written_dictionaries() -> None:
    identity = stix2.Identity(
        id=pycti.Identity.generate_id("n", "organization"),
        name="n",
        identity_class="organization",
    )
    by_hand = {
        "type": "malware",
        "spec_version": "2.1",
        "id": "malware--00000000-0000-5000-8000-000000000001",
        "created": datetime(2024, 1, 1, 12, tzinfo=timezone(timedelta(hours=2))),
        "modified": datetime(2024, 1, 1, 10),
        "created_by_ref": identity.id,
        "labels": {"b", "a"},
        "external_references": [stix2.ExternalReference(source_name="s", url="u")],
    }
    (bundle,) = iter_bundles([by_hand, identity])
    first, second = bundle.objects
    assert first == orjson.loads(identity.serialize())
    assert second["created"] == second["modified"] == "2024-01-01T10:00:00.000Z"
    assert second["labels"] == ["a", "b"]
    assert second["external_references"] == [{"source_name": "s", "url": "u"}]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"type": "malware"}, "needs an id"),
        ({"id": NOWHERE}, "no type"),
        ("obj1", "needs an id"),
        ({"type": "bundle", "id": "bundle--1"}, "is a bundle"),
        ({"type": "malware", "id": NOWHERE, "x": object()}, "type object has no JSON"),
        ({"type": "malware", "id": NOWHERE, "x": "\ud800"}, "cannot be written"),
    ],
)
def test_what_is_no_stix_object_is_refused_in_words(wrong: Any, words: str) -> None:
    for objects in ([wrong], iter([wrong])):
        with pytest.raises(BundleError, match=words):
            list(iter_bundles(objects))


def test_bounds_and_mode_are_checked() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        BundleBuilder(max_objects=0)
    with pytest.raises(ValueError, match="raise, drop or keep"):
        BundleBuilder(on_dangling="ignore")  # type: ignore[arg-type]


def test_objects_that_only_know_their_stix2_form() -> None:
    class Legacy:
        id = "identity--00000000-0000-5000-8000-000000000001"

        def to_stix2_object(self) -> Any:
            return stix2.Identity(id=self.id, name="n", identity_class="class")

    (bundle,) = iter_bundles([Legacy()])
    assert bundle.objects[0]["name"] == "n"


def test_the_builder_says_how_much_it_holds(stix: Make) -> None:
    builder = BundleBuilder()
    builder.add(stix("tool", "t"))
    builder.add(stix("malware", "waits", created_by_ref=NOWHERE))
    assert len(builder) == 2
    with pytest.raises(DanglingReferenceError):
        builder.flush()


# -- bounds and closure ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("as_list", [True, False])
def test_author_and_marking_are_repeated_in_every_piece(
    stix: Make, as_list: bool
) -> None:
    objects: Iterable[Any] = authored(stix, 25)
    bundles = list(iter_bundles(list(objects) if as_list else objects, max_objects=10))
    assert [len(b) for b in bundles] == [10, 10, 10, 3]
    for bundle in bundles:
        assert_closed(bundle)
        assert_dependencies_first(bundle)
        assert {"identity", "marking-definition"} <= {o["type"] for o in bundle.objects}
    sent = [i for b in bundles for i in b.ids if i.startswith("indicator")]
    assert sent == [o["id"] for o in authored(stix, 25)][1:]


def test_bytes_are_bounded_exactly(stix: Make) -> None:
    objects = [stix("malware", f"m{n}", description="é" * n) for n in range(50)]
    (whole,) = iter_bundles(objects)
    assert len(list(iter_bundles(objects, max_bytes=whole.size))) == 1
    assert len(list(iter_bundles(objects, max_bytes=whole.size - 1))) == 2
    for bundle in iter_bundles(objects, max_bytes=2000):
        assert len(bundle.to_bytes()) <= 2000


def test_a_closure_is_not_cut_apart(stix: Make) -> None:
    def pairs() -> Iterator[dict[str, Any]]:
        for number in range(9):
            left, right = stix("malware", f"l{number}"), stix("tool", f"r{number}")
            yield left
            yield right
            yield stix(
                "relationship",
                f"x{number}",
                source_ref=left["id"],
                target_ref=right["id"],
            )

    for bundle in iter_bundles(pairs(), max_objects=4):
        assert_closed(bundle)
        assert len(bundle) <= 4


def test_a_closure_bigger_than_the_bounds_goes_as_one_piece_with_a_warning(
    stix: Make,
) -> None:
    parts = [stix("malware", f"m{n}") for n in range(20)]
    report = stix("report", "r", object_refs=[p["id"] for p in parts])
    after = stix("tool", "after")
    with pytest.warns(OversizedBundleWarning, match=f"{report['id']}.*21 objects"):
        bundles = list(iter_bundles([*parts, report, after], max_objects=10))
    assert [len(b) for b in bundles if b.oversized] == [21]
    assert after["id"] in bundles[-1].ids and not bundles[-1].oversized
    for bundle in bundles:
        assert_closed(bundle)


def test_known_tlp_markings_are_supplied_and_yours_wins(stix: Make) -> None:
    (bundle,) = iter_bundles([stix("malware", "m", object_marking_refs=[STRICT])])
    assert bundle.objects[0]["x_opencti_definition"] == "TLP:AMBER+STRICT"
    mine = stix2.TLP_GREEN
    objects = [stix("malware", "m", object_marking_refs=[GREEN]), mine]
    (bundle,) = iter_bundles(objects)
    assert bundle.objects[0] == orjson.loads(mine.serialize())


def test_ids_of_the_known_markings_are_those_of_stix2() -> None:
    levels = (stix2.TLP_WHITE, stix2.TLP_GREEN, stix2.TLP_AMBER, stix2.TLP_RED)
    for level in levels:
        user = {
            "type": "malware",
            "id": "malware--00000000-0000-5000-8000-000000000001",
            "object_marking_refs": [level.id],
        }
        (bundle,) = iter_bundles([user])
        assert bundle.ids[0] == level.id


# -- order and circles -----------------------------------------------------------------------------------------------


def test_circles_are_kept_together(stix: Make) -> None:
    owner, marking = stix("identity", "o"), stix("marking-definition", "m")
    owner["object_marking_refs"] = [marking["id"]]
    marking["created_by_ref"] = owner["id"]
    feed = [owner, marking] + [
        stix("malware", f"m{n}", created_by_ref=owner["id"]) for n in range(10)
    ]
    for objects in (feed, iter(feed)):
        bundles = list(iter_bundles(objects, max_objects=5))
        assert [len(b) for b in bundles] == [5, 5, 5, 3]
        for bundle in bundles:
            assert_closed(bundle)


def test_a_circle_in_a_stream_does_not_hold_up_the_feed(stix: Make) -> None:
    owner, marking = stix("identity", "o"), stix("marking-definition", "m")
    other = stix("identity", "other", object_marking_refs=[marking["id"]])
    owner["object_marking_refs"] = [marking["id"]]
    marking["created_by_ref"] = owner["id"]
    marking["x_other_ref"] = other["id"]
    builder = BundleBuilder(max_objects=3)
    for first in (owner, marking):
        assert not builder.add(first)
    assert not builder.add(other)
    assert [len(b) for b in builder.add(stix("malware", "m"))] == [3]


def test_what_comes_too_early_waits(stix: Make) -> None:
    target = stix("malware", "t")
    link = stix("relationship", "l", source_ref=target["id"], target_ref=target["id"])
    report = stix("report", "r", object_refs=[link["id"], target["id"]])
    bundles = list(iter_bundles(iter([report, link, target])))
    assert [b.ids for b in bundles] == [(target["id"], link["id"], report["id"])]


def test_a_later_version_that_needs_more_comes_after_it(stix: Make) -> None:
    plain, user = stix("malware", "m"), stix("tool", "user")
    user["x_malware_ref"] = plain["id"]
    late = stix("identity", "late")
    again = {**plain, "created_by_ref": late["id"]}
    (bundle,) = iter_bundles(iter([plain, user, late, again]))
    assert_dependencies_first(bundle)
    assert len(bundle) == 3


def test_a_long_chain_in_linear_time(stix: Make) -> None:
    def chain(count: int) -> list[dict[str, Any]]:
        links = [stix("identity", f"c{n}") for n in range(count)]
        for before, link in zip(links, links[1:]):
            link["created_by_ref"] = before["id"]
        return links

    count = 5000
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OversizedBundleWarning)
        for links in (chain(count), chain(count)[::-1]):
            for objects in (links, iter(links)):
                bundles = list(iter_bundles(objects))
                # Each link needs all before it, so repeating is inevitable; without care it would be 10 million.
                assert sum(map(len, bundles)) < 4 * count
                assert {i for b in bundles for i in b.ids} == {
                    link["id"] for link in links
                }
                for bundle in bundles:
                    assert_dependencies_first(bundle)


@pytest.mark.parametrize(("count", "report_first"), [(100_000, False), (20_000, True)])
def test_an_object_with_very_many_references(
    stix: Make, count: int, report_first: bool
) -> None:
    parts = [
        {"type": "url", "id": f"url--00000000-0000-5000-8000-{n:012x}", "value": "x"}
        for n in range(count)
    ]
    report = stix("report", "r", object_refs=[p["id"] for p in parts])
    feed = [report, *parts] if report_first else [*parts, report]
    with pytest.warns(OversizedBundleWarning):
        bundles = list(iter_bundles(iter(feed)))
    # Quadratic behaviour would take hours.
    assert max(map(len, bundles)) == count + 1


# -- duplicates ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("as_list", [True, False])
def test_versions_of_an_object_are_merged(stix: Make, as_list: bool) -> None:
    feed = [
        stix("malware", "m", labels=["a"]),
        stix("tool", "t"),
        stix("malware", "m", labels=["b"], description="d"),
    ]
    (bundle,) = iter_bundles(feed if as_list else iter(feed))
    assert len(bundle) == 2
    assert bundle.objects[0] == stix("malware", "m", labels=["a", "b"], description="d")


def test_a_list_merges_across_pieces(stix: Make) -> None:
    feed = [
        stix("malware", "m", labels=["a"]),
        *(stix("tool", f"t{n}") for n in range(5)),
        stix("malware", "m", labels=["b"]),
    ]
    bundles = list(iter_bundles(feed, max_objects=2))
    versions = [o for b in bundles for o in b.objects if o["type"] == "malware"]
    assert [v["labels"] for v in versions] == [["a", "b"]]


@pytest.mark.parametrize("resolve", [None, lambda _: None])
def test_what_was_sent_goes_again_only_when_it_changed(
    stix: Make, resolve: Any
) -> None:
    builder = BundleBuilder(resolve=resolve)
    builder.add(stix("malware", "m", labels=["a"]))
    builder.flush()
    builder.add(stix("malware", "m", labels=["a"]))
    assert not builder.flush()
    builder.add(stix("malware", "m", labels=["b"]))
    (bundle,) = builder.flush()
    # What the builder remembers is merged; otherwise the platform does it.
    expected = ["a", "b"] if resolve is None else ["b"]
    assert bundle.objects[0]["labels"] == expected


# -- references to what is not there ---------------------------------------------------------------------------------


@pytest.mark.parametrize("as_list", [True, False])
def test_a_dangling_reference_is_named(stix: Make, as_list: bool) -> None:
    feed = [stix("tool", "t"), stix("malware", "m", created_by_ref=NOWHERE)]
    with pytest.raises(DanglingReferenceError) as caught:
        list(iter_bundles(feed if as_list else iter(feed)))
    assert caught.value.object_id == feed[1]["id"]
    assert caught.value.missing_ids == (NOWHERE,)
    assert feed[1]["id"] in str(caught.value) and NOWHERE in str(caught.value)


def test_many_dangling_references_are_counted() -> None:
    missing = [f"url--00000000-0000-5000-8000-{n:012x}" for n in range(7)]
    error = DanglingReferenceError("report--1", missing)
    assert error.missing_ids == tuple(missing)
    assert "and 2 more" in str(error)


@pytest.mark.parametrize("as_list", [True, False])
def test_dropping_takes_what_makes_no_sense_with_it(stix: Make, as_list: bool) -> None:
    kept = stix("malware", "kept", created_by_ref=NOWHERE)
    link = stix("relationship", "l", source_ref=kept["id"], target_ref=NOWHERE)
    note = stix("note", "n", object_refs=[link["id"]])
    report = stix("report", "r", object_refs=[kept["id"], link["id"], note["id"]])
    feed = [report, kept, link, note]
    builder = BundleBuilder(on_dangling="drop")
    bundles = (
        list(builder.add_all(feed))
        if as_list
        else [b for o in feed for b in builder.add(o)]
    )
    bundles += builder.flush()
    objects = {o["id"]: o for b in bundles for o in b.objects}
    assert objects[report["id"]]["object_refs"] == [kept["id"], note["id"]]
    assert "object_refs" not in objects[note["id"]]
    assert "created_by_ref" not in objects[kept["id"]]
    assert link["id"] not in objects
    assert builder.dropped[link["id"]] == (NOWHERE,)
    assert builder.dropped[kept["id"]] == (NOWHERE,)
    for bundle in bundles:
        assert_closed(bundle)


def test_keeping_says_what_is_outside(stix: Make) -> None:
    feed = [stix("malware", "m", created_by_ref=NOWHERE), stix("tool", "t")]
    for objects in (feed, iter(feed)):
        (bundle,) = iter_bundles(objects, on_dangling="keep")
        assert bundle.external == (NOWHERE,)
        assert len(bundle) == 2


# -- resolve ---------------------------------------------------------------------------------------------------------


def test_resolve_supplies_what_was_sent_before(stix: Make) -> None:
    objects = list(authored(stix, 12))
    known = {o["id"]: o for o in objects}
    asked: list[str] = []

    def resolve(stix_id: str) -> Any:
        asked.append(stix_id)
        return known.get(stix_id)

    bundles = list(iter_bundles(iter(objects[1:]), resolve=resolve, max_objects=5))
    for bundle in bundles:
        assert_closed(bundle)
        assert len(bundle) <= 5
    assert set(asked) == {objects[0]["id"], GREEN}


def test_resolve_must_answer_what_was_asked(stix: Make) -> None:
    feed = iter([stix("malware", "m", created_by_ref=NOWHERE)])
    with pytest.raises(BundleError, match="resolve"):
        list(iter_bundles(feed, resolve=lambda _: stix("tool", "t")))


def test_what_was_sent_but_cannot_be_supplied_is_settled_at_once(stix: Make) -> None:
    author = stix("identity", "a")
    builder = BundleBuilder(resolve=lambda _: None, on_dangling="keep")
    builder.add(author)
    builder.flush()
    builder.add(stix("tool", "between"))
    builder.flush()
    builder.add(stix("malware", "m", created_by_ref=author["id"]))
    (bundle,) = builder.flush()
    assert bundle.external == (author["id"],)


# -- models ----------------------------------------------------------------------------------------------------------


def test_the_models_of_the_sdk() -> None:
    author = OrganizationAuthor(name="Author")
    malware = Malware(
        name="M",
        is_family=True,
        author=author,
        markings=[TLPMarking(level=TLPLevel.RED), Reference(id=STRICT)],
    )
    tool = Tool(name="T", author=author)
    uses = Relationship(
        type=RelationshipType.USES, source=malware, target=tool, author=author
    )
    for objects in ([uses], iter([uses])):
        with clock.frozen(datetime(2024, 1, 1, tzinfo=timezone.utc)):
            (bundle,) = iter_bundles(objects)
            expected = uses.to_stix_dict()
        assert_dependencies_first(bundle)
        assert not bundle.external
        assert sorted(bundle.ids) == sorted(
            [
                author.id,
                malware.id,
                tool.id,
                uses.id,
                STRICT,
                TLPMarking(level=TLPLevel.RED).id,
            ]
        )
        assert bundle.objects[-1] == expected


class Model:
    """The shape of a model: an id, a STIX form, and the models it refers to."""

    conversions = 0

    def __init__(self, data: dict[str, Any], *held: "Model") -> None:
        self.id: str = data["id"]
        self._data = data
        self._held = held

    def to_stix_dict(self) -> dict[str, Any]:
        type(self).conversions += 1
        return self._data

    def referenced_objects(self) -> Iterator["Model"]:
        yield from self._held


def test_models_bring_what_they_hold(stix: Make) -> None:
    author = Model(stix("identity", "a"))
    inner = Model(stix("malware", "m", created_by_ref=author.id), author)
    outer = Model(stix("report", "r", object_refs=[inner.id]), inner)
    (bundle,) = iter_bundles([outer])
    assert bundle.ids == (author.id, inner.id, outer.id)


def test_a_held_author_is_converted_once_a_piece(stix: Make) -> None:
    def feed() -> Iterator[Model]:
        for number in range(100):
            author = Model(stix("identity", "a"))
            yield Model(
                stix("indicator", str(number), created_by_ref=author.id), author
            )

    Model.conversions = 0
    bundles = list(iter_bundles(feed(), max_objects=51))
    assert [len(b) for b in bundles] == [51, 51]
    assert Model.conversions == 100 + 1


def test_a_bare_reference_of_a_model_is_a_promise(stix: Make) -> None:
    feed = [Model(stix("malware", "m", created_by_ref=NOWHERE))]
    for objects in (feed, iter(feed)):
        (bundle,) = iter_bundles(objects)
        assert bundle.external == (NOWHERE,)


def test_a_bare_reference_to_a_member_of_the_list_is_closed(stix: Make) -> None:
    target = stix("malware", "t")
    link = Model(
        stix("relationship", "l", source_ref=target["id"], target_ref=target["id"])
    )
    (bundle,) = iter_bundles([link, target])
    assert bundle.ids == (target["id"], link.id)
    assert not bundle.external


def test_a_dictionary_may_refer_to_an_author_given_as_a_model(stix: Make) -> None:
    author = Model(stix("identity", "a"))
    feed = [
        author,
        *(stix("tool", f"t{n}", created_by_ref=author.id) for n in range(9)),
    ]
    for bundle in iter_bundles(iter(feed), max_objects=3):
        assert_closed(bundle)


# -- any graph -------------------------------------------------------------------------------------------------------


@st.composite
def graphs(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Objects that refer to each other at random, circles and duplicates included."""
    count = draw(st.integers(1, 25))
    ids = [f"note--00000000-0000-5000-8000-{n:012x}" for n in range(count)]
    objects = [
        {
            "type": "note",
            "id": ids[n],
            "object_refs": draw(st.lists(st.sampled_from(ids), max_size=4)),
            "content": draw(st.text(max_size=30)),
        }
        for n in range(count)
    ]
    extra = draw(st.lists(st.sampled_from(objects), max_size=5))
    return draw(st.permutations([*objects, *extra]))


@settings(max_examples=100, deadline=None)
@given(
    graph=graphs(),
    as_list=st.booleans(),
    max_objects=st.integers(1, 12),
    max_bytes=st.integers(200, 3000),
)
def test_any_graph_in_any_order(
    graph: list[dict[str, Any]], as_list: bool, max_objects: int, max_bytes: int
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OversizedBundleWarning)

        def run() -> list[Bundle]:
            return list(
                iter_bundles(
                    graph if as_list else iter(graph),
                    max_objects=max_objects,
                    max_bytes=max_bytes,
                )
            )

        bundles = run()
        assert [b.to_bytes() for b in run()] == [b.to_bytes() for b in bundles]
    expected = {o["id"]: o for o in graph}
    sent: dict[str, Any] = {}
    for bundle in bundles:
        assert_closed(bundle)
        assert len(set(bundle.ids)) == len(bundle)
        if not bundle.oversized:
            assert len(bundle) <= max_objects
            assert bundle.size <= max_bytes
        assert bundle.size == len(bundle.to_bytes())
        sent.update((o["id"], o) for o in bundle.objects)
    assert sent == expected


@settings(max_examples=100, deadline=None)
@given(graph=graphs(), as_list=st.booleans(), max_objects=st.integers(1, 8))
def test_any_graph_with_holes(
    graph: list[dict[str, Any]], as_list: bool, max_objects: int
) -> None:
    holed = graph[: len(graph) // 2 + 1]
    there = {o["id"] for o in holed}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OversizedBundleWarning)
        bundles = list(
            iter_bundles(
                holed if as_list else iter(holed),
                max_objects=max_objects,
                on_dangling="drop",
            )
        )
    assert {i for b in bundles for i in b.ids} == there
    for bundle in bundles:
        assert_closed(bundle)


def test_what_was_sent_long_ago_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors_sdk.bundles.builder._MODELS_KNOWN", 3)
    tools = [URL(value=f"https://host.example/{number}") for number in range(10)]
    builder = BundleBuilder(max_objects=1)
    for tool in tools:
        builder.add(tool)
    assert not builder.add(tools[-1])
    builder.flush()
    builder.add(tools[-2])
    assert not builder.flush()  # known, and unchanged
    builder.add(tools[0])
    assert [bundle.ids for bundle in builder.flush()] == [(tools[0].id,)]

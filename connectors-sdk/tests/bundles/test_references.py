"""Which values are references, and what is left without them."""

from collections.abc import Callable
from typing import Any

from connectors_sdk.bundles import references_of
from connectors_sdk.bundles._references import without_references

A = "identity--00000000-0000-5000-8000-00000000000a"
A2 = "identity--00000000-0000-5000-8000-0000000000a2"
B = "marking-definition--00000000-0000-5000-8000-00000000000b"
C = "file--00000000-0000-5000-8000-00000000000c"
D = "identity--00000000-0000-5000-8000-00000000000d"
E = "marking-definition--00000000-0000-5000-8000-00000000000e"


def test_references_at_every_depth_in_reading_order(stix: Callable[..., Any]) -> None:
    data = stix(
        "report",
        "r",
        created_by_ref=A,
        object_marking_refs=[B, B],
        granular_markings=[{"marking_ref": E, "selectors": ["name"]}],
        x_opencti_granted_refs=[D],
        extensions={"some-ext": {"body_raw_ref": C}, "x": [["y", [{"z_ref": A2}]]]},
        x_opencti_files=[{"name": "f", "object_marking_refs": [B]}],
    )
    assert references_of(data) == (A, B, D, E, C, A2)


def test_what_only_looks_like_a_reference(stix: Callable[..., Any]) -> None:
    data = stix(
        "indicator",
        A,
        x_vendor_ref="INC-1234",
        x_opencti_granted_refs=["a7a0d1d0-3f7b-4b0a-9b3b-6b1f1b1b1b1b"],
        aliases=[B],
        external_references=[{"source_name": "s", "external_id": C}],
    )
    assert not references_of(data)


def test_a_reference_to_itself_is_none(stix: Callable[..., Any]) -> None:
    data = stix("identity", "self")
    data["created_by_ref"] = data["id"]
    assert not references_of(data)


def test_stripping_leaves_no_trace_and_the_input_alone(
    stix: Callable[..., Any],
) -> None:
    data = stix(
        "report",
        "r",
        created_by_ref=A,
        object_marking_refs=[B],
        object_refs=[C, D],
        granular_markings=[{"marking_ref": B, "selectors": ["name"]}],
        x_opencti_files=[{"name": "f", "object_marking_refs": [B]}],
    )
    before = repr(data)
    stripped = without_references(data, {A, B, C})
    assert stripped == {
        **stix("report", "r"),
        "object_refs": [D],
        "x_opencti_files": [{"name": "f"}],
    }
    assert repr(data) == before


def test_granular_markings_that_still_mark_stay(stix: Callable[..., Any]) -> None:
    granular = [
        {"marking_ref": B, "selectors": ["name"]},
        {"marking_ref": E, "selectors": ["name"]},
        {"lang": "fr", "selectors": ["name"]},
    ]
    stripped = without_references(stix("report", "r", granular_markings=granular), {B})
    assert stripped is not None
    assert stripped["granular_markings"] == granular[1:]


def test_objects_that_are_nothing_without_their_reference(
    stix: Callable[..., Any],
) -> None:
    link = stix("relationship", "l", source_ref=A, target_ref=C)
    assert without_references(link, {C}) is None
    assert without_references(link, {B}) == link
    seen = stix("sighting", "s", sighting_of_ref=A, where_sighted_refs=[C, D])
    assert without_references(seen, {A}) is None
    assert without_references(seen, {C, D}) is None
    assert without_references(seen, {C}) == {**seen, "where_sighted_refs": [D]}

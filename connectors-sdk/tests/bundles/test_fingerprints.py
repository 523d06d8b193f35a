"""What is remembered of objects that were sent, and of what nobody waits for."""

import sys
from typing import Any

import pytest

from connectors_sdk.bundles import BundleBuilder, without_references
from connectors_sdk.bundles._fingerprints import Fingerprints


def test_ids_and_their_latest_versions() -> None:
    known = Fingerprints()
    ids = [f"tool--{number}" for number in range(5000)]
    for one in ids:
        known.note(one, b"old")
        known.note(one, one.encode())
    assert len(known) == 5000
    assert all(one in known and known.knows(one, one.encode()) for one in ids)
    assert not any(known.knows(one, b"old") for one in ids)
    assert "tool--5000" not in known and not known.knows("tool--5000", b"")


def test_it_is_small() -> None:
    known = Fingerprints()
    for number in range(100_000):
        known.note(f"indicator--{number}")
    used = sum(
        sys.getsizeof(value) for name, value in vars(known).items() if name != "_count"
    )
    assert used <= 36 * 100_000


def chain(length: int) -> dict[str, dict[str, Any]]:
    """Return objects of which each refers to the next; the last to one that is not there."""
    return {
        f"note--{number:036d}": {
            "type": "note",
            "id": f"note--{number:036d}",
            "object_refs": [f"note--{number + 1:036d}"],
        }
        for number in range(length)
    }


def test_nothing_waits_where_all_is_known() -> None:
    objects = chain(50)
    builder = BundleBuilder(
        max_objects=100, resolve=objects.get, on_dangling="keep", wait=False
    )
    sent = []
    # The worst order: whatever is needed comes later.
    for stix in objects.values():
        sent += builder.add(stix)
        assert builder.waiting == 0
    sent += builder.flush()
    assert {stix_id for bundle in sent for stix_id in bundle.ids} == {*objects}
    assert {one for bundle in sent for one in bundle.external} == {f"note--{50:036d}"}


@pytest.mark.parametrize("wait", [True, False])
def test_what_was_sent_comes_again_only_when_it_has_changed(wait: bool) -> None:
    objects = chain(3)
    builder = BundleBuilder(resolve=objects.get, on_dangling="keep", wait=wait)
    for stix in (*objects.values(), *objects.values()):
        builder.add(stix)
    assert [len(bundle) for bundle in builder.flush()] == [3]
    last = f"note--{2:036d}"
    builder.add(objects[last])
    assert not builder.flush()
    builder.add({**objects[last], "content": "new"})
    assert [bundle.ids for bundle in builder.flush()] == [(last,)]


def test_references_are_removed_or_the_object_says_nothing_more() -> None:
    stix = next(iter(chain(1).values()))
    gone = set(stix["object_refs"])
    assert without_references(stix, gone) == {"type": "note", "id": stix["id"]}
    link = {"type": "relationship", "source_ref": stix["id"], "target_ref": "x"}
    assert without_references(link, {stix["id"]}) is None

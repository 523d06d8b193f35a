"""Every change leaves one row in the journal, with what was there before."""

from pathlib import Path
from typing import Any

from opencti_testbed.ingest.upsert import Upserter
from opencti_testbed.store import Store
from opencti_testbed.store.events import Event, changes


def journal(store: Store, stix_type: str) -> list[Event]:
    return [e for e in store.events.after(0) if e.data["type"] == stix_type]


def test_a_change_is_told_once_with_the_way_back(tmp_path: Path, make: Any) -> None:
    store = Store(tmp_path)
    upserter = Upserter(store.objects)
    for more in (
        {"description": "old"},
        {"description": "new"},
        {"description": "new"},
    ):
        with store.database.write() as connection:
            upserter.upsert(connection, make.malware("a", **more))
    created, updated = journal(store, "malware")
    assert (created.kind, updated.kind) == ("create", "update")
    assert created.object_id == updated.object_id
    assert updated.data["description"] == "new"
    assert {"op": "replace", "path": "/description", "value": "old"} in updated.context[
        "reverse_patch"
    ]
    assert updated.id > created.id
    store.close()


def test_what_is_rolled_back_leaves_no_trace(tmp_path: Path, make: Any) -> None:
    store = Store(tmp_path)
    last = store.events.last_id()
    try:
        with store.database.write() as connection:
            Upserter(store.objects).upsert(connection, make.malware("a"))
            raise KeyError
    except KeyError:
        pass
    assert store.events.last_id() == last
    store.close()


def test_patches_name_each_changed_property_once() -> None:
    found = changes({"a": 1, "b/c": 2, "same": 3}, {"a": 4, "d": 5, "same": 3})
    assert found["patch"] == [
        {"op": "replace", "path": "/a", "value": 4},
        {"op": "remove", "path": "/b~1c"},
        {"op": "add", "path": "/d", "value": 5},
    ]
    assert found["reverse_patch"] == [
        {"op": "replace", "path": "/a", "value": 1},
        {"op": "add", "path": "/b~1c", "value": 2},
        {"op": "remove", "path": "/d"},
    ]

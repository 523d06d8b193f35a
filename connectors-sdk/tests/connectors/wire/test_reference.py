"""A connector that was written for the reference's runtime runs unchanged, over the real wire."""

import json
from typing import Any

from connectors_sdk.testing import Canned
from opencti_testbed.process import TestbedProcess

# The types are those of this folder's conftest.py, which cannot be imported by name.
Workshop = Any
Source = Any


def state_of(platform: TestbedProcess) -> dict[str, Any]:
    (connector,) = platform.connectors()
    state: dict[str, Any] = json.loads(connector["state"] or "{}") or {}
    return state


def names(platform: TestbedProcess, entity_type: str) -> set[str]:
    platform.wait_idle()
    return {stix["name"] for stix in platform.objects(entity_type)}


def test_it_runs_unchanged(
    workshop: Workshop, platform: TestbedProcess, source: Source
) -> None:
    first = workshop.connector("reference")
    assert first.run() == 0, first.output
    assert names(platform, "Malware") == {n for page in source.pages for n in page}
    assert names(platform, "Tool") == {"after m3-4"}
    works = {work["name"]: work for work in platform.works()}
    assert set(works) == {"Page 0", "Page 1", "Page 2", "Page 3", "Tool"}
    for work in works.values():
        assert work["status"] == "complete" and not work["error_messages"]
        assert work["messages"][-1]["message"] == "Work completed successfully"
    for malware in platform.objects("Malware"):
        assert malware["created_by_ref"] and malware["object_marking_refs"]
    state = state_of(platform)
    assert (state["next_page"], state["last_name"]) == (4, "m3-4")
    assert state["last_run"].endswith("+00:00")

    # What it remembered comes back, declared or not: only the new page is asked for.
    source.pages.append(["new"])
    source.server.on("GET", "/pages/5", Canned([]))
    asked = len(source.server.requests)
    again = first.again()
    assert again.run() == 0, again.output
    paths = [request.path for request in source.server.requests[asked:]]
    assert paths == ["/pages/4", "/pages/5"]
    assert "new" in names(platform, "Malware")
    assert names(platform, "Tool") == {"after m3-4", "after new"}


def test_a_failure_is_a_work_in_error_and_leaves_the_state(
    workshop: Workshop, platform: TestbedProcess, source: Source
) -> None:
    source.pages[1] = ["m1-0", "broken"]
    first = workshop.connector("reference")
    assert first.run() == 1
    assert names(platform, "Malware") == set(source.pages[0])
    assert not names(platform, "Tool")
    errors = [e["message"] for w in platform.works() for e in w["error_messages"]]
    assert errors == ["Work failed with error: Name is broken"]
    assert {work["status"] for work in platform.works()} == {"complete"}
    assert not state_of(platform).get("last_run")

    source.pages[1] = ["m1-0", "mended"]
    again = first.again()
    assert again.run() == 0, again.output
    assert names(platform, "Malware") == {n for page in source.pages for n in page}
    assert state_of(platform)["next_page"] == 4

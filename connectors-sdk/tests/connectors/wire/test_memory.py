"""The memory fuse: nothing that an author writes keeps it from stopping a run."""

import json
from typing import Any

import pytest

from opencti_testbed.process import TestbedProcess

# The types are those of this folder's conftest.py, which cannot be imported by name.
Workshop = Any
Feed = Any


@pytest.mark.parametrize("author", ["outlives_errors", "outlives_everything"])
def test_no_author_outlives_the_fuse(
    feeders: Workshop, platform: TestbedProcess, feed: Feed, author: str
) -> None:
    for number in range(30):
        feed.publish(number)
    connector = feeders.connector("feed", BROKEN=author, CONNECTOR_MEMORY_LIMIT="500")
    assert connector.run() == 1, connector.output
    assert "Run failed: stopped before the memory ran out" in connector.output
    (registered,) = platform.connectors()
    state = json.loads(registered["state"] or "{}") or {}
    assert not state.get("last_run") and not (state.get("cursor") or {}).get("position")
    (work,) = platform.works()
    assert "stopped before the memory ran out" in work["error_messages"][0]["message"]

    again = connector.again(BROKEN="")
    assert again.run() == 0, again.output
    platform.wait_idle()
    assert platform.summary()["objects_by_type"]["Malware"] == 30

"""Streams: a listener written on pycti, registered for either transport."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from opencti_testbed.process import TestbedProcess

Make = Callable[..., Any]


def test_a_listener_sees_everything_in_order_and_goes_on_where_it_was(
    served: TestbedProcess, make: Any, connector: Make, tmp_path: Path
) -> None:
    client = make.client(served, "Client")
    seen = tmp_path / "seen"
    listener = connector(
        "stream", SEEN=str(seen), CONNECTOR_LIVE_STREAM_ID="live"
    ).start()

    def told() -> list[dict[str, Any]]:
        return [json.loads(line) for line in seen.read_text().splitlines()]

    client.push([make.malware(f"m{number}") for number in range(20)])
    listener.wait_for(lambda: len(told()) == 20)
    assert [one["name"] for one in told()] == [f"m{number}" for number in range(20)]
    listener.kill()
    client.push([make.malware("m0", description="changed")])
    gone = client.api.malware.list(
        filters={
            "mode": "and",
            "filterGroups": [],
            "filters": [{"key": "name", "values": ["m1"]}],
        }
    )[0]
    client.api.stix_domain_object.delete(id=gone["id"])
    listener.start()
    listener.wait_for(lambda: any(one["kind"] == "delete" for one in told()))
    assert [(one["kind"], one["name"]) for one in told()][-2:] == [
        ("update", "m0"),
        ("delete", "m1"),
    ]

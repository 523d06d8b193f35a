"""Live streams over the wire: to pycti's own listener in a process of its own, and frame by frame."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from opencti_testbed.process import TestbedProcess

LISTENER = Path(__file__).with_name("stream_listener.py")


class Listener:
    """pycti's listener as a process, and the lines that it wrote."""

    def __init__(self, platform: TestbedProcess, path: Path) -> None:
        self._platform = platform
        self.path = path
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, stream: str = "live", **more: str) -> None:
        self._process = subprocess.Popen(  # pylint: disable=consider-using-with
            [
                sys.executable,
                str(LISTENER),
                self._platform.url,
                self._platform.token,
                stream,
                str(self.path),
                *(f"{name}={value}" for name, value in more.items()),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @property
    def told(self) -> list[dict[str, Any]]:
        if not self.path.exists():
            return []
        lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def wait_for(self, enough: Callable[[list[dict[str, Any]]], bool]) -> Any:
        until = time.monotonic() + 60
        while not enough(self.told):
            assert time.monotonic() < until, f"{len(self.told)} events only"
            time.sleep(0.05)
        return self.told


@pytest.fixture(name="listener")
def fixture_listener(platform: TestbedProcess, tmp_path: Path) -> Iterator[Listener]:
    listener = Listener(platform, tmp_path / "told.jsonl")
    yield listener
    listener.kill()


def frames_of(
    platform: TestbedProcess,
    stream: str = "live",
    *,
    wanted: int,
    headers: dict[str, str] | None = None,
    **query: str,
) -> list[dict[str, Any]]:
    """Return the first frames about changes, as `{id, event, data}`."""
    found: list[dict[str, Any]] = []
    with requests.get(
        f"{platform.url}/stream/{stream}",
        params=query,
        headers={"Authorization": f"Bearer {platform.token}", **(headers or {})},
        stream=True,
        timeout=20,
    ) as response:
        response.raise_for_status()
        frame: dict[str, Any] = {}
        for line in response.iter_lines(decode_unicode=True):
            if line:
                key, _, value = line.partition(": ")
                frame[key] = json.loads(value) if key == "data" else value
                continue
            if frame["event"] not in ("connected", "heartbeat"):
                found.append(frame)
            if len(found) >= wanted:
                break
            frame = {}
    return found


def names(told: list[dict[str, Any]]) -> list[Any]:
    return [line["name"] for line in told]


def test_a_listener_is_told_of_creations_and_updates(
    platform: TestbedProcess, client: Any, make: Any, listener: Listener
) -> None:
    client.push([make.malware("a", description="old")])
    listener.start(live_stream_start_timestamp="1")
    listener.wait_for(lambda told: "a" in names(told))
    client.push([make.malware("a", description="new")])
    told = listener.wait_for(lambda told: len(told) >= 2)
    created, updated = [line for line in told if line["name"] == "a"]
    assert (created["event"], updated["event"]) == ("create", "update")
    assert created["type"] == "Malware"
    assert updated["description"] == "new"
    assert {"op": "replace", "path": "/description", "value": "old"} in updated[
        "context"
    ]["reverse_patch"]
    assert platform.connectors()


def test_ten_thousand_events_and_a_listener_that_is_killed(
    client: Any, make: Any, listener: Listener
) -> None:
    listener.start(live_stream_start_timestamp="1", live_stream_recover_iso_date="no")
    total, kills = 10_000, 5
    for number in range(kills):
        first = number * total // kills
        client.push([make.malware(f"m{first + i:05}") for i in range(total // kills)])
        listener.wait_for(lambda told, first=first: len(set(names(told))) > first + 100)
        listener.kill()
        listener.start(
            live_stream_start_timestamp="1", live_stream_recover_iso_date="no"
        )
    told = listener.wait_for(lambda told: len(set(names(told))) >= total)
    seen = [line["name"] for line in told if line["type"] == "Malware"]
    assert set(seen) == {f"m{i:05}" for i in range(total)}
    # In order, but for what is told again after each kill.
    new = list(dict.fromkeys(seen))
    assert new == sorted(new)


def test_recovery_tells_what_is_there_and_then_what_happens(
    platform: TestbedProcess, client: Any, make: Any
) -> None:
    client.push([make.malware("a"), make.malware("b")])
    client.push([make.malware("a", description="changed")])
    found = frames_of(
        platform,
        wanted=2,
        headers={"Last-Event-ID": "0-0"},
        recover="2099-01-01T00:00:00Z",
    )
    assert [f["event"] for f in found] == ["create", "create"]
    assert {f["data"]["data"]["name"] for f in found} == {"a", "b"}
    assert {f["data"]["origin"]["referer"] for f in found} == {"init-create"}
    # From the middle of a recovery it goes on with the rest.
    rest = frames_of(
        platform,
        wanted=1,
        headers={"Last-Event-ID": found[0]["id"]},
        recover="2099-01-01T00:00:00Z",
    )
    assert rest[0]["id"] == found[1]["id"]


def test_a_stream_goes_on_after_any_event(
    platform: TestbedProcess, client: Any, make: Any
) -> None:
    client.push([make.malware(name) for name in "abcd"])
    every = frames_of(platform, wanted=4)
    for index, known in enumerate(every[:-1]):
        rest = frames_of(
            platform, wanted=3 - index, headers={"Last-Event-ID": known["id"]}
        )
        assert [f["id"] for f in rest] == [f["id"] for f in every[index + 1 :]]
    early = f"{int(every[0]['id'].split('-')[0]) - 1}-0"
    again = frames_of(platform, wanted=4, headers={"Last-Event-ID": early})
    assert [f["id"] for f in again] == [f["id"] for f in every]


def test_what_an_object_refers_to_comes_first_if_asked_for(
    platform: TestbedProcess, client: Any, make: Any
) -> None:
    one, other = make.malware("a"), make.malware("b")
    client.push([one, other, make.relationship(one, "related-to", other)])
    (relationship,) = [
        f
        for f in frames_of(platform, wanted=3)
        if f["data"]["data"]["type"] == "relationship"
    ]
    found = frames_of(
        platform,
        wanted=3,
        headers={
            "Last-Event-ID": "-".join(
                [
                    relationship["id"].split("-")[0],
                    str(int(relationship["id"].split("-")[1]) - 1),
                ]
            ),
            "no-dependencies": "false",
        },
    )
    assert [f["data"]["data"]["type"] for f in found] == [
        "malware",
        "malware",
        "relationship",
    ]
    assert found[0]["data"]["origin"]["referer"] == "init-dependencies"
    # Who stops among the dependencies is told of the relationship later.
    assert found[0]["id"] != relationship["id"] == found[2]["id"]


def test_a_filtered_stream_tells_what_enters_and_what_leaves(
    platform: TestbedProcess, client: Any, make: Any
) -> None:
    added = client.query(
        "mutation Add($input: StreamCollectionAddInput!) { streamCollectionAdd(input: $input) { id name } }",
        {
            "input": {
                "name": "Bad ones",
                "filters": json.dumps(
                    {
                        "mode": "and",
                        "filters": [
                            {"key": ["entity_type"], "values": ["Malware"]},
                            {"key": ["description"], "values": ["bad"]},
                        ],
                        "filterGroups": [],
                    }
                ),
            }
        },
    )["streamCollectionAdd"]
    client.push([make.malware("a", description="good")])
    client.push([make.malware("b", description="bad")])
    client.push([make.malware("a", description="bad")])
    client.push([make.malware("b", description="good")])
    found = frames_of(platform, added["id"], wanted=3)
    assert [(f["event"], f["data"]["data"]["name"]) for f in found] == [
        ("create", "b"),
        ("create", "a"),
        ("delete", "b"),
    ]
    only = client.query(
        "query One($id: String!) { streamCollection(id: $id) { name stream_live } }",
        {"id": added["id"]},
    )["streamCollection"]
    assert only == {"name": "Bad ones", "stream_live": True}


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("live", {"Authorization": "Bearer wrong"}, 401),
        ("live", {"Authorization": ""}, 401),
        ("no-such-stream", {}, 401),
        ("live", {"Last-Event-ID": "yesterday"}, 400),
    ],
)
def test_who_may_not_listen_is_told_why(
    platform: TestbedProcess, path: str, headers: dict[str, str], status: int
) -> None:
    response = requests.get(
        f"{platform.url}/stream/{path}",
        headers={"Authorization": f"Bearer {platform.token}", **headers},
        timeout=10,
    )
    assert response.status_code == status
    assert response.json()["error"]


def test_the_platform_stops_although_somebody_listens(
    platform: TestbedProcess, listener: Listener
) -> None:
    listener.start()
    with requests.get(
        f"{platform.url}/stream/live",
        headers={"Authorization": f"Bearer {platform.token}"},
        stream=True,
        timeout=10,
    ) as response:
        lines = response.iter_lines(decode_unicode=True)
        assert next(line for line in lines if line.startswith("event: connected"))
        started = time.monotonic()
        assert platform.stop() in (0, -15)  # the server hands its signal on
    assert time.monotonic() - started < 5

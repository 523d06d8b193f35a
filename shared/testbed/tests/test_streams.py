"""Live streams over the wire: to pycti's own listener in a process of its own, and frame by frame."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from opencti_testbed.process import TestbedProcess

OPENCTI = "extension-definition--ea279b3e-5c71-4632-ac08-831c66a786ba"
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

    def wait_for(
        self,
        enough: Callable[[list[dict[str, Any]]], bool],
        again: Callable[[], None] | None = None,
    ) -> Any:
        """Return the events when there are enough; `again` starts a listener that has ended."""
        until = time.monotonic() + 60
        while not enough(self.told):
            if again and self._process and self._process.poll() is not None:
                again()
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
    wanted: int | None,
    headers: dict[str, str] | None = None,
    **query: str,
) -> list[dict[str, Any]]:
    """Return the first frames about changes, as `{id, event, data}`; without a number all up to the first heartbeat."""
    found: list[dict[str, Any]] = []
    until = time.monotonic() + 30
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
            # Heartbeats go on when what is waited for does not come.
            assert time.monotonic() < until, found
            if line:
                key, _, value = line.partition(": ")
                frame[key] = json.loads(value) if key == "data" else value
                continue
            if frame["event"] not in ("connected", "heartbeat"):
                found.append(frame)
            if wanted is None and frame["event"] == "heartbeat":
                break
            if wanted is not None and len(found) >= wanted:
                break
            frame = {}
    return found


def add_stream(client: Any, filters: list[dict[str, Any]]) -> str:
    """Define a stream of what passes all of some filters, and return its id."""
    group = {"mode": "and", "filters": filters, "filterGroups": []}
    added = client.query(
        "mutation Add($input: StreamCollectionAddInput!) { streamCollectionAdd(input: $input) { id } }",
        {"input": {"name": "Some", "filters": json.dumps(group)}},
    )
    return str(added["streamCollectionAdd"]["id"])


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
    total, kills, batch, ping_every = 10_000, 5, 500, 100
    options = {
        "live_stream_start_timestamp": "1",
        "live_stream_recover_iso_date": "no",
        "ping_every": str(ping_every),
    }

    # How many batches may be there before each kill, and after the last: however slow it is seen, some are to come.
    portions = iter((4, 4, 4, 4, 2, 2))
    permits = threading.Semaphore(next(portions))

    def push() -> None:
        for first in range(0, total, batch):
            # pylint: disable-next=consider-using-with  # it counts what may be sent
            assert permits.acquire(timeout=120)
            client.push([make.malware(f"m{first + i:05}") for i in range(batch)])

    pusher = threading.Thread(target=push)
    pusher.start()
    listener.start(**options)
    for number in range(1, kills + 1):
        enough = number * total // (kills + 1)
        listener.wait_for(lambda told, enough=enough: len(set(names(told))) > enough)
        listener.kill()
        assert len(set(names(listener.told))) < total, "killed too late to show much"
        permits.release(next(portions))
        listener.start(**options)
    pusher.join()
    told = listener.wait_for(lambda told: len(set(names(told))) >= total)
    seen = [line["name"] for line in told if line["type"] == "Malware"]
    assert set(seen) == {f"m{i:05}" for i in range(total)}
    # In order, but for what is told again after each kill: what came since the state was sent last.
    new = list(dict.fromkeys(seen))
    assert new == sorted(new)
    assert len(seen) - total <= kills * 2 * ping_every


def test_a_platform_that_is_killed_under_its_listener(
    platform: TestbedProcess, client: Any, make: Any, listener: Listener
) -> None:
    options = {
        "live_stream_start_timestamp": "1",
        "live_stream_recover_iso_date": "no",
        "ping_every": "1",
    }
    listener.start(**options)
    client.push([make.malware(f"a{i}") for i in range(5)])
    listener.wait_for(lambda told: len(told) >= 5)
    platform.kill()
    platform.start()
    client.push([make.malware(f"b{i}") for i in range(5)])
    # pycti's listener ends itself when it cannot come back at once: whoever runs it starts it again.
    listener.wait_for(
        lambda told: len(set(names(told))) >= 10,
        again=lambda: listener.start(**options),
    )
    new = list(dict.fromkeys(names(listener.told)))
    assert new == [f"{batch}{i}" for batch in "ab" for i in range(5)]


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


def test_recovery_skips_what_does_not_pass_and_still_tells_all_that_does(
    platform: TestbedProcess, client: Any, make: Any
) -> None:
    stream = add_stream(client, [{"key": "description", "values": ["wanted"]}])
    # More labels and unwanted objects than any page holds lie before what is wanted.
    unwanted = [make.malware(f"u{i}", labels=[f"label {i}"]) for i in range(450)]
    client.push([*unwanted, make.malware("w", description="wanted")])
    found = frames_of(platform, stream, wanted=1, recover="2099-01-01T00:00:00Z")[0]
    assert found["data"]["data"]["name"] == "w"


def test_who_comes_back_in_a_recovery_misses_no_deletion_and_no_merge(
    platform: TestbedProcess, client: Any, make: Any
) -> None:
    objects = {name: make.malware(name) for name in "abcde"}
    client.push(list(objects.values()))
    found = frames_of(platform, wanted=2, recover="2099-01-01T00:00:00Z")
    assert [f["data"]["data"]["name"] for f in found] == ["a", "b"]
    ids = {m["name"]: m["id"] for m in client.api.malware.list()}
    client.api.stix_domain_object.delete(id=ids["a"])
    client.api.stix.merge(id=ids["d"], object_ids=[ids["b"]])
    client.push([make.malware("c", description="changed")])
    rest = frames_of(
        platform,
        wanted=4,
        headers={"Last-Event-ID": found[-1]["id"]},
        recover="2099-01-01T00:00:00Z",
    )
    told = [(f["event"], f["data"]["data"]["name"]) for f in rest]
    assert told == [("create", "e"), ("delete", "a"), ("merge", "d"), ("create", "c")]
    (swallowed,) = rest[2]["data"]["context"]["sources"]
    assert swallowed["name"] == "b"
    assert rest[3]["data"]["data"]["description"] == "changed"


@pytest.mark.parametrize("how", ["wipe", "reset"])
def test_a_position_of_a_journal_that_is_gone(
    platform: TestbedProcess, client: Any, make: Any, how: str
) -> None:
    client.push([make.malware(f"old{i}") for i in range(30)])
    known = frames_of(platform, wanted=30)[-1]["id"]
    if how == "wipe":
        platform.stop()
        platform.wipe()
        platform.start()
    else:
        requests.delete(
            f"{platform.url}/testbed/content",
            headers={"Authorization": f"Bearer {platform.token}"},
            timeout=20,
        ).raise_for_status()
    make.client(platform, "Another").push([make.malware("new")])
    found = frames_of(platform, wanted=1, headers={"Last-Event-ID": known})[0]
    assert found["data"]["data"]["name"] == "new"


def test_deletions_are_told_with_what_was_and_only_to_who_wants_them(
    platform: TestbedProcess, client: Any, make: Any
) -> None:
    one, other = make.malware("a"), make.malware("b")
    client.push([one, other, make.relationship(one, "related-to", other)])
    internal_id = client.api.malware.read(id=one["id"])["id"]
    client.api.stix_domain_object.delete(id=internal_id)
    client.push([make.malware("last")])
    found = frames_of(platform, wanted=6)
    assert [f["event"] for f in found] == ["create"] * 3 + ["delete"] * 2 + ["create"]
    related, gone = found[3]["data"], found[4]["data"]
    assert related["data"]["relationship_type"] == "related-to"
    assert gone["data"]["name"] == "a"
    assert gone["message"] == "deletes Malware `a`"
    own = gone["data"]["extensions"][OPENCTI]
    assert (own["type"], own["id"]) == ("Malware", internal_id)
    created = {f["data"]["data"]["id"]: f for f in found[:3]}[gone["data"]["id"]]
    assert (
        own["created_at"]
        == created["data"]["data"]["extensions"][OPENCTI]["created_at"]
    )
    without = frames_of(platform, wanted=None, headers={"listen-delete": "false"})
    assert [f["event"] for f in without] == ["create"] * 4


def test_a_relationship_tells_of_its_ends(
    platform: TestbedProcess, client: Any, make: Any
) -> None:
    one, other = make.malware("a"), make.malware("b")
    place = {**make.malware("p"), "type": "identity", "identity_class": "organization"}
    place["id"] = place["id"].replace("malware", "identity")
    seen = {
        "type": "sighting",
        "spec_version": "2.1",
        "id": "sighting--6b0e3f0e-51bd-4a4c-9f3b-0a1d7a8a2f11",
        "created": one["created"],
        "modified": one["modified"],
        "count": 1,
        "sighting_of_ref": one["id"],
        "where_sighted_refs": [place["id"]],
    }
    client.push([one, other, place, make.relationship(one, "related-to", other), seen])
    found = [f["data"]["data"] for f in frames_of(platform, wanted=5)]
    ids = {f["name"]: f["extensions"][OPENCTI]["id"] for f in found if "name" in f}
    own = {f["type"]: f["extensions"][OPENCTI] for f in found}
    relationship = own["relationship"]
    assert relationship["type"] == "related-to"
    assert (relationship["source_ref"], relationship["target_ref"]) == (
        ids["a"],
        ids["b"],
    )
    assert relationship["source_type"] == relationship["target_type"] == "Malware"
    sighting = own["sighting"]
    assert sighting["sighting_of_ref"] == ids["a"]
    assert sighting["where_sighted_refs"] == [ids["p"]]
    assert sighting["where_sighted_types"] == ["Organization"]


def test_a_long_chain_of_references_is_told_from_its_end(
    platform: TestbedProcess, client: Any, make: Any
) -> None:
    length = 1_200
    chain = [make.malware("0")]
    for number in range(1, length):
        report = make.malware(str(number), published="2024-01-01T00:00:00Z")
        del report["is_family"]
        report |= {"type": "report", "object_refs": [chain[-1]["id"]]}
        report["id"] = report["id"].replace("malware", "report")
        chain.append(report)
    client.push(chain)
    last = frames_of(platform, wanted=length)[-1]
    before = f"{int(last['id'].split('-')[0])}-{int(last['id'].split('-')[1]) - 1}"
    found = frames_of(
        platform,
        wanted=length,
        headers={"Last-Event-ID": before, "no-dependencies": "false"},
    )
    told = [int(f["data"]["data"]["name"]) for f in found]
    assert told == list(range(length))


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
    stream = add_stream(
        client,
        [
            {"key": ["entity_type"], "values": ["Malware"]},
            {"key": ["description"], "values": ["bad"]},
        ],
    )
    client.push([make.malware("a", description="good")])
    client.push([make.malware("b", description="bad")])
    client.push([make.malware("a", description="bad")])
    client.push([make.malware("b", description="good")])
    found = frames_of(platform, stream, wanted=3)
    assert [(f["event"], f["data"]["data"]["name"]) for f in found] == [
        ("create", "b"),
        ("create", "a"),
        ("delete", "b"),
    ]
    only = client.query(
        "query One($id: String!) { streamCollection(id: $id) { name stream_live } }",
        {"id": stream},
    )["streamCollection"]
    assert only == {"name": "Some", "stream_live": True}


FILTERS: dict[str, list[dict[str, Any]]] = {
    "a type": [{"key": "entity_type", "values": ["Malware"]}],
    "a general type": [{"key": "entity_type", "values": ["Identity"]}],
    "observables": [{"key": ["entity_type"], "values": ["Stix-Cyber-Observable"]}],
    "not a type": [{"key": "entity_type", "values": ["Malware"], "operator": "not_eq"}],
    "a name in other letters": [{"key": "name", "values": ["ALPHA"]}],
    "a part of a name": [{"key": "name", "values": ["alp*a"], "operator": "wildcard"}],
    **{
        f"a name: {operator} {text}": [
            {"key": "name", "values": [text], "operator": operator}
        ]
        for operator, text in (
            *(("wildcard", "lph"), ("search", "LPH"), ("match", "a%a")),
            *(("contains", "a*h"), ("starts_with", "a*h"), ("ends_with", "HA")),
            *(("gte", "alpha"), ("only_eq_to", "alpha")),
        )
    },
    "only some labels": [
        {"key": "objectLabel", "values": ["red", "BLUE"], "operator": "only_eq_to"}
    ],
    "one label only": [
        {"key": "objectLabel", "values": ["red"], "operator": "only_eq_to"}
    ],
    "lately": [
        {"key": "created_at", "values": ["now-1d", "now+1d"], "operator": "within"}
    ],
    "not lately": [
        {"key": "created_at", "values": ["now-1d", "now+1d"], "operator": "not_within"}
    ],
    "the beginning": [{"key": "name", "values": ["Be"], "operator": "starts_with"}],
    "the end": [{"key": "name", "values": ["ta"], "operator": "ends_with"}],
    "none of two names": [
        {
            "key": "name",
            "values": ["Alpha", "Beta"],
            "operator": "not_eq",
            "mode": "and",
        }
    ],
    "a label by its text": [{"key": "objectLabel", "values": ["Red"]}],
    "both labels": [{"key": "objectLabel", "values": ["red", "blue"], "mode": "and"}],
    "no label": [{"key": "objectLabel", "values": [], "operator": "nil"}],
    "a score": [{"key": "x_opencti_score", "values": ["50"], "operator": "gt"}],
    "a score or less": [{"key": "x_opencti_score", "values": [50], "operator": "lte"}],
    "a truth": [{"key": "is_family", "values": ["true"]}],
    "a hash": [{"key": "hashes.MD5", "values": ["a" * 32]}],
    "any hash": [{"key": "hashes", "values": ["a" * 32]}],
    "a marking": [
        {
            "key": "objectMarking",
            "values": ["marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"],
        }
    ],
    "an author": [{"key": "createdBy", "values": ["<author>"]}],
    "ids": [{"key": "ids", "values": ["<author>", "<alpha>"]}],
    "a phase": [{"key": "killChainPhases", "values": [], "operator": "not_nil"}],
    "a later date": [
        {"key": "created_at", "values": ["2020-01-01T00:00:00Z"], "operator": "gt"}
    ],
}


@pytest.fixture(name="filtered", scope="module")
def fixture_filtered(make: Any) -> Iterator[Any]:
    """One platform with something for each filter to find and to leave."""
    with TestbedProcess() as platform:
        client = make.client(platform, "Filtered")
        author = {**make.malware("Gamma"), "type": "identity"}
        author |= {"id": "identity--9f6f5f34-45ac-4a2c-8a52-0f1c9b1c7d61"}
        author |= {"identity_class": "organization"}
        del author["is_family"]
        file = {
            "type": "file",
            "spec_version": "2.1",
            "id": "file--0b6bd1e3-5f9c-52b0-8f4c-8dd1f4a64a10",
            "hashes": {"MD5": "a" * 32},
            "x_opencti_score": 50,
        }
        alpha = make.malware(
            "Alpha",
            labels=["red", "blue"],
            created_by_ref=author["id"],
            object_marking_refs=[
                "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"
            ],
            kill_chain_phases=[{"kill_chain_name": "k", "phase_name": "p"}],
        )
        beta = make.malware("Beta", labels=["red"], is_family=False)
        address = {
            "type": "ipv4-addr",
            "spec_version": "2.1",
            "id": "ipv4-addr--ff26c055-6336-5bc5-b98d-13d6226742dd",
            "value": "192.0.2.1",
            "x_opencti_score": 80,
        }
        client.push([author, alpha, beta, file, address])
        client.api.stix_cyber_observable.add_label(
            id=client.api.stix_cyber_observable.list()[0]["id"], label_name="blue"
        )
        yield client, {
            "<author>": client.api.identity.list()[0]["id"],
            "<alpha>": alpha["id"],
        }


@pytest.mark.parametrize("name", FILTERS)
def test_a_stream_lets_pass_what_a_list_finds(filtered: Any, name: str) -> None:
    client, places = filtered
    wanted = [
        {
            "operator": "eq",
            "mode": "or",
            **one,
            "values": [places.get(value, value) for value in one["values"]],
        }
        for one in FILTERS[name]
    ]
    group = {"mode": "and", "filters": wanted, "filterGroups": []}
    listed = {
        one["standard_id"] for one in client.api.stix_core_object.list(filters=group)
    }
    stream = add_stream(client, wanted)
    told = {
        frame["data"]["data"]["id"]
        for frame in frames_of(
            client.platform,
            stream,
            wanted=None,
            recover="2099-01-01T00:00:00Z",
        )
    }
    assert told == listed


@pytest.mark.parametrize(
    ("one", "words"),
    [
        ({"key": "name", "values": ["a"], "operator": "resembles"}, "resembles"),
        (
            {"key": "regardingOf", "values": [{"key": "id", "values": []}]},
            "regardingOf",
        ),
        ({"values": ["a"]}, "needs a key"),
        ({"key": ["name", "value"], "values": [], "operator": "nil"}, "one key"),
    ],
)
def test_a_filter_that_streams_cannot_answer_is_refused(
    filtered: Any, one: dict[str, Any], words: str
) -> None:
    client, _ = filtered
    with pytest.raises(ValueError, match=words):
        add_stream(client, [one])


def test_a_stream_is_changed_stopped_and_removed(make: Any, tmp_path: Path) -> None:
    with TestbedProcess(options=("--heartbeat", "0.2")) as platform:
        client = make.client(platform, "Editor")
        stream = add_stream(client, [{"key": "entity_type", "values": ["Tool"]}])
        listening = requests.get(
            f"{platform.url}/stream/{stream}",
            headers={"Authorization": f"Bearer {platform.token}"},
            stream=True,
            timeout=20,
        )
        client.push([make.malware("hidden")])
        lines = listening.iter_lines(decode_unicode=True)
        # What is not told moves the position all the same.
        assert next(
            line for line in lines if line.startswith("id: ") and line != "id: 0-0"
        )
        edit = """mutation E($id: ID!, $input: [EditInput]!) {
            streamCollectionEdit(id: $id) { fieldPatch(input: $input) { name stream_live } } }"""
        patch = [
            {"key": "stream_live", "value": ["false"]},
            {"key": "name", "value": ["Stopped"]},
        ]
        changed = client.query(edit, {"id": stream, "input": patch})
        assert changed["streamCollectionEdit"]["fieldPatch"] == {
            "name": "Stopped",
            "stream_live": False,
        }
        assert not any(line.startswith("event: create") for line in lines)  # it ends
        url = f"{platform.url}/stream/{stream}"
        headers = {"Authorization": f"Bearer {platform.token}"}
        assert requests.get(url, headers=headers, timeout=10).status_code == 410
        remove = """mutation R($id: ID!) { streamCollectionEdit(id: $id) { delete } }"""
        client.query(remove, {"id": stream})
        assert requests.get(url, headers=headers, timeout=10).status_code == 401
        for query, variables in (
            (remove, {"id": stream}),
            (edit, {"id": stream, "input": patch}),
            (edit, {"id": stream, "input": [{"key": "color", "value": ["x"]}]}),
        ):
            with pytest.raises(ValueError, match="FUNCTIONAL_ERROR"):
                client.query(query, variables)


def test_who_may_not_listen_is_told_why(platform: TestbedProcess) -> None:
    cases: list[tuple[str, dict[str, str], int]] = [
        ("live", {"Authorization": "Bearer wrong"}, 401),
        ("live", {"Authorization": ""}, 401),
        ("no-such-stream", {}, 401),
        ("live", {"Last-Event-ID": "yesterday"}, 400),
        ("live", {"Last-Event-ID": "999999999999999-0"}, 400),
        ("live", {"Last-Event-ID": "9" * 23}, 400),
        ("live", {"Last-Event-ID": f"0-{'9' * 23}"}, 400),
        ("live?recover=0001-01-01T00:00:00%2B14:00", {}, 400),
    ]
    for path, headers, status in cases:
        response = requests.get(
            f"{platform.url}/stream/{path}",
            headers={"Authorization": f"Bearer {platform.token}", **headers},
            timeout=10,
            stream=True,
        )
        with response:
            assert response.status_code == status, (path, headers)
            assert response.json()["error"]
    # The last moment that can be named is one.
    with requests.get(
        f"{platform.url}/stream/live",
        headers={
            "Authorization": f"Bearer {platform.token}",
            "Last-Event-ID": f"253402300799999-{'9' * 18}",
        },
        timeout=10,
        stream=True,
    ) as response:
        assert response.status_code == 200
        assert next(response.iter_lines()) == b"retry: 1000"


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
        assert platform.stop() == 0
    assert time.monotonic() - started < 5

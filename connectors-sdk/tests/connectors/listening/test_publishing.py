"""Publishing through a real broker: what pycti would send, much of it at once, and nothing lost on a bad line."""

import base64
import json
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pika
import pytest
from listening_support import Lane
from pycti import OpenCTIConnectorHelper

from connectors_sdk.bundles import Bundle, iter_bundles
from connectors_sdk.connectors._pipeline import WINDOW
from connectors_sdk.connectors._publishing import send_bundle
from connectors_sdk.testing import TcpProxy

BROKER = ("127.0.0.1", 5672)
MOMENT = "2026-01-01T00:00:00.000Z"


def tool(number: int, **more: Any) -> dict[str, Any]:
    return {
        "type": "tool",
        "spec_version": "2.1",
        "id": f"tool--{uuid.uuid5(uuid.NAMESPACE_URL, str(number))}",
        "created": MOMENT,
        "modified": MOMENT,
        "name": f"tool {number}",
        **more,
    }


def note(about: list[str], number: int = 0) -> dict[str, Any]:
    made = tool(number, content=f"note {number}", object_refs=about)
    del made["name"]
    return {**made, "type": "note", "id": made["id"].replace("tool", "note")}


def bundle_of(*objects: dict[str, Any]) -> Bundle:
    (bundle,) = iter_bundles(objects, on_dangling="keep", max_objects=100_000)
    return bundle


class Wire:
    """pycti's helper, registered, whose bundles go to a queue of the test's own."""

    def __init__(self, lane: Lane, channel: Any, *, arguments: Any = None) -> None:
        self.helper = OpenCTIConnectorHelper(
            {
                "opencti": {"url": lane.platform.url, "token": lane.platform.token},
                "connector": {
                    "id": str(uuid.uuid4()),
                    "name": "Publisher",
                    "type": "EXTERNAL_IMPORT",
                    "scope": "tool",
                    "log_level": "error",
                    "queue_protocol": "amqp",
                    "duration_period": "PT0S",
                },
            }
        )
        self.name = f"test-{uuid.uuid4()}"
        self.channel = channel
        channel.exchange_declare(self.name, "direct")
        channel.queue_declare(self.name, arguments=arguments)
        channel.queue_bind(self.name, self.name, self.name)
        self.helper.connector_config |= {
            "push_exchange": self.name,
            "push_routing": self.name,
        }
        self.log: list[str] = []

    def send(self, bundle: Bundle, limit: float = 30, **options: Any) -> None:
        send_bundle(self.helper, bundle, limit=limit, log=self.log.append, **options)

    def through(self, proxy: TcpProxy) -> None:
        self.helper.connector_config["connection"] |= {
            "host": "127.0.0.1",
            "port": proxy.port,
        }

    def messages(self) -> list[dict[str, Any]]:
        """Take all messages from the queue."""
        found = []
        while (got := self.channel.basic_get(self.name, auto_ack=True))[0]:
            message = json.loads(got[2])
            text = base64.b64decode(message.pop("content"))
            properties = (got[1].delivery_mode, got[1].content_encoding)
            found.append(
                {**message, "bundle": json.loads(text), "properties": properties}
            )
        return found

    def expected(self, work_id: str) -> int:
        tracking = self.helper.api.work.get_work(work_id)["tracking"]
        return int(tracking["import_expected_number"])

    def discard(self) -> None:
        self.channel.queue_delete(self.name)
        self.channel.exchange_delete(self.name)


@pytest.fixture(name="wire_of")
def fixture_wire_of(amqp: Lane) -> Iterator[Callable[..., Wire]]:
    with pika.BlockingConnection(pika.ConnectionParameters(*BROKER)) as connection:
        made: list[Wire] = []

        def make(**more: Any) -> Wire:
            made.append(Wire(amqp, connection.channel(), **more))
            return made[-1]

        yield make
        for wire in made:
            wire.discard()


def by_id(messages: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {one["bundle"]["objects"][0]["id"]: one for one in messages}


def test_the_messages_are_those_of_pycti(wire_of: Callable[..., Wire]) -> None:
    wire = wire_of()
    first, second = tool(1), tool(2, created_by_ref=tool(1)["id"])
    both = bundle_of(first, second, note([first["id"], second["id"]]))
    options = {"work_id": "w", "entities_types": ["tool"], "update": True}
    wire.helper.api.work.add_expectations = lambda *_: None
    wire.helper.send_stix2_bundle(both.to_json(), **options)
    theirs = wire.messages()
    wire.send(both, **options)
    ours = wire.messages()
    assert len(ours) == len(theirs) == 3
    # How far an object is from what it needs is counted in another way; nobody reads it.
    for message in (*ours, *theirs):
        assert message["bundle"].pop("x_opencti_seq") > 0
        assert message["bundle"]["objects"][0].pop("nb_deps") > 0
        message.pop("action_sequence")
    assert by_id(ours) == by_id(theirs)
    # What is referred to comes first.
    assert [next(iter(by_id([m]))) for m in ours] == list(both.ids)


def test_many_are_on_their_way_at_once(wire_of: Callable[..., Wire]) -> None:
    wire = wire_of()
    number, latency = 3 * WINDOW, 0.02
    bundle = bundle_of(*map(tool, range(number)))
    work_id = wire.helper.api.work.initiate_work(wire.helper.connect_id, "many")
    with TcpProxy(BROKER, latency=latency) as proxy:
        wire.through(proxy)
        began = time.monotonic()
        wire.send(bundle, work_id=work_id)
        took = time.monotonic() - began
        assert proxy.connections == 1
    assert set(by_id(wire.messages())) == set(bundle.ids)
    assert wire.expected(work_id) == number
    # One by one, the way there and back alone would take as long as this, whatever the machine.
    assert took < number * 2 * latency


def test_what_a_broken_connection_loses_is_published_again(
    wire_of: Callable[..., Wire],
) -> None:
    wire = wire_of()
    bundle = bundle_of(*map(tool, range(2_000)))
    work_id = wire.helper.api.work.initiate_work(wire.helper.connect_id, "cut")
    with TcpProxy(BROKER, cut_after=400_000, cuts=2) as proxy:
        wire.through(proxy)
        wire.send(bundle, work_id=work_id)
        assert proxy.connections == 3
    arrived = [next(iter(by_id([one]))) for one in wire.messages()]
    assert set(arrived) == set(bundle.ids)
    # What had been confirmed was not sent again.
    assert len(arrived) < 2 * len(bundle)
    assert wire.expected(work_id) == 2_000
    assert len(wire.log) == 2 and "trying again" in wire.log[0]


def test_a_broker_that_stays_away_ends_it(wire_of: Callable[..., Wire]) -> None:
    wire = wire_of()
    with TcpProxy(BROKER) as proxy:
        wire.through(proxy)
    with pytest.raises(ConnectionError, match=f"127.0.0.1:{proxy.port}: .*refused"):
        wire.send(bundle_of(tool(1)), limit=0.4)
    assert len(wire.log) > 0


@pytest.mark.parametrize("what", ["queue", "exchange"])
def test_without_a_queue_messages_wait(wire_of: Callable[..., Wire], what: str) -> None:
    wire = wire_of()
    if what == "queue":
        wire.channel.queue_unbind(wire.name, wire.name, wire.name)
    else:
        wire.channel.exchange_delete(wire.name)

    def appears(line: str) -> None:
        wire.log.append(line)
        wire.channel.exchange_declare(wire.name, "direct")
        wire.channel.queue_bind(wire.name, wire.name, wire.name)

    send_bundle(wire.helper, bundle_of(tool(1)), limit=30, log=appears)
    assert list(by_id(wire.messages())) == [tool(1)["id"]]
    assert len(wire.log) == 1


def test_what_the_broker_refuses_is_offered_again(
    wire_of: Callable[..., Wire],
) -> None:
    full = {"x-max-length": 10, "x-overflow": "reject-publish"}
    wire = wire_of(arguments=full)
    bundle = bundle_of(*map(tool, range(25)))
    arrived: dict[str, Any] = {}

    def take(line: str) -> None:
        wire.log.append(line)
        arrived.update(by_id(wire.messages()))

    send_bundle(wire.helper, bundle, limit=30, log=take)
    arrived.update(by_id(wire.messages()))
    assert set(arrived) == set(bundle.ids)
    assert "refuses messages" in wire.log[0]


@pytest.mark.parametrize(
    "objects",
    [
        [note([note([], 2)["id"]], 1), note([note([], 1)["id"]], 2)],
        [tool(1), {**tool(2), "type": "x-acme", "id": f"x-acme--{uuid.uuid4()}"}],
    ],
    ids=["circle", "type that the platform does not have"],
)
def test_what_has_no_order_is_left_to_pycti(
    wire_of: Callable[..., Wire], objects: list[dict[str, Any]]
) -> None:
    wire = wire_of()
    bundle = bundle_of(*objects)
    wire.send(bundle)
    ours = sorted(by_id(wire.messages()))
    wire.helper.send_stix2_bundle(bundle.to_json(), cleanup_inconsistent_bundle=True)
    assert ours == sorted(by_id(wire.messages())) != []


def test_a_bundle_that_is_to_be_validated_is_left_to_pycti(
    wire_of: Callable[..., Wire], amqp: Lane
) -> None:
    wire = wire_of()
    wire.helper.connect_validate_before_import = True
    wire.helper.validation_mode = "workbench"
    work_id = wire.helper.api.work.initiate_work(wire.helper.connect_id, "validated")
    wire.send(bundle_of(tool(1)), work_id=work_id)
    assert not wire.messages()
    pending = wire.helper.api.query(
        "{ pendingFiles(first: 100) { edges { node { name } } } }"
    )["data"]["pendingFiles"]["edges"]
    assert f"{work_id}.json" in [edge["node"]["name"] for edge in pending]
    assert amqp.platform.is_running

"""Bundles and state: an importer written on pycti, over HTTP and through a broker."""

import base64
import json
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import pika
import pytest
import requests

from opencti_testbed.lanes.broker import queue_config
from opencti_testbed.process import TestbedProcess

Make = Callable[..., Any]
over_a_broker = pytest.mark.parametrize("transport", ["amqp"], indirect=True)


@pytest.fixture(name="channel")
def fixture_channel(broker: str) -> Iterator[Any]:
    connection = pika.BlockingConnection(pika.URLParameters(broker))
    yield connection.channel()
    if connection.is_open:
        connection.close()


def names(platform: TestbedProcess) -> list[str]:
    return sorted(one["name"] for one in platform.objects("Malware"))


def message(objects: list[dict[str, Any]], **more: Any) -> bytes:
    """Return what pycti puts into a queue."""
    bundle = {"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": objects}
    content = base64.b64encode(json.dumps(bundle).encode()).decode()
    return json.dumps(
        {"bundle_type": "QUEUE_BUNDLE", "content": content, **more}
    ).encode()


def push(channel: Any, connector: Any, body: bytes) -> None:
    config = queue_config(connector.id)
    channel.basic_publish(config["push_exchange"], config["push_routing"], body)


def test_bundles_errors_and_state(served: TestbedProcess, connector: Make) -> None:
    importer = connector("external_import")
    assert importer.run(AMOUNT="100") == 0
    (work,) = importer.works()
    assert names(served) == sorted(f"malware {number}" for number in range(100))
    assert (work["expected"], work["processed"], work["errors"]) == (101, 101, 1)
    (error,) = work["error_messages"]
    assert "name" in error["message"]
    assert json.loads(importer.registration()["state"]) == {"sent": 100}
    # The next life goes on where the last one ended.
    assert importer.run(AMOUNT="50") == 0
    assert importer.works(2)[1]["name"] == "From 100"
    assert len(names(served)) == 150
    assert json.loads(importer.registration()["state"]) == {"sent": 150}


def test_nothing_is_lost_when_the_platform_is_killed_in_between(
    served: TestbedProcess, connector: Make
) -> None:
    served.order_fault("pause-worker")
    importer = connector("external_import")
    assert importer.run(AMOUNT="200") == 0
    served.kill()
    served.start()
    (work,) = importer.works()
    assert len(names(served)) == 200
    assert (work["expected"], work["processed"], work["errors"]) == (201, 201, 1)


@over_a_broker
def test_a_connector_has_queues_as_long_as_it_is_registered(
    served: TestbedProcess, connector: Make, channel: Any
) -> None:
    importer = connector("external_import")
    importer.run(AMOUNT="1")
    config = queue_config(importer.id)
    for lane in ("listen", "push"):
        channel.exchange_declare(config[f"{lane}_exchange"], passive=True)
        channel.queue_declare(config[lane], passive=True)
    importer.remove()
    with pytest.raises(pika.exceptions.ChannelClosedByBroker, match="NOT_FOUND"):
        channel.queue_declare(config["push"], passive=True)


@over_a_broker
def test_what_waits_at_the_broker_is_taken_when_the_platform_is_back(
    served: TestbedProcess, connector: Make, channel: Any, make: Any
) -> None:
    importer = connector("external_import")
    importer.run(AMOUNT="1")
    served.kill()
    for number in range(300):
        push(channel, importer, message([make.malware(f"later {number}")]))
    served.start()
    served.wait_idle()
    assert len(names(served)) == 301


@over_a_broker
def test_what_cannot_be_read_is_reported_and_holds_nothing_up(
    served: TestbedProcess, connector: Make, channel: Any, make: Any
) -> None:
    importer = connector("external_import")
    importer.run(AMOUNT="1")
    broken = (
        b"no JSON",
        b"[1]",
        b'{"content": 3}',
        b'{"content": "%%%"}',
        json.dumps({"content": base64.b64encode(b"{}").decode()}).encode(),
        message([make.malware("m")], work_id={"a": 1}),
        message([make.malware("m")], draft_id=["a"]),
        message([make.malware("m")], entities_types=5),
        message([make.malware("m")], entities_types=[["malware"]]),
    )
    for body in broken:
        push(channel, importer, body)
    push(channel, importer, message([make.malware("good")]))
    served.wait_idle()
    assert "good" in names(served)
    unreadable = [w for w in served.works() if w["name"] == "An unreadable message"]
    assert len(unreadable) == len(broken)
    assert all(work["error_messages"] for work in unreadable)


@over_a_broker
def test_messages_of_works_that_are_gone_are_skipped_and_unwanted_types_counted(
    served: TestbedProcess, connector: Make, channel: Any, make: Any
) -> None:
    importer = connector("external_import")
    importer.run(AMOUNT="1")
    push(channel, importer, message([make.malware("gone")], work_id="work_gone"))
    (work,) = importer.works()
    wanted = message(
        [make.malware("unwanted")], work_id=work["id"], entities_types=["tool"]
    )
    push(channel, importer, wanted)
    served.wait_idle()
    assert names(served) == ["malware 0"]
    (work,) = importer.works()
    assert work["processed"] == 3


@over_a_broker
def test_waiting_for_rest_counts_what_is_still_at_the_broker(
    served: TestbedProcess, connector: Make, channel: Any, make: Any
) -> None:
    importer = connector("external_import")
    importer.run(AMOUNT="1")
    for number in range(2_000):
        push(channel, importer, message([make.malware(f"m{number}")]))
    served.wait_idle()
    assert len(names(served)) == 2_001


@over_a_broker
def test_the_backlog_of_a_broker_is_told_to_who_asks(
    served: TestbedProcess, connector: Make
) -> None:
    served.order_fault("pause-worker")
    importer = connector("external_import")
    importer.run(AMOUNT="500")
    asked = "query Q($id: String!) { connector(id: $id) { connector_queue_details { messages_number messages_size } } }"

    def waiting() -> int:
        details = importer.query(asked, {"id": importer.id})["connector"]
        number: int = details["connector_queue_details"]["messages_number"]
        return number

    importer.wait_for(lambda: waiting() == 501)
    served.lift_faults()
    served.wait_idle()
    assert waiting() == 0


class Relay:
    """Stands between the platform and the broker; can be cut and mended."""

    def __init__(self, broker: str) -> None:
        self._broker = urlsplit(broker)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._joined: list[socket.socket] = []
        self._is_cut = False
        self.url = broker.replace(
            f"{self._broker.hostname}:{self._broker.port}",
            f"127.0.0.1:{self._listener.getsockname()[1]}",
        )
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self._is_cut:
                near.close()
                continue
            far = socket.create_connection(
                (self._broker.hostname or "", self._broker.port or 5672)
            )
            self._joined += [near, far]
            for ends in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=ends, daemon=True).start()

    @staticmethod
    def _carry(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65_536):
                target.sendall(data)
        except OSError:
            pass

    def cut(self) -> None:
        self._is_cut = True
        while self._joined:
            joined = self._joined.pop()
            # Wakes who waits in `recv`, which closing alone does not.
            with suppress(OSError):
                joined.shutdown(socket.SHUT_RDWR)
            joined.close()

    def mend(self) -> None:
        self._is_cut = False

    def close(self) -> None:
        self.cut()
        self._listener.close()


@over_a_broker
def test_a_broker_that_goes_away_and_comes_back(broker: str, make: Any) -> None:
    relay = Relay(broker)
    with TestbedProcess(options=("--amqp", relay.url)) as platform:
        importer = make.connector(platform, "external_import", "amqp")
        try:
            assert importer.run(AMOUNT="5") == 0
            relay.cut()
            connection = pika.BlockingConnection(pika.URLParameters(broker))
            push(connection.channel(), importer, message([make.malware("meanwhile")]))
            connection.close()
            with pytest.raises(requests.HTTPError, match="504"):
                platform.wait_idle(3)
            assert "meanwhile" not in names(platform)
            relay.mend()
            importer.wait_for(lambda: "meanwhile" in names(platform))
        finally:
            importer.remove()
            relay.close()


@pytest.mark.parametrize("address", ["http://broker", "broker", "amqp://[broken"])
def test_an_address_that_is_none_is_refused_in_words(
    tmp_path: Any, address: str
) -> None:
    with pytest.raises(RuntimeError, match="no AMQP URL") as refused:
        TestbedProcess(tmp_path, options=("--amqp", address)).start()
    assert "Traceback" not in str(refused.value)

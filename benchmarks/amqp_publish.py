"""Publishing bundles through RabbitMQ: many messages on their way, next to pycti's one at a time.

    python benchmarks/amqp_publish.py [--objects 2000] [--broker amqp://guest:guest@127.0.0.1:5672]

One bundle of made-up tools goes to a queue that nobody empties, by the SDK's sending and by pycti's `send_stix2_bundle` on
the same registered helper, straight to the broker and over a line that takes 1 ms in each direction. Printed: messages a
second of both and their ratio.
"""

import argparse
import time
import urllib.parse
import uuid
from collections.abc import Callable

import pika
from pycti import OpenCTIConnectorHelper

from connectors_sdk.bundles import Bundle, iter_bundles
from connectors_sdk.connectors._publishing import send_bundle
from connectors_sdk.testing import TcpProxy
from opencti_testbed.process import TestbedProcess

MOMENT = "2026-01-01T00:00:00.000Z"
LATENCIES = (0.0, 0.001)


def bundle_of(number: int) -> Bundle:
    """Return a bundle of made-up tools."""
    tools = (
        {
            "type": "tool",
            "spec_version": "2.1",
            "id": f"tool--{uuid.uuid5(uuid.NAMESPACE_URL, str(one))}",
            "created": MOMENT,
            "modified": MOMENT,
            "name": f"tool {one}",
        }
        for one in range(number)
    )
    (bundle,) = iter_bundles(tools, max_objects=number)
    return bundle


def seconds(action: Callable[[], object]) -> float:
    """Return how long something takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def main() -> None:
    """Publish both ways and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--objects", type=int, default=2000, help="how many")
    parser.add_argument("--broker", default="amqp://guest:guest@127.0.0.1:5672")
    options = parser.parse_args()
    bundle = bundle_of(options.objects)
    url = urllib.parse.urlsplit(options.broker)
    address = url.hostname or "127.0.0.1", url.port or 5672
    queue = f"benchmark-{uuid.uuid4()}"
    serve = ("--amqp", options.broker)
    with (
        TestbedProcess(options=serve) as platform,
        pika.BlockingConnection(pika.URLParameters(options.broker)) as connection,
    ):
        helper = OpenCTIConnectorHelper(
            {
                "opencti": {"url": platform.url, "token": platform.token},
                "connector": {
                    "id": str(uuid.uuid4()),
                    "name": "Benchmark",
                    "type": "EXTERNAL_IMPORT",
                    "scope": "tool",
                    "log_level": "error",
                    "queue_protocol": "amqp",
                    "duration_period": "PT0S",
                },
            }
        )
        channel = connection.channel()
        channel.exchange_declare(queue, "direct")
        channel.queue_declare(queue)
        channel.queue_bind(queue, queue, queue)
        helper.connector_config |= {"push_exchange": queue, "push_routing": queue}
        try:
            for latency in LATENCIES:
                with TcpProxy(address, latency=latency) as proxy:
                    helper.connector_config["connection"] |= {
                        "host": "127.0.0.1",
                        "port": proxy.port,
                    }
                    theirs = seconds(lambda: helper.send_stix2_bundle(bundle.to_json()))
                    ours = seconds(
                        lambda: send_bundle(helper, bundle, limit=60, log=print)
                    )
                number = len(bundle)
                print(
                    f"{latency * 1000:.0f} ms: {number / ours:8,.0f} messages a second, pycti {number / theirs:6,.0f}:"
                    f" {theirs / ours:.1f} times as many"
                )
            found = channel.queue_declare(queue, passive=True).method.message_count
            sent = 2 * len(LATENCIES) * len(bundle)
            print(f"{found:,} of {sent:,} messages are in the queue")
        finally:
            channel.queue_delete(queue)
            channel.exchange_delete(queue)
            helper.api.query(
                "mutation D($id: ID!) { deleteConnector(id: $id) }",
                {"id": helper.connect_id},
            )
    if found != sent:
        raise SystemExit("messages are missing")


if __name__ == "__main__":
    main()

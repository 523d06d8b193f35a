"""Traces of a real run, sent to something that takes OTLP as a collector does."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

# pylint: disable-next=no-name-in-module  # it is made when the module is loaded
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
)

# The types are those of this folder's conftest.py, which cannot be imported by name.
Workshop = Any
Feed = Any


class Collector:
    """Takes traces over HTTP and keeps them."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        bodies = self.bodies

        class Handler(BaseHTTPRequestHandler):
            # pylint: disable-next=invalid-name  # as the base class calls it
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                bodies.append(self.rfile.read(length))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:  # pylint: disable=arguments-differ
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def resources(self) -> list[dict[str, str]]:
        return [
            {one.key: one.value.string_value for one in each.resource.attributes}
            for body in self.bodies
            for each in ExportTraceServiceRequest.FromString(body).resource_spans
        ]

    def spans(self) -> list[Any]:
        return [
            span
            for body in self.bodies
            for each in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in each.scope_spans
            for span in scope.spans
        ]


@pytest.fixture(name="collector")
def fixture_collector() -> Iterator[Collector]:
    collector = Collector()
    threading.Thread(target=collector.server.serve_forever, daemon=True).start()
    yield collector
    collector.server.shutdown()
    collector.server.server_close()


def test_a_run_is_traced(feeders: Workshop, feed: Feed, collector: Collector) -> None:
    for number in range(25):
        feed.publish(number)
    connector = feeders.connector("feed")
    connector.environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.url
    assert connector.run() == 0, connector.output
    spans = collector.spans()
    (run,) = [one for one in spans if one.name == "run"]
    others = [one for one in spans if one.name != "run"]
    assert {one.name for one in others} == {"HTTP GET", "send bundle"}
    assert all(one.trace_id == run.trace_id for one in others)
    assert all(one.parent_span_id == run.span_id for one in others)
    sent = [one for one in others if one.name == "send bundle"]
    objects = [
        attribute.value.int_value
        for one in sent
        for attribute in one.attributes
        if attribute.key == "bundle.objects"
    ]
    assert sum(objects) >= 25
    (about,) = {tuple(sorted(one.items())) for one in collector.resources()}
    assert dict(about)["service.instance.id"] == connector.environment["CONNECTOR_ID"]
    assert not any(feed.key.encode() in body for body in collector.bodies)
    for word in (b"since", b"/feed", b"family"):
        assert not any(word in body for body in collector.bodies), word


def test_a_collector_that_is_away_harms_nothing(feeders: Workshop, feed: Feed) -> None:
    feed.publish(1)
    connector = feeders.connector("feed")
    connector.environment |= {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
    }
    assert connector.run() == 0, connector.output


def test_without_the_extra_it_is_said(
    feeders: Workshop, feed: Feed, tmp_path: Any
) -> None:
    missing = tmp_path / "hidden" / "opentelemetry" / "exporter"
    missing.mkdir(parents=True)
    hook = tmp_path / "hidden" / "sitecustomize.py"
    hook.write_text(
        "import sys\nsys.modules['opentelemetry.exporter.otlp.proto.http.trace_exporter'] = None\n"
    )
    feed.publish(1)
    connector = feeders.connector("feed")
    connector.environment |= {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
        "PYTHONPATH": str(tmp_path / "hidden"),
    }
    assert connector.run() == 0, connector.output
    assert "OTEL_EXPORTER_OTLP_ENDPOINT is set, but" in connector.output

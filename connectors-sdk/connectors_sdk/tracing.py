"""Traces for OpenTelemetry: an option that costs nothing where it is not used.

It needs the extra `otel` (`pip install "connectors-sdk[otel]"`) and an endpoint that takes OTLP over HTTP:
`OTEL_EXPORTER_OTLP_ENDPOINT` or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`. OpenTelemetry's other variables are understood as its
SDK understands them. Without an endpoint nothing of it is loaded.

Spans: `run`, `request`, `deliver`, `send bundle`, `HTTP GET` and so on. They hold numbers, ids and names of hosts, never
a path, a query or a record's content: keys and values that are looked up stand there. Nothing is added to requests that leave.

Sources: OpenTelemetry's specification of environment variables and its semantic conventions for HTTP clients.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_LOGGER = logging.getLogger(__name__)
# The tracer, once there is one.
_STATE: dict[str, Any] = {}


def begin(name: str, connector_id: str, version: str) -> None:
    """Begin to trace this process, if an endpoint is set; what was not sent yet is sent when the process ends.

    Args:
        name: the connector's name: the traces' `service.name`, unless `OTEL_SERVICE_NAME` says otherwise.
        connector_id: the `service.instance.id`.
        version: the `service.version`; empty when it is not known.
    """
    if "tracer" in _STATE or not any(os.environ.get(one) for one in ENDPOINTS):
        return
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        _LOGGER.warning(
            'Nothing is traced: %s is set, but connectors-sdk is installed without its extra "otel" (%s).',
            next(one for one in ENDPOINTS if os.environ.get(one)),
            error,
        )
        return
    about = {"service.instance.id": connector_id, "service.version": version}
    if not os.environ.get("OTEL_SERVICE_NAME"):
        about["service.name"] = name
    resource = Resource.create({key: value for key, value in about.items() if value})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    _STATE["tracer"] = provider.get_tracer("connectors-sdk")


class _Nothing:
    """Stands in for a span where nothing is traced."""

    def set_attribute(self, key: str, value: Any) -> None:
        """Do nothing."""


_NOTHING = _Nothing()


@contextmanager
def span(name: str, *, client: bool = False, **attributes: Any) -> Iterator[Any]:
    """Trace what happens inside the block; an exception that leaves it makes the span one of an error.

    Args:
        name: what it is called.
        client: it is a call to somebody else.
        attributes: texts, numbers and booleans; an underscore in a name stands for a dot.

    Yields:
        Something with `set_attribute(key, value)`.
    """
    tracer = _STATE.get("tracer")
    if tracer is None:
        yield _NOTHING
        return
    from opentelemetry.trace import SpanKind, Status, StatusCode

    kind = SpanKind.CLIENT if client else SpanKind.INTERNAL
    named = {key.replace("_", "."): value for key, value in attributes.items()}
    with tracer.start_as_current_span(
        name,
        kind=kind,
        attributes=named,
        # The text of an exception may hold what must not leave.
        record_exception=False,
        set_status_on_exception=False,
    ) as made:
        try:
            yield made
        except BaseException as error:
            made.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise

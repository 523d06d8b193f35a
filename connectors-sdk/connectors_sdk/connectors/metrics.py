"""Prometheus metrics, under one contract of names for connectors of all types.

Every name begins with `opencti_connector_`; the table below is the whole contract, `docs/connectors/health-and-metrics.md`
explains it. Which connector a sample belongs to is told by the labels that Prometheus gives a scrape target, and by
`opencti_connector_info`.
"""

from typing import Any, Literal, NamedTuple

from connectors_sdk.connectors.health import Health

PREFIX = "opencti_connector_"


class Metric(NamedTuple):
    """One metric.

    Attributes:
        name: without prefix; of a counter without the `_total` with which it is shown.
        kind: `counter`: grows; `gauge`: goes up and down; `summary`: count and sum of what was observed.
        labels: names of its labels.
        description: what it counts, with the unit.
    """

    name: str
    kind: Literal["counter", "gauge", "summary"]
    labels: tuple[str, ...]
    description: str


METRICS: tuple[Metric, ...] = (
    # All types
    Metric(
        "info",
        "gauge",
        ("connector", "type", "id", "version"),
        "Always 1; the labels tell which connector it is",
    ),
    Metric("alive", "gauge", (), "1 while work that is under way makes progress"),
    Metric("ready", "gauge", (), "1 while nothing is known to be in the way"),
    Metric("fresh", "gauge", (), "1 while the last success is young enough"),
    Metric(
        "last_success_timestamp_seconds",
        "gauge",
        (),
        "When work last went well; 0 for never",
    ),
    Metric(
        "last_data_timestamp_seconds", "gauge", (), "When data last came; 0 for never"
    ),
    Metric(
        "newest_data_timestamp_seconds",
        "gauge",
        (),
        "When the newest data was published by its source; 0 when nobody knows",
    ),
    Metric(
        "lag_seconds",
        "gauge",
        (),
        "How far the newest data lies behind now; 0 when nobody knows",
    ),
    Metric(
        "work",
        "counter",
        ("outcome",),
        "Pieces of work by outcome (good, failed, stopped, paused, given up, skipped): runs of an import, requests for "
        "enrichment, batches of events, files",
    ),
    Metric("work_seconds", "summary", (), "How long a piece of work took, in seconds"),
    Metric("errors", "counter", ("kind",), "Failures by kind"),
    Metric(
        "records",
        "counter",
        ("outcome",),
        "Records of the source (events, rows) by outcome: read, skipped, quarantined",
    ),
    Metric("objects_sent", "counter", (), "STIX objects that the platform accepted"),
    Metric("bundles_sent", "counter", (), "Bundles that the platform accepted"),
    Metric("bytes_sent", "counter", (), "Bytes of bundles that the platform accepted"),
    Metric("quarantine_records", "gauge", (), "Records that are set aside now"),
    Metric(
        "quarantine_dropped",
        "counter",
        ("limit",),
        "Records that the quarantine has forgotten because of a limit: count, size, age",
    ),
    Metric(
        "held_back_seconds",
        "counter",
        (),
        "Time spent waiting for the platform's queue to shrink, in seconds",
    ),
    Metric(
        "credits_left",
        "gauge",
        (),
        "What is left of today's budget for calls; -1: no budget",
    ),
    # Enrichment
    Metric(
        "lookups",
        "counter",
        ("outcome",),
        "Look-ups of entities by outcome: found, nothing, cached, refused, failed",
    ),
    # Streams
    Metric(
        "events",
        "counter",
        ("action", "outcome"),
        "Events of a stream by action (create, update, delete, ...) and outcome (written, skipped, quarantined)",
    ),
    # Whatever leaves for third parties
    Metric(
        "egress",
        "counter",
        ("decision",),
        "Decisions of the egress gate: passed, refused",
    ),
)
_BY_NAME = {metric.name: metric for metric in METRICS}


class Metrics:
    """The metrics of one connector. Safe to use from any thread."""

    def __init__(self, health: Health) -> None:
        """Take the health, from which some are made when they are asked for."""
        # Not at the top: reading a connector's settings must not pay for it.
        from prometheus_client import CollectorRegistry, Counter, Gauge, Summary

        kinds: dict[str, Any] = {"counter": Counter, "gauge": Gauge, "summary": Summary}
        self._health = health
        self._registry = CollectorRegistry()
        self._families: dict[str, Any] = {
            metric.name: kinds[metric.kind](
                PREFIX + metric.name,
                metric.description,
                metric.labels,
                registry=self._registry,
            )
            for metric in METRICS
        }

    def count(self, name: str, by: float = 1, /, **labels: str) -> None:
        """Let a counter grow.

        Raises:
            KeyError: the contract has no such name.
        """
        self._family(name, labels).inc(by)

    def set(self, name: str, value: float, /, **labels: str) -> None:
        """Set a gauge.

        Raises:
            KeyError: the contract has no such name.
        """
        self._family(name, labels).set(value)

    def observe(self, name: str, value: float, /, **labels: str) -> None:
        """Add an observation to a summary.

        Raises:
            KeyError: the contract has no such name.
        """
        self._family(name, labels).observe(value)

    def value(self, name: str, /, **labels: str) -> float:
        """Return the present value of a metric (of a summary: the sum); 0 when it was never touched."""
        shown = PREFIX + name
        suffix = {"counter": "_total", "gauge": "", "summary": "_sum"}
        sample = shown + suffix[_BY_NAME[name].kind]
        self._refresh()
        return self._registry.get_sample_value(sample, labels) or 0.0

    def render(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        from prometheus_client import generate_latest

        self._refresh()
        return bytes(generate_latest(self._registry))

    def _refresh(self) -> None:
        health = self._health
        moments = {
            "last_success_timestamp_seconds": health.last_success,
            "last_data_timestamp_seconds": health.last_data,
            "newest_data_timestamp_seconds": health.newest,
        }
        for name, moment in moments.items():
            self.set(name, moment.timestamp() if moment else 0)
        self.set("lag_seconds", health.lag.total_seconds() if health.lag else 0)
        for name in ("alive", "ready", "fresh"):
            self.set(name, float(getattr(health, name)))

    def _family(self, name: str, labels: dict[str, str]) -> Any:
        family = self._families[name]
        return family.labels(**labels) if labels else family

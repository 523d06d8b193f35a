"""What health and metrics say, also over HTTP."""

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors_sdk import clock
from connectors_sdk.connectors._health_server import HealthServer
from connectors_sdk.connectors.health import Health
from connectors_sdk.connectors.metrics import METRICS, PREFIX, Metrics

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)


def test_at_first_it_is_alive_but_not_ready() -> None:
    report = Health().report()
    assert (report["alive"], report["ready"], report["fresh"]) == (True, False, True)
    assert report["status"] == "not ok"
    assert report["reasons"] == ["the connector is starting"]


def test_obstacles_come_and_go_one_by_one() -> None:
    health = Health()
    health.started()
    assert health.ready and health.report()["status"] == "ok"
    health.obstacle("target", "the target\nis away")
    health.platform("refused")
    assert health.report()["reasons"] == [
        "the target is away",
        "the platform is away: refused",
    ]
    health.platform(None)
    assert not health.ready
    health.cleared("target")
    assert health.ready


def test_stale_when_the_last_success_is_too_old() -> None:
    with clock.frozen(NOON):
        health = Health(freshness_limit=timedelta(hours=1))
        health.started()
    with clock.frozen(NOON + timedelta(minutes=59)):
        assert health.fresh
    with clock.frozen(NOON + timedelta(minutes=61)):
        assert health.report()["reasons"] == [
            "1:01:00 since the last start, without any success"
        ]
        health.succeeded()
        assert health.fresh
    with clock.frozen(NOON + timedelta(hours=3)):
        assert health.report()["reasons"] == ["1:59:00 since the last success"]


def test_lag_is_that_of_the_newest_data() -> None:
    health = Health(lag_limit=timedelta(days=1))
    assert health.lag is None
    with clock.frozen(NOON):
        health.data(NOON - timedelta(hours=5))
        health.data(NOON - timedelta(hours=7))
        health.data()
        assert health.lag == timedelta(hours=5)
        assert health.fresh
    with clock.frozen(NOON + timedelta(days=1)):
        assert not health.fresh
        health.data(NOON + timedelta(days=2))
        assert health.lag == timedelta(0)


def test_dead_when_work_makes_no_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(
        "connectors_sdk.connectors.health.time.monotonic", lambda: now[0]
    )
    health = Health(stall_limit=timedelta(seconds=10))
    now[0] = 1000
    assert health.alive
    health.working("the run")
    now[0] += 9
    health.progress()
    now[0] += 9
    assert health.alive
    now[0] += 2
    assert not health.alive
    assert "no progress in the run" in health.report()["reasons"]
    health.idle()
    assert health.alive


def test_errors_are_one_redacted_sentence() -> None:
    health = Health()
    health.redact = lambda text: text.replace("canary", "***")
    health.failed("the key\ncanary was refused")
    assert health.last_error == "the key *** was refused"
    assert "canary" not in json.dumps(health.report())


def test_names_outside_the_contract_are_refused() -> None:
    metrics = Metrics(Health())
    with pytest.raises(KeyError):
        metrics.count("surprise")


def test_metrics_count() -> None:
    metrics = Metrics(Health())
    metrics.count("records", 3, outcome="read")
    metrics.count("records", outcome="read")
    metrics.set("credits_left", 7)
    metrics.observe("work_seconds", 1.5)
    assert metrics.value("records", outcome="read") == 4
    assert metrics.value("credits_left") == 7
    assert metrics.value("work_seconds") == 1.5
    text = metrics.render().decode()
    assert 'opencti_connector_records_total{outcome="read"} 4.0' in text
    assert all(PREFIX + metric.name in text for metric in METRICS)


# -- over HTTP -------------------------------------------------------------------------------------------------------


@pytest.fixture(name="served")
def _served() -> Iterator[tuple[Health, Metrics, str]]:
    health = Health(freshness_limit=timedelta(hours=1))
    metrics = Metrics(health)
    server = HealthServer(health, metrics)
    server.start("127.0.0.1", 0)
    yield health, metrics, f"http://127.0.0.1:{server.port}"
    server.stop()


def get(url: str) -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_pages(served: tuple[Health, Metrics, str]) -> None:
    health, metrics, url = served
    assert get(f"{url}/health")[0] == 503
    assert get(f"{url}/health/live")[0] == 200
    assert get(f"{url}/health/ready")[0] == 503
    health.started()
    status, body = get(f"{url}/health?verbose")
    assert status == 200
    assert json.loads(body)["doing"] == "waiting for work"
    assert get(f"{url}/health/ready")[0] == get(f"{url}/health/fresh")[0] == 200
    assert get(f"{url}/else")[0] == 404
    metrics.count("bundles_sent", 2)
    status, body = get(f"{url}/metrics")
    assert status == 200
    assert "opencti_connector_bundles_sent_total 2.0" in body
    assert "opencti_connector_ready 1.0" in body


def test_a_port_that_is_taken_is_an_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        health = Health()
        with pytest.raises(OSError):
            HealthServer(health, Metrics(health)).start(
                "127.0.0.1", taken.getsockname()[1]
            )

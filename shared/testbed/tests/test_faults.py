"""Faults that were ordered, as pycti and plain HTTP clients meet them."""

import json
import time
from typing import Any

import pytest
import requests
from requests.exceptions import ChunkedEncodingError

from opencti_testbed.process import TestbedProcess

ABOUT = "query About { about { version } }"


def ask(platform: TestbedProcess, query: str = ABOUT) -> requests.Response:
    return requests.post(
        f"{platform.url}/graphql",
        json={"query": query},
        headers={"Authorization": f"Bearer {platform.token}"},
        timeout=10,
    )


def listed(platform: TestbedProcess) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = platform.get("faults")
    return found


def test_a_reset_connection(platform: TestbedProcess) -> None:
    platform.order_fault("drop", times=2)
    for _ in range(2):
        with pytest.raises(requests.ConnectionError):
            ask(platform)
    assert ask(platform).ok
    assert listed(platform)[0]["met"] == 2
    assert platform.lift_faults() == 1
    assert listed(platform) == []


def test_who_orders_a_fault_can_wait_for_it(platform: TestbedProcess) -> None:
    fault = platform.order_fault("delay", seconds=0, after=1)
    ask(platform)
    with pytest.raises(TimeoutError, match="met no request within 0.1 s"):
        platform.wait_for_fault(fault, timeout=0.1)
    ask(platform)
    platform.wait_for_fault(fault)
    platform.lift_faults()
    with pytest.raises(LookupError, match=fault):
        platform.wait_for_fault(fault)


def test_answers_that_are_none(platform: TestbedProcess, client: Any) -> None:
    platform.order_fault("status", status=502, message="bad gateway", times=1)
    answer = ask(platform)
    assert (answer.status_code, answer.json()) == (502, {"error": "bad gateway"})
    platform.order_fault("error", code="LOCK_ERROR", message="try again", times=1)
    with pytest.raises(ValueError, match="LOCK_ERROR|try again"):
        client.query(ABOUT)
    platform.order_fault("expire-token", times=1)
    with pytest.raises(ValueError, match="AUTH_REQUIRED|logged in"):
        client.query(ABOUT)
    assert client.query(ABOUT)["about"]["version"]


def test_answers_that_say_something_else(platform: TestbedProcess) -> None:
    for body in ({"data": {"about": 7}}, [], "text", None):
        platform.order_fault("answer", body=body, times=1)
        answer = ask(platform)
        assert answer.status_code == 200
        assert answer.json() == body
    assert ask(platform).json()["data"]["about"]["version"]


@pytest.mark.parametrize("amount", [0, 1, 20])
def test_answers_that_break_off(platform: TestbedProcess, amount: int) -> None:
    platform.order_fault("truncate", amount=amount, times=1)
    with pytest.raises((requests.ConnectionError, ChunkedEncodingError)):
        ask(platform)
    platform.lift_faults()
    platform.order_fault("truncate", amount=amount, times=1)
    received = bytearray()
    with requests.post(
        f"{platform.url}/graphql",
        json={"query": ABOUT},
        headers={"Authorization": f"Bearer {platform.token}"},
        timeout=10,
        stream=True,
    ) as answer:
        with pytest.raises((requests.ConnectionError, ChunkedEncodingError)):
            for part in answer.iter_content(1):
                received += part
    assert len(received) == amount
    assert ask(platform).ok


def test_only_what_matches_and_only_for_a_while(
    platform: TestbedProcess, client: Any
) -> None:
    platform.order_fault(
        "error", operation="workAdd", message="no works today", after=1, times=1
    )
    assert client.query(ABOUT)
    assert client.api.work.initiate_work(client.helper.connect_id, "passes")
    with pytest.raises(ValueError, match="no works today"):
        client.api.work.initiate_work(client.helper.connect_id, "does not")
    assert client.api.work.initiate_work(client.helper.connect_id, "passes again")
    platform.lift_faults()
    platform.order_fault("status", status=503, lasts=0.3)
    assert ask(platform).status_code == 503
    time.sleep(0.35)
    assert ask(platform).ok
    assert listed(platform) == []


def test_a_slow_platform(platform: TestbedProcess) -> None:
    platform.order_fault("delay", seconds=0.5)
    with pytest.raises(requests.ReadTimeout):
        requests.post(
            f"{platform.url}/graphql",
            json={"query": ABOUT},
            headers={"Authorization": f"Bearer {platform.token}"},
            timeout=0.2,
        )
    assert ask(platform).ok


def test_a_smaller_limit(platform: TestbedProcess) -> None:
    platform.order_fault("limit-body", amount=100)
    refused = ask(platform, ABOUT + " " * 200)
    assert refused.status_code == 413
    assert "larger than this platform accepts" in json.dumps(refused.json())


def test_a_worker_that_pauses_loses_nothing(
    platform: TestbedProcess, client: Any, make: Any
) -> None:
    platform.order_fault("pause-worker")
    work = client.api.work.initiate_work(client.helper.connect_id, "a work")
    bundle = {"type": "bundle", "id": "bundle--1", "objects": [make.malware("a")]}
    client.helper.send_stix2_bundle(json.dumps(bundle), work_id=work, no_split=True)
    time.sleep(0.3)
    assert platform.summary()["queue"]["bundles"] == 1
    platform.lift_faults()
    platform.wait_idle()
    assert platform.summary()["objects_by_type"]["Malware"] == 1


def test_a_full_queue(platform: TestbedProcess, client: Any) -> None:
    details = """query Q($id: String!) { connector(id: $id) { connector_queue_details { messages_size } } }"""
    platform.order_fault("fill-queue", amount=10**9)
    found = client.query(details, {"id": client.helper.connect_id})["connector"]
    assert found["connector_queue_details"]["messages_size"] >= 10**9


def test_a_stream_that_breaks(platform: TestbedProcess, client: Any, make: Any) -> None:
    client.push([make.malware(name) for name in "abcde"])
    platform.order_fault("break-stream", amount=2, times=1)
    headers = {"Authorization": f"Bearer {platform.token}"}
    seen = 0
    with pytest.raises(requests.RequestException):
        with requests.get(
            f"{platform.url}/stream/live", headers=headers, stream=True, timeout=10
        ) as response:
            for line in response.iter_lines():
                seen += line == b"event: create"
    assert seen == 2


NO_FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"action": "explode"}, "action"),
    ({"action": "drop", "path": "("}, "no regular expression"),
    ({"action": "status", "status": 200}, "status"),
    ({"action": "drop", "tiems": 1}, "tiems"),
    ({"action": "break-stream", "path": "/graphql", "amount": 1}, "no stream"),
    ({"action": "break-stream", "operation": "x", "amount": 1}, "no body"),
    ({"action": "break-stream", "amount": 0}, "does nothing"),
    ({"action": "pause-worker", "times": 1, "path": "/x"}, "no use for path, times"),
    ({"action": "fill-queue"}, "needs an amount"),
    ({"action": "fill-queue", "amount": 0}, "does nothing"),
    ({"action": "limit-body"}, "needs an amount"),
    ({"action": "drop", "status": 500}, "no use for status"),
]


def test_what_is_no_fault_is_refused_in_words(
    platform: TestbedProcess,
) -> None:
    headers = {"Authorization": f"Bearer {platform.token}"}
    url = f"{platform.url}/testbed/faults"
    for fault, words in NO_FAULTS:
        answer = requests.post(url, json=fault, headers=headers, timeout=10)
        assert answer.status_code == 400, fault
        assert words in answer.json()["error"]
    assert listed(platform) == []
    assert requests.post(url, json={"action": "drop"}, timeout=10).status_code == 401
    assert (
        requests.delete(f"{url}/none", headers=headers, timeout=10).status_code == 404
    )

"""An importer that is killed anywhere, again and again: nothing is lost, nothing is there twice."""

import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from opencti_testbed.process import TestbedProcess

# The types are those of this folder's conftest.py, which cannot be imported by name.
Workshop = Any
Feed = Any

SEED = 20261121
POINTS = 20
RECORDS = 120
DEADLINE = 60.0


@pytest.fixture(name="whole", scope="module")
def _whole(make_feeders: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What an undisturbed run comes to: fingerprint and number of objects, and how often it asked the platform."""
    with TestbedProcess() as platform:
        counting = platform.order_fault("delay", seconds=0)
        with make_feeders(platform, tmp_path_factory.mktemp("data")) as (feeders, feed):
            for number in range(RECORDS):
                feed.publish(number)
            connector = feeders.connector("feed")
            assert connector.run() == 0, connector.output
        platform.wait_idle()
        (calls,) = [f["met"] for f in platform.get("faults") if f["id"] == counting]
        return platform.fingerprint(), platform.summary()["created"], calls


def waiting_for(condition: Any, process: Any) -> None:
    """Return when the condition holds or the process has ended."""
    deadline = time.monotonic() + DEADLINE
    while process.poll() is None and not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("point", range(POINTS))
def test_killed_at_a_random_point(
    platform: TestbedProcess,
    feeders: Workshop,
    feed: Feed,
    tmp_path: Path,
    whole: Any,
    point: int,
) -> None:
    fingerprint, created, calls = whole
    chance = random.Random(SEED + point)
    for number in range(RECORDS):
        feed.publish(number)
    first = feeders.connector("feed")
    # Up to three lives end before their time: while the source is asked, while the platform is, or between.
    for _ in range(chance.randint(1, 3)):
        connector = first.again()
        kind = chance.choice(["source", "platform", "between"])
        if kind == "source":
            feed.hold(chance.randint(1, RECORDS // feed.PAGE + 1))
            process = connector.start().process
            waiting_for(feed.reached.is_set, process)
        else:
            call = chance.randrange(4, calls)
            seconds = 30 if kind == "platform" else chance.uniform(0.001, 0.05)
            platform.order_fault("delay", after=call, times=1, seconds=seconds)
            process = connector.start().process
            waiting_for(
                lambda: any(fault["met"] for fault in platform.get("faults")), process
            )
            if kind == "between":
                time.sleep(chance.uniform(0, 0.1))
        process.kill()
        assert connector.wait() in (-signal.SIGKILL, 0), connector.output
        feed.release()
        platform.lift_faults()
    last = first.again()
    assert last.run() == 0, last.output
    platform.wait_idle()
    assert platform.fingerprint() == fingerprint
    assert platform.summary()["created"] == created
    assert {work["status"] for work in platform.works()} <= {"complete"}
    assert not (tmp_path / "data" / "quarantine.jsonl").exists()

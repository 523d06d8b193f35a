"""An importer that is killed anywhere, again and again: nothing is lost, nothing is there twice.

Twenty kills in a few chains: each life goes on where the one before was killed, and the source has something new for it,
so that what one kill loses no later life finds again.
"""

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
CHAINS = 4
KILLS = 5
# What is new in each life: four pages.
NEWS = 40
RECORDS = NEWS * (KILLS + 1)
DEADLINE = 60.0


@pytest.fixture(name="whole", scope="module")
def _whole(make_feeders: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What undisturbed runs come to: fingerprint, number of objects, and how often the first asked the platform."""
    with TestbedProcess() as platform:
        counting = platform.order_fault("delay", seconds=0)
        with make_feeders(platform, tmp_path_factory.mktemp("data")) as (feeders, feed):
            first = feeders.connector("feed")
            publish(feed, NEWS)
            assert first.run() == 0, first.output
            (calls,) = [f["met"] for f in platform.get("faults") if f["id"] == counting]
            publish(feed, RECORDS - NEWS)
            again = first.again()
            assert again.run() == 0, again.output
        platform.wait_idle()
        return platform.fingerprint(), platform.summary()["created"], calls


def publish(feed: Feed, count: int) -> None:
    for number in range(len(feed.records), len(feed.records) + count):
        feed.publish(number)


def waiting_for(condition: Any, process: Any) -> None:
    """Return when the condition holds or the process has ended."""
    deadline = time.monotonic() + DEADLINE
    while process.poll() is None and not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def killed(
    connector: Any,
    platform: TestbedProcess,
    feed: Feed,
    chance: random.Random,
    calls: int,
) -> str:
    """Run a connector until it is killed; return while what: its source is asked, the platform is, or between."""
    kind = chance.choice(["source", "platform", "between"])
    if kind == "source":
        feed.hold(chance.randint(1, NEWS // feed.PAGE))
        process = connector.start().process
        waiting_for(feed.reached.is_set, process)
    else:
        seconds = 3 if kind == "platform" else chance.uniform(0.001, 0.05)
        platform.order_fault(
            "delay", after=chance.randrange(4, calls), times=1, seconds=seconds
        )
        process = connector.start().process
        waiting_for(
            lambda: any(fault["met"] for fault in platform.get("faults")), process
        )
        if kind == "between":
            time.sleep(chance.uniform(0, 0.1))
    process.kill()
    code = connector.wait()
    feed.release()
    platform.lift_faults()
    assert code in (-signal.SIGKILL, 0), connector.output
    # It may have come to its end just before.
    return kind if code else ""


@pytest.mark.parametrize(
    ("chain", "broken"),
    [*((chain, None) for chain in range(CHAINS)), (0, "e5_hasty")],
)
def test_killed_at_random_points(
    platform: TestbedProcess,
    feeders: Workshop,
    feed: Feed,
    tmp_path: Path,
    whole: Any,
    chain: int,
    broken: str | None,
) -> None:
    fingerprint, created, calls = whole
    chance = random.Random(SEED + chain)
    first = feeders.connector("feed", BROKEN=broken)
    kills: list[str] = []
    while len(kills) < KILLS:
        publish(feed, min(NEWS, RECORDS - len(feed.records)))
        assert len(first.others) < 3 * KILLS, "it always ends before it is killed"
        kills += filter(None, [killed(first.again(), platform, feed, chance, calls)])
    publish(feed, RECORDS - len(feed.records))
    last = first.again()
    assert last.run() == 0, last.output
    platform.wait_idle()
    if broken:
        assert platform.summary()["created"] < created, "the loss is not noticed"
        return
    assert platform.summary()["created"] == created, kills
    assert platform.fingerprint() == fingerprint, kills
    assert {work["status"] for work in platform.works()} <= {"complete"}
    assert not (tmp_path / "data" / "quarantine.jsonl").exists()

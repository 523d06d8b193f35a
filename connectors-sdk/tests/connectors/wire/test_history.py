"""A long history by windows: what a budget cuts off goes on where it was, in whichever order the source gives it."""

import json
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from test_state_folder import page, until

from connectors_sdk.testing import Canned, RecordedRequest
from opencti_testbed.process import TestbedProcess

# The types are those of this folder's conftest.py, which cannot be imported by name.
Workshop = Any
Feed = Any

HOUR = timedelta(hours=1)
PAGE = 5


class History:
    """A source of families of the last hours, five a page.

    Attributes:
        records: what there is.
        order: of the records of an answer: `oldest`, `newest` or `none`.
    """

    def __init__(self, feed: Feed, order: str, per_hour: int, hours: int = 2) -> None:
        self.now = datetime.now(UTC)
        self.order = order
        self.records = [
            {
                "id": number,
                "name": f"family {number}",
                "at": (self.now - (number + 0.5) / per_hour * HOUR).isoformat(),
            }
            for number in range(per_hour * hours)
        ]
        feed.server.on("GET", "/history", self._answer)

    def _answer(self, request: RecordedRequest) -> Canned:
        start, end = (
            datetime.fromisoformat(request.query[key][0]) for key in ("start", "end")
        )
        number = int(request.query["page"][0])
        found = [
            r for r in self.records if start <= datetime.fromisoformat(r["at"]) < end
        ]
        found.sort(key=lambda r: r["at"], reverse=self.order == "newest")
        if self.order == "none":
            found.sort(key=lambda r: r["id"] * 7919 % 101)
        return Canned({"families": found[PAGE * (number - 1) : PAGE * number]})

    def connector(
        self, feeders: Workshop, back: timedelta = 2 * HOUR, **more: str
    ) -> Any:
        settings = {
            "BACK_TO": (self.now - back).isoformat(),
            "WINDOW": "3600",
            "IN_ORDER": "true",
        }
        return feeders.connector("history", **{**settings, **more})


def families(platform: TestbedProcess) -> int:
    platform.wait_idle()
    count: int = platform.summary()["objects_by_type"].get("Malware", 0)
    return count


@pytest.mark.parametrize(
    ("order", "in_order", "days"),
    [("oldest", "true", 6), ("newest", "true", 16), ("none", "false", 16)],
)
def test_a_window_beyond_the_budget_is_finished(
    feeders: Workshop,
    platform: TestbedProcess,
    feed: Feed,
    order: str,
    in_order: str,
    days: int,
) -> None:
    # 9 calls a window, of which the budget allows 6 a day.
    history = History(feed, order, per_hour=40)
    connector = history.connector(feeders, IN_ORDER=in_order)
    counts = [0]
    for day in range(1, days + 1):
        # A new day's budget is what the days before have not had.
        connector = connector.again(CONNECTOR_DAILY_CREDITS=str(6 * day))
        assert connector.run() == 0, connector.output
        counts.append(families(platform))
        if order == "oldest":
            assert "does not fit" not in connector.output
            assert counts[-1] == 80 or counts[-1] > counts[-2], "a day for nothing"
        if "is complete" in connector.output:
            break
        assert "The run pauses" in connector.output
    assert "is complete" in connector.output, counts
    assert counts[-1] == 80


def test_killed_inside_a_window(
    feeders: Workshop, platform: TestbedProcess, feed: Feed
) -> None:
    history = History(feed, "oldest", per_hour=200, hours=2)
    connector = history.connector(feeders, 2 * HOUR)
    reached = 0

    def kill(request: RecordedRequest) -> Canned:
        nonlocal reached
        reached += 1
        if reached == 60:  # within the first window of the backfill
            connector.process.kill()
        return history._answer(request)

    feed.server.on("GET", "/history", kill)
    connector.start().wait()
    (registered,) = platform.connectors()
    cursor = json.loads(registered["state"])["cursor"]
    inside = datetime.fromisoformat(cursor["inside"]["position"])
    begun = datetime.fromisoformat(cursor["begun"])
    assert begun < inside < datetime.fromisoformat(cursor["backfilled"])
    again = connector.again()
    assert again.run() == 0, again.output
    assert families(platform) == 400
    first = [
        datetime.fromisoformat(r.query["start"][0])
        for r in feed.server.requests_to("/history")[60:]
    ]
    assert inside in first and begun not in first


def test_what_cannot_get_on_says_so(
    feeders: Workshop, feed: Feed, free_port: int
) -> None:
    history = History(feed, "none", per_hour=6000, hours=1)
    connector = history.connector(
        feeders,
        timedelta(minutes=3),
        WINDOW="60",
        IN_ORDER="false",
        CONNECTOR_DAILY_CREDITS="10",
        CONNECTOR_HEALTH_PORT=str(free_port),
        CONNECTOR_RUN_AND_TERMINATE="false",
    ).start()
    until(lambda: "does not get on" in page(free_port, "/health"))
    until(lambda: "waiting for the next run" in page(free_port, "/health"))
    health = json.loads(page(free_port, "/health"))
    assert health["status"] == "not ok" and not health["ready"]
    assert "raise CONNECTOR_DAILY_CREDITS" in health["last_error"]["reason"]
    connector.process.terminate()
    assert connector.wait() == 0
    (line,) = (
        json.loads(one)
        for one in connector.output.splitlines()
        if "does not get on" in one and '"WARNING"' in one
    )
    assert "has more than the budget of calls allows for" in line["message"]


def test_the_next_run_is_looked_for_between_pages(
    feeders: Workshop, platform: TestbedProcess, feed: Feed
) -> None:
    history = History(feed, "oldest", per_hour=100, hours=2)

    def slow(request: RecordedRequest) -> Canned:
        if datetime.fromisoformat(request.query["end"][0]) < history.now - HOUR / 2:
            time.sleep(0.15)
        return history._answer(request)

    feed.server.on("GET", "/history", slow)
    connector = history.connector(
        feeders,
        2 * HOUR,
        CONNECTOR_DURATION_PERIOD="PT1S",
        CONNECTOR_RUN_AND_TERMINATE="false",
    ).start()
    until(lambda: families(platform) == 200)
    connector.process.terminate()
    assert connector.wait() == 0
    # A window takes three seconds, new data waits for one.
    assert connector.output.count("new data goes first") >= 2


def test_the_forecast_tells_calls_records_and_time(
    feeders: Workshop, feed: Feed
) -> None:
    history = History(feed, "oldest", per_hour=40, hours=3)
    connector = history.connector(feeders, 3 * HOUR)
    assert connector.run() == 0, connector.output
    # The third one are the seconds since the test began.
    assert "3 windows, how many calls and records, and how long, is told after" in (
        connector.output
    )
    found = re.search(
        r"As the first window went, the rest takes: 2 windows, about (\d+) calls, about (\d+) records, about 0:00:\d\d of "
        "work",
        connector.output,
    )
    assert found, connector.output
    # No budget is set: the client counts. Nine calls a window, and forty records.
    assert [int(number) for number in found.groups()] == [9, 40]

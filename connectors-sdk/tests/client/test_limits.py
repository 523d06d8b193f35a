"""Rate limits and the daily quota: every attempt counts."""

import sqlite3
import subprocess
import sys
from contextlib import ExitStack
from datetime import datetime, time, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors_sdk.client.exceptions import (
    ApiConfigurationError,
    ApiRateLimitError,
    ApiServerError,
    ApiStorageError,
    QuotaExceededError,
)
from connectors_sdk.client.limiter import (
    MovingWindowLimiter,
    Window,
    parse_rate_limit,
)
from connectors_sdk.client.quota import DailyQuota
from connectors_sdk.testing import Canned, CannedServer


@pytest.mark.parametrize(
    ("text", "windows"),
    [
        ("10/second", (Window(10, 1),)),
        ("4 per minute", (Window(4, 60),)),
        ("5/10 seconds", (Window(5, 10),)),
        ("1 / HOUR", (Window(1, 3600),)),
        ("4/minute; 500/day", (Window(4, 60), Window(500, 86400))),
    ],
)
def test_notation(text: str, windows: tuple[Window, ...]) -> None:
    assert parse_rate_limit(text) == windows


@pytest.mark.parametrize(
    "text", ["", "ten/minute", "5/fortnight", "0/second", "5/0 seconds", "5/minute;"]
)
def test_nonsense_is_refused_in_words(text: str) -> None:
    with pytest.raises(ApiConfigurationError, match="rate limit"):
        parse_rate_limit(text)


@given(
    st.integers(1, 5),
    st.integers(1, 10),
    st.lists(st.integers(0, 32).map(lambda eighths: eighths / 8), max_size=40),
)
def test_no_window_ever_holds_more_than_allowed(
    limit: int, seconds: int, gaps: list[float]
) -> None:
    present = [1000.0]
    limiter = MovingWindowLimiter(lambda: present[0])
    windows = (Window(limit, seconds),)
    allowed: list[float] = []
    for gap in gaps:
        present[0] += gap
        before = limiter.get_window_stats(windows, "k")
        hit = limiter.hit(windows, "k")
        assert hit == (before.remaining > 0) == (before.reset_time <= present[0])
        if hit:
            allowed.append(present[0])
    for start in allowed:
        assert sum(start <= moment < start + seconds for moment in allowed) <= limit


def test_a_clock_set_back_does_not_block() -> None:
    present = [1_000_000.0]
    limiter = MovingWindowLimiter(lambda: present[0])
    assert limiter.hit((Window(1, 60),), "k")
    present[0] -= 500_000
    assert limiter.hit((Window(1, 60),), "k")


def test_attempts_count_not_calls(server: CannedServer, client_of: Any) -> None:
    server.on("GET", "/x", Canned("", 503))
    client = client_of(server.url, rate_limit="2/minute")
    with pytest.raises(ApiRateLimitError) as caught:
        client._get("/x")
    assert len(server.requests) == 2
    assert "nothing was sent" in str(caught.value)
    # What really is wrong must not drown in the limit.
    assert "status 503" in str(caught.value)
    assert 0 < (caught.value.retry_after or 0) <= 60


def test_waiting_for_room(
    server: CannedServer, client_of: Any, clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    server.on("GET", "/x", Canned({}))
    client = client_of(
        server.url, rate_limit="2/minute; 3/hour", raise_on_limit_exceeded=False
    )
    start = clock.time
    with caplog.at_level("INFO"):
        for _ in range(4):
            client._get("/x")
    assert "going on in 60.0 s" in caplog.text
    assert len(server.requests) == 4
    assert clock.time - start == pytest.approx(3600)


def test_each_host_has_its_own_count(
    server: CannedServer, other_server: CannedServer, client_of: Any
) -> None:
    for one in (server, other_server):
        one.on("GET", "/x", Canned({}))
    client = client_of(server.url, rate_limit="1/minute")
    client._get("/x")
    client._get(f"{other_server.url}/x")
    with pytest.raises(ApiRateLimitError):
        client._get("/x")


# --- Quota -------------------------------------------------------------------------------------------------------------


class Now:
    def __init__(self, text: str) -> None:
        self.set(text)

    def set(self, text: str) -> None:
        self.time = datetime.fromisoformat(text).timestamp()

    def __call__(self) -> float:
        return self.time


def test_the_quota_outlives_the_process(tmp_path: Path) -> None:
    now = Now("2025-03-01T10:00:00+00:00")
    path = tmp_path / "quota.sqlite"
    assert DailyQuota(3, path, now=now).consume() == 2
    assert DailyQuota(3, path, now=now).consume(2) == 0
    quota = DailyQuota(3, path, now=now)
    assert quota.remaining == 0
    with pytest.raises(QuotaExceededError) as caught:
        quota.consume()
    assert caught.value.resets_at == datetime(2025, 3, 2, tzinfo=timezone.utc)
    assert caught.value.retry_after == 14 * 3600
    assert caught.value.status_code == 429
    assert "2025-03-02 00:00 UTC" in str(caught.value)
    now.set("2025-03-02T00:00:00+00:00")
    assert quota.remaining == 3
    assert quota.consume() == 2


def test_what_does_not_fit_is_not_taken(tmp_path: Path) -> None:
    quota = DailyQuota(3, tmp_path / "q", now=Now("2025-03-01T10:00:00+00:00"))
    with pytest.raises(QuotaExceededError):
        quota.consume(4)
    assert quota.remaining == 3


def test_budgets_in_one_file_are_apart(tmp_path: Path) -> None:
    first = DailyQuota(1, tmp_path / "q", name="first")
    second = DailyQuota(1, tmp_path / "q", name="second")
    first.consume()
    assert (first.remaining, second.remaining) == (0, 1)


@pytest.mark.parametrize(
    ("reset", "before", "after", "resets_at"),
    [
        (
            time(6, 30),
            "2025-03-01T06:29:59+00:00",
            "2025-03-01T06:30:00+00:00",
            "2025-03-01T06:30:00+00:00",
        ),
        (
            time(0, 0, tzinfo=ZoneInfo("America/Los_Angeles")),
            "2025-03-01T07:59:59+00:00",
            "2025-03-01T08:00:00+00:00",
            "2025-03-01T08:00:00+00:00",
        ),
        # The day on which the clocks change is an hour shorter.
        (
            time(0, 0, tzinfo=ZoneInfo("America/Los_Angeles")),
            "2025-03-09T20:00:00+00:00",
            "2025-03-10T07:00:00+00:00",
            "2025-03-10T07:00:00+00:00",
        ),
    ],
)
def test_the_day_begins_when_told(
    tmp_path: Path, reset: time, before: str, after: str, resets_at: str
) -> None:
    now = Now(before)
    quota = DailyQuota(1, tmp_path / "q", reset=reset, now=now)
    quota.consume()
    assert quota.resets_at == datetime.fromisoformat(resets_at)
    assert quota.remaining == 0
    now.set(after)
    assert quota.remaining == 1
    assert quota.resets_at - datetime.fromisoformat(after) > timedelta(hours=20)


def test_processes_do_not_spend_the_same_request_twice(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom connectors_sdk.client.quota import DailyQuota\n"
        "from connectors_sdk.client.exceptions import QuotaExceededError\n"
        "quota, taken = DailyQuota(100, sys.argv[1]), 0\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "for _ in range(60):\n"
        "    try:\n        quota.consume()\n        taken += 1\n"
        "    except QuotaExceededError:\n        pass\n"
        "print(taken)"
    )
    with ExitStack() as stack:
        running = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", script, str(tmp_path / "q")],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for _ in range(3)
        ]
        for process in running:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in running:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        assert (
            sum(int(process.communicate(timeout=60)[0]) for process in running) == 100
        )


def test_a_quota_file_that_cannot_be_used(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged"
    damaged.write_bytes(
        b"this is no database, it is just long enough to look like one" * 10
    )
    for path in (damaged, tmp_path / "no" / "such" / "folder"):
        with pytest.raises(ApiStorageError, match=str(path)):
            DailyQuota(1, path).consume()
    with pytest.raises(ApiConfigurationError):
        DailyQuota(0, tmp_path / "q")


def test_every_attempt_counts_against_the_quota(
    server: CannedServer, client_of: Any, tmp_path: Path
) -> None:
    server.on("GET", "/x", Canned("", 503))
    quota = DailyQuota(5, tmp_path / "q")
    client = client_of(server.url, daily_quota=quota)
    with pytest.raises(ApiServerError):
        client._get("/x")
    assert quota.remaining == 1
    with pytest.raises(QuotaExceededError):
        client._get("/x")
    assert len(server.requests) == 5


def test_the_file_is_a_plain_database(tmp_path: Path) -> None:
    DailyQuota(5, tmp_path / "q", now=Now("2025-03-01T10:00:00+00:00")).consume()
    with sqlite3.connect(tmp_path / "q") as db:
        assert db.execute("SELECT * FROM quota").fetchall() == [
            ("default", "2025-03-01T00:00:00+00:00", 1)
        ]

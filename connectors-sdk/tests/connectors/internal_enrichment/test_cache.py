"""Answers that are kept on disk."""

import subprocess
import sys
import textwrap
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors_sdk import clock
from connectors_sdk.connectors.internal_enrichment.cache import ResultCache, cache_key

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "answers.sqlite3"


def test_an_answer_is_good_for_its_period(file: Path) -> None:
    cache = ResultCache(file, HOUR)
    assert cache.get("a") is None
    with clock.frozen(NOON):
        cache.put("a", b"one")
        cache.put("b", b"")
    # As after a restart.
    cache = ResultCache(file, HOUR)
    with clock.frozen(NOON + HOUR - timedelta(seconds=1)):
        assert cache.get("a") == (b"one", NOON)
        nothing_known = cache.get("b")
        assert nothing_known is not None and nothing_known.content == b""
        assert cache.get("c") is None
    with clock.frozen(NOON + HOUR):
        assert cache.get("a") is None
        cache.put("a", b"two")
        answer = cache.get("a")
        assert answer is not None and answer.content == b"two"


def test_a_clock_that_was_put_back_keeps_nothing_for_ever(file: Path) -> None:
    cache = ResultCache(file, HOUR)
    with clock.frozen(NOON + 1000 * HOUR):
        cache.put("a", b"one")
    with clock.frozen(NOON):
        assert cache.get("a") is None


def test_without_a_period_nothing_is_kept(file: Path) -> None:
    cache = ResultCache(file, timedelta(0))
    cache.put("a", b"one")
    assert cache.get("a") is None
    assert not file.exists()


def test_only_the_owner_reads_it(file: Path) -> None:
    ResultCache(file, HOUR).put("a", b"one")
    assert file.stat().st_mode & 0o077 == 0


def test_the_oldest_go_first(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "connectors_sdk.connectors.internal_enrichment.cache._CLEAN_EVERY", 1
    )
    cache = ResultCache(file, HOUR, max_answers=3)
    for number in range(5):
        with clock.frozen(NOON + timedelta(seconds=number)):
            cache.put(str(number), b"x")
    with clock.frozen(NOON + timedelta(seconds=10)):
        assert [cache.get(str(n)) is not None for n in range(5)] == [
            False,
            False,
            True,
            True,
            True,
        ]


def test_a_damaged_file_is_thrown_away(file: Path) -> None:
    warnings: list[str] = []
    cache = ResultCache(file, HOUR, log=warnings.append)
    file.parent.mkdir()
    file.write_bytes(b"this is no database" * 100)
    assert cache.get("a") is None
    assert len(warnings) == 1 and str(file) in warnings[0]
    cache.put("a", b"one")
    answer = cache.get("a")
    assert answer is not None and answer.content == b"one"


def test_a_disk_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    warnings: list[str] = []
    cache = ResultCache(tmp_path / "file" / "a", HOUR, log=warnings.append)
    cache.put("a", b"one")
    cache.put("a", b"one")
    assert cache.get("a") is None
    assert len(warnings) == 1


def test_a_folder_in_the_way(tmp_path: Path) -> None:
    warnings: list[str] = []
    (tmp_path / "answers").mkdir()
    cache = ResultCache(tmp_path / "answers", HOUR, log=warnings.append)
    cache.put("a", b"one")
    assert cache.get("a") is None
    assert len(warnings) == 1


def test_processes_share_a_file(file: Path) -> None:
    program = textwrap.dedent("""
        import sys
        from datetime import timedelta
        from pathlib import Path
        from connectors_sdk.connectors.internal_enrichment.cache import ResultCache
        def fail(text):
            raise SystemExit(text)
        cache = ResultCache(Path(sys.argv[1]), timedelta(hours=1), log=fail)
        for number in range(100):
            cache.put(f"{sys.argv[2]}-{number}", b"x")
        """)
    writers = [
        # pylint: disable-next=consider-using-with  # waited for below
        subprocess.Popen([sys.executable, "-c", program, str(file), name])
        for name in ("a", "b", "c")
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    cache = ResultCache(file, HOUR)
    for name in ("a", "b", "c"):
        assert all(cache.get(f"{name}-{n}") is not None for n in range(100))


def test_keys() -> None:
    assert cache_key("IPv4-Addr", "10.0.0.1") == cache_key("IPv4-Addr", "10.0.0.1")
    different = {
        cache_key("a", "bc"),
        cache_key("ab", "c"),
        cache_key("abc"),
        cache_key("a", "bc", None),
        cache_key("a", 1),
        cache_key("a", "1"),
    }
    assert len(different) == 6

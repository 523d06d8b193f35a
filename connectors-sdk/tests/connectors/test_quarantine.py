"""Records that are set aside: kept through kills, bounded, replayed."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from connectors_sdk import clock
from connectors_sdk.connectors.quarantine import Quarantine, QuarantinedRecord

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)


def raws(quarantine: Quarantine) -> list[Any]:
    return [record.raw for record in quarantine.records()]


def test_nothing_is_on_disk_before_the_first_record(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path / "data")
    assert len(quarantine) == 0 and not raws(quarantine)
    assert quarantine.remove("x") == 0
    assert not (tmp_path / "data").exists()


def test_what_was_set_aside_can_be_looked_at(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path)
    quarantine.redact = lambda text: text.replace("canary", "***")
    with clock.frozen(NOON):
        quarantine.add({"a": 1}, "no name,\nkey canary", mapper="m", run="r1")
        (record,) = Quarantine(tmp_path).records()
        assert [r.id for r in quarantine.find(record.id[:5])] == [record.id]
        assert not quarantine.find("zz")
    assert record == QuarantinedRecord(
        record.id,
        "record",
        "m",
        "no name, key ***",
        {"a": 1},
        "2026-03-31T12:00:00+00:00",
        "2026-03-31T12:00:00+00:00",
        1,
        {"run": "r1"},
    )


def test_any_value_has_a_form(tmp_path: Path) -> None:
    class Model(BaseModel):
        day: datetime

    class Odd:
        def __str__(self) -> str:
            return "odd"

    quarantine = Quarantine(tmp_path)
    for raw in (Model(day=NOON), b"\xffx", {1}, Odd(), {5: (1, NOON)}, None, 1.5):
        quarantine.add(raw, "bad")
    assert raws(quarantine) == [
        {"day": "2026-03-31T12:00:00Z"},
        "\ufffdx",
        [1],
        "odd",
        {"5": [1, "2026-03-31T12:00:00+00:00"]},
        None,
        1.5,
    ]


def test_half_a_character_is_replaced(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path)
    quarantine.add({"name": "a\ud800b", 1: {2}}, "half")
    assert raws(quarantine) == [{"name": "a\ufffdb", "1": [2]}]


def test_the_same_record_is_kept_once(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path)
    quarantine.add([1], "first")
    quarantine.add([2], "other")
    quarantine.add([1], "second")
    records = list(quarantine.records())
    assert [(r.raw, r.reason, r.times) for r in records] == [
        ([2], "other", 1),
        ([1], "second", 2),
    ]


def test_limits(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path, max_records=3, max_age=timedelta(days=1))
    for number in range(5):
        with clock.frozen(NOON + timedelta(hours=number)):
            quarantine.add(number, "bad")
    with clock.frozen(NOON + timedelta(hours=5)):
        assert raws(quarantine) == [2, 3, 4]
        assert quarantine.dropped == {"count": 2}
    with clock.frozen(NOON + timedelta(hours=27, minutes=30)):
        assert raws(quarantine) == [4]
    with clock.frozen(NOON + timedelta(days=9)):
        assert not raws(quarantine)
        quarantine.add("new", "bad")
        assert raws(quarantine) == ["new"]
    assert quarantine.dropped == {"count": 2, "age": 3}


def test_bytes_are_limited_but_one_stays(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path, max_bytes=1000)
    for number in range(10):
        quarantine.add([number, "x" * 200], "bad")
    assert [raw[0] for raw in raws(quarantine)] == [8, 9]
    quarantine.add("y" * 5000, "bad")
    assert raws(quarantine) == ["y" * 5000]
    assert quarantine.dropped == {"size": 10}


def test_replay(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path)
    for number in range(4):
        quarantine.add(number, "bad")
    seen: list[Any] = []

    def handle(record: QuarantinedRecord) -> None:
        seen.append(record.raw)
        if record.raw == 2:
            raise ValueError("still bad")

    replayed = quarantine.replay(handle)
    assert seen == [0, 1, 2, 3]
    (left,) = quarantine.records()
    assert (left.raw, left.reason, left.times) == (2, "still bad", 2)
    assert replayed.failed == {left.id: "still bad"}
    assert len(replayed.done) == 3
    assert not quarantine.replay(lambda _: None, "other").done
    assert quarantine.replay(lambda _: None, left.id).done == (left.id,)
    assert len(quarantine) == 0


def test_a_record_that_is_set_aside_again_during_its_replay_stays(
    tmp_path: Path,
) -> None:
    quarantine = Quarantine(tmp_path)
    quarantine.add(1, "bad")

    def interrupted(_: QuarantinedRecord) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        quarantine.replay(interrupted)
    assert raws(quarantine) == [1]


def test_half_a_line_of_a_killed_process_is_passed_over(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path)
    quarantine.add(1, "bad")
    (file,) = tmp_path.glob("*.jsonl")
    with file.open("ab") as handle:
        handle.write(b'{"id": "half')
    other = Quarantine(tmp_path)
    assert raws(other) == [1]
    other.add(2, "bad")
    assert raws(other) == raws(quarantine) == raws(Quarantine(tmp_path)) == [1, 2]


def test_two_processes_at_once(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from connectors_sdk.connectors.quarantine import Quarantine\n"
        "q = Quarantine(Path(sys.argv[1]))\n"
        "for n in range(100): q.add([sys.argv[2], n], 'bad')"
    )
    processes = [
        # pylint: disable-next=consider-using-with
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path), name])
        for name in ("a", "b")
    ]
    mine = Quarantine(tmp_path)
    for number in range(20):
        mine.add(["c", number], "bad")
        record = next(r for r in mine.records() if r.raw == ["c", number])
        assert mine.remove(record.id) == 1
    assert [process.wait(60) for process in processes] == [0, 0]
    assert sorted(map(tuple, raws(mine))) == [
        (name, number) for name in ("a", "b") for number in range(100)
    ]


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path / "data")
    quarantine.add(1, "bad")
    assert (tmp_path / "data").stat().st_mode & 0o077 == 0
    (file,) = (tmp_path / "data").glob("*.jsonl")
    assert file.stat().st_mode & 0o077 == 0

"""The map of a target: what is kept, and who may write when."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from connectors_sdk.connectors.stream import Known, Targets, TargetsError


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / "some" / "folder" / "targets.sqlite"


def test_both_ways(path: Path) -> None:
    targets = Targets(path)
    targets.link("p1", "r1", stix_id="malware--1", entity_type="Malware", expires=5.0)
    targets.link("p2")
    assert targets.remote_id("p1") == "r1" and targets.platform_id("r1") == "p1"
    assert targets.remote_id("p2") is None and "p2" in targets
    assert targets.remote_id("p3") is None and "p3" not in targets
    assert targets.get("p1") == Known("p1", "r1", "malware--1", "Malware", 5.0)
    assert [known.id for known in targets] == ["p1", "p2"] and len(targets) == 2
    targets.unlink("p1")
    assert "p1" not in targets and targets.platform_id("r1") is None


def test_a_known_remote_id_stays(path: Path) -> None:
    targets = Targets(path)
    targets.link("p1", "r1", expires=1.0)
    targets.link("p1", None, stix_id="malware--2")
    assert targets.get("p1") == Known("p1", "r1", "malware--2", "", None)
    targets.link("p1", "r2")
    assert targets.remote_id("p1") == "r2"


def test_another_target_has_another_map(path: Path) -> None:
    one, other = Targets(path, "one"), Targets(path, "other")
    one.link("p1", "r1")
    one.set_note("key", "value")
    assert "p1" not in other and not list(other) and len(other) == 0
    assert (one.note("key"), other.note("key")) == ("value", None)


def test_it_is_on_disk(path: Path) -> None:
    targets = Targets(path)
    with targets.turn():
        targets.link("p1", "r1")
    assert Targets(path).remote_id("p1") == "r1"


def test_what_was_noted_before_a_failure_stays(path: Path) -> None:
    targets = Targets(path)
    with pytest.raises(RuntimeError):
        with targets.turn():
            targets.link("p1", "r1")
            with targets.turn():
                targets.link("p2", "r2")
            raise RuntimeError
    assert [known.id for known in Targets(path)] == ["p1", "p2"]


def test_many(path: Path) -> None:
    targets = Targets(path)
    targets.link_all([Known(f"p{n:05}", f"r{n}") for n in range(5_000)])
    assert len(targets.get_all([f"p{n:05}" for n in range(0, 5_000, 2)])) == 2_500
    assert len(list(targets)) == 5_000
    targets.unlink_all([f"p{n:05}" for n in range(4_999)])
    assert [known.id for known in targets] == ["p04999"]


def test_what_has_expired(path: Path) -> None:
    targets = Targets(path)
    for number in (3, 1, 2):
        targets.link(f"p{number}", expires=float(number))
    targets.link("for ever")
    assert [known.id for known in targets.expired(2.0, 10)] == ["p1", "p2"]
    assert [known.id for known in targets.expired(9.0, 1)] == ["p1"]


TAKE_TURNS = """
import sys, time
from pathlib import Path
from connectors_sdk.connectors.stream import Targets

targets = Targets(Path(sys.argv[1]))
for _ in range(50):
    with targets.turn():
        count = int(targets.note("count") or 0)
        time.sleep(0.002)
        targets.set_note("count", str(count + 1))
"""


def test_two_processes_take_turns(path: Path) -> None:
    targets = Targets(path)
    command = [sys.executable, "-c", TAKE_TURNS, str(path)]
    with subprocess.Popen(command) as one, subprocess.Popen(command) as other:
        assert (one.wait(60), other.wait(60)) == (0, 0)
    assert targets.note("count") == "100"


def test_a_damaged_map_is_told_in_words(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"this is no database " * 100)
    with pytest.raises(TargetsError, match="targets.sqlite cannot be used .*reconcile"):
        Targets(path)


def test_a_map_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(TargetsError, match="cannot be used"):
        Targets(tmp_path / "file" / "targets.sqlite")


def test_whoever_hogs_the_map_is_named(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    targets = Targets(path)
    monkeypatch.setattr(
        "connectors_sdk.connectors.stream.targets._PATIENCE_SECONDS", 0.3
    )
    hog = sqlite3.connect(path, isolation_level=None)
    hog.execute("BEGIN IMMEDIATE")
    with pytest.raises(TargetsError, match="Another process works on"):
        with targets.turn():
            pass
    hog.execute("COMMIT")
    with targets.turn():
        targets.link("p1")

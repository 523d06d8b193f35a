"""Dead letters once more, and what the target should have next to what it has: while the connector runs, and without."""

import json
from typing import Any

import pytest

# The type is that of this folder's conftest.py, which cannot be imported by name.
Stage = Any


def set_aside(connector: Any) -> list[dict[str, Any]]:
    listing = connector.command("quarantine", "list", "--json")
    assert listing.returncode == 0, listing.stderr
    return [json.loads(line) for line in listing.stdout.splitlines()]


def test_dead_letters_are_delivered_as_the_objects_are_now(stage: Stage) -> None:
    target = stage.target
    changed = stage.malware("changed", description="old")
    gone = stage.malware("gone")
    unwanted = stage.malware("unwanted later")
    broken = stage.malware("broken for ever")
    every = (changed, gone, unwanted, broken)
    stage.push(*every, stage.malware("fine"))
    target.refused = {stage.internal_id(stix): 400 for stix in every}
    connector = stage.connector().start()
    stage.until(lambda: target.names == {"fine"}, "the rest is there")
    stage.until(lambda: connector.output.count("set aside: ") >= 4, "four set aside")
    assert {r["reason"] for r in set_aside(connector)} == {
        "the target does not like it"
    }

    # While the target does not take them, they stay.
    replay = connector.command("quarantine", "replay")
    assert replay.returncode == 1, replay.stderr
    assert "0 went through, 4 did not" in replay.stdout
    assert len(set_aside(connector)) == 4

    # Meanwhile the world goes on, and the connector with it.
    target.refused = {stage.internal_id(broken): 400}
    stage.push({**changed, "description": "new"}, {**unwanted, "labels": ["unwanted"]})
    stage.delete(gone)
    stage.until(lambda: target.descriptions.get("changed") == "new", "it goes on")
    replay = connector.command("quarantine", "replay")
    assert "3 went through, 1 did not" in replay.stdout, replay.stderr
    assert target.descriptions == {"fine": None, "changed": "new"}
    (left,) = set_aside(connector)
    assert left["raw"]["data"]["name"] == "broken for ever"

    target.refused = {}
    replay = connector.command("quarantine", "replay", left["id"][:6])
    assert replay.returncode == 0, replay.stderr
    assert "broken for ever" in target.names and not set_aside(connector)
    # The running connector's position is its own.
    assert connector.is_running
    before = stage.position
    stage.push(stage.malware("after"))
    stage.until(lambda: stage.position > before, "the position moves on")
    assert connector.stop() == 0


def test_a_target_that_is_away_keeps_dead_letters(stage: Stage) -> None:
    bad = stage.malware("bad")
    stage.push(bad)
    stage.target.refused = {stage.internal_id(bad): 400}
    connector = stage.connector().start()
    stage.until(lambda: "set aside: " in connector.output, "set aside")
    assert connector.stop() == 0
    stage.target.stop()
    replay = connector.command("quarantine", "replay")
    assert replay.returncode == 1
    assert "the connection was refused" in replay.stdout
    assert len(set_aside(connector)) == 1


def reconciled(connector: Any, *arguments: str) -> dict[str, Any]:
    done = connector.command("reconcile", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@pytest.mark.parametrize("running", [True, False])
def test_reconcile(stage: Stage, running: bool) -> None:
    target = stage.target
    names = [f"m{number}" for number in range(8)]
    # More than a page of the platform.
    stage.push(*(stage.malware(f"more-{number}") for number in range(450)))
    stage.push(*(stage.malware(name) for name in names))
    stage.push(stage.malware("no", labels=["unwanted"]), stage.indicator("i1"))
    stage.push(stage.indicator("late", valid_until="2025-01-01T00:00:00.000Z"))
    connector = stage.connector().start()
    stage.until(lambda: len(target.items) == 459, "everything is there")
    # Stopped before it has noted what the target took, it would offer that once more.
    stage.until(stage.is_settled, "the position is saved")
    if not running:
        assert connector.stop() == 0

    result = reconciled(connector)
    assert (result["should_have"], result["has"]) == (459, 459)
    assert not any(result[k] for k in ("missing", "different", "surplus", "unlinked"))

    # Somebody works on the target by hand.
    ids = {name: stage.internal_id(stage.malware(name)) for name in names}
    with target.lock:
        del target.items[ids["m0"]], target.items[ids["m1"]]
        target.items[ids["m2"]] = {**target.items[ids["m2"]], "description": "by hand"}
        target.items["a stray"] = {"name": "stray", "description": None, "type": "x"}
    items = dict(target.items)
    result = reconciled(connector)
    assert (result["missing"], result["different"], result["surplus"]) == (2, 1, 1)
    assert result["examples"]["surplus"] == ["a stray"]
    assert target.items == items and not result["applied"]

    shown = connector.command("reconcile").stdout
    assert "should have 459 objects and has 458" in shown
    assert "Run again with --apply" in shown

    result = reconciled(connector, "--apply")
    assert result["applied"] and not result["failed"]
    assert set(names) <= target.names and "stray" not in target.names
    assert target.descriptions["m2"] is None
    result = reconciled(connector)
    assert not any(result[k] for k in ("missing", "different", "surplus", "unlinked"))
    assert connector.is_running is running


def test_one_that_cannot_be_compared_hides_no_other(stage: Stage) -> None:
    stage.push(stage.malware("one"), stage.malware("beyond words"))
    connector = stage.connector()
    result = reconciled(connector)
    assert (result["should_have"], result["missing"]) == (1, 1)
    shown = connector.command("reconcile")
    assert "is left out: TypeError: there are no words for it" in (
        shown.stdout + shown.stderr
    )


def test_a_lost_map_is_made_again(stage: Stage) -> None:
    stage.push(stage.malware("one"), stage.malware("two"))
    connector = stage.connector().start()
    stage.until(lambda: len(stage.target.items) == 2, "everything is there")
    assert connector.stop() == 0
    for file in (stage.folder / "data-0").glob("targets.sqlite*"):
        file.unlink()
    assert reconciled(connector)["unlinked"] == 2
    assert reconciled(connector, "--apply")["unlinked"] == 2
    assert reconciled(connector)["unlinked"] == 0
    assert len(stage.target.items) == 2


def test_what_cannot_be_put_right_is_told(stage: Stage) -> None:
    bad = stage.malware("bad")
    stage.push(bad)
    stage.target.refused = {stage.internal_id(bad): 400}
    connector = stage.connector()
    done = connector.command("reconcile", "--apply")
    assert done.returncode == 1
    assert f"not done: {stage.internal_id(bad)}: the target does not like it" in (
        done.stdout
    )


def test_a_target_that_is_away_cannot_be_compared(stage: Stage) -> None:
    connector = stage.connector()
    stage.target.stop()
    done = connector.command("reconcile")
    assert done.returncode == 1
    assert "The comparison was given up" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_connector_that_does_not_tell_cannot_be_reconciled(stage: Stage) -> None:
    done = stage.connector(TARGET_GIVES_IDS="true").command("reconcile")
    assert done.returncode == 2
    assert "remote_items" in done.stderr and "Traceback" not in done.stderr

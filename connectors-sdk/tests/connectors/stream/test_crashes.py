"""Killed at twenty random points while the platform changes: nothing is lost, nothing is there twice, replays change
nothing."""

import random
import threading
import time
from typing import Any

import pytest

# The type is that of this folder's conftest.py, which cannot be imported by name.
Stage = Any

SEED = 2026
KILLS = 20
NAMES = [f"m{number}" for number in range(25)]


class Killer:
    """Kills a connector at random points: before the target acts, after it acted, after it answered."""

    def __init__(
        self,
        stage: Stage,
        connector: Any,
        dice: random.Random,
        *,
        calls: int,
        kills: int,
    ) -> None:
        self._stage = stage
        self._connector = connector
        self._dice = dice
        self._lock = threading.Lock()
        self._most_calls = calls
        self._most = kills
        self.kills: list[str] = []
        self._aim()
        stage.target.on_call = self._called

    def _aim(self) -> None:
        self._calls = self._dice.randint(1, self._most_calls)
        self._phase = self._dice.choice(["before", "after", "later"])
        self._delay = self._dice.uniform(0, 0.05)

    def _called(self, phase: str) -> None:
        with self._lock:
            if len(self.kills) >= self._most or not self._connector.is_running:
                return
            if phase == "before":
                self._calls -= 1
            if self._calls > 0 or phase != self._phase.replace("later", "after"):
                return
            if self._phase == "later":
                threading.Timer(self._delay, self._kill).start()
                # One shot only.
                self._calls = 1_000_000
            else:
                self._kill()

    def _kill(self) -> None:
        self._connector.kill()
        self._stage.target.loses = self._phase == "before"
        self.kills.append(self._phase)
        self._aim()


def change(stage: Stage, dice: random.Random, truth: dict[str, str], n: int) -> None:
    """Change something on the platform, and the truth with it."""
    # What is told only once shows a loss; what is told again and again shows a wrong order.
    name = f"once-{n}" if dice.random() < 0.4 else dice.choice(NAMES)
    if name in truth and dice.random() < 0.25:
        stage.delete(stage.malware(name))
        del truth[name]
        return
    truth[name] = f"version {n:05}"
    stage.push(stage.malware(name, description=truth[name]))


def check(stage: Stage, broken: str, kills: int, gives_ids: bool) -> list[str]:
    dice = random.Random(SEED)
    truth: dict[str, str] = {}
    target = stage.target
    connector = stage.connector(
        BREAK=broken,
        TARGET_GIVES_IDS=str(gives_ids).lower(),
        CONNECTOR_BATCH_SIZE=4,
        CONNECTOR_BATCH_PERIOD="PT0.05S",
    ).start()
    killer = Killer(stage, connector, dice, calls=15 if gives_ids else 4, kills=kills)
    deadline = time.monotonic() + 250
    number = 0
    while len(killer.kills) < kills:
        assert (
            time.monotonic() < deadline
        ), f"{len(killer.kills)} kills\n{stage.outputs}"
        for number in range(number + 1, number + dice.randint(3, 8)):
            change(stage, dice, truth, number)
        if not connector.is_running:
            connector.start()
        # Not so fast that what gathers while it starts can never be worked off.
        time.sleep(0.3)
    target.on_call = lambda phase: None
    if not connector.is_running:
        connector.start()
    last = {**truth, "last": "of all"}
    stage.push(stage.malware("last", description="of all"))
    stage.expect(
        "S2",
        lambda: target.descriptions == last,
        f"{target.descriptions} is not {last}",
    )
    if len(target.items) != len(last):
        raise stage.Violation(f"S2: duplicates: {target.items}")
    # Everything once more.
    changes = len(target.changes)
    assert connector.stop() == 0, connector.output
    stage.query(
        "mutation Reset($id: ID!) { resetStateConnector(id: $id) { id } }",
        id=connector.environment["CONNECTOR_ID"],
    )
    asked = target.asked
    connector.start()
    stage.expect("S2", lambda: target.asked > asked, "a replay comes")
    stage.push(stage.malware("after", description="the replay"))
    stage.expect("S2", lambda: "after" in target.names, "it goes on")
    if [kind for kind, _ in target.changes[changes:]] not in (["upsert"], ["create"]):
        raise stage.Violation(f"S2: a replay changes {target.changes[changes:]}")
    return killer.kills


@pytest.mark.parametrize("gives_ids", [False, True], ids=["own-ids", "given-ids"])
def test_killed_at_twenty_random_points(stage: Stage, gives_ids: bool) -> None:
    kills = check(stage, "", kills=KILLS, gives_ids=gives_ids)
    assert len(kills) == KILLS and set(kills) == {"before", "after", "later"}


@pytest.mark.parametrize(
    ("gives_ids", "broken"),
    [
        (False, "position_moves_with_reading"),
        (True, "nobody_knows_what_was_tried"),
    ],
)
def test_a_broken_runtime_is_noticed(
    stage: Stage, gives_ids: bool, broken: str
) -> None:
    stage.patience = 10.0
    with pytest.raises(stage.Violation, match="^S2: "):
        # As many as above: with few, chance may pass over what is broken.
        check(stage, broken, kills=KILLS, gives_ids=gives_ids)


def test_what_was_attempted_changes_before_the_restart(stage: Stage) -> None:
    """Killed while it recovers: of what the target has by then, recovery tells the change, or nothing."""
    target = stage.target
    changed, gone = stage.malware("changed", description="old"), stage.malware("gone")
    stage.push(changed, gone)
    connector = stage.connector(TARGET_GIVES_IDS="true")
    done: list[str] = []

    def called(phase: str) -> None:
        done.append(phase)
        if done.count("after") == 2:
            connector.kill()

    target.on_call = called
    connector.start()
    stage.until(lambda: not connector.is_running, "it is killed")
    assert target.names == {"changed", "gone"}
    target.on_call = lambda phase: None
    stage.push({**changed, "description": "new"})
    stage.delete(gone)
    connector.start()
    stage.push(stage.malware("last"))
    stage.expect("S2", lambda: "last" in target.names, "it goes on")
    assert target.descriptions == {"changed": "new", "last": None}
    assert len(target.items) == 2

"""The clauses S1 to S6 of the behaviour specification, over the wire; and each checker notices a runtime that breaks it.

A checker raises `Violation` when its clause is not kept. Each runs twice: with the runtime, and with the runtime broken on
purpose (`programs/breaks.py`): test_clauses.py and test_clauses_broken.py.
"""

import json
import threading
import time
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from own_ports import free_port

from connectors_sdk.models import TLPMarking

# The types are those of this folder's conftest.py, which cannot be imported by name.
Stage = Any
Check = Callable[[Stage, str], None]

GREEN = TLPMarking(level="green").id
AMBER = TLPMarking(level="amber").id
RED = TLPMarking(level="red").id


def operations(stage: Stage) -> list[tuple[str, str]]:
    """What the target was told, in order: (operation, name or id)."""
    found = []
    for call in list(stage.target.calls):
        for operation in call:
            name = (operation["content"] or {}).get("name") or operation["id"]
            found.append((operation["op"], name))
    return found


# -- S1 ------------------------------------------------------------------------------------------------------------------


def check_s1(stage: Stage, broken: str) -> None:
    """Creations, updates, deletions and revocations arrive as documented; irrelevant types do not."""
    stage.push(stage.malware("here before"))
    connector = stage.connector(BREAK=broken).start()
    target = stage.target
    stage.expect("S1", lambda: "here before" in target.names, "what was there is there")
    kept = stage.malware("kept", description="one")
    gone = stage.malware("gone")
    revoked = stage.indicator("revoked")
    expired = stage.indicator("expired", valid_until="2025-01-01T00:00:00.000Z")
    unwanted = stage.malware("unwanted", labels=["unwanted"])
    tool = {**stage.malware("a tool"), "type": "tool"}
    tool["id"] = tool["id"].replace("malware", "tool")
    del tool["is_family"]
    stage.push(kept, gone, revoked, expired, unwanted, tool)
    stage.expect(
        "S1",
        lambda: target.names == {"here before", "kept", "gone", "revoked"},
        "creations arrive, what is irrelevant, expired or unwanted does not",
    )
    stage.push({**kept, "description": "two"})
    stage.expect("S1", lambda: target.descriptions["kept"] == "two", "updates arrive")
    stage.delete(gone)
    stage.expect("S1", lambda: "gone" not in target.names, "deletions arrive")
    stage.push({**revoked, "revoked": True})
    stage.expect("S1", lambda: "revoked" not in target.names, "revocations arrive")
    stage.push({**kept, "description": "three", "labels": ["unwanted"]})
    stage.expect("S1", lambda: "kept" not in target.names, "unwanted things go")
    told = {name for operation, name in operations(stage) if operation == "upsert"}
    if told & {"a tool", "expired", "unwanted"}:
        raise stage.Violation(f"S1: told of something irrelevant: {told}")
    assert connector.stop() == 0, connector.output
    if "other type: 1" not in connector.output:
        raise stage.Violation("S1: what is skipped is counted")


# -- S2 ------------------------------------------------------------------------------------------------------------------


def check_s2_position(stage: Stage, broken: str) -> None:
    """The position moves only after the target accepted; it is stored at once; after a kill nothing is lost."""
    stage.push(*(stage.malware(f"m{number}") for number in range(10)))
    target = stage.target
    target.status = 503
    connector = stage.connector(BREAK=broken, CONNECTOR_BATCH_SIZE=3).start()
    stage.until(lambda: target.asked > 0, "the target was asked")
    stage.never("S2", lambda: stage.position > (0, 0), "it moved past what was refused")
    connector.kill()
    target.status = 200
    connector.start()
    stage.expect("S2", lambda: len(target.names) == 10, "nothing is lost")
    # Not with the next ping, which comes after 40 seconds.
    stage.expect(
        "S2", lambda: stage.position > (0, 0), "the position is stored at once"
    )
    connector.kill()
    asked = target.asked
    connector.start()
    stage.until(lambda: connector.output.count("The live stream is there") == 3, "read")
    stage.push(stage.malware("after"))
    stage.expect("S2", lambda: "after" in target.names, "it goes on")
    if target.asked > asked + 1:
        raise stage.Violation("S2: what was settled came again")


def check_s2_replay(stage: Stage, broken: str) -> None:
    """Killed between the target's acceptance and the runtime's note of it: a replay makes no second object."""
    target = stage.target
    stage.push(stage.malware("one"), stage.malware("two"))
    connector = stage.connector(BREAK=broken, TARGET_GIVES_IDS="true")
    armed = threading.Event()
    held = threading.Event()

    def hold(phase: str) -> None:
        # The second object is stored at the target, the answer is on its way.
        if armed.is_set() or phase == "before" or len(target.items) != 2:
            return
        armed.set()
        threading.Thread(target=kill, daemon=True).start()
        held.wait(30)

    def kill() -> None:
        connector.kill()
        held.set()

    target.on_call = hold
    connector.start()
    stage.until(held.is_set, "killed")
    target.on_call = lambda phase: None
    stage.until(lambda: not connector.is_running, "dead")
    connector.start()
    stage.expect("S2", lambda: target.names == {"one", "two"}, "nothing is lost")
    stage.push(stage.malware("three"))
    stage.expect("S2", lambda: "three" in target.names, "it goes on")
    stage.push(stage.malware("one", description="changed"))
    stage.expect(
        "S2", lambda: "changed" in target.descriptions.values(), "updates find theirs"
    )
    if len(target.items) != 3:
        raise stage.Violation(f"S2: the target has duplicates: {target.items}")


# -- S3 ------------------------------------------------------------------------------------------------------------------


def check_s3_batches(stage: Stage, broken: str) -> None:
    """Events are written in batches, by size and by time."""
    stage.push(*(stage.malware(f"m{number}") for number in range(40)))
    connector = stage.connector(
        BREAK=broken, CONNECTOR_BATCH_SIZE=15, CONNECTOR_BATCH_PERIOD="PT1S"
    ).start()
    stage.expect(
        "S3", lambda: len(stage.target.names) == 40, "a batch waits not for ever"
    )
    sizes = [len(call) for call in stage.target.calls]
    if sizes != [15, 15, 10]:
        raise stage.Violation(f"S3: batches of {sizes}")
    assert connector.stop() == 0


def check_s3_poison(stage: Stage, broken: str, **how: Any) -> None:
    """Poison is set aside with its reason; everything else goes on."""
    poison = stage.malware("poison")
    stage.push(poison, *(stage.malware(f"m{number}") for number in range(6)))
    target = stage.target
    target.refused = {stage.internal_id(poison): how.get("status", 400)}
    target.fails_whole = how.get("fails_whole", False)
    connector = stage.connector(BREAK=broken).start()
    names = {f"m{number}" for number in range(6)}
    stage.expect("S3", lambda: target.names == names, "poison does not block")
    stage.push(stage.malware("after"))
    stage.expect("S3", lambda: "after" in target.names, "it goes on after poison")
    stage.expect("S3", lambda: letters(stage), "poison is set aside")
    (letter,) = letters(stage)
    if letter["raw"]["data"]["name"] != "poison" or not letter["reason"]:
        raise stage.Violation(f"S3: set aside: {letter}")
    stage.expect(
        "S3",
        lambda: stage.position[0] and "set aside" in connector.output,
        "the position moves on",
    )
    assert connector.stop() == 0


def letters(stage: Stage) -> list[dict[str, Any]]:
    path = stage.folder / "data-0" / "quarantine.jsonl"
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines()]


def check_s3_poison_in_bulk(stage: Stage, broken: str) -> None:
    """A target that refuses a request whole because of one event."""
    check_s3_poison(stage, broken, fails_whole=True)


def check_s3_poison_server_error(stage: Stage, broken: str) -> None:
    """A target that fails with a server error because of one event."""
    check_s3_poison(stage, broken, fails_whole=True, status=500)


# -- S4 ------------------------------------------------------------------------------------------------------------------


def check_s4_drops(stage: Stage, broken: str) -> None:
    """The stream breaks again and again: nothing is missing, nothing comes twice."""
    stage.push(*(stage.malware(f"m{number}") for number in range(30)))
    stage.platform.order_fault("break-stream", path="/stream", amount=7, times=3)
    stage.connector(BREAK=broken).start()
    names = {f"m{number}" for number in range(30)}
    stage.expect("S4", lambda: stage.target.names == names, "it comes back and goes on")
    told = [name for _, name in operations(stage)]
    if len(told) != len(set(told)):
        raise stage.Violation(f"S4: told twice: {told}")


def check_s4_refused(stage: Stage, broken: str) -> None:
    """The platform refuses the stream for a while."""
    stage.push(stage.malware("one"))
    stage.platform.order_fault("status", path="/stream", status=503, times=3)
    stage.connector(BREAK=broken).start()
    stage.expect("S4", lambda: "one" in stage.target.names, "it tries again")


def check_s4_silence(stage: Stage, broken: str) -> None:
    """Heartbeats stop although the connection stands."""
    with Frozen(stage.platform.url) as way:
        connector = stage.connector(
            BREAK=broken,
            OPENCTI_URL=way.url,
            CONNECTOR_LIVE_STREAM_TIMEOUT="PT3S",
        ).start()
        stage.until(lambda: "The live stream is there" in connector.output, "connected")
        way.freeze()
        stage.push(stage.malware("during"))
        stage.expect("S4", lambda: "during" in stage.target.names, "silence is noticed")


def check_s4_restart(stage: Stage, broken: str) -> None:
    """The platform is killed and started again."""
    stage.push(stage.malware("before"))
    connector = stage.connector(BREAK=broken).start()
    stage.expect("S4", lambda: "before" in stage.target.names, "it begins")
    stage.platform.kill()
    time.sleep(2)
    if not connector.is_running:
        raise stage.Violation("S4: it ends when the platform does")
    stage.platform.start()
    stage.push(stage.malware("after"))
    stage.expect("S4", lambda: "after" in stage.target.names, "it comes back")
    told = [name for _, name in operations(stage)]
    if told != ["before", "after"]:
        raise stage.Violation(f"S4: told {told}")


def check_s4_target_down(stage: Stage, broken: str) -> None:
    """The target is away: the connector waits, keeps its position, and says so in health."""
    port = free_port()
    connector = stage.connector(
        BREAK=broken, CONNECTOR_HEALTH_PORT=port, CONNECTOR_DELIVERY_ATTEMPTS=2
    ).start()
    stage.until(lambda: health(port).get("ready"), "ready")
    stage.target.stop()
    stage.push(stage.malware("one"), stage.malware("two"))
    stage.expect(
        "S4",
        lambda: "the target does not take everything" in str(health(port)["reasons"]),
        "health says that the target is away",
    )
    before = stage.position
    stage.push(stage.malware("three"))
    stage.never("S4", lambda: stage.position > before, "the position is kept")
    stage.target.start()
    stage.expect(
        "S4",
        lambda: stage.target.names == {"one", "two", "three"},
        "it goes on when the target is back",
    )
    stage.expect("S4", lambda: health(port).get("ready"), "health says that it is back")
    assert connector.stop() == 0


class Frozen:
    """A way to the platform on which, once frozen, the connections of then stay open and carry nothing."""

    def __init__(self, platform_url: str) -> None:
        import socket

        self._socket = socket
        self._port = int(platform_url.rsplit(":", 1)[1])
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self._generation = 0
        self._all: list[Any] = []

    def __enter__(self) -> "Frozen":
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._server.close()
        for sock in self._all:
            sock.close()

    def freeze(self) -> None:
        self._generation += 1

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
                far = self._socket.create_connection(("127.0.0.1", self._port))
            except OSError:
                return
            self._all += [near, far]
            for ends in ((near, far), (far, near)):
                threading.Thread(
                    target=self._carry, args=(*ends, self._generation), daemon=True
                ).start()

    def _carry(self, source: Any, sink: Any, generation: int) -> None:
        try:
            while data := source.recv(65536):
                if generation != self._generation:
                    time.sleep(3600)
                sink.sendall(data)
            sink.shutdown(self._socket.SHUT_WR)
        except OSError:
            pass


def health(port: int) -> dict[str, Any]:
    try:
        with urllib.request.urlopen(
            f"http://127.0.0.1:{port}/health", timeout=5
        ) as answer:
            return dict(json.load(answer))
    except urllib.error.HTTPError as error:
        return dict(json.load(error))
    except OSError:
        return {"reasons": []}


# -- S5 ------------------------------------------------------------------------------------------------------------------


def check_s5(stage: Stage, broken: str) -> None:
    """What is marked above the maximum never reaches the target; what comes to be is removed from it."""
    secret = stage.malware("secret-a", object_marking_refs=[RED])
    raised = stage.malware("raised", object_marking_refs=[GREEN])
    stage.push(secret, raised, stage.malware("open", object_marking_refs=[GREEN]))
    connector = stage.connector(BREAK=broken, CONNECTOR_MAX_TLP="green").start()
    target = stage.target
    stage.expect("S5", lambda: {"open", "raised"} <= target.names, "the rest arrives")
    stage.push({**raised, "object_marking_refs": [RED], "description": "secret-b"})
    stage.expect("S5", lambda: "raised" not in target.names, "what was raised goes")
    stage.push({**secret, "description": "secret-c"})
    stage.push(stage.malware("secret-d", object_marking_refs=[AMBER]))
    secret_id = stage.internal_id(secret)
    stage.delete(secret)
    stage.push(stage.malware("last"))
    stage.expect("S5", lambda: "last" in target.names, "the rest goes on")
    seen = target.everything_seen
    if "secret" in seen or secret_id in seen:
        raise stage.Violation(f"S5: the target has seen a secret: {seen}")
    assert connector.stop() == 0


def check_s5_map_lost(stage: Stage, broken: str) -> None:
    """The same with the map of the target lost: the change tells that the target may have it."""
    raised = stage.malware("raised", object_marking_refs=[GREEN])
    stage.push(raised)
    connector = stage.connector(BREAK=broken).start()
    stage.expect("S5", lambda: "raised" in stage.target.names, "it arrives")
    assert connector.stop() == 0
    for file in (stage.folder / "data-0").glob("targets.sqlite*"):
        file.unlink()
    stage.push({**raised, "object_marking_refs": [RED]})
    connector.start()
    stage.expect("S5", lambda: not stage.target.names, "what was raised goes")


# -- S6 ------------------------------------------------------------------------------------------------------------------


def check_s6(stage: Stage, broken: str) -> None:
    """A first run begins where it is told: now, at a date, with everything."""
    target = stage.target
    stage.push(stage.malware("old"))
    time.sleep(1.1)
    moment = datetime.now(UTC)
    stage.push(stage.malware("new"))
    starts = {
        "now": set(),
        moment.isoformat(): {"new"},
        "PT1H": {"old", "new"},
        "everything": {"old", "new"},
    }
    for start, expected in starts.items():
        target.items.clear()
        connector = stage.connector(BREAK=broken, CONNECTOR_LIVE_STREAM_START=start)
        connector.start()
        stage.until(lambda c=connector: "stream is there" in c.output, "connected")
        marker = f"marker of {start}"
        stage.push(stage.malware(marker))
        stage.expect(
            "S6", lambda m=marker: m in target.names, "what happens later comes"
        )
        # A stop in the middle of a delivery would let the batch come again.
        stage.until(stage.is_settled, "the position is saved")
        found = {name for name in target.names if not name.startswith("marker")}
        if found != expected:
            raise stage.Violation(f"S6: {start}: {found}")
        assert connector.stop() == 0
        # The first start counts, not those that follow.
        connector.start(CONNECTOR_LIVE_STREAM_START="everything")
        stage.until(lambda c=connector: c.output.count("stream is there") == 2, "again")
        calls = len(target.calls)
        stage.never("S6", lambda n=calls: len(target.calls) > n, "it began anew")
        assert connector.stop() == 0
        stage.delete(stage.malware(marker))

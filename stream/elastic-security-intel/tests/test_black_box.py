"""The connector as a process, between a real platform process and Elasticsearch and Kibana as they are documented."""

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from standin import API_KEY, PASSWORD, USER, ElasticStandIn

from connectors_sdk.testing import Canned, Fault, RecordedRequest
from opencti_testbed.process import TestbedProcess
from opencti_testbed.stream_trial import StreamTrial, indicator

Make = Callable[..., StreamTrial]
SEED = 2026
GREEN = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"
RED = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
EQL = 'process where process.name == "evil.exe"'
PRODUCT = {"X-Elastic-Product": "Elasticsearch", "Content-Type": "application/json"}


def names(elastic: ElasticStandIn) -> set[str]:
    return set(elastic.indicators())


def described(elastic: ElasticStandIn, name: str) -> str | None:
    """Return the description of an indicator."""
    return elastic.indicators().get(name, {}).get("description")


def following(make: Make, **variables: str) -> StreamTrial:
    trial = make(**variables).start()
    trial.until_following()
    return trial


def set_aside(tmp_path: Path) -> list[str]:
    """Return why events were set aside."""
    found = tmp_path.glob("connector-0/connector/quarantine.jsonl")
    lines = [line for file in found for line in file.read_text().splitlines()]
    return [str(json.loads(line)["reason"]) for line in lines]


def test_the_target_follows_the_stream(make: Make, elastic: ElasticStandIn) -> None:
    trial = following(make)
    address = {
        "type": "ipv4-addr",
        "spec_version": "2.1",
        "id": "ipv4-addr--e42c19c8-f9fe-5ae9-9fc8-22c398f78fb7",
        "value": "198.51.100.1",
    }
    two = "[domain-name:value IN ('two-1.example', 'two-2.example')]"
    trial.push(indicator("one.example"), indicator("two", pattern=two), address)
    everything = {"one.example", "two-1.example", "two-2.example", "198.51.100.1"}
    trial.until(lambda: names(elastic) == everything, "everything is there")
    # Of what is new there is nothing to look up.
    assert elastic.count("_search") == 0
    ids = {
        one["threat"]["indicator"]["name"]: key
        for key, one in elastic.documents.items()
    }
    assert ids["one.example"] == trial.internal_id(indicator("one.example")["id"])

    trial.push(
        indicator(
            "one.example", description="changed", modified="2025-01-01T00:00:00.000Z"
        )
    )
    trial.until(
        lambda: described(elastic, "one.example") == "changed",
        "a change",
    )
    trial.push(
        indicator("one.example", revoked=True, modified="2025-02-01T00:00:00.000Z")
    )
    trial.delete(indicator("two")["id"])
    trial.until(
        lambda: names(elastic) == {"198.51.100.1"}, "a revocation and a deletion"
    )
    trial.push(
        indicator("late.example", valid_until="2024-02-01T00:00:00.000Z"),
        indicator("last.example"),
    )
    trial.until(lambda: "last.example" in names(elastic), "what comes after")
    assert "late.example" not in names(elastic)
    assert trial.stop() == 0
    assert "set aside 0" in trial.output


def test_a_data_stream(make: Make, elastic: ElasticStandIn) -> None:
    settings = {
        "ELASTIC_SECURITY_API_KEY": "",
        "ELASTIC_SECURITY_USERNAME": USER,
        "ELASTIC_SECURITY_PASSWORD": PASSWORD,
    }
    trial = following(make, ELASTIC_SECURITY_DATA_STREAM="true", **settings)
    trial.push(indicator("s1.example"), indicator("s2.example"))
    trial.until(lambda: names(elastic) == {"s1.example", "s2.example"}, "both")
    (stream,) = elastic.streams
    elastic.roll_over(stream)
    trial.push(
        indicator("s1.example", description="new", modified="2025-01-01T00:00:00.000Z")
    )
    trial.delete(indicator("s2.example")["id"])
    trial.until(lambda: names(elastic) == {"s1.example"}, "the change after a rollover")
    assert described(elastic, "s1.example") == "new"
    assert PASSWORD not in trial.output


def test_it_ceases_to_be_valid(make: Make, elastic: ElasticStandIn) -> None:
    trial = following(make)
    trial.push(
        indicator("short.example", valid_until="2099-01-01T00:00:00.000Z"),
        indicator("long.example"),
    )
    both = {"short.example", "long.example"}
    trial.until(lambda: names(elastic) == both, "what is valid")
    short = elastic.documents[trial.internal_id(indicator("short.example")["id"])]
    assert short["opencti"]["valid_until"] == "2099-01-01T00:00:00.000Z"
    trial.push(
        indicator(
            "short.example",
            valid_until="2024-02-01T00:00:00.000Z",
            modified="2025-01-01T00:00:00.000Z",
        )
    )
    trial.until(lambda: names(elastic) == {"long.example"}, "what is valid no longer")


def test_detection_rules(make: Make, elastic: ElasticStandIn, tmp_path: Path) -> None:
    trial = following(make)
    elastic.trouble("GET /kibana", Canned({"message": "busy"}, 503))
    elastic.trouble("POST /kibana", Canned({"message": "busy"}, 429))
    elastic.trouble("POST /kibana", Canned(fault=Fault.RESET))
    trial.push(
        indicator("eql", pattern=EQL, pattern_type="eql"),
        indicator("bad", pattern='any where x == "', pattern_type="eql"),
        indicator("yara", pattern="rule x { condition: true }", pattern_type="yara"),
    )
    trial.until(lambda: names(elastic) == {"eql", "bad", "yara"}, "each has a document")
    trial.until(lambda: len(elastic.rules) == 1, "one has a rule")
    trial.until(lambda: set_aside(tmp_path), "what Kibana does not take is set aside")
    assert "Kibana does not take the rule" in set_aside(tmp_path)[0]
    (rule,) = elastic.rules.values()
    assert rule["rule_id"] == f"opencti-{trial.internal_id(indicator('eql')['id'])}"
    elastic.trouble("DELETE /kibana", Canned({"message": "failed"}, 500))
    trial.delete(indicator("eql")["id"])
    trial.until(lambda: not elastic.rules, "the rule goes")
    trial.until(lambda: names(elastic) == {"bad", "yara"}, "and its document")


def test_markings_above_the_limit(make: Make, elastic: ElasticStandIn) -> None:
    trial = following(make, CONNECTOR_MAX_TLP="green")
    trial.push(
        indicator("green.example", object_marking_refs=[GREEN]),
        indicator("red.example", object_marking_refs=[RED], description="canary-red"),
    )
    trial.until(lambda: names(elastic) == {"green.example"}, "what is allowed")
    assert elastic.indicators()["green.example"]["marking"] == {"tlp": "GREEN"}
    trial.push(
        indicator(
            "green.example",
            object_marking_refs=[RED],
            modified="2025-01-01T00:00:00.000Z",
        )
    )
    trial.push(indicator("after.example"))
    trial.until(lambda: names(elastic) == {"after.example"}, "raised, it is removed")
    assert "canary-red" not in str(elastic.documents)


def test_faults_of_the_target(
    make: Make, elastic: ElasticStandIn, tmp_path: Path
) -> None:
    """One after the other: none loses an event, none sets one aside, and all is well afterwards."""
    trial = following(make, ELASTIC_SECURITY_TIMEOUT="PT1S")
    trial.push(indicator("f0.example"))
    trial.until(lambda: "f0.example" in names(elastic), "the first")
    error = {
        "error": {"type": "x", "reason": "y", "root_cause": [{"reason": "y"}]},
        "status": 500,
    }
    troubles = {
        "429 in a second": Canned(error, 429, headers={**PRODUCT, "Retry-After": "1"}),
        "429": Canned(error, 429, headers=PRODUCT),
        "500": Canned(error, 500, headers=PRODUCT),
        "503": Canned(b"", 503, headers=PRODUCT),
        "401": Canned(error, 401, headers=PRODUCT),
        "403": Canned(error, 403, headers=PRODUCT),
        "404": Canned(error, 404, headers=PRODUCT),
        "reset": Canned(fault=Fault.RESET),
        "truncated": Canned({"items": []}, headers=PRODUCT, fault=Fault.TRUNCATED),
        "no JSON": Canned(b"{", headers=PRODUCT),
        "of another type": Canned([1], headers=PRODUCT),
        "the page of a proxy": Canned("<html>", headers={"Content-Type": "text/html"}),
        "silence": Canned(fault=Fault.HANG),
    }
    for number, (what, answer) in enumerate(troubles.items(), start=1):
        elastic.trouble("_bulk", answer)
        trial.push(indicator(f"f{number}.example"))
        trial.until(lambda n=number: f"f{n}.example" in names(elastic), f"after {what}")  # type: ignore[misc]
        assert not set_aside(tmp_path), what
    for number, where in enumerate(("_refresh", "_search"), start=1):
        elastic.trouble(where, troubles["503"])
        elastic.trouble(where, troubles["truncated"])
        elastic.trouble(where, troubles["of another type"])
        month = f"{2025 + number}-01-01T00:00:00.000Z"
        trial.push(indicator("f0.example", description=where, modified=month))
        trial.until(
            lambda w=where: described(elastic, "f0.example") == w,  # type: ignore[misc]
            f"after trouble with {where}",
        )
    assert trial.stop() == 0
    assert API_KEY not in trial.output


def test_credentials_expire_and_come_back(make: Make, elastic: ElasticStandIn) -> None:
    trial = following(make)
    good, elastic.credentials = elastic.credentials, set()
    trial.push(indicator("waits.example"))
    trial.until(
        lambda: "the credentials are not accepted" in trial.output, "it says so"
    )
    assert API_KEY not in trial.output
    elastic.credentials = good
    trial.until(lambda: names(elastic) == {"waits.example"}, "it goes on")


def test_one_document_that_is_not_taken(
    make: Make, elastic: ElasticStandIn, tmp_path: Path
) -> None:
    trial = make(
        CONNECTOR_LIVE_STREAM_START="now", CONNECTOR_BATCH_PERIOD="PT1S"
    ).start()
    trial.until_following()
    trial.push(indicator("q1.example"))
    trial.until(lambda: "q1.example" in names(elastic), "the first")
    own_id = trial.internal_id(indicator("q1.example")["id"])
    bad = {"type": "document_parsing_exception", "reason": "[1:2] failed to parse"}
    elastic.item_errors[own_id] = [(400, bad)]
    trial.push(
        indicator("q1.example", description="new", modified="2025-01-01T00:00:00.000Z"),
        indicator("q2.example"),
    )
    trial.until(lambda: "q2.example" in names(elastic), "the other")
    trial.until(lambda: set_aside(tmp_path), "set aside")
    assert set_aside(tmp_path) == ["document_parsing_exception: [1:2] failed to parse"]
    done = trial.command("quarantine", "replay")
    assert done.returncode == 0, done.stdout + done.stderr
    assert described(elastic, "q1.example") == "new"


def test_version_conflicts_and_busy_shards(
    make: Make, elastic: ElasticStandIn, tmp_path: Path
) -> None:
    trial = following(make, ELASTIC_SECURITY_DATA_STREAM="true")
    trial.push(indicator("v.example"))
    trial.until(lambda: "v.example" in names(elastic), "the first")
    own_id = trial.internal_id(indicator("v.example")["id"])
    conflict = {
        "type": "version_conflict_engine_exception",
        "reason": "required seqNo [1]",
    }
    busy = {"type": "es_rejected_execution_exception", "reason": "rejected execution"}
    elastic.item_errors[own_id] = [(409, conflict), (429, busy), (503, busy)]
    trial.push(
        indicator("v.example", description="new", modified="2025-01-01T00:00:00.000Z")
    )
    trial.until(
        lambda: described(elastic, "v.example") == "new",
        "it is there",
    )
    assert not set_aside(tmp_path)


@pytest.mark.parametrize(
    ("stream", "most"), [("false", 5), ("true", 3)], ids=["index", "data stream"]
)
def test_killed_again_and_again(
    make: Make, elastic: ElasticStandIn, stream: str, most: int
) -> None:
    """Killed before the target acts, after it acted, and in between: in the end the target has what it should have."""
    dice = random.Random(SEED)
    trial = following(
        make, ELASTIC_SECURITY_DATA_STREAM=stream, CONNECTOR_BATCH_SIZE="5"
    )
    kills: list[str] = []
    aim = {"phase": "before", "calls": 3}

    def told(request: RecordedRequest, phase: str) -> bool:
        del request
        if len(kills) == most or not trial.is_running:
            return True
        if phase == "before":
            aim["calls"] = int(aim["calls"]) - 1
        if int(aim["calls"]) > 0 or phase != aim["phase"]:
            return True
        trial.kill()
        kills.append(phase)
        aim.update(phase=dice.choice(["before", "after"]), calls=dice.randint(1, 6))
        return phase == "after"

    elastic.on_request = told
    truth: dict[str, set[str]] = {}
    queries: dict[str, str] = {}
    number = 0
    while len(kills) < most:
        assert number < 5000, kills
        changed = {}
        for number in range(number + 1, number + 12):
            name = f"k{stream}{dice.randint(0, 15)}"
            if name in truth and name not in changed and dice.random() < 0.2:
                trial.delete(indicator(name)["id"])
                del truth[name]
                queries.pop(name, None)
                continue
            month = f"{2025 + number // 12}-{number % 12 + 1:02}"
            more = {"modified": f"{month}-01T00:00:00.000Z"}
            if name.endswith("5"):
                truth[name] = {name}
                queries[name] = f'any where process.name == "{name}-{number}"'
                more |= {"pattern": queries[name], "pattern_type": "eql"}
                changed[name] = indicator(name, **more)
                continue
            parts = range(dice.randint(1, 4))
            truth[name] = {f"{name}-{number}-{part}.example" for part in parts}
            values = ", ".join(f"'{one}'" for one in sorted(truth[name]))
            pattern = f"[domain-name:value IN ({values})]"
            changed[name] = indicator(name, pattern=pattern, **more)
        told_before = len(elastic.statuses)
        trial.push(*changed.values())
        if not trial.is_running:
            trial.start()
        trial.until(
            # pylint: disable-next=cell-var-from-loop  # it waits here
            lambda: len(elastic.statuses) > told_before or not trial.is_running,
            "something is told, or it is killed",
            may_end=True,
        )
    if not trial.is_running:
        trial.start()
    expected = set[str]().union(*truth.values())
    trial.until(
        lambda: names(elastic) == expected, "the target has what it should have"
    )
    trial.until_settled()
    assert names(elastic) == expected
    assert len(elastic.documents) == len(expected)
    found = sorted(rule["query"] for rule in elastic.rules.values())
    assert found == sorted(queries.values())


def test_reconcile(make: Make, elastic: ElasticStandIn, tmp_path: Path) -> None:
    with TestbedProcess(tmp_path / "own-platform") as platform:
        trial = StreamTrial(
            Path(__file__).resolve().parents[1],
            platform,
            tmp_path / "own",
            ELASTIC_SECURITY_URL=elastic.url,
            ELASTIC_SECURITY_API_KEY=API_KEY,
            ELASTIC_SECURITY_KIBANA_URL=f"{elastic.url}/kibana",
        )
        three = "[domain-name:value IN ('r1.example', 'r2.example', 'r3.example')]"
        objects: list[dict[str, Any]] = [
            indicator("three", pattern=three),
            indicator("gone.example"),
            indicator("same.example", labels=["b", "a"], confidence=50),
            indicator("rule", pattern=EQL, pattern_type="eql"),
            indicator("ruled", pattern="a: b", pattern_type="kql"),
        ]
        trial.push(*objects)
        with trial:
            everything = {
                "r1.example",
                "r2.example",
                "r3.example",
                "gone.example",
                "same.example",
                "rule",
                "ruled",
            }
            trial.until(lambda: names(elastic) == everything, "everything")
            trial.until_settled()

            def reconciled(*arguments: str) -> dict[str, Any]:
                done = trial.command("reconcile", "--json", *arguments)
                assert done.returncode == 0, done.stdout + done.stderr
                result: dict[str, Any] = json.loads(done.stdout)
                return {
                    key: result[key]
                    for key in ("should_have", "has", "missing", "different", "surplus")
                }

            good = {
                "should_have": 5,
                "has": 5,
                "missing": 0,
                "different": 0,
                "surplus": 0,
            }
            assert reconciled() == good
            # Somebody works on the target by hand.
            (index,) = elastic.indices.values()
            by_name = {
                one["threat"]["indicator"]["name"]: key
                for key, one in elastic.documents.items()
            }
            for name in ("r2.example", "gone.example"):
                del index.documents[by_name[name]]
                index.changed.add(by_name[name])
            stray = {
                "opencti": {
                    "id": "stray",
                    "document": "stray",
                    "documents": 1,
                    "fingerprint": "f",
                }
            }
            elastic._apply(
                "index",
                {"_index": next(iter(elastic.indices)), "_id": "stray"},
                {"threat": {"indicator": {"name": "stray"}}, **stray},
            )  # pylint: disable=protected-access
            own_rule = f"opencti-{trial.internal_id(indicator('rule')['id'])}"
            elastic.rules["opencti-lone"] = {
                **elastic.rules.pop(own_rule),
                "rule_id": "opencti-lone",
            }
            found = {
                "should_have": 5,
                "has": 6,
                "missing": 1,
                "different": 2,
                "surplus": 2,
            }
            assert reconciled() == found
            reconciled("--apply")
            assert names(elastic) == everything
            assert own_rule in elastic.rules and "opencti-lone" not in elastic.rules
            assert reconciled() == good
            # The index is lost; the rules, and what an analyst has set, are not.
            elastic.indices.clear()
            elastic.rules[own_rule]["enabled"] = False
            elastic.rules["opencti-stray"] = {
                **elastic.rules[own_rule],
                "rule_id": "opencti-stray",
            }
            reconciled("--apply")
            assert names(elastic) == everything
            assert elastic.rules[own_rule]["enabled"] is False
            assert "opencti-stray" not in elastic.rules
            assert reconciled() == good


def test_documents_of_a_state_that_was_lost(
    make: Make, elastic: ElasticStandIn, tmp_path: Path
) -> None:
    with TestbedProcess(tmp_path / "own-platform") as platform:

        def trial(folder: str) -> StreamTrial:
            return StreamTrial(
                Path(__file__).resolve().parents[1],
                platform,
                tmp_path / folder,
                ELASTIC_SECURITY_URL=elastic.url,
                ELASTIC_SECURITY_API_KEY=API_KEY,
            )

        both = indicator(
            "x", pattern="[domain-name:value IN ('l1.example', 'l2.example')]"
        )
        with trial("first") as first:
            first.push(both)
            first.until(
                lambda: names(elastic) == {"l1.example", "l2.example"}, "both names"
            )
            first.until_settled()
        modified = "2031-01-01T00:00:00.000Z"
        first.push(
            {
                **both,
                "pattern": "[domain-name:value = 'l1.example']",
                "modified": modified,
            }
        )
        with trial("second") as second:
            second.until(lambda: names(elastic) == {"l1.example"}, "one name")


def test_credentials_without_rights_in_kibana(
    make: Make, elastic: ElasticStandIn
) -> None:
    elastic.trouble("GET /kibana", Canned({"message": "no"}, 403), times=20)
    trial = make(CONNECTOR_BATCH_SIZE="2").start()
    trial.until_following()
    trial.push(indicator("rule", pattern=EQL, pattern_type="eql"))
    trial.push(*[indicator(f"k{number}.example") for number in range(4)])
    expected = {"rule", *(f"k{number}.example" for number in range(4))}
    trial.until(lambda: names(elastic) == expected, "all documents")
    trial.until(
        lambda: "do not allow detection rules" in trial.output, "what is missing"
    )
    assert not elastic.rules


def test_a_lifecycle_without_a_data_stream(make: Make, elastic: ElasticStandIn) -> None:
    trial = make(ELASTIC_SECURITY_INDICATOR_EXPIRE_TIME="90").start()
    trial.until(
        lambda: "documents of an index do not expire by it" in trial.output, "a warning"
    )


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"ELASTIC_SECURITY_URL": ""}, "ELASTIC_SECURITY_CLOUD_ID is required"),
        ({"ELASTIC_SECURITY_API_KEY": ""}, "ELASTIC_SECURITY_API_KEY"),
        ({"ELASTIC_SECURITY_CA_CERT": "/nowhere.pem"}, "ELASTIC_SECURITY_CA_CERT"),
        ({"CONNECTOR_LIVE_STREAM_ID": "no-such-stream"}, "CONNECTOR_LIVE_STREAM_ID"),
    ],
)
def test_bad_configuration(make: Make, variables: dict[str, str], words: str) -> None:
    trial = make(**variables).start()
    assert trial.wait() == 2
    assert words in trial.output
    assert API_KEY not in trial.output


def test_check(make: Make, elastic: ElasticStandIn) -> None:
    done = make().command("check")
    assert done.returncode == 0, done.stdout
    assert "version 9.1.0, the index can be written to" in done.stdout
    assert "it has a detection engine" in done.stdout
    elastic.credentials = set()
    done = make().command("check")
    assert done.returncode != 0
    assert "target: Elasticsearch" in done.stdout and API_KEY not in done.stdout


def test_a_score_that_is_too_low(make: Make, elastic: ElasticStandIn) -> None:
    trial = following(make, ELASTIC_SECURITY_MIN_SCORE="50")
    trial.push(
        indicator("high.example", x_opencti_score=80),
        indicator("low.example", x_opencti_score=20),
    )
    trial.until(lambda: "high.example" in names(elastic), "the high one")
    trial.push(
        indicator(
            "high.example", x_opencti_score=10, modified="2025-01-01T00:00:00.000Z"
        ),
        indicator("end.example", x_opencti_score=50),
    )
    trial.until(lambda: names(elastic) == {"end.example"}, "lowered, it goes")


def test_the_demo_runs(elastic: ElasticStandIn, tmp_path: Path) -> None:
    """What the README says."""
    folder = Path(__file__).resolve().parents[1]
    command = [sys.executable, "-m", "opencti_testbed", "run", str(folder)]
    command += ["--embedded", "--seed", str(folder / "demo" / "indicators.json")]
    for variable in (
        f"CONNECTOR_DATA_PATH={tmp_path}",
        f"ELASTIC_SECURITY_URL={elastic.url}",
        f"ELASTIC_SECURITY_KIBANA_URL={elastic.url}/kibana",
        f"ELASTIC_SECURITY_API_KEY={API_KEY}",
    ):
        command += ["--env", variable]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 90
        while len(elastic.documents) < 5 or not elastic.rules:
            assert time.monotonic() < deadline, "in vain"
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=90)
    assert process.returncode == 0, output
    assert "shop-2.example" in elastic.indicators()


def test_the_lock_is_that_of_the_repository() -> None:
    folder = Path(__file__).resolve().parents[1]
    own = (folder / "requirements.txt").read_text("utf-8")
    whole = (folder.parents[1] / "constraints.txt").read_text("utf-8")
    pinned = [line.split(" ")[0] for line in own.splitlines() if "==" in line]
    assert pinned and not [one for one in pinned if f"{one} " not in whole]
    for wanted in (folder / "src" / "requirements.txt").read_text().split():
        assert wanted.startswith("connectors-sdk") or f"{wanted} " in own

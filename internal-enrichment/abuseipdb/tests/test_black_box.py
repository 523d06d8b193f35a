"""The connector as a process, asked by a real platform process, with a simulated AbuseIPDB."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from opencti_testbed.fixtures import BROKER
from opencti_testbed.process import TestbedProcess
from opencti_testbed.simulator import Simulator
from opencti_testbed.trial import Asked, Trial

CONNECTOR = Path(__file__).resolve().parents[1]
DEMO = CONNECTOR / "demo" / "observables.json"
Troubled = Callable[..., Simulator]


def stored(tmp_path: Path) -> list[dict[str, Any]]:
    with TestbedProcess(tmp_path / "platform") as platform:
        return list(platform.objects())


def address(found: list[dict[str, Any]], value: str) -> dict[str, Any]:
    (one,) = (one for one in found if one.get("value") == value)
    return one


def played(
    platform: TestbedProcess, value: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Have an address enriched as a step of a playbook; return what was sent and what came back."""
    (connector,) = platform.connectors()
    wanted = {
        "entity_id": address(list(platform.objects()), value)["id"],
        "connector_id": connector["id"],
    }
    begun = requests.post(
        f"{platform.url}/testbed/playbook",
        json=wanted,
        headers={"Authorization": f"Bearer {platform.token}"},
        timeout=30,
    ).json()
    path = f"playbook/{begun['execution']}"
    platform.wait_for(lambda _: platform.get(path)["answer"] is not None, 60)
    step = platform.get(path)
    return step["sent"], step["answer"]


def errors(summary: dict[str, Any]) -> str:
    return "".join(summary["runs"][0]["works"][0]["errors"])


def test_what_is_known_is_told(ask: Asked, tmp_path: Path, transport: str) -> None:
    options = ("--amqp", BROKER) if transport == "amqp" else ()
    code, summary = ask(*options, "--seed", DEMO, "--enrich", "198.51.100.7")
    assert code == 0, summary["output"]
    assert summary["rejected"] == 0
    found = stored(tmp_path)
    one = address(found, "198.51.100.7")
    assert one["x_opencti_score"] == 87
    assert {"brute-force", "ssh", "port-scan", "tor"} <= set(one["labels"])
    by_type: dict[str, list[dict[str, Any]]] = {}
    for stix in found:
        by_type.setdefault(stix["type"], []).append(stix)
    sightings = {stix["count"]: stix for stix in by_type["sighting"]}
    assert sorted(sightings) == [1, 2]
    assert sightings[2]["first_seen"] == "2026-03-01T10:00:00.000Z"
    assert sightings[2]["last_seen"] == "2026-03-03T10:00:00.000Z"
    codes = {stix["name"]: stix["x_opencti_aliases"] for stix in by_type["location"]}
    assert codes == {
        "Germany": ["DE"],
        "France": ["FR"],
        "United States of America": ["US"],
    }
    assert {one["value"] for one in by_type["domain-name"]} == {"hosting.example"}
    assert by_type["hostname"][0]["value"] == "mail.hosting.example"
    kinds = sorted(one["relationship_type"] for one in by_type["relationship"])
    assert kinds == ["located-at", "related-to", "related-to", "related-to"]
    authors = {one["name"]: one["id"] for one in by_type["identity"]}
    for stix in (*by_type["relationship"], *by_type["sighting"]):
        assert stix["created_by_ref"] == authors["AbuseIPDB"]
        assert stix["object_marking_refs"]


def test_an_ipv6_address_and_the_age_of_reports(ask: Asked, source: Simulator) -> None:
    code, summary = ask(
        *("--seed", DEMO, "--enrich", "2001:db8::7"), ABUSEIPDB_MAX_AGE_IN_DAYS="7"
    )
    assert code == 0, summary["output"]
    (asked,) = source.requests
    assert asked["query"]["maxAgeInDays"] == "7"
    assert asked["headers"]["key"] == "demo-key"


def test_the_same_is_not_asked_twice(ask: Asked, source: Simulator) -> None:
    wanted = ("--enrich", "198.51.100.8")
    code, summary = ask("--seed", DEMO, *wanted, *wanted)
    assert code == 0, summary["output"]
    assert len(source.requests) == 1


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("198.51.100.0/24", "a range of 256 addresses"),
        ("10.1.2.3", "Nothing is known"),
        ("198.51.100.9", "The source was not asked"),
    ],
)
def test_what_is_not_to_be_asked_is_not(
    ask: Asked, source: Simulator, wanted: str, words: str
) -> None:
    _, summary = ask("--seed", DEMO, "--enrich", wanted)
    assert words in summary["output"] + errors(summary)
    assert not source.requests


def test_nothing_known_is_said_and_changes_nothing(
    ask: Asked, troubled: Troubled, tmp_path: Path
) -> None:
    # What the demo says about addresses that nobody has reported.
    described = yaml.safe_load((DEMO.parent / "source.yml").read_text("utf-8"))
    source = troubled({"body": described["routes"][-1]["body"], "times": 9})
    code, summary = ask(
        *("--seed", DEMO, "--enrich", "198.51.100.7"), ABUSEIPDB_API_URL=source.url
    )
    assert code == 0, summary["output"]
    assert "Nothing is known about it." in str(summary)
    one = address(stored(tmp_path), "198.51.100.7")
    assert not one.get("external_references")


def test_what_the_source_says_about_a_failure_is_told(
    ask: Asked, troubled: Troubled
) -> None:
    said = {"errors": [{"detail": "The subscription has\nexpired.", "status": 402}]}
    source = troubled({"status": 402, "body": said, "times": 9})
    code, summary = ask(
        *("--seed", DEMO, "--enrich", "198.51.100.7"), ABUSEIPDB_API_URL=source.url
    )
    assert code == 1
    assert "The source says: The subscription has expired" in errors(summary)


def test_the_daily_quota_holds(ask: Asked, source: Simulator) -> None:
    code, summary = ask(
        *("--seed", DEMO, "--enrich", "198.51.100.7", "--enrich", "198.51.100.8"),
        CONNECTOR_DAILY_CREDITS="1",
    )
    assert code == 1
    assert len(source.requests) == 1
    assert "1 requests" in summary["output"] or "budget" in summary["output"].lower()


def test_a_quota_that_is_used_up_is_not_asked_in_vain(
    ask: Asked, troubled: Troubled
) -> None:
    source = troubled({"status": 429, "retry_after": 29_241, "times": 9})
    wanted = ("198.51.100.7", "198.51.100.8", "2001:db8::7")
    code, summary = ask(
        *("--seed", DEMO, *(one for value in wanted for one in ("--enrich", value))),
        ABUSEIPDB_API_URL=source.url,
    )
    assert code == 1
    assert len(source.requests) == 1
    told = ["".join(work["errors"]) for work in summary["runs"][0]["works"]]
    assert sum("429" in text for text in told) == 1
    assert sum("takes no further requests" in text for text in told) == 2


def test_odd_values_do_not_lose_the_rest(
    ask: Asked, troubled: Troubled, tmp_path: Path
) -> None:
    described = yaml.safe_load((DEMO.parent / "source.yml").read_text("utf-8"))
    data = described["routes"][0]["body"]["data"]
    odd = {"reportedAt": "soon", "categories": [[1]], "reporterCountryCode": "US"}
    data["reports"] = [*data["reports"], odd, None]
    source = troubled({"body": {"data": {**data, "domain": "x..y"}}, "times": 9})
    code, summary = ask(
        *("--seed", DEMO, "--enrich", "198.51.100.7"), ABUSEIPDB_API_URL=source.url
    )
    assert code == 0, summary["output"]
    assert (
        "1 of categories, 1 of dates, 1 of domains, 1 of reports" in summary["output"]
    )
    assert address(stored(tmp_path), "198.51.100.7")["x_opencti_score"] == 87


def test_wrong_settings_are_told(tmp_path: Path) -> None:
    with TestbedProcess() as platform:
        trial = Trial(CONNECTOR, platform, tmp_path)
        done = trial.run(
            ABUSEIPDB_API_KEY="canary",
            ABUSEIPDB_MAX_AGE_IN_DAYS="366",
            CONNECTOR_DAILY_CREDITS="0",
        )
        without_key = trial.run()
    assert done.returncode == without_key.returncode == 2
    assert "ABUSEIPDB_MAX_AGE_IN_DAYS" in done.stderr
    assert "CONNECTOR_DAILY_CREDITS" in done.stderr
    assert "canary" not in done.stdout + done.stderr
    assert "ABUSEIPDB_API_KEY" in without_key.stderr


def test_in_a_playbook_the_findings_are_added_to_what_came_in(
    source: Simulator, tmp_path: Path
) -> None:
    seeds = json.loads(DEMO.read_text("utf-8"))["objects"]
    with TestbedProcess() as platform:
        platform.push(seeds)
        platform.wait_idle()
        trial = Trial(
            CONNECTOR,
            platform,
            tmp_path,
            ABUSEIPDB_API_URL=source.url,
            ABUSEIPDB_API_KEY="demo-key",
            CONNECTOR_RUN_AND_TERMINATE="false",
        )
        process = trial.start()
        try:
            platform.wait_for(lambda _: bool(platform.connectors()), 60)
            answers = {
                value: played(platform, value) for value in ("198.51.100.7", "10.1.2.3")
            }
        finally:
            process.terminate()
            process.wait(20)
    sent, answer = answers["198.51.100.7"]
    types = {one["type"] for one in answer["objects"]}
    assert {one["id"] for one in sent["objects"]} < {
        one["id"] for one in answer["objects"]
    }
    assert {"location", "sighting", "domain-name"} <= types
    assert address(answer["objects"], "198.51.100.7")["x_opencti_score"] == 87
    # Nothing is asked, nothing is lost.
    sent, answer = answers["10.1.2.3"]
    assert sent == answer


@pytest.mark.parametrize(
    "trouble",
    [
        {"status": 429, "retry_after": 1},
        {"status": 429},
        {"status": 503},
        {"trouble": "reset"},
        {"trouble": "truncated"},
    ],
    ids=["429 in a second", "429", "503", "reset", "truncated"],
)
def test_a_source_that_fails_for_the_moment_is_asked_again(
    ask: Asked, troubled: Troubled, tmp_path: Path, trouble: dict[str, Any]
) -> None:
    source = troubled(trouble)
    code, summary = ask(
        *("--seed", DEMO, "--enrich", "198.51.100.7"), ABUSEIPDB_API_URL=source.url
    )
    assert code == 0, summary["output"]
    assert address(stored(tmp_path), "198.51.100.7")["x_opencti_score"] == 87


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ({"status": 401, "times": 9}, "refuses the credentials"),
        ({"status": 404, "times": 9}, "is its URL right"),
        ({"status": 500, "times": 9}, "500"),
        ({"trouble": "malformed", "times": 9}, "JSON"),
        ({"trouble": "truncated", "times": 9}, "The source failed"),
        ({"body": {"data": []}, "times": 9}, "not AbuseIPDB"),
        (
            {"body": {"data": {"abuseConfidenceScore": None}}, "times": 9},
            "not AbuseIPDB",
        ),
    ],
    ids=["401", "404", "500", "malformed", "truncated", "wrong type", "no score"],
)
def test_a_source_that_fails_is_said_and_changes_nothing(
    ask: Asked, troubled: Troubled, tmp_path: Path, trouble: dict[str, Any], words: str
) -> None:
    source = troubled(trouble)
    code, summary = ask(
        *("--seed", DEMO, "--enrich", "198.51.100.7"),
        ABUSEIPDB_API_URL=source.url,
        ABUSEIPDB_API_KEY="demo-key",
    )
    assert code == 1
    assert words in errors(summary)
    assert "demo-key" not in summary["output"]
    assert "x_opencti_score" not in address(stored(tmp_path), "198.51.100.7")


def test_a_source_that_does_not_answer_is_asked_again(
    ask: Asked, troubled: Troubled, tmp_path: Path
) -> None:
    source = troubled({"trouble": "hang"})
    code, summary = ask(
        *("--seed", DEMO, "--enrich", "198.51.100.7"), ABUSEIPDB_API_URL=source.url
    )
    assert code == 0, summary["output"]
    assert "was silent" in summary["output"]
    assert address(stored(tmp_path), "198.51.100.7")["x_opencti_score"] == 87


def test_a_wrong_key_is_told_without_it(ask: Asked) -> None:
    code, summary = ask(
        *("--seed", DEMO, "--enrich", "198.51.100.7"), ABUSEIPDB_API_KEY="canary"
    )
    assert code == 1
    assert "refuses the credentials" in errors(summary)
    assert "canary" not in summary["output"]

"""Detection rules: against the stand-in, in this process."""

from typing import Any

import pytest
from connector.rules import Rules, rule_id
from connector.settings import ElasticSecurityConfig
from standin import API_KEY, PASSWORD, USER, ElasticStandIn

from connectors_sdk import ApiClientError
from connectors_sdk.connectors.stream import (
    Action,
    EventKind,
    StreamEvent,
    TargetUnavailableError,
)
from connectors_sdk.testing import Canned

EQL = 'process where process.name == "evil.exe"'
PAGE = "https://opencti.example/x"


def rules(elastic: ElasticStandIn, **options: Any) -> Rules:
    settings = {"url": elastic.url, "api_key": API_KEY, **options}
    return Rules(f"{elastic.url}/kibana", ElasticSecurityConfig(**settings))


def event(
    kind: str = "eql", pattern: str = EQL, own_id: str = "1", **more: Any
) -> StreamEvent:
    data = {
        "type": "indicator",
        "id": "indicator--1",
        "name": "Evil",
        "pattern": pattern,
        "pattern_type": kind,
    }
    return StreamEvent(
        Action.UPSERT, EventKind.CREATE, {**data, **more}, own_id, "Indicator"
    )


@pytest.mark.parametrize(
    ("kind", "type_and_language"),
    [
        ("kql", ("query", "kuery")),
        ("lucene", ("query", "lucene")),
        ("eql", ("eql", "eql")),
        ("EQL", ("eql", "eql")),
        ("esql", ("esql", "esql")),
    ],
)
def test_languages(
    elastic: ElasticStandIn, kind: str, type_and_language: tuple[str, str]
) -> None:
    rules(elastic).write(event(kind), PAGE)
    rule = elastic.rules["opencti-1"]
    assert (rule["type"], rule["language"]) == type_and_language
    assert ("index" in rule) == (kind != "esql")


@pytest.mark.parametrize("kind", ["stix", "sigma", "yara", "spl", "snort", ""])
def test_what_elastic_does_not_hold(kind: str) -> None:
    assert rule_id(event(kind)) is None


def test_a_rule(elastic: ElasticStandIn) -> None:
    rules(elastic).write(event(x_opencti_score=80, labels=["l"], description="d"), PAGE)
    assert elastic.rules["opencti-1"] == {
        "id": "id-of-opencti-1",
        "rule_id": "opencti-1",
        "name": "Evil",
        "description": "d",
        "type": "eql",
        "language": "eql",
        "query": EQL,
        "index": ["logs-*", "filebeat-*", "packetbeat-*", "winlogbeat-*"],
        "risk_score": 80,
        "severity": "critical",
        "tags": ["OpenCTI", "l"],
        "references": [PAGE],
        "author": ["OpenCTI"],
        "enabled": True,
    }


def test_what_an_analyst_sets_stays(elastic: ElasticStandIn) -> None:
    own = rules(elastic)
    own.write(event(), PAGE)
    elastic.rules["opencti-1"] |= {"enabled": False, "exceptions_list": [{"id": "e"}]}
    own.write(event(name="Other"), PAGE)
    rule = elastic.rules["opencti-1"]
    assert (rule["name"], rule["enabled"]) == ("Other", False)
    assert rule["exceptions_list"] == [{"id": "e"}]


def test_another_language_is_another_rule(elastic: ElasticStandIn) -> None:
    own = rules(elastic, rules_enabled=False, rule_indices=["x-*"])
    own.write(event(), PAGE)
    own.write(event("kql", "process.name: evil"), PAGE)
    rule = elastic.rules["opencti-1"]
    assert (rule["type"], rule["enabled"], rule["index"]) == ("query", False, ["x-*"])


def test_removal_twice(elastic: ElasticStandIn) -> None:
    own = rules(elastic)
    own.write(event(), PAGE)
    own.remove("opencti-1")
    own.remove("opencti-1")
    assert not elastic.rules


def test_the_own_rules_of_several_pages(elastic: ElasticStandIn) -> None:
    own = rules(
        elastic, api_key=None, username=USER, password=PASSWORD, kibana_space="soc"
    )
    for number in range(205):
        own.write(event(own_id=str(number)), PAGE)
    elastic.rules["theirs"] = {**elastic.rules["opencti-1"], "rule_id": "theirs"}
    assert sorted(own.ids()) == sorted(f"opencti-{number}" for number in range(205))
    assert elastic.count("/s/soc/api/detection_engine/rules$") == 410


def test_a_query_that_is_none(elastic: ElasticStandIn) -> None:
    with pytest.raises(ApiClientError) as caught:
        rules(elastic).write(event(pattern='any where x == "'), PAGE)
    assert caught.value.status_code == 400


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Canned({"message": "no"}, 403), "do not allow detection rules"),
        (Canned([]), "not as Kibana answers"),
        (Canned({}), "not as Kibana answers"),
    ],
)
def test_kibana_as_a_whole(elastic: ElasticStandIn, answer: Canned, words: str) -> None:
    elastic.trouble("GET /kibana", answer)
    with pytest.raises(TargetUnavailableError, match=words):
        rules(elastic).write(event(), PAGE)


def test_no_kibana_there(elastic: ElasticStandIn) -> None:
    own = rules(elastic, kibana_space="other")
    with pytest.raises(TargetUnavailableError, match="KIBANA_URL"):
        own.write(event(), PAGE)

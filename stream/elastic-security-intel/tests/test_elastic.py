"""The documents in an index and in a data stream: against the stand-in, in this process."""

from collections.abc import Iterator
from typing import Any

import pytest
from connector.ecs import Converter
from connector.elastic import Store
from connector.settings import ElasticSecurityConfig
from standin import API_KEY, PASSWORD, USER, ElasticStandIn

from connectors_sdk.connectors.stream import Outcome, TargetUnavailableError
from connectors_sdk.testing import Canned, CannedServer

NAME = "logs-ti_custom_opencti.indicator"
BUSY = (
    429,
    {
        "type": "es_rejected_execution_exception",
        "reason": "rejected execution of coordinating operation",
    },
)


def store(elastic: ElasticStandIn, **options: Any) -> Store:
    settings = {"url": elastic.url, "api_key": API_KEY, **options}
    return Store(ElasticSecurityConfig(**settings))


def write(to: Store, own_id: str, *addresses: str) -> dict[int, Any]:
    """Have documents of an object with these addresses, and none with no address."""
    values = ", ".join(f"'{one}'" for one in addresses)
    stix = {
        "id": f"indicator--{own_id}",
        "type": "indicator",
        "pattern_type": "stix",
        "pattern": f"[ipv4-addr:value IN ({values})]",
    }
    to.prepare()
    wanted = (
        Converter("http://p").documents(own_id, "Indicator", stix) if addresses else []
    )
    there = to.about([own_id]).get(own_id, [])
    return to.write(to.changes(0, wanted, there))


@pytest.fixture(name="kept", params=[False, True], ids=["index", "data stream"])
def fixture_kept(
    request: pytest.FixtureRequest, elastic: ElasticStandIn
) -> Iterator[Store]:
    yield store(elastic, data_stream=request.param)


def names(elastic: ElasticStandIn) -> list[str]:
    return sorted(elastic.indicators())


def test_create_change_delete(kept: Store, elastic: ElasticStandIn) -> None:
    assert not write(kept, "a", "192.0.2.1", "192.0.2.2", "192.0.2.3")
    assert not write(kept, "b", "192.0.2.9")
    assert names(elastic) == ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.9"]
    assert not write(kept, "a", "192.0.2.4")
    assert names(elastic) == ["192.0.2.4", "192.0.2.9"]
    assert not write(kept, "a")
    assert not write(kept, "a")
    assert names(elastic) == ["192.0.2.9"]


def test_a_data_stream_rolls_over(elastic: ElasticStandIn) -> None:
    kept = store(elastic, data_stream=True)
    write(kept, "a", "192.0.2.1", "192.0.2.2")
    elastic.roll_over(NAME)
    assert not write(kept, "a", "192.0.2.3", "192.0.2.4", "192.0.2.5")
    assert names(elastic) == ["192.0.2.3", "192.0.2.4", "192.0.2.5"]
    assert [len(elastic.indices[one].documents) for one in elastic.streams[NAME]] == [
        2,
        1,
    ]
    assert not write(kept, "a")
    assert not elastic.documents


def test_what_is_there_is_used_as_what_it_is(elastic: ElasticStandIn) -> None:
    write(store(elastic, data_stream=True), "a", "192.0.2.1")
    again = store(elastic, data_stream=False)
    assert not write(again, "a", "192.0.2.2")
    assert names(elastic) == ["192.0.2.2"]
    assert list(elastic.streams) == [NAME]


def test_lifecycle_and_template(elastic: ElasticStandIn) -> None:
    store(elastic, data_stream=True, indicator_expire_time=90).prepare()
    template = elastic.templates[f"opencti-{NAME}"]
    assert template["template"]["lifecycle"] == {"data_retention": "90d"}
    assert template["index_patterns"] == [NAME]


def test_without_leave_to_install_nothing_is_made(elastic: ElasticStandIn) -> None:
    own = store(elastic, install_template=False)
    with pytest.raises(TargetUnavailableError, match="there is no index"):
        own.prepare()
    assert not elastic.templates and not elastic.indices
    store(elastic).prepare()
    own.prepare()
    assert elastic.count("^PUT /_index_template") == 1


def test_an_index_of_somebody_else_is_left_alone(elastic: ElasticStandIn) -> None:
    theirs = {"properties": {"opencti": {"properties": {"id": {"type": "long"}}}}}
    elastic.templates["theirs"] = {
        "index_patterns": [NAME],
        "priority": 1000,
        "template": {"mappings": theirs},
    }
    elastic._put_index(NAME, {})  # pylint: disable=protected-access
    with pytest.raises(TargetUnavailableError, match="made by something else"):
        store(elastic).prepare()
    elastic.violations.clear()


def test_each_outcome(elastic: ElasticStandIn) -> None:
    kept = store(elastic)
    conflict = (
        409,
        {
            "type": "version_conflict_engine_exception",
            "reason": "[a]: version conflict",
        },
    )
    bad = (
        400,
        {
            "type": "document_parsing_exception",
            "reason": "[1:9] failed to parse field",
            "caused_by": {"type": "illegal_argument_exception", "reason": "not an IP"},
        },
    )
    elastic.item_errors = {"a": [conflict], "b": [bad], "c": [bad], "c-1": [BUSY]}
    assert write(kept, "a", "192.0.2.1")[0].outcome is Outcome.RETRY
    failed = write(kept, "b", "192.0.2.2")[0]
    assert failed.outcome is Outcome.REFUSED
    assert (
        failed.reason
        == "document_parsing_exception: [1:9] failed to parse field: not an IP"
    )
    # Of several the one counts that no further attempt repairs.
    assert write(kept, "c", "192.0.2.3", "192.0.2.4")[0].outcome is Outcome.REFUSED
    assert not write(kept, "a", "192.0.2.1")


def test_a_busy_cluster_is_no_fault_of_documents(elastic: ElasticStandIn) -> None:
    kept = store(elastic)
    elastic.item_errors = {"a": [BUSY], "a-1": [BUSY, BUSY]}
    with pytest.raises(TargetUnavailableError, match="rejected execution"):
        write(kept, "a", "192.0.2.1", "192.0.2.2")
    assert write(kept, "a", "192.0.2.1", "192.0.2.2")[0].outcome is Outcome.RETRY
    assert not write(kept, "a", "192.0.2.1", "192.0.2.2")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (403, "cluster_block_exception"),
        (404, "index_not_found_exception"),
        (503, "unavailable_shards_exception"),
    ],
)
def test_what_concerns_the_index_concerns_all(
    elastic: ElasticStandIn, status: int, kind: str
) -> None:
    elastic.item_errors = {"a": [(status, {"type": kind, "reason": "blocked"})]}
    with pytest.raises(TargetUnavailableError, match=f"{kind}: blocked"):
        write(store(elastic), "a", "192.0.2.1", "192.0.2.2")


@pytest.mark.parametrize("request_line", ["_index_template", "_search", "_refresh"])
def test_what_the_connector_asks_is_no_fault_of_events(
    elastic: ElasticStandIn, request_line: str
) -> None:
    assert not write(store(elastic), "a", "192.0.2.1")
    error = {"type": "illegal_argument_exception", "reason": "same priority [500]"}
    headers = {"X-Elastic-Product": "Elasticsearch", "Content-Type": "application/json"}
    again = store(elastic)
    elastic.trouble(
        request_line, Canned({"error": error, "status": 400}, 400, headers=headers)
    )
    with pytest.raises(TargetUnavailableError, match="same priority"):
        again.prepare()
        again.about(["a"])
    again.prepare()
    assert list(again.about(["a"])) == ["a"]


def test_the_index_is_deleted_meanwhile(elastic: ElasticStandIn) -> None:
    kept = store(elastic)
    write(kept, "a", "192.0.2.1")
    elastic.indices.clear()
    with pytest.raises(TargetUnavailableError, match="no such index"):
        write(kept, "a", "192.0.2.2")
    assert not write(kept, "a", "192.0.2.2")
    assert elastic.indices[NAME].mappings


def test_many_documents_in_several_requests(
    elastic: ElasticStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.elastic._MOST_BYTES", 20_000)
    monkeypatch.setattr("connector.elastic._PAGE", 7)
    kept = store(elastic)
    addresses = [f"192.0.2.{number}" for number in range(100)]
    assert not write(kept, "a", *addresses)
    assert len(elastic.documents) == 100 and elastic.count("_bulk") > 2
    write(kept, "b", "198.51.100.1")
    found = [one.owner for one in kept.everything()]
    assert found == ["a"] * 100 + ["b"]
    assert not write(kept, "a", "192.0.2.5")
    assert names(elastic) == ["192.0.2.5", "198.51.100.1"]


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        {"items": []},
        {"items": [{}]},
        {"items": [{"index": {}}]},
        {"items": 5},
        [],
        {},
    ],
    ids=str,
)
def test_answers_of_another_type(elastic: ElasticStandIn, body: Any) -> None:
    kept = store(elastic)
    kept.prepare()
    headers = {"X-Elastic-Product": "Elasticsearch", "Content-Type": "application/json"}
    elastic.trouble("_bulk", Canned(body, headers=headers))
    with pytest.raises(Exception) as caught:
        write(kept, "a", "192.0.2.1")
    assert (
        isinstance(caught.value, TargetUnavailableError)
        or "Serialization" in type(caught.value).__name__
    )


def test_something_else_answers() -> None:
    with CannedServer() as server:
        server.on("GET", "/", Canned({"hello": "world"}))
        options = ElasticSecurityConfig(url=server.url, api_key="k")  # type: ignore[arg-type]
        with pytest.raises(TargetUnavailableError, match="not Elasticsearch"):
            Store(options).version()


def test_user_and_password(elastic: ElasticStandIn) -> None:
    own = store(elastic, api_key=None, username=USER, password=PASSWORD)
    assert own.version() == elastic.version


def test_what_the_credentials_do_not_allow(elastic: ElasticStandIn) -> None:
    kind = {
        "type": "security_exception",
        "reason": "action [indices:admin/x] is unauthorized",
    }
    headers = {"X-Elastic-Product": "Elasticsearch", "Content-Type": "application/json"}
    elastic.trouble(
        "_index_template", Canned({"error": kind, "status": 403}, 403, headers=headers)
    )
    with pytest.raises(TargetUnavailableError, match="do not allow it: action"):
        store(elastic).prepare()


@pytest.mark.parametrize("version", ["8.0.0", "8.19.3", "9.2.1"])
def test_versions(version: str) -> None:
    with ElasticStandIn(version) as elastic:
        assert store(elastic).version() == version


def test_the_proxy_of_the_environment_is_used(
    elastic: ElasticStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", elastic.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    # A name that exists nowhere: only who goes through the proxy gets anywhere.
    hidden = store(elastic, url="http://elastic.invalid:9200")
    assert not write(hidden, "a", "192.0.2.1")
    assert names(elastic)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirection_is_followed(elastic: ElasticStandIn, status: int) -> None:
    kept = store(elastic)
    assert not write(kept, "a", "192.0.2.1")
    with CannedServer() as elsewhere:
        elsewhere.on("PUT", "/_bulk", Canned({"errors": False, "items": []}))
        place = {"Location": f"{elsewhere.url}/_bulk"}
        elastic.trouble("PUT /_bulk", Canned("", status, headers=place))
        with pytest.raises(TargetUnavailableError, match="redirect"):
            write(kept, "b", "192.0.2.2")
        assert not elsewhere.requests
    assert not write(kept, "b", "192.0.2.2")

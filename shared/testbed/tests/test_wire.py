"""What the unmodified client says, and what it gets."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest
import requests

from opencti_testbed.process import TestbedProcess

PROGRAM = """
from pycti import OpenCTIConnectorHelper
helper = OpenCTIConnectorHelper({})
print("registered", helper.connect_id)
"""


def post(platform: TestbedProcess, body: Any, token: str | None = None) -> Any:
    return requests.post(
        f"{platform.url}/graphql",
        data=body if isinstance(body, str | bytes) else json.dumps(body),
        headers={"Authorization": f"Bearer {token or platform.token}"},
        timeout=30,
    )


def test_registration_answers_what_the_client_needs(client: Any) -> None:
    helper = client.helper
    assert helper.connector_state is None
    answer = client.query(f'{{ connector(id: "{helper.connect_id}") {{ jwks }} }}')
    assert json.loads(answer["connector"]["jwks"])["keys"][0]["crv"] == "Ed25519"
    assert helper.connector_config["push"] == f"push_{helper.connect_id}"
    (registered,) = client.platform.connectors()
    assert registered["scope"] == ["a", "b"]
    assert registered["active"] is True


def test_state_is_kept_word_for_word_and_survives_registration(
    client: Any, make: Any
) -> None:
    client.helper.set_state({"cursor": "ä", "n": 1.50})
    client.helper.force_ping()
    (registered,) = client.platform.connectors()
    assert registered["state"] == client.helper.connector_state
    again = make.client(client.platform, "Client")
    assert again.helper.get_state() == {"cursor": "ä", "n": 1.5}


def test_a_reset_reaches_the_connector_with_its_next_ping(
    client: Any, platform: TestbedProcess
) -> None:
    client.helper.set_state({"cursor": 1})
    client.helper.force_ping()
    answer = requests.post(
        f"{platform.url}/testbed/connectors/{client.helper.connect_id}/reset",
        headers={"Authorization": f"Bearer {platform.token}"},
        timeout=30,
    )
    assert answer.status_code == 200
    told = client.api.connector.ping(client.helper.connect_id, {"cursor": 1}, {})
    assert told["connector_state"] == ""
    told = client.api.connector.ping(client.helper.connect_id, {"cursor": 2}, {})
    assert told["connector_state"] == '{"cursor": 2}'


def test_a_work_lives_from_wait_to_complete(client: Any, make: Any) -> None:
    works = client.api.work
    work = works.initiate_work(client.helper.connect_id, "named", is_multipart=True)
    assert works.get_work(work)["status"] == "wait"
    assert works.get_is_work_alive(work) is True
    works.to_received(work, "begun")
    client.push([make.malware("a"), make.malware("b")], work)
    found = works.get_work(work)
    assert found["status"] == "progress", "multipart: not all is said to be sent"
    assert found["tracking"] == {
        "import_expected_number": 2,
        "import_processed_number": 2,
    }
    works.to_processed(work, "all sent")
    found = works.get_work(work)
    assert found["status"] == "complete"
    assert [m["message"] for m in found["messages"]] == ["begun", "all sent"]
    listed = works.get_connector_works(client.helper.connect_id)
    assert [w["id"] for w in listed] == [work]
    works.delete(id=work)
    assert works.get_work(work) is None
    with pytest.raises(ValueError, match="WORK_NOT_ALIVE"):
        works.to_processed(work, "too late")


def test_a_bundle_without_a_work_gets_one(client: Any, make: Any) -> None:
    bundle = {"type": "bundle", "id": "bundle--1", "objects": [make.malware("a")]}
    client.query(
        "mutation P($c: String!, $b: String!) { stixBundlePush(connectorId: $c, bundle: $b) }",
        {"c": client.helper.connect_id, "b": json.dumps(bundle)},
    )
    client.platform.wait_idle()
    (work,) = client.platform.works()
    assert work["processed"] == work["expected"] == 1
    assert work["status"] == "complete"


@pytest.mark.parametrize(
    ("bundle", "words"),
    [
        ("not json", "not JSON"),
        ('{"type": "report"}', "not 'bundle'"),
        ('{"type": "bundle", "objects": []}', "holds no objects"),
    ],
)
def test_what_is_no_bundle_is_refused_in_words(
    client: Any, bundle: str, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        client.query(
            "mutation P($c: String!, $b: String!) { stixBundlePush(connectorId: $c, bundle: $b) }",
            {"c": client.helper.connect_id, "b": bundle},
        )


def test_reading_lists_filters_searches_and_pages(client: Any, make: Any) -> None:
    author = {
        "type": "identity",
        "id": "identity--11111111-1111-4111-8111-111111111111",
        "name": "Author",
        "identity_class": "organization",
    }
    many = [
        make.malware(
            f"Family {n}",
            created_by_ref=author["id"],
            labels=["odd" if n % 2 else "even"],
            external_references=[{"source_name": "feed", "external_id": str(n)}],
            object_marking_refs=[
                "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"
            ],
        )
        for n in range(12)
    ]
    tool = {**make.malware("Tool"), "type": "tool", "id": "tool--" + many[0]["id"][9:]}
    client.push([author, *many, tool, make.relationship(many[3], "uses", tool)])
    api = client.api
    assert len(api.malware.list(first=5, getAll=True)) == 12
    page = api.malware.list(first=5, withPagination=True, orderBy="name")
    assert page["pagination"]["globalCount"] == 12
    assert page["pagination"]["hasNextPage"] is True
    assert [m["name"] for m in api.malware.list(search="family 11")] == ["Family 11"]

    def filtered(key: str, *values: str, operator: str = "eq") -> list[str]:
        group = {
            "mode": "and",
            "filters": [{"key": key, "values": list(values), "operator": operator}],
            "filterGroups": [],
        }
        return sorted(m["name"] for m in api.malware.list(filters=group, getAll=True))

    assert filtered("name", "family 7") == ["Family 7"]
    assert filtered("name", "Family 1", operator="starts_with") == [
        "Family 1",
        "Family 10",
        "Family 11",
    ]
    assert len(filtered("objectLabel", "odd")) == 6
    assert len(filtered("objectLabel", "odd", operator="not_eq")) == 6
    assert len(filtered("createdBy", author["id"])) == 12
    assert filtered("ids", many[4]["id"]) == ["Family 4"]
    assert filtered("revoked", operator="nil") == sorted(m["name"] for m in many)

    found = api.malware.read(id=many[3]["id"])
    assert found["createdBy"]["name"] == "Author"
    assert [m["definition"] for m in found["objectMarking"]] == ["TLP:GREEN"]
    assert [label["value"] for label in found["objectLabel"]] == ["odd"]
    assert found["externalReferences"][0]["external_id"] == "3"
    assert "Stix-Domain-Object" in found["parent_types"]
    (uses,) = api.stix_core_relationship.list(fromId=found["id"])
    assert uses["to"]["name"] == "Tool" and uses["relationship_type"] == "uses"
    assert uses["start_time"] == "1970-01-01T00:00:00.000Z"
    assert api.malware.read(id="malware--00000000-0000-4000-8000-000000000000") is None
    assert api.stix_domain_object.read(id=tool["id"])["entity_type"] == "Tool"


def test_unknown_fields_are_null_and_unknown_roots_are_refused(client: Any) -> None:
    answer = client.query("{ about { version notThere } }")
    assert answer["about"]["notThere"] is None
    with pytest.raises(ValueError, match='Cannot query field "nothing"'):
        client.query("{ nothing { id } }")


@pytest.mark.parametrize(
    ("body", "status"),
    [("{", 400), ("[]", 400), ({"query": "{ about { version "}, 200)],
)
def test_malformed_requests_get_an_error(
    platform: TestbedProcess, body: Any, status: int
) -> None:
    answer = post(platform, body)
    assert answer.status_code == status
    assert answer.json()["errors"][0]["message"]


def test_nobody_gets_in_without_the_token(platform: TestbedProcess) -> None:
    answer = post(platform, {"query": "{ about { version } }"}, token="wrong")
    assert answer.json()["errors"][0]["name"] == "AUTH_REQUIRED"
    assert answer.json()["data"] is None
    assert (
        requests.get(f"{platform.url}/testbed/summary", timeout=30).status_code == 401
    )
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={
            **os.environ,
            "OPENCTI_URL": platform.url,
            "OPENCTI_TOKEN": "wrong",
            "CONNECTOR_ID": "c",
            "CONNECTOR_NAME": "c",
            "CONNECTOR_TYPE": "EXTERNAL_IMPORT",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0 and "registered" not in done.stdout


def test_a_body_over_the_limit_is_refused_naming_the_limit(tmp_path: Any) -> None:
    with TestbedProcess(tmp_path, options=("--max-body-mb", "1")) as platform:
        answer = post(platform, {"query": "x" * 1_100_000})
        assert answer.status_code == 413
        assert "1 MB" in answer.json()["errors"][0]["message"]


def test_another_address_needs_a_token_of_its_own() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "opencti_testbed", "serve", "--host", "0.0.0.0"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "--token" in done.stderr


def test_doubled_slashes_and_health(platform: TestbedProcess) -> None:
    answer = requests.get(f"{platform.url}//health", timeout=30)
    assert answer.json() == {"status": "success"}

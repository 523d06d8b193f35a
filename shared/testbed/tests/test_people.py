"""Other users than the platform's own: what they are answered, may see and may do, and what is said to be theirs."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from opencti_testbed.process import TestbedProcess

RED = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
GREEN = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"


@pytest.fixture(name="client", scope="module")
def fixture_client(make: Any) -> Iterator[Any]:
    """One platform for all: each test uses names of its own."""
    with TestbedProcess() as platform:
        yield make.client(platform, "People")


@pytest.fixture(name="bob", scope="module")
def fixture_bob(client: Any) -> dict[str, Any]:
    """A user in a group of connectors that may see what is green."""
    (group,) = (g for g in client.api.group.list() if g["name"] == "Connectors")
    client.api.group.add_allowed_marking(id=group["id"], marking_id=GREEN)
    user: dict[str, Any] = client.query(
        "mutation B($input: UserAddInput!) { userAdd(input: $input) { id name } }",
        {
            "input": {
                "name": "Bob",
                "user_email": "bob@x.example",
                "groups": [group["id"]],
            }
        },
    )["userAdd"]
    token = client.query(
        'mutation T($id: ID!) { userAdminTokenAdd(userId: $id, input: {name: "t"}) { plaintext_token } }',
        {"id": user["id"]},
    )
    return {**user, "token": token["userAdminTokenAdd"]["plaintext_token"]}


@pytest.fixture(name="ask", scope="module")
def fixture_ask(client: Any, bob: dict[str, Any]) -> Callable[..., Any]:
    """Send a document with Bob's own token."""

    def ask(text: str, **variables: Any) -> Any:
        return requests.post(
            f"{client.platform.url}/graphql",
            json={"query": text, "variables": variables},
            headers={"Authorization": f"Bearer {bob['token']}"},
            timeout=30,
        ).json()

    return ask


def test_me_is_whose_token_it_is(ask: Any, bob: dict[str, Any], client: Any) -> None:
    me = ask("{ me { id name capabilities { name } } }")["data"]["me"]
    assert (me["id"], me["name"]) == (bob["id"], "Bob")
    granted = {one["name"] for one in me["capabilities"]}
    assert "CONNECTORAPI" in granted and "BYPASS" not in granted
    own = client.query("{ me { id name capabilities { name } } }")["me"]
    assert own["name"] == "admin"
    assert "BYPASS" in {one["name"] for one in own["capabilities"]}


def test_tokens_are_given_by_administrators_only(ask: Any, client: Any) -> None:
    admin = client.query("{ me { id } }")["me"]["id"]
    add = 'mutation T($id: ID!) { userAdminTokenAdd(userId: $id, input: {name: "t"}) { plaintext_token } }'
    (error,) = ask(add, id=admin)["errors"]
    assert error["name"] == "FORBIDDEN_ACCESS"


def test_who_acts_for_a_user_creates_as_that_user(
    client: Any, bob: dict[str, Any]
) -> None:
    client.api.set_applicant_id_header(bob["id"])
    try:
        made = client.api.malware.create(name="by Bob", is_family=True)
    finally:
        client.api.set_applicant_id_header("")
    own = client.api.malware.create(name="by admin", is_family=True)
    read = "query M($id: String) { malware(id: $id) { creators { id name } } }"
    (creator,) = client.query(read, {"id": made["id"]})["malware"]["creators"]
    assert creator == {"id": bob["id"], "name": "Bob"}
    (creator,) = client.query(read, {"id": own["id"]})["malware"]["creators"]
    assert creator["name"] == "admin"
    log = client.query(
        "{ logs(first: 1000) { edges { node { user_id context_uri } } } }"
    )
    (by_bob,) = (
        one["node"]["user_id"]
        for one in log["logs"]["edges"]
        if made["id"] in one["node"]["context_uri"]
    )
    assert by_bob == bob["id"]


@pytest.mark.parametrize("with_work", [True, False])
def test_bundles_belong_to_who_brought_them(
    client: Any, bob: dict[str, Any], make: Any, with_work: bool
) -> None:
    """A connector with a token of its own is the creator of what it imports, what waits for its references too."""
    platform = client.platform
    theirs = make.client(platform, f"Connector of Bob {with_work}")
    theirs.helper.api.request_headers["Authorization"] = f"Bearer {bob['token']}"
    names = [f"Bob {with_work} {number}" for number in range(2)]
    first, second = (make.malware(name) for name in names)
    later = make.relationship(first, "variant-of", second)
    bundles = [[first, later], [second]]
    for objects in bundles:
        work = None
        if with_work:
            work = theirs.api.work.initiate_work(theirs.helper.connect_id, "a work")
        bundle = {"type": "bundle", "id": "bundle--1", "objects": objects}
        assert theirs.query(
            "mutation B($c: String!, $b: String!, $w: String)"
            " { stixBundlePush(connectorId: $c, bundle: $b, work_id: $w) }",
            {"c": theirs.helper.connect_id, "b": json.dumps(bundle), "w": work},
        )["stixBundlePush"]
    platform.wait_idle()
    found = client.query(
        "query M($n: [Any!]) { malwares(filters: {mode: and, filterGroups: [],"
        ' filters: [{key: "name", values: $n}]}) { edges { node { creators { name }'
        " stixCoreRelationships { edges { node { creators { name } } } } } } } }",
        {"n": names},
    )
    nodes = [edge["node"] for edge in found["malwares"]["edges"]]
    assert len(nodes) == 2
    for node in nodes:
        (edge,) = node["stixCoreRelationships"]["edges"]
        assert node["creators"] == edge["node"]["creators"] == [{"name": "Bob"}]


def test_a_user_sees_what_the_groups_allow(client: Any, ask: Any) -> None:
    made = {
        name: client.api.malware.create(
            name=f"marked {name}", is_family=True, objectMarking=marking
        )
        for name, marking in (("red", [RED]), ("green", [GREEN]), ("not", []))
    }
    report = client.api.report.create(
        name="marked",
        published="2024-01-01T00:00:00.000Z",
        objects=[one["id"] for one in made.values()],
    )
    listed = '{ malwares(search: "marked", first: 10) { edges { node { name } } pageInfo { globalCount } } }'
    page = ask(listed)["data"]["malwares"]
    names = {one["node"]["name"] for one in page["edges"]}
    assert names == {"marked green", "marked not"}
    assert page["pageInfo"]["globalCount"] == 2
    one = "query M($id: String) { malware(id: $id) { name } }"
    assert ask(one, id=made["red"]["id"])["data"]["malware"] is None
    held = ask(
        "query R($id: String) { report(id: $id) { objects { edges { node { ... on Malware { name } } } } } }",
        id=report["id"],
    )["data"]["report"]["objects"]["edges"]
    assert {one["node"]["name"] for one in held} == names
    edit = "mutation E($id: ID!) { stixDomainObjectEdit(id: $id) { delete } }"
    (error,) = ask(edit, id=made["red"]["id"])["errors"]
    assert "Cannot find" in error["message"]
    assert len(client.query(listed)["malwares"]["edges"]) == 3


def _stream_names(client: Any, token: str) -> list[tuple[str, str]]:
    """Return (kind, name) of the events about malware up to the first heartbeat after a marker."""
    told: list[tuple[str, str]] = []
    marker = f"marker {time.monotonic_ns()}"
    client.api.malware.create(name=marker, is_family=True)
    until = time.monotonic() + 30
    with requests.get(
        f"{client.platform.url}/stream/live",
        params={"recover": "2099-01-01T00:00:00.000Z"},
        headers={"Authorization": f"Bearer {token}", "last-event-id": "0-0"},
        stream=True,
        timeout=20,
    ) as response:
        kind = ""
        for line in response.iter_lines(decode_unicode=True):
            assert time.monotonic() < until, told
            key, _, value = line.partition(": ")
            if key == "event":
                kind = value
            elif key == "data" and kind not in ("connected", "heartbeat"):
                told.append((kind, json.loads(value)["data"].get("name", "")))
                if told[-1][1] == marker:
                    break
    return told


def test_streams_tell_a_user_what_the_groups_allow(
    client: Any, bob: dict[str, Any]
) -> None:
    for name, marking in (("red", [RED]), ("plain", [])):
        client.api.malware.create(
            name=f"streamed {name}", is_family=True, objectMarking=marking
        )
    mine = {name for _, name in _stream_names(client, client.platform.token)}
    theirs = {name for _, name in _stream_names(client, bob["token"])}
    assert {"streamed red", "streamed plain"} <= mine
    assert "streamed plain" in theirs and "streamed red" not in theirs


def test_files_are_read_by_who_may_see_them(client: Any, bob: dict[str, Any]) -> None:
    secret = client.api.malware.create(
        name="secret", is_family=True, objectMarking=[RED]
    )
    for name, markings in (("marked.txt", [RED]), ("open.txt", [])):
        client.api.upload_file(
            file_name=name, data="text", mime_type="text/plain", file_markings=markings
        )
    client.api.stix_domain_object.add_file(
        id=secret["id"], file_name="of.txt", data="text", mime_type="text/plain"
    )
    of_secret = f"import/Malware/{secret['id']}/of.txt"

    def status(file_id: str, token: str, **headers: str) -> int:
        return requests.get(
            f"{client.platform.url}/storage/get/{file_id}",
            headers={"Authorization": f"Bearer {token}", **headers},
            timeout=10,
        ).status_code

    admin = client.platform.token
    for file_id, seen in (
        ("import/global/open.txt", 200),
        ("import/global/marked.txt", 503),
        (of_secret, 503),
    ):
        assert status(file_id, admin) == 200
        assert status(file_id, bob["token"]) == seen
        as_bob = {"opencti-applicant-id": bob["id"]}
        assert status(file_id, admin, **as_bob) == seen
    nobody = {"opencti-applicant-id": "nobody"}
    assert status("import/global/open.txt", admin, **nobody) == 403

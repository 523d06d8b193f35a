"""Registrations that a platform refuses, and what becomes of them without the broker."""

import uuid
from collections.abc import Mapping
from typing import Any

import requests

from opencti_testbed.process import TestbedProcess

REGISTER = "mutation R($input: RegisterConnectorInput) { registerConnector(input: $input) { id } }"
DELETE = "mutation D($id: ID!) { deleteConnector(id: $id) }"


def ask(platform: TestbedProcess, query: str, **variables: Any) -> Any:
    return requests.post(
        f"{platform.url}/graphql",
        json={"query": query, "variables": variables},
        headers={"Authorization": f"Bearer {platform.token}"},
        timeout=30,
    ).json()


def declared(**more: Any) -> dict[str, Any]:
    own = {"id": str(uuid.uuid4()), "name": "One", "type": "STREAM", "scope": ["a"]}
    return {**own, **more}


def test_what_is_no_registration_is_refused_in_words(platform: TestbedProcess) -> None:
    wrong: list[tuple[Mapping[str, Any] | None, str]] = [
        (declared(type="EXTERNAL_IMPROT"), "type: Input should be 'EXTERNAL_IMPORT'"),
        (declared(type=None), "type"),
        (declared(name=[1]), "name: Input should be a valid string"),
        (declared(name=""), "name"),
        (declared(id=None), "id"),
        (declared(id={"a": 1}), "id"),
        (declared(scope=[1]), "scope.0"),
        (declared(auto="yes"), "auto"),
        (declared(listen_callback_uri=7070), "listen_callback_uri"),
        ({}, "id: Field required; name: Field required; type: Field required"),
        (None, "input"),
    ]
    for given, words in wrong:
        answer = ask(platform, REGISTER, input=given)
        assert answer["errors"][0]["name"] == "BAD_USER_INPUT", given
        assert words in answer["errors"][0]["message"]
    assert platform.connectors() == []
    # As GraphQL does: a number is an id as well, one text a list of one; ids need not be UUIDs.
    for given in (
        declared(id=5),
        declared(id="not-a-uuid", scope="a", auto=None, something_new=1),
    ):
        assert ask(platform, REGISTER, input=given)["data"]["registerConnector"]
    assert sorted(one["id"] for one in platform.connectors()) == ["5", "not-a-uuid"]
    assert [one["scope"] for one in platform.connectors()] == [["a"], ["a"]]
    assert not any("Traceback" in line for line in platform.printed)

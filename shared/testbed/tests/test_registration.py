"""Registrations that a platform refuses, and what becomes of them without the broker."""

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import requests
from pika.exceptions import ChannelClosedByBroker

from opencti_testbed.lanes.broker import Broker, queue_config
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


@pytest.mark.parametrize("transport", ["amqp"], indirect=True)
def test_without_the_broker_nothing_is_half_done(broker: str, tmp_path: Path) -> None:
    mine = declared()
    with TestbedProcess(tmp_path, options=("--amqp", broker)) as platform:
        assert ask(platform, REGISTER, input=mine)["data"]["registerConnector"]
    away = ("--amqp", "amqp://guest:guest@127.0.0.1:9/")
    with TestbedProcess(tmp_path, options=away) as platform:
        answer = ask(platform, REGISTER, input=declared())
        assert "is not there" in answer["errors"][0]["message"]
        answer = ask(platform, DELETE, id=mine["id"])
        assert "is not there" in answer["errors"][0]["message"]
        assert [one["id"] for one in platform.connectors()] == [mine["id"]]
    with TestbedProcess(tmp_path, options=("--amqp", broker)) as platform:
        assert ask(platform, DELETE, id=mine["id"])["data"]["deleteConnector"]
        assert "errors" in ask(platform, DELETE, id=mine["id"])
        assert platform.connectors() == []
    with Broker(broker).connected() as connection:
        with pytest.raises(ChannelClosedByBroker, match="NOT_FOUND"):
            names = queue_config(mine["id"])
            connection.channel().queue_declare(names["push"], passive=True)

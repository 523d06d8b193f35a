"""A platform process, and pycti as its client."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from pycti import OpenCTIConnectorHelper

from opencti_testbed.process import TestbedProcess

NAMESPACE = uuid.UUID("5d1c2a52-1f0c-4a51-8f7a-3c1f1d7e2b10")


class Client:
    """pycti's helper for one connector, and short ways to do what tests do often."""

    def __init__(self, platform: TestbedProcess, name: str) -> None:
        self.platform = platform
        self.helper = OpenCTIConnectorHelper(
            {
                "opencti": {"url": platform.url, "token": platform.token},
                "connector": {
                    "id": str(uuid.uuid5(NAMESPACE, name)),
                    "name": name,
                    "type": "EXTERNAL_IMPORT",
                    "scope": "a,b",
                    "log_level": "error",
                    "queue_protocol": "api",
                    # No thread that pings: tests say themselves when.
                    "duration_period": "PT0S",
                },
            }
        )
        self.api = self.helper.api

    def push(self, objects: list[dict[str, Any]], work: str | None = None) -> str:
        """Send a bundle, wait until it is ingested, return the id of its work."""
        if work is None:
            work = self.api.work.initiate_work(self.helper.connect_id, "a work")
        bundle = {"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": objects}
        self.helper.send_stix2_bundle(json.dumps(bundle), work_id=work, no_split=True)
        self.platform.wait_idle()
        assert work is not None
        return work

    def query(self, text: str, variables: dict[str, Any] | None = None) -> Any:
        return self.api.query(text, variables)["data"]


def malware(name: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "malware",
        "spec_version": "2.1",
        "id": f"malware--{uuid.uuid5(NAMESPACE, name)}",
        "created": "2024-01-01T00:00:00.000Z",
        "modified": "2024-01-01T00:00:00.000Z",
        "name": name,
        "is_family": True,
        **more,
    }


def relationship(
    source: dict[str, Any], kind: str, target: dict[str, Any], **more: Any
) -> dict[str, Any]:
    key = f"{source['id']}{kind}{target['id']}"
    return {
        "type": "relationship",
        "spec_version": "2.1",
        "id": f"relationship--{uuid.uuid5(NAMESPACE, key)}",
        "created": "2024-01-01T00:00:00.000Z",
        "modified": "2024-01-01T00:00:00.000Z",
        "relationship_type": kind,
        "source_ref": source["id"],
        "target_ref": target["id"],
        **more,
    }


@pytest.fixture(name="platform")
def fixture_platform() -> Iterator[TestbedProcess]:
    with TestbedProcess() as platform:
        yield platform


@pytest.fixture(name="client")
def fixture_client(platform: TestbedProcess) -> Client:
    return Client(platform, "Client")


@pytest.fixture(name="make", scope="session")
def fixture_make() -> Any:
    """The makers of STIX objects, for tests that cannot import this file."""

    class Make:
        malware = staticmethod(malware)
        relationship = staticmethod(relationship)
        client = Client

    return Make

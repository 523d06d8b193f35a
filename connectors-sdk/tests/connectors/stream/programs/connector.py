"""A stream connector whose target is an HTTP API, and ways to break its runtime on purpose (variable BREAK)."""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import requests
from pydantic import Field, SecretStr

from connectors_sdk import BaseConfigModel, BaseConnectorSettings
from connectors_sdk.connectors import run_connector
from connectors_sdk.connectors.stream import (
    Action,
    RemoteItem,
    Result,
    StreamConnector,
    StreamConnectorConfig,
    StreamEvent,
    accepted,
    attribute,
    refused,
    retry,
)


class TargetConfig(BaseConfigModel):
    url: str
    api_key: SecretStr = SecretStr("not-so-secret")
    gives_ids: bool = False


class Settings(BaseConnectorSettings):
    connector: StreamConnectorConfig = Field(default_factory=StreamConnectorConfig)
    target: TargetConfig = Field(default_factory=TargetConfig)


def content_of(event: StreamEvent) -> dict[str, Any]:
    return {
        "name": event.data.get("name"),
        "description": event.data.get("description"),
        "type": event.entity_type,
    }


class Bulk(StreamConnector):
    """Writes a batch with one request; the id at the target is that of the platform."""

    types = ("malware", "indicator")

    def post_init(self) -> None:
        self.session = requests.Session()

    def target_name(self) -> str:
        return str(self.settings.target.url)

    def wants(self, stix: Mapping[str, Any]) -> bool:
        return "unwanted" not in attribute(stix, "labels", [])

    def deliver(self, events: Sequence[StreamEvent]) -> Iterable[Result]:
        lines = [
            orjson.dumps(
                {
                    "op": event.action,
                    "kind": event.kind,
                    "id": event.id,
                    "content": content_of(event) if event.action == "upsert" else None,
                }
            )
            for event in events
        ]
        answer = self.session.post(
            f"{self.settings.target.url}/bulk", b"\n".join(lines), timeout=10
        )
        answer.raise_for_status()
        for item in answer.json():
            if item["status"] < 300:
                yield accepted()
            elif item["status"] >= 500:
                yield retry(item["reason"])
            else:
                yield refused(item["reason"])

    def remote_items(self) -> Iterable[RemoteItem]:
        answer = self.session.get(f"{self.settings.target.url}/items", timeout=10)
        answer.raise_for_status()
        for item_id, content in answer.json().items():
            yield RemoteItem(item_id, orjson.dumps(content).decode())

    def fingerprint(self, event: StreamEvent) -> str:
        if "beyond words" in str(content_of(event)):
            raise TypeError("there are no words for it")
        return orjson.dumps(content_of(event)).decode()


class Givers(StreamConnector):
    """Writes one by one to a target that gives out ids of its own: posting twice makes two."""

    types = ("malware",)

    def post_init(self) -> None:
        self.session = requests.Session()

    def deliver(self, events: Sequence[StreamEvent]) -> Iterable[Result]:
        for event in events:
            yield self._deliver(event)

    def _deliver(self, event: StreamEvent) -> Result:
        remote_id = event.remote_id
        if remote_id is None and event.redelivered:
            remote_id = self._call("GET", f"?external={event.id}").get("id")
        if event.action is Action.REMOVE:
            if remote_id:
                self._call("DELETE", f"/{remote_id}")
            return accepted()
        content = {**content_of(event), "external": event.id}
        if remote_id:
            self._call("PUT", f"/{remote_id}", content)
            return accepted(remote_id)
        return accepted(self._call("POST", "", content)["id"])

    def _call(self, method: str, path: str, content: Any = None) -> Any:
        url = f"{self.settings.target.url}/objects{path}"
        answer = self.session.request(method, url, json=content, timeout=10)
        if method == "DELETE" and answer.status_code == 404:
            return None  # an earlier attempt has done it
        answer.raise_for_status()
        return answer.json()


def build() -> StreamConnector:
    settings = Settings()
    return Givers(settings) if settings.target.gives_ids else Bulk(settings)


if __name__ == "__main__":
    if os.environ.get("BREAK"):
        sys.path.insert(0, str(Path(__file__).parent))
        import breaks

        getattr(breaks, os.environ["BREAK"])()
    run_connector(build)

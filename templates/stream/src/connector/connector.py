"""Keeps a target with a bulk API in step with the indicators of a live stream."""

from collections.abc import Iterator, Sequence
from typing import Any

from connectors_sdk import BaseClientApi
from connectors_sdk.connectors import stream


class TemplateClient(BaseClientApi):
    session_headers: dict[str, Any] = {}

    def write(self, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Write items with one request; return what became of each."""
        return list(self._post("/bulk", json=items))


class TemplateConnector(stream.StreamConnector):
    types = ("indicator",)

    def post_init(self) -> None:
        target = self.settings.template
        self.client = TemplateClient(str(target.api_url))
        self.client.session_headers = {"X-Api-Key": target.api_key}

    def deliver(self, events: Sequence[stream.StreamEvent]) -> Iterator[stream.Result]:
        for answer in self.client.write([item_of(event) for event in events]):
            ok = answer["ok"]
            yield stream.accepted() if ok else stream.refused(answer["error"])


def item_of(event: stream.StreamEvent) -> dict[str, Any]:
    """Return what the target is to do: have an indicator, or not."""
    item = {"action": event.action, "id": event.id}
    if event.action == "upsert":
        item |= {"name": event.get("name"), "pattern": event.get("pattern")}
    return item

"""A connector on `WindowProcessor`: a feed with a history, by windows of hours."""

import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from feed import FeedClient, Settings

from connectors_sdk import ExternalImportConnector, ExternalImportConnectorState
from connectors_sdk.connectors import WindowCursor, WindowProcessor, run_connector
from connectors_sdk.models import Malware, OrganizationAuthor, TLPMarking

IN_ORDER = os.environ["IN_ORDER"] == "true"


class State(ExternalImportConnectorState):
    cursor: WindowCursor = WindowCursor(in_order=IN_ORDER)


class History(WindowProcessor[dict[str, Any]]):
    work_name = "History"
    bundle_max_objects = 20
    window = timedelta(seconds=float(os.environ["WINDOW"]))

    def post_init(self) -> None:
        self.client = FeedClient(self.settings.source, self.credits)
        self.origin = {
            "author": OrganizationAuthor(name="Feed Ltd"),
            "markings": [TLPMarking(level="amber")],
        }

    def history(self) -> datetime:
        return datetime.fromisoformat(os.environ["BACK_TO"])

    def window_pages(
        self, start: datetime, end: datetime
    ) -> Iterator[list[dict[str, Any]]]:
        return self.client._paginate_offset(
            "/history",
            params={"start": start.isoformat(), "end": end.isoformat()},
            page_size_param=None,
            stop_on_short_page=False,
            results_extractor="families",
        )

    def published(self, record: dict[str, Any]) -> datetime:
        return datetime.fromisoformat(record["at"])

    def convert(self, record: dict[str, Any]) -> Malware:
        moment = self.published(record)
        return Malware(
            name=record["name"],
            is_family=True,
            created=moment,
            modified=moment,
            **self.origin,
        )


def build() -> ExternalImportConnector:
    return ExternalImportConnector(Settings(), [History()], State())


if __name__ == "__main__":
    run_connector(build)

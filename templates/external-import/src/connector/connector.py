"""Joins source and conversion through the SDK's runtime."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from connector.converter_to_stix import indicator
from connector.settings import ConnectorSettings

from connectors_sdk import BaseClientApi, ExternalImportConnector
from connectors_sdk.connectors import PageProcessor
from connectors_sdk.states import ExternalImportConnectorState, TimeCursor

Record = dict[str, Any]


class State(ExternalImportConnectorState):
    """What is remembered from run to run."""

    cursor: TimeCursor = TimeCursor()


class SourceClient(BaseClientApi):
    """The source's API."""

    key = ""

    @property
    def session_headers(self) -> dict[str, str]:
        return {"X-Api-Key": self.key}

    def indicators(self, since: datetime) -> Iterator[list[Record]]:
        """Yield pages of what was modified at or after a time, the oldest first."""
        params = {"modified_since": since.isoformat()}
        # Many APIs give out fewer records than asked for: only an empty page is the end.
        return self._paginate_offset(
            "/indicators", params=params, stop_on_short_page=False
        )


class Indicators(PageProcessor[Record]):
    """Imports the source's indicators."""

    work_name = "Indicators"

    def post_init(self) -> None:
        config = self.settings.template
        self.client = SourceClient(str(config.api_url))
        self.client.key = config.api_key.get_secret_value()

    def pages(self) -> Iterator[list[Record]]:
        return self.client.indicators(self.since(self.settings.template.import_since))

    def convert(self, record: Record) -> Any:
        return indicator(record)

    def published(self, record: Record) -> datetime:
        return datetime.fromisoformat(record["modified"])


def build_connector(settings: ConnectorSettings) -> ExternalImportConnector:
    """Return the connector."""
    return ExternalImportConnector(settings, [Indicators()], State())

"""A connector in the short shape: a generator of models, a checkpoint after each page, three lines of main."""

import json
import urllib.request
from datetime import datetime, timezone

from pydantic import Field, SecretStr

from connectors_sdk import (
    BaseConfigModel,
    BaseConnectorSettings,
    BaseDataProcessor,
    BaseExternalImportConnectorConfig,
    ExternalImportConnector,
    ExternalImportConnectorState,
)
from connectors_sdk.connectors import run_connector
from connectors_sdk.models import Malware, OrganizationAuthor, TLPMarking

CREATED = datetime(2024, 1, 1, tzinfo=timezone.utc)


class SourceConfig(BaseConfigModel):
    url: str
    api_key: SecretStr


class Settings(BaseConnectorSettings):
    connector: BaseExternalImportConnectorConfig = Field(
        default_factory=BaseExternalImportConnectorConfig
    )
    source: SourceConfig = Field(default_factory=SourceConfig)


class State(ExternalImportConnectorState):
    pages_done: int = 0


class PageProcessor(BaseDataProcessor):
    work_name = "Pages"

    def collect(self):
        number = self.state.pages_done
        while True:
            url = f"{self.settings.source.url}/pages/{number}"
            with urllib.request.urlopen(url, timeout=30) as answer:
                page = json.load(answer)
            if not page:
                return
            yield page
            number += 1

    def transform(self, data):
        author = OrganizationAuthor(name="Pages Ltd", created=CREATED)
        marking = TLPMarking(level="amber")
        for page in data:
            for name in page:
                if name == "LEAK":
                    key = self.settings.source.api_key.get_secret_value()
                    raise ValueError(f"{self.settings.source.url}?key={key} is broken")
                yield Malware(
                    name=name,
                    is_family=True,
                    author=author,
                    markings=[marking],
                    created=CREATED,
                    modified=CREATED,
                )
            self.state.pages_done += 1
            self.checkpoint()
        self.state.pages_done = 0


def build() -> ExternalImportConnector:
    return ExternalImportConnector(Settings(), [PageProcessor()], State())


if __name__ == "__main__":
    run_connector(build)

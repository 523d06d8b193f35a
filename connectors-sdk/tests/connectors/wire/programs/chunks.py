"""A connector in the usual shape: lists and generators of lists, several processors, a main that prints tracebacks."""

import json
import os
import sys
import traceback
import urllib.request
from collections.abc import Generator
from datetime import datetime, timezone

from pydantic import Field

from connectors_sdk import (
    BaseConnectorSettings,
    BaseDataProcessor,
    BaseExternalImportConnectorConfig,
    ExternalImportConnector,
    ExternalImportConnectorState,
    ListFromString,
)
from connectors_sdk.models import (
    Malware,
    OrganizationAuthor,
    Relationship,
    TLPMarking,
    Tool,
)

CREATED = datetime(2024, 1, 1, tzinfo=timezone.utc)


class ConnectorConfig(BaseExternalImportConnectorConfig):
    name: str = Field(default="Chunks")
    scope: ListFromString = Field(default=["malware"])


class ConnectorSettings(BaseConnectorSettings):
    connector: ConnectorConfig = Field(default_factory=ConnectorConfig)


class ToolProcessor(BaseDataProcessor):
    work_name = "Tools"

    def __init__(self):
        self.author = OrganizationAuthor(name="Chunks Ltd", created=CREATED)
        self.marking = TLPMarking(level="green")

    def collect(self):
        return ["hammer", "saw"]

    def transform(self, data) -> list:
        tools = [
            Tool(
                name=name,
                author=self.author,
                markings=[self.marking],
                created=CREATED,
                modified=CREATED,
            )
            for name in data
        ]
        return [self.author, self.marking, *tools]


class MalwareProcessor(BaseDataProcessor):
    work_name = "Malware"

    author = None

    def post_init(self):
        self.author = OrganizationAuthor(name="Chunks Ltd", created=CREATED)

    def collect(self):
        number = 0
        while True:
            url = f"{os.environ['SOURCE_URL']}/pages/{number}"
            with urllib.request.urlopen(url, timeout=30) as answer:
                page = json.load(answer)
            if not page:
                return
            yield page
            number += 1

    def transform(self, data) -> Generator[list, None, None]:
        for page in data:
            objects = [self.author.to_stix2_object()]
            for name in page:
                malware = Malware(
                    name=name,
                    is_family=True,
                    author=self.author,
                    created=CREATED,
                    modified=CREATED,
                )
                tool = Tool(
                    name="hammer", author=self.author, created=CREATED, modified=CREATED
                )
                uses = Relationship(
                    type="uses",
                    source=malware,
                    target=tool,
                    author=self.author,
                    created=CREATED,
                    modified=CREATED,
                )
                objects += [malware, tool, uses]
            yield objects
            self.logger.info("page done", {"size": len(page)})


if __name__ == "__main__":
    try:
        settings = ConnectorSettings()
        connector = ExternalImportConnector(
            settings=settings,
            data_processors=[ToolProcessor(), MalwareProcessor()],
            state=ExternalImportConnectorState(),
        )
        connector.start()
    except Exception:  # pylint: disable=broad-exception-caught
        traceback.print_exc()
        sys.exit(1)

"""A connector as those for the reference's runtime are written: nothing in it knows what this SDK adds to that.

Raw stix2 objects with pycti's ids beside models, a work for each page, a processor with a `process` of its own, a state
with a field that is declared and one that is not, imports from the modules where the reference has them.
"""

import os
import sys
import traceback
from collections.abc import Generator
from datetime import datetime, timezone
from typing import Any

import pycti
import requests
import stix2

from connectors_sdk import BaseConnectorSettings, BaseExternalImportConnectorConfig
from connectors_sdk.connectors.external_import.base_data_processor import (
    BaseDataProcessor,
)
from connectors_sdk.connectors.external_import.external_import_connector import (
    ExternalImportConnector,
)
from connectors_sdk.models import OrganizationAuthor, TLPMarking, Tool
from connectors_sdk.states.states import ExternalImportConnectorState

CREATED = datetime(2024, 1, 1, tzinfo=timezone.utc)


class Settings(BaseConnectorSettings):
    connector: BaseExternalImportConnectorConfig


class State(ExternalImportConnectorState):
    next_page: int = 0


class PagesProcessor(BaseDataProcessor):
    work_name = "Pages"

    def post_init(self) -> None:
        self.author = OrganizationAuthor(name="Reference Ltd", created=CREATED)
        self.marking = TLPMarking(level="green")
        self.logger.info("[PROCESSOR] Ready", {"period": self.settings.connector.name})

    def collect(self) -> Generator[tuple[int, list[str]], None, None]:
        number = self.state.next_page
        while True:
            url = f"{os.environ['SOURCE_URL']}/pages/{number}"
            page = requests.get(url, timeout=30).json()
            if not page:
                break
            yield number, page
            number += 1

    def transform(self, data: Any) -> Generator[list[Any], None, None]:
        for number, names in data:
            self.work_name = f"Page {number}"
            objects: list[Any] = [self.author, self.marking]
            for name in names:
                if name == "broken":
                    raise ValueError("Name is broken")
                malware = stix2.Malware(
                    id=pycti.Malware.generate_id(name),
                    name=name,
                    is_family=True,
                    created=CREATED,
                    modified=CREATED,
                    created_by_ref=self.author.id,
                    object_marking_refs=[self.marking.id],
                    custom_properties={"x_opencti_score": 50},
                )
                objects.append(malware)
            yield objects
            self.state.next_page = number + 1
            self.state.last_name = names[-1]


class ToolProcessor(BaseDataProcessor):
    work_name = "Tool"

    def collect(self) -> str:
        return str(getattr(self.state, "last_name", None) or "nothing")

    def transform(self, data: str) -> list[Any]:
        return [Tool(name=f"after {data}", created=CREATED, modified=CREATED)]

    def process(self) -> None:
        with self.work_manager as manager:
            objects = self.transform(self.collect())
            manager.send(
                objects=objects,
                work_name=self.work_name,
                cleanup_inconsistent_bundle=True,
            )


def main() -> None:
    connector = ExternalImportConnector(
        settings=Settings(),
        data_processors=[PagesProcessor(), ToolProcessor()],
        state=State(),
    )
    connector.start()


if __name__ == "__main__":
    try:
        main()
    except Exception:  # pylint: disable=broad-exception-caught
        traceback.print_exc()
        sys.exit(1)

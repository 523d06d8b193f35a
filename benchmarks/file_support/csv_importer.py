"""A minimal file import connector: a domain name a row. In a module of its own: a file is read in another process."""

import csv
from collections.abc import Iterator

from connectors_sdk import BaseConnectorSettings
from connectors_sdk.connectors.internal_import_file import (
    ImportedFile,
    ImportFileConnectorConfig,
    InternalImportFileConnector,
)
from connectors_sdk.models import DomainName


class Settings(BaseConnectorSettings):
    """The settings."""

    connector: ImportFileConnectorConfig


class CsvImporter(InternalImportFileConnector):
    """Reads rows."""

    def parse(self, file: ImportedFile) -> Iterator[DomainName]:
        """Yield a domain name for each row."""
        with file.path.open(encoding="utf-8", newline="") as text:
            yield from file.each(csv.DictReader(text), self.domain)

    def domain(self, row: dict[str, str]) -> DomainName:
        """Return a row as a domain name."""
        return DomainName(
            value=row["domain"], score=int(row["score"]), description=row["comment"]
        )

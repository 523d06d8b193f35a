"""Joins files and conversion through the SDK's runtime."""

import csv
from collections.abc import Iterator
from typing import Any

from connector.converter_to_stix import AUTHOR, indicator

from connectors_sdk.connectors.internal_import_file import (
    ImportedFile,
    InternalImportFileConnector,
    UnreadableFile,
)
from connectors_sdk.models import Indicator


class TemplateConnector(InternalImportFileConnector):
    """Reads one file after the other, each in a process of its own."""

    author = AUTHOR

    def parse(self, file: ImportedFile) -> Iterator[Any]:
        try:
            with open(file.path, encoding="utf-8-sig", newline="") as stream:
                rows = csv.DictReader(stream)
                if not {"type", "value"} <= set(rows.fieldnames or ()):
                    raise UnreadableFile("There are no columns `type` and `value`")
                yield from file.each(rows, self.indicator)
        except UnicodeDecodeError as error:
            raise UnreadableFile("It is no UTF-8 text") from error

    def indicator(self, row: dict[str, str]) -> Indicator:
        """Return the indicator of a row."""
        return indicator(row, self.settings.template.default_score)

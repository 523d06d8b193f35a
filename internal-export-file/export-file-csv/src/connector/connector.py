"""Says what the file looks like; the rest is the SDK's runtime."""

from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

import orjson
from connector.cells import ERROR, LEADING, TRAILING, cells, in_order
from connector.settings import VISIBLE, ConnectorSettings

from connectors_sdk.connectors.internal_export_file import (
    ExportRequest,
    InternalExportFileConnector,
    csv_row,
)
from connectors_sdk.connectors.run_report import RunReport

BYTE_ORDER_MARK = "\ufeff".encode()


class CsvExporter(InternalExportFileConnector):
    """Makes one CSV file after the other.

    Which columns there are is known when the last entity was read: until then the cells are kept in a file.
    """

    settings: ConnectorSettings
    separator = b"\n"

    def __init__(self, settings: ConnectorSettings, **more: Any) -> None:
        super().__init__(settings, **more)
        self._seen: set[str] = set()

    def render(
        self,
        entities: Iterable[dict[str, Any]],
        file: BinaryIO,
        request: ExportRequest,
        report: RunReport,
    ) -> None:
        options = self.settings.export_file_csv
        self._seen.clear()
        with self.scratch_file() as kept:
            super().render(entities, kept, request, report)
            kept.seek(0)
            wanted = list(self._columns(request))
            columns = wanted or in_order(self._seen)
            unknown = {*wanted} - {*self._seen, *LEADING, *TRAILING}
            if self._seen and unknown:
                self.remarks.append(f"No entity has: {', '.join(sorted(unknown))}.")
            if ERROR in self._seen:
                columns.append(ERROR)
            if options.byte_order_mark:
                file.write(BYTE_ORDER_MARK)
            file.write(csv_row(columns, options.delimiter).encode())
            for line in kept:
                row = orjson.loads(line)
                texts = (row.get(name) for name in columns)
                file.write(csv_row(texts, options.delimiter).encode())

    def row(self, entity: dict[str, Any], request: ExportRequest) -> bytes:
        return self._keep(cells(entity))

    def bad_row(
        self, entity: dict[str, Any], error: Exception, request: ExportRequest
    ) -> bytes:
        known = {key: str(entity[key]) for key in ("entity_type", "id")}
        return self._keep({**known, ERROR: str(error) or type(error).__name__})

    def _keep(self, row: dict[str, Any]) -> bytes:
        written = orjson.dumps(row)
        self._seen.update(row)
        return written

    def _columns(self, request: ExportRequest) -> Iterator[str]:
        """Yield the columns that are asked for, each once; none: all that there are."""
        wanted: dict[str, None] = {}
        for name in self.settings.export_file_csv.columns:
            wanted.update(dict.fromkeys(request.columns if name == VISIBLE else [name]))
        yield from wanted

"""Says what the file looks like; the rest is the SDK's runtime."""

from typing import Any

from connectors_sdk.connectors.internal_export_file import (
    ExportRequest,
    InternalExportFileConnector,
    csv_row,
)

COLUMNS = ("type", "name", "description", "score", "labels", "markings")


class TemplateConnector(InternalExportFileConnector):
    """Makes one file after the other."""

    def begin(self, request: ExportRequest) -> str:
        return self._line(COLUMNS)

    def row(self, entity: dict[str, Any], request: ExportRequest) -> str:
        cells = (
            entity["entity_type"],
            entity.get("name") or entity.get("observable_value"),
            entity.get("description") or entity.get("x_opencti_description"),
            entity.get("x_opencti_score"),
            [label["value"] for label in entity.get("objectLabel") or ()],
            [one["definition"] for one in entity.get("objectMarking") or ()],
        )
        return self._line(cells)

    def _line(self, cells: tuple[Any, ...]) -> str:
        return csv_row(cells, self.settings.template.delimiter)

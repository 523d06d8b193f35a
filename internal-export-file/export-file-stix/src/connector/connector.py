"""Says what the file looks like; which objects stand in it is the SDK's business."""

import uuid
from collections.abc import Iterable
from typing import Any, BinaryIO, ClassVar, Literal

import orjson
from connector.settings import ConnectorSettings

from connectors_sdk.connectors.internal_export_file import (
    ExportRequest,
    InternalExportFileConnector,
)
from connectors_sdk.connectors.run_report import RunReport

CUSTOM = "x_opencti_"
_NOTHING: tuple[Any, ...] = (None, [], {})


class StixExporter(InternalExportFileConnector):
    """Makes one bundle after the other (STIX 2.1, section 8)."""

    settings: ConnectorSettings
    content: ClassVar[Literal["entities", "stix"]] = "stix"
    separator = b",\n"

    def __init__(self, settings: ConnectorSettings, **more: Any) -> None:
        super().__init__(settings, **more)
        self._is_empty = True

    def render(
        self,
        entities: Iterable[dict[str, Any]],
        file: BinaryIO,
        request: ExportRequest,
        report: RunReport,
    ) -> None:
        self._is_empty = True
        super().render(entities, file, request, report)
        if self._is_empty:
            # A list may not be empty (section 3.2): there is none.
            file.seek(0)
            file.truncate()
            file.write(f"{{{_begin()}}}\n".encode())

    def begin(self, request: ExportRequest) -> str:
        return f'{{{_begin()},"objects":[\n'

    def row(self, entity: dict[str, Any], request: ExportRequest) -> bytes:
        written = orjson.dumps(self._clean(entity))
        self._is_empty = False
        return written

    def _clean(self, value: Any) -> Any:
        """Return a value without what STIX does not know: nulls and empty lists (section 3.2)."""
        if isinstance(value, list):
            cleaned = map(self._clean, value)
            return [one for one in cleaned if one not in _NOTHING]
        if not isinstance(value, dict):
            return value
        keep_custom = self.settings.export_file_stix.custom_properties
        pairs = (
            (key, self._clean(one))
            for key, one in value.items()
            if keep_custom or not key.startswith(CUSTOM)
        )
        return {key: one for key, one in pairs if one not in _NOTHING}

    def end(self, request: ExportRequest) -> str:
        return "\n]}\n"


def _begin() -> str:
    return f'"type":"bundle","id":"bundle--{uuid.uuid4()}"'

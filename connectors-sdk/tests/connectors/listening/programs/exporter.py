"""Two file export connectors as authors would write them, and variants of the runtime that break one clause each."""

# pylint: disable=abstract-method  # variants are mixed with an exporter, which says what a row is

import json
import os
import sys
from typing import Any, ClassVar, Literal

import breaking
from long_requests import shorten
from pydantic import Field, SecretStr

from connectors_sdk import BaseConfigModel, BaseConnectorSettings, ListFromString
from connectors_sdk.connectors import run_connector
from connectors_sdk.connectors.internal_export_file import (
    ExportFileConnectorConfig,
    ExportRequest,
    InternalExportFileConnector,
    csv_row,
)

COLUMNS = ("entity_type", "name", "author", "labels", "contents")


class ConnectorConfig(ExportFileConnectorConfig):
    name: str = Field(default="Exporter")
    scope: ListFromString = Field(default=["text/csv"])


class SourceConfig(BaseConfigModel):
    url: str
    api_key: SecretStr


class ConnectorSettings(BaseConnectorSettings):
    connector: ConnectorConfig = Field(default_factory=ConnectorConfig)
    source: SourceConfig = Field(default_factory=SourceConfig)


class CsvExporter(InternalExportFileConnector):
    def begin(self, request: ExportRequest) -> str:
        return csv_row(COLUMNS)

    def row(self, entity: dict[str, Any], request: ExportRequest) -> str:
        name = entity.get("name") or entity.get("observable_value")
        if name and "leak" in name:
            raise ValueError(self.settings.source.api_key.get_secret_value())
        if name and name.startswith("bad "):
            raise ValueError("there is no such row")
        return csv_row(
            [
                entity["entity_type"],
                name,
                (entity.get("createdBy") or {}).get("name"),
                [label["value"] for label in entity.get("objectLabel") or ()],
                [one["standard_id"] for one in entity.get("objects") or ()],
            ]
        )


class StixExporter(InternalExportFileConnector):
    content: ClassVar[Literal["entities", "stix"]] = "stix"
    separator = ","

    def begin(self, request: ExportRequest) -> str:
        return '{"type": "bundle", "id": "bundle--1", "objects": ['

    def row(self, entity: dict[str, Any], request: ExportRequest) -> str:
        return json.dumps(entity)

    def end(self, request: ExportRequest) -> str:
        return "]}"


# -- what breaks ---------------------------------------------------------------------------------------------------------


class Keeps(InternalExportFileConnector):
    """Breaks nothing."""


class IgnoresSelection(InternalExportFileConnector):
    def _do(self, message: Any, report: Any) -> Any:
        if message["export_scope"] == "selection":
            message = {**message, "export_scope": "query"}
        return super()._do(message, report)


class AlwaysSimple(InternalExportFileConnector):
    def _do(self, message: Any, report: Any) -> Any:
        return super()._do({**message, "export_type": "simple"}, report)


class OtherName(InternalExportFileConnector):
    def _do(self, message: Any, report: Any) -> Any:
        return super()._do({**message, "file_name": "export.bin"}, report)


class OtherType(InternalExportFileConnector):
    def _do(self, message: Any, report: Any) -> Any:
        return super()._do({**message, "format": "application/octet-stream"}, report)


class Unmarked(InternalExportFileConnector):
    def _do(self, message: Any, report: Any) -> Any:
        return super()._do({**message, "file_markings": []}, report)


class IgnoresAccess(InternalExportFileConnector):
    def _do(self, message: Any, report: Any) -> Any:
        return super()._do({**message, "access_filter": None}, report)


class TellsOfOthers(InternalExportFileConnector):
    """Authors and ids are taken as the platform tells them."""

    def _do(self, message: Any, report: Any) -> Any:
        from connectors_sdk.connectors.internal_export_file import access

        access.Access.visible = lambda self, ids: set(ids)  # type: ignore[method-assign]
        return super()._do(message, report)


class ActsForItself(InternalExportFileConnector):
    """And without the filter, so that its own rights count alone."""

    def _do(self, message: Any, report: Any) -> Any:
        self.helper.api_impersonate = self.helper.api
        return super()._do({**message, "access_filter": None}, report)


class HoldsAll(InternalExportFileConnector):
    def render(self, entities: Any, file: Any, request: Any, report: Any) -> None:
        held = list(entities)
        super().render(iter([dict(one) for one in held]), file, request, report)


class LosesFile(InternalExportFileConnector):
    def _row(self, entity: Any, request: Any, report: Any) -> Any:
        return self.row(entity, request)


class SilentLoss(InternalExportFileConnector):
    def _row(self, entity: Any, request: Any, report: Any) -> Any:
        try:
            return self.row(entity, request)
        except ValueError:
            return None


class RunsFormulas(InternalExportFileConnector):
    def prepare(self) -> None:
        from connectors_sdk.connectors.internal_export_file import cells

        cells.neutralised = str
        super().prepare()


class Slow(InternalExportFileConnector):
    """Breaks nothing, but takes its time."""

    def _row(self, entity: Any, request: Any, report: Any) -> Any:
        import time

        time.sleep(0.01)
        return super()._row(entity, request, report)


class AcknowledgesFirst(breaking.AcknowledgesFirst, Slow):
    """Slowly, so that it is killed in the midst of it on a fast machine too."""


class IgnoresSignals(breaking.IgnoresSignals, Slow):
    pass


EXPORTERS = {"csv": CsvExporter, "stix": StixExporter}


def build() -> InternalExportFileConnector:
    shorten()
    exporter = EXPORTERS[os.environ.get("EXPORTS", "csv")]
    variant = globals()[os.environ.get("BROKEN") or "Keeps"]
    made: InternalExportFileConnector = type(
        exporter.__name__, (variant, exporter), {}
    )(ConnectorSettings())
    return made


if __name__ == "__main__":
    sys.exit(run_connector(build))

"""What is written when an entity cannot be."""

from io import BytesIO
from pathlib import Path

from connector import ConnectorSettings
from connector.connector import CsvExporter

from connectors_sdk.connectors.internal_export_file import ExportRequest
from connectors_sdk.connectors.run_report import RunReport
from connectors_sdk.testing import RecordingHelper, make_settings

REQUEST = ExportRequest.of(
    {"export_scope": "query", "file_name": "a.csv", "entity_type": "Malware"}
)


def test_a_bad_entity_keeps_its_row_with_the_reason(
    tmp_path: Path,
) -> None:
    exporter = CsvExporter(
        make_settings(ConnectorSettings), helper_factory=RecordingHelper
    )
    exporter.use_data_path(tmp_path)
    entities = [
        {"id": "1", "entity_type": "Malware", "name": "a"},
        {"id": "2", "entity_type": "Malware", "name": "b", "hashes": [{"hash": "x"}]},
        {"id": "3", "entity_type": "Malware", "name": "c", "aliases": ["\ud800"]},
    ]
    file, report = BytesIO(), RunReport()
    with exporter.opened():
        exporter.render(iter(entities), file, REQUEST, report)
    head, first, second, third = file.getvalue().decode().splitlines()
    assert head.endswith('"id";"error"')
    assert first.endswith('"1";""')
    assert second.endswith('"2";"\'algorithm\'"')
    assert '"3"' in third and "surrogates" in third
    assert report.quarantined == 2
    assert len((tmp_path / "quarantine.jsonl").read_text().splitlines()) == 2

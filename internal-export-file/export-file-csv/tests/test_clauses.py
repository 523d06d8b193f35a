"""What every file exporter does, this one as well."""

import csv

from opencti_testbed.export_clauses import ExportClauses


class TestClauses(ExportClauses):
    mime_type = "text/csv"
    wrong_setting = ("EXPORT_FILE_CSV_DELIMITER", ";;")

    def names(self, content: bytes) -> list[str]:
        lines = content.decode("utf-8-sig").splitlines(keepends=True)
        found = csv.DictReader(lines, delimiter=";")
        return [
            row["name"].removeprefix("'")
            for row in found
            if row["entity_type"] == "Malware"
        ]

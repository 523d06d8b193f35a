"""What every file exporter does, this one as well."""

import json

from opencti_testbed.export_clauses import ExportClauses


class TestClauses(ExportClauses):
    mime_type = "application/json"
    wrong_setting = ("EXPORT_FILE_STIX_CUSTOM_PROPERTIES", "maybe")

    def names(self, content: bytes) -> list[str]:
        objects = json.loads(content)["objects"]
        return [one["name"] for one in objects if one["type"] == "malware"]

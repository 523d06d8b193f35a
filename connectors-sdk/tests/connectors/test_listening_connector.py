"""What all connectors that work on request count."""

from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from connectors_sdk import BaseConnectorSettings
from connectors_sdk.bundles import iter_bundles
from connectors_sdk.connectors.listening_connector import Done, ListeningConnector
from connectors_sdk.connectors.run_report import RunReport
from connectors_sdk.models import DomainName
from connectors_sdk.settings.base_settings import (
    BaseInternalImportFileConnectorConfig,
)
from connectors_sdk.testing import RecordingHelper, make_settings


class Settings(BaseConnectorSettings):
    connector: BaseInternalImportFileConnectorConfig = Field(
        default_factory=BaseInternalImportFileConnectorConfig  # type: ignore[arg-type]
    )


class Plain(ListeningConnector):
    """Sends what a request names; what is empty is left out, what is bad is set aside."""

    connector_type: ClassVar[str] = "INTERNAL_IMPORT_FILE"

    def _do(self, message: dict[str, Any], report: RunReport) -> Done:
        for name in message["names"]:
            report.add_read()
            if not name:
                report.add_skipped("empty")
            elif name == "bad":
                report.add_quarantined()
                self.quarantine.add(name, "it is bad")
            else:
                for bundle in iter_bundles([DomainName(value=name)]):
                    self._send(bundle, report)
        return Done("Done.")


def test_metrics_tell_what_became_of_records_and_how_long_a_request_was_held_back(
    tmp_path: Path,
) -> None:
    settings = make_settings(Settings, {"connector": {"data_path": str(tmp_path)}})
    connector = Plain(settings, helper_factory=RecordingHelper)
    with connector.opened():
        connector.helper.over_threshold = 1
        connector.callback({"names": ["a.example", "", "bad"]})
        connector.callback({"names": ["b.example", "worse"]})
        value = connector.metrics.value
        assert value("records", outcome="read") == 5
        assert value("records", outcome="skipped") == 1
        assert value("records", outcome="quarantined") == 1
        assert value("quarantine_records") == 1
        assert value("objects_sent") == 3
        assert value("work", outcome="good") == 2
        assert value("held_back_seconds") > 0

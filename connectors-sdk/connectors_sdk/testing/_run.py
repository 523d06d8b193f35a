"""Running a connector in a test."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from connectors_sdk.testing._recording_helper import RecordingHelper


def run_once(
    settings: Any,
    data_processors: Sequence[Any],
    state: Any = None,
    *,
    helper: RecordingHelper | None = None,
    data_path: Path | None = None,
    check: bool = True,
) -> RecordingHelper:
    """Do one run of an external-import connector and return what it did.

    Args:
        settings: the connector's settings, see `make_settings`.
        data_processors: what the connector runs.
        state: the connector's state object, if it has one of its own.
        helper: continue with what a former run left (its state); by default a new one.
        data_path: where the connector keeps its files; by default a folder that is removed after the run. What went
            to the quarantine is in `quarantined` of the helper, either way.
        check: fail if the run failed.

    Raises:
        AssertionError: the run failed, with what was logged about it.
    """
    # Loads pycti: only when it is needed.
    from connectors_sdk.connectors.external_import import ExternalImportConnector

    used = helper or RecordingHelper(settings.to_helper_config())
    errors_before = len(used.messages("error"))
    connector = ExternalImportConnector(
        settings, data_processors, state, helper_factory=lambda _: used
    )
    with tempfile.TemporaryDirectory(prefix="connector-") as folder:
        connector.use_data_path(data_path or Path(folder))
        try:
            connector.start()
        finally:
            used.quarantined = list(connector.quarantine.records())
            connector.provenance.close()
    errors = used.messages("error")[errors_before:]
    if check and errors:
        raise AssertionError("The run failed:\n" + "\n".join(errors))
    return used

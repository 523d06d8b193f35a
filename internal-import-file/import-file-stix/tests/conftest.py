"""Fixtures of the connector's tests; the connector's modules can be imported from here on."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from connectors_sdk.connectors.internal_import_file import ImportedFile
from connectors_sdk.testing import make_settings
from opencti_testbed import fixtures
from opencti_testbed.import_trial import ImportTrial
from opencti_testbed.process import TestbedProcess
from opencti_testbed.trial import Trial

CONNECTOR = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CONNECTOR / "src"))

fixture_transport = fixtures.fixture_transport
fixture_empty_platform = fixtures.fixture_empty_platform


@pytest.fixture(name="importer")
def fixture_importer(
    empty_platform: TestbedProcess, transport: str, tmp_path: Path
) -> Callable[..., ImportTrial]:
    """Make the connector, with settings: `with importer(CONNECTOR_FILE_MAX_MB="1") as trial:`."""

    def make(**variables: str) -> ImportTrial:
        settings = {"CONNECTOR_VALIDATE_BEFORE_IMPORT": "false", **variables}
        trial = Trial(
            CONNECTOR, empty_platform, tmp_path, transport=transport, **settings
        )
        return ImportTrial(trial)

    return make


class Quiet:
    """A log that nobody reads."""

    def info(self, message: str, meta: object = None) -> None:
        """Write nothing."""


@dataclass(frozen=True)
class Read:
    """What the connector made of a file: objects, what it set aside, and its report."""

    objects: list[dict[str, Any]]
    set_aside: list[tuple[Any, str, str]]
    report: Any

    @property
    def by_id(self) -> dict[str, dict[str, Any]]:
        """The objects by their ids, each of which is there once."""
        found = {one["id"]: one for one in self.objects}
        assert len(found) == len(self.objects)
        return found

    @property
    def reasons(self) -> str:
        """Why something was set aside."""
        return "\n".join(reason for _, reason, _ in self.set_aside)


@pytest.fixture(name="read")
def fixture_read(tmp_path: Path) -> Callable[..., Read]:
    """Let the connector read something in this process: a path, bytes, or what becomes JSON."""
    # Only now: the folder of the sources is known from here on.
    from connector import ConnectorSettings
    from connector.connector import StixImporter

    def read(given: Any, **section: Any) -> Read:
        path = given if isinstance(given, Path) else tmp_path / "given"
        if isinstance(given, bytes):
            path.write_bytes(given)
        elif not isinstance(given, Path):
            path.write_text(json.dumps(given), "utf-8")
        settings = make_settings(ConnectorSettings, {"import_file_stix": section})
        importer = StixImporter(settings)
        importer.logger = Quiet()  # type: ignore[assignment]
        file = ImportedFile(path, path.name, "application/json", path.stat().st_size)
        file = replace(file, prepared=importer.before_parse(file))
        objects = list(importer.parse(file))
        return Read(objects, file.tally.set_aside, importer.report)

    return read

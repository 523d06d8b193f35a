"""Fixtures of the connector's tests; the connector's modules can be imported from here on."""

import sys
from pathlib import Path

from opencti_testbed import fixtures

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

fixture_transport = fixtures.fixture_transport
fixture_empty_platform = fixtures.fixture_empty_platform
fixture_platform = fixtures.fixture_demo_platform
fixture_exporter = fixtures.fixture_exporter

"""The image: built from the checkout, run as it is deployed."""

import json
from pathlib import Path

import pytest

from opencti_testbed.image_trial import Image, has_engine
from opencti_testbed.process import TestbedProcess
from opencti_testbed.simulator import Simulator


@pytest.mark.container
@pytest.mark.timeout(900)
@pytest.mark.skipif(not has_engine(), reason="no Docker engine answers")
def test_the_image_asks_without_root_on_a_read_only_system(source: Simulator) -> None:
    image = Image(Path(__file__).resolve().parents[1])
    image.build()
    assert image.user_id() not in {"", "0"}
    settings = {"ABUSEIPDB_API_URL": source.url, "ABUSEIPDB_API_KEY": "demo-key"}
    with TestbedProcess() as platform:
        described = image.run(platform, "describe", "--json", **settings)
        rehearsal = "run --once --dry-run --entity IPv4-Addr:198.51.100.7".split()
        done = image.run(platform, *rehearsal, **settings)
    assert json.loads(described.stdout)["type"] == "INTERNAL_ENRICHMENT"
    assert done.returncode == 0, done.stdout + done.stderr
    assert "located-at Germany" in done.stdout

"""The connector is killed while it asks: its next life finishes what it was asked for."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from opencti_testbed.enrichment_trial import EnrichmentTrial
from opencti_testbed.process import TestbedProcess
from opencti_testbed.simulator import Simulator
from opencti_testbed.trial import Trial

CONNECTOR = Path(__file__).resolve().parents[1]
ADDRESS = "198.51.100.7"


@pytest.fixture(name="slow")
def fixture_slow(tmp_path: Path) -> Path:
    """The demo's source, which takes two seconds for an answer."""
    folder = tmp_path / "source"
    shutil.copytree(CONNECTOR / "demo", folder)
    described = yaml.safe_load((folder / "source.yml").read_text("utf-8"))
    for route in described["routes"]:
        route["latency"] = 2
    (folder / "source.yml").write_text(yaml.safe_dump(described), "utf-8")
    return folder


def test_nothing_that_was_asked_for_is_lost(
    empty_platform: TestbedProcess, transport: str, slow: Path, tmp_path: Path
) -> None:
    platform = empty_platform
    platform.push(json.loads((slow / "observables.json").read_text("utf-8"))["objects"])
    platform.wait_idle()
    (asked,) = (one for one in platform.objects() if one.get("value") == ADDRESS)
    with Simulator(slow) as source:
        trial = Trial(
            CONNECTOR,
            platform,
            tmp_path / "data",
            transport=transport,
            ABUSEIPDB_API_URL=source.url,
            ABUSEIPDB_API_KEY="demo-key",
        )
        with EnrichmentTrial(trial) as enricher:
            work = enricher.ask(asked["id"])
            enricher.wait_for(lambda: bool(source.requests), "the source is asked")
            enricher.kill()
            enricher.start()
            done = enricher.result(work)
    assert not done.complaints
    (enriched,) = (one for one in platform.objects() if one.get("value") == ADDRESS)
    assert enriched["x_opencti_score"] == 87
    kinds = [one["type"] for one in platform.objects()]
    assert kinds.count("sighting") == 2
    assert platform.summary()["rejected"] == 0

"""The image: built from the checkout, run as it is deployed."""

import json
from pathlib import Path

import pytest
from standin import API_KEY, ElasticStandIn

from opencti_testbed.image_trial import Image, has_engine
from opencti_testbed.process import TestbedProcess


@pytest.mark.container
@pytest.mark.timeout(900)
@pytest.mark.skipif(not has_engine(), reason="no Docker engine answers")
def test_the_image_works_without_root_on_a_read_only_system(
    elastic: ElasticStandIn,
) -> None:
    image = Image(Path(__file__).resolve().parents[1])
    image.build()
    assert image.user_id() not in {"", "0"}
    settings = {
        "ELASTIC_SECURITY_URL": elastic.url,
        "ELASTIC_SECURITY_API_KEY": API_KEY,
        "CONNECTOR_LIVE_STREAM_ID": "live",
    }
    with TestbedProcess() as platform:
        described = image.run(platform, "describe", "--json", **settings)
        checked = image.run(platform, "check", **settings)
    assert json.loads(described.stdout)["type"] == "STREAM"
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "the index can be written to" in checked.stdout

"""The image: built from the checkout, run as it is deployed."""

import json
from pathlib import Path

import pytest

from opencti_testbed.fixtures import over_http
from opencti_testbed.image_trial import Image, ImageTrial, has_engine
from opencti_testbed.import_trial import ImportTrial
from opencti_testbed.process import TestbedProcess

CONNECTOR = Path(__file__).resolve().parents[1]


@pytest.mark.container
@pytest.mark.timeout(900)
@pytest.mark.skipif(not has_engine(), reason="no Docker engine answers")
@over_http
def test_the_image_imports_without_root_on_a_read_only_system(
    empty_platform: TestbedProcess,
) -> None:
    image = Image(CONNECTOR)
    image.build()
    assert image.user_id() not in {"", "0"}
    described = image.run(empty_platform, "describe", "--json")
    assert json.loads(described.stdout)["type"] == "INTERNAL_IMPORT_FILE"
    settings = {"CONNECTOR_VALIDATE_BEFORE_IMPORT": "false"}
    with ImportTrial(ImageTrial(image, empty_platform, **settings)) as trial:
        content = (CONNECTOR / "demo/herons-2.0.json").read_bytes()
        done = trial.give("herons.json", content, "application/json")
        assert not done.complaints
        assert len(list(empty_platform.objects("Process"))) == 1
        trial.process.terminate()
        assert trial.process.wait(30) == 0

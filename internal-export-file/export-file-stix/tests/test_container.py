"""The image: built from the checkout, run as it is deployed."""

import json
from pathlib import Path

import pytest

from opencti_testbed.export_trial import ExportTrial
from opencti_testbed.fixtures import over_http
from opencti_testbed.image_trial import Image, ImageTrial, has_engine
from opencti_testbed.process import TestbedProcess


@pytest.mark.container
@pytest.mark.timeout(900)
@pytest.mark.skipif(not has_engine(), reason="no Docker engine answers")
@over_http
def test_the_image_exports_without_root_on_a_read_only_system(
    platform: TestbedProcess,
) -> None:
    image = Image(Path(__file__).resolve().parents[1])
    image.build()
    assert image.user_id() not in {"", "0"}
    described = image.run(platform, "describe", "--json")
    assert json.loads(described.stdout)["type"] == "INTERNAL_EXPORT_FILE"
    with ExportTrial(ImageTrial(image, platform)) as exporter:
        file = exporter.export("application/json", entity_type="Malware")
        assert not file.complaints
        assert file.content is not None and file.content.count(b"Lantern") >= 2
        exporter.process.terminate()
        assert exporter.process.wait(30) == 0

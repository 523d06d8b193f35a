"""The image: built from the checkout, run as it is deployed."""

import subprocess

import pytest
from support import CONNECTOR, DEMO, ONE_DOMAIN

from opencti_testbed.image_trial import Image, ImageTrial, has_engine
from opencti_testbed.process import TestbedProcess

IN_CONTAINER = "/demo/collection.json"

pytestmark = [
    pytest.mark.container,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not has_engine(), reason="no Docker engine answers"),
]


@pytest.fixture(scope="module", name="image")
def fixture_image() -> Image:
    image = Image(CONNECTOR, volumes={DEMO: IN_CONTAINER})
    image.build()
    return image


def run(
    image: Image, platform: TestbedProcess, **more: str
) -> "subprocess.CompletedProcess[str]":
    settings = {"MITRE_ENTERPRISE_FILE_URL": IN_CONTAINER, **ONE_DOMAIN, **more}
    return image.run(platform, **settings)


def test_the_image_imports_without_root_on_a_read_only_system(
    platform: TestbedProcess, image: Image
) -> None:
    done = run(image, platform)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Unknown setting" not in done.stderr
    platform.wait_idle()
    assert platform.summary()["created"] > 200
    assert platform.summary()["rejected"] == 0
    assert image.user_id() not in {"", "0"}


def test_asked_to_stop_it_ends_in_time_with_code_0(
    platform: TestbedProcess, image: Image
) -> None:
    trial = ImageTrial(
        image, platform, MITRE_ENTERPRISE_FILE_URL=IN_CONTAINER, **ONE_DOMAIN
    )
    # The engine's client passes the signal on, as `docker stop` does.
    process = trial.start(CONNECTOR_RUN_AND_TERMINATE="false")
    try:
        platform.wait_for(lambda s: s["created"] > 200, timeout=60)
        process.terminate()
        assert process.wait(10) == 0
    finally:
        process.kill()


def test_a_wrong_setting_ends_the_container_with_code_2(
    platform: TestbedProcess, image: Image
) -> None:
    done = run(image, platform, MITRE_TLP="purple")
    assert done.returncode == 2
    assert "MITRE_TLP" in done.stderr + done.stdout

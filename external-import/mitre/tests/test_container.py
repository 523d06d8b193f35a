"""The image: built from the checkout, run as it is deployed."""

import shutil
import subprocess
from collections.abc import Iterator

import pytest
from support import CONNECTOR, DEMO, environment

from opencti_testbed.process import TestbedProcess

IMAGE = "opencti/connector-mitre:test"


def has_engine() -> bool:
    if shutil.which("docker") is None:
        return False
    return docker("version").returncode == 0


def docker(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, check=False
    )


pytestmark = [
    pytest.mark.container,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not has_engine(), reason="no Docker engine answers"),
]


@pytest.fixture(scope="module", autouse=True, name="image")
def fixture_image() -> Iterator[str]:
    built = docker(
        "build",
        "-t",
        IMAGE,
        "-f",
        str(CONNECTOR / "Dockerfile"),
        str(CONNECTOR.parents[1]),
    )
    assert built.returncode == 0, built.stdout + built.stderr
    yield IMAGE


def arguments(platform: TestbedProcess, **more: str) -> list[str]:
    """Options of `docker run` as in docker-compose.yml, with the host's network to reach the platform."""
    own = environment(platform, "/demo/collection.json", **more)
    options = ["--network", "host", "--read-only", "--tmpfs", "/tmp"]
    options += ["--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
    options += ["-v", f"{DEMO}:/demo/collection.json:ro"]
    for key, value in own.items():
        if key.startswith(("OPENCTI_", "CONNECTOR_", "MITRE_")):
            options += ["-e", f"{key}={value}"]
    return options


def test_the_image_imports_without_root_on_a_read_only_system(
    platform: TestbedProcess, image: str
) -> None:
    done = docker("run", "--rm", *arguments(platform), image)
    assert done.returncode == 0, done.stdout + done.stderr
    platform.wait_idle()
    assert platform.summary()["created"] > 200
    assert platform.summary()["rejected"] == 0
    user = docker("run", "--rm", "--entrypoint", "id", image, "-u")
    assert user.stdout.strip() not in {"", "0"}


def test_docker_stop_ends_it_in_time_with_code_0(
    platform: TestbedProcess, image: str
) -> None:
    started = docker(
        "run",
        "-d",
        *arguments(platform, CONNECTOR_RUN_AND_TERMINATE="false"),
        image,
    )
    assert started.returncode == 0, started.stderr
    container = started.stdout.strip()
    try:
        platform.wait_for(lambda s: s["created"] > 200, timeout=60)
        assert docker("stop", "-t", "10", container).returncode == 0
        state = docker("inspect", "-f", "{{.State.ExitCode}}", container)
        assert state.stdout.strip() == "0"
    finally:
        docker("rm", "-f", container)


def test_a_wrong_setting_ends_the_container_with_code_2(
    platform: TestbedProcess, image: str
) -> None:
    done = docker("run", "--rm", *arguments(platform, MITRE_TLP="purple"), image)
    assert done.returncode == 2
    assert "MITRE_TLP" in done.stderr + done.stdout

"""A connector's image on trial: built from the checkout, run as it is deployed, against a platform on this machine.

image = Image(Path("external-import/example"))
image.build()
done = image.run(platform, EXAMPLE_API_URL=source.url)
assert done.returncode == 0, done.stderr
"""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from opencti_testbed.process import TestbedProcess
from opencti_testbed.run.connector import environment, free_port
from opencti_testbed.trial import Trial

_DATA = Path("/var/lib/opencti-connector")
# As the compose files have it, but for the network: the platform listens on this machine only.
_AS_DEPLOYED = (
    "--rm --network host --read-only --tmpfs /tmp --cap-drop ALL"
    " --security-opt no-new-privileges"
).split()


def has_engine() -> bool:
    """Return whether a Docker engine answers."""
    return shutil.which("docker") is not None and _docker("version").returncode == 0


class Image:
    """The image of a connector, under a tag of its own."""

    def __init__(
        self, folder: Path, *, volumes: Mapping[Path, str] | None = None
    ) -> None:
        """Bind a connector.

        Args:
            folder: the connector's folder, which is two below the root of the checkout.
            volumes: files and folders of this machine that its containers may read, and where they find them.
        """
        self.folder = folder
        self.volumes = volumes or {}
        self.tag = f"opencti/connector-{folder.name}:test"

    def build(self) -> None:
        """Build it.

        Raises:
            RuntimeError: that failed; the text is what the engine printed.
        """
        dockerfile, root = self.folder / "Dockerfile", self.folder.parents[1]
        built = _docker("build", "-t", self.tag, "-f", str(dockerfile), str(root))
        if built.returncode != 0:
            raise RuntimeError(built.stdout + built.stderr)

    def run(
        self, platform: TestbedProcess, *arguments: str, **variables: str
    ) -> "subprocess.CompletedProcess[str]":
        """Run a container to its end: without root, on a read-only system.

        Args:
            platform: what it talks to.
            arguments: of the program: `run`, `check`, ...
            variables: the connector's settings.
        """
        command = self.command(platform, arguments, variables)
        return _docker(*command[1:])

    def command(
        self,
        platform: TestbedProcess,
        arguments: tuple[str, ...],
        variables: dict[str, str],
    ) -> list[str]:
        """Return the command that runs a container."""
        settings = environment(
            self.folder,
            platform,
            {
                "CONNECTOR_DATA_PATH": str(_DATA),
                # The image's own port may be another container's: they share the network.
                "CONNECTOR_HEALTH_PORT": str(free_port()),
                **variables,
            },
            once=True,
        )
        command = ["docker", "run", *_AS_DEPLOYED]
        for here, there in self.volumes.items():
            command += ["-v", f"{here.resolve()}:{there}:ro"]
        for name, value in settings.items():
            if name.startswith(("OPENCTI_", "CONNECTOR_")) or name in variables:
                command += ["-e", f"{name}={value}"]
        return [*command, self.tag, *arguments]

    def user_id(self) -> str:
        """Return the id of the user that it runs as."""
        return _docker(
            "run", "--rm", "--entrypoint", "id", self.tag, "-u"
        ).stdout.strip()


class ImageTrial(Trial):
    """A container in the place of the program, for what takes a `Trial` and starts it."""

    def __init__(
        self, image: Image, platform: TestbedProcess, **variables: str
    ) -> None:
        """Prepare a container of an image that was built."""
        super().__init__(image.folder, platform, _DATA, **variables)
        self._image = image

    def start(self, *arguments: str, **variables: str) -> "subprocess.Popen[bytes]":
        """See `Trial.start`."""
        command = self._image.command(
            self.platform, arguments, {**self.variables, **variables}
        )
        quiet: Any = subprocess.DEVNULL
        return subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet)


def _docker(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, check=False
    )

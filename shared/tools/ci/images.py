"""Build, try and publish the images of connectors.

    python shared/tools image CONNECTOR [...] [--dry-run]
    python shared/tools image CONNECTOR [...] --mode rolling|prerelease|release [--version VERSION] [--latest]
                              --registry REGISTRY [--registry ...] [--dry-run]

Without `--mode` an image is built for this machine as `opencti/connector-<name>:local`. With it, it is then built for all
platforms with a bill of materials and its provenance, pushed to every registry and signed (`cosign`, without keys: who runs
the workflow vouches for it). Either way it is tried first: run without any configuration, on a read-only system and without
rights, it must say what is missing and end with exit code 2.

Every image knows what it is (`CONNECTOR_VERSION`, which health, metrics and traces show): the version of a release, else the mode
and the commit, such as `rolling-1f0c2a9b7d3e`.

`--dry-run` prints the commands. Exit code: 0 done, 1 something failed, 2 wrong usage.
"""

import json
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ci.projects import ROOT
from ci.usage import command_line
from ci.which import NotChosen, find_connector
from composer.manifests.manifest import read

PLATFORMS = ("linux/amd64", "linux/arm64")
SMOKE_SECONDS = 60
# Registries refuse now and then.
PUSH_PAUSES = (15, 30, 60, 120)
_LOCAL = "local"


class Failed(Exception):
    """A command failed, or the image does not do what it should."""


@dataclass(frozen=True)
class Image:
    """An image to build.

    Attributes:
        folder: The connector.
        mode: `local`, `rolling`, `prerelease` or `release`.
        version: Which release it is, or which state of the sources.
        tags: Tags that it gets in each registry.
        registries: Where it is pushed to, such as `ghcr.io/opencti-platform/opencti`.
    """

    folder: Path
    mode: str
    version: str
    tags: tuple[str, ...]
    registries: tuple[str, ...]

    @property
    def local_name(self) -> str:
        """Name under which it is built for this machine and tried."""
        return f"opencti/connector-{self.folder.name}:{_LOCAL}"

    @property
    def repositories(self) -> list[str]:
        """Where it is pushed to, one name for each registry."""
        return [
            f"{registry}/connector-{self.folder.name}" for registry in self.registries
        ]

    @property
    def metadata_file(self) -> Path:
        """Where the builder writes the digest of what it pushed."""
        return ROOT / "build" / "images" / f"{self.folder.name}.json"


def version_of(mode: str, version: str) -> str:
    """Return what an image says it is: the version of a release, else its mode and the commit."""
    if mode == "release":
        return version
    return f"{mode}-{_git('rev-parse', '--short=12', 'HEAD')}"


def tags_of(mode: str, version: str, latest: bool) -> tuple[str, ...]:
    """Return the tags of an image."""
    if mode != "release":
        return (mode,)
    return (version, "latest") if latest else (version,)


def labels(image: Image) -> dict[str, str]:
    """Return the labels of an image: those of the Open Container Initiative, and where it comes from."""
    manifest = read(image.folder)
    path = image.folder.relative_to(ROOT).as_posix()
    return {
        "org.opencontainers.image.title": str(manifest.get("title", image.folder.name)),
        "org.opencontainers.image.description": str(
            manifest.get("short_description", "")
        ),
        "org.opencontainers.image.source": str(manifest.get("source_code", "")),
        "org.opencontainers.image.revision": _git("rev-parse", "HEAD"),
        "org.opencontainers.image.created": _git("show", "-s", "--format=%cI", "HEAD"),
        "org.opencontainers.image.version": image.version,
        "org.opencontainers.image.licenses": "Apache-2.0",
        "io.opencti.connector.path": path,
        "io.opencti.connector.build.mode": image.mode,
    }


def local_build(image: Image) -> list[str]:
    """Return the command that builds an image for this machine."""
    command = ["docker", "build", "--tag", image.local_name, *_common(image)]
    return [*command, str(ROOT)]


def published_build(image: Image) -> list[str]:
    """Return the command that builds an image for all platforms and pushes it."""
    names = [f"{name}:{tag}" for name in image.repositories for tag in image.tags]
    cache = f"{image.registries[0]}/cache/connector-{image.folder.name}:buildcache"
    return [
        *("docker", "buildx", "build", "--push", "--platform", ",".join(PLATFORMS)),
        *("--sbom=true", "--provenance=mode=max"),
        *("--metadata-file", str(image.metadata_file)),
        *("--cache-from", f"type=registry,ref={cache}"),
        *("--cache-to", f"type=registry,ref={cache},mode=max,ignore-error=true"),
        *(part for name in names for part in ("--tag", name)),
        *_common(image),
        str(ROOT),
    ]


def smoke_run(image: Image) -> list[str]:
    """Return the command that runs an image without any configuration."""
    return [
        *("docker", "run", "--rm", "--network", "none"),
        *("--read-only", "--tmpfs", "/tmp"),
        *("--cap-drop", "ALL", "--security-opt", "no-new-privileges", image.local_name),
    ]


def signature(repository: str, digest: str) -> list[str]:
    """Return the command that signs what was pushed."""
    return ["cosign", "sign", "--yes", f"{repository}@{digest}"]


def _common(image: Image) -> list[str]:
    dockerfile = (image.folder / "Dockerfile").relative_to(ROOT).as_posix()
    marks = [("--label", f"{name}={value}") for name, value in labels(image).items()]
    version = f"CONNECTOR_VERSION={image.version}"
    return [
        *("--file", dockerfile, "--build-arg", version),
        *(part for mark in marks for part in mark),
    ]


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    ).stdout.strip()


def make(image: Image, dry_run: bool) -> None:
    """Build, try and, unless it is for this machine only, publish an image.

    Raises:
        Failed: A command failed, or the image does not do what it should.
    """
    _run(local_build(image), dry_run)
    smoke(image, dry_run)
    if image.mode == _LOCAL:
        return
    image.metadata_file.parent.mkdir(parents=True, exist_ok=True)
    _run(published_build(image), dry_run, pauses=PUSH_PAUSES)
    digest = "sha256:…"
    if not dry_run:
        metadata = json.loads(image.metadata_file.read_text(encoding="utf-8"))
        digest = metadata["containerimage.digest"]
    for repository in image.repositories:
        _run(signature(repository, digest), dry_run)
        print(f"{repository}@{digest}")


def smoke(image: Image, dry_run: bool) -> None:
    """Run an image without configuration and see that it says so.

    Raises:
        Failed: It does not.
    """
    command = smoke_run(image)
    _show(command)
    if dry_run:
        return
    try:
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SMOKE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Failed(
            f"without configuration it runs on after {SMOKE_SECONDS} s"
        ) from error
    if done.returncode != 2 or "OPENCTI_URL" not in done.stdout:
        raise Failed(
            f"without configuration it ends with code {done.returncode}, not with 2 and OPENCTI_URL:\n{done.stdout}"
        )


def _run(command: Sequence[str], dry_run: bool, pauses: Sequence[int] = ()) -> None:
    _show(command)
    for pause in () if dry_run else (*pauses, None):
        code = subprocess.run(command, cwd=ROOT, check=False).returncode
        if code == 0:
            return
        if pause is None:
            raise Failed(f"{shlex.join(command[:3])} ended with code {code}")
        print(f"It ended with code {code}; again in {pause} s", flush=True)
        time.sleep(pause)


def _show(command: Sequence[str]) -> None:
    print(f"+ {shlex.join(command)}", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as a program; see the module's description."""
    parser = command_line("image", __doc__)
    parser.add_argument("connectors", nargs="+", metavar="CONNECTOR")
    modes = (_LOCAL, "rolling", "prerelease", "release")
    parser.add_argument("--mode", choices=modes, default=_LOCAL)
    parser.add_argument("--version", default="")
    parser.add_argument("--latest", action="store_true")
    parser.add_argument("--registry", action="append", default=[], metavar="REGISTRY")
    parser.add_argument("--dry-run", action="store_true")
    options = parser.parse_args(arguments)
    if options.mode == "release" and not options.version:
        parser.error("--mode release needs --version")
    if options.mode != _LOCAL and not options.registry:
        parser.error(f"--mode {options.mode} needs --registry")
    code = 0
    for name in options.connectors:
        try:
            image = Image(
                find_connector(name),
                options.mode,
                version_of(options.mode, options.version),
                tags_of(options.mode, options.version, options.latest),
                tuple(registry.lower() for registry in options.registry),
            )
            make(image, options.dry_run)
        except (Failed, NotChosen) as error:
            print(f"{name}: {error}", file=sys.stderr)
            code = 1
    return code

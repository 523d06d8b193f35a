"""Releases of connectors: versions, notes, files; images: how they are built, tried and published."""

import json
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
import yaml
from ci.images import PLATFORMS
from ci.notes import release_notes
from ci.projects import connectors
from ci.versions import (
    BadTag,
    Release,
    Version,
    is_latest,
    next_version,
    previous,
    released,
)
from composer.manifests.manifest import read
from support import ROOT, TOOLS, Tool, git, recorder

FEED = "external-import/feed"


@pytest.mark.parametrize("text", ["7.261121.0", "7.261121.12", "7.261121.0-lts.3"])
def test_a_version_reads_as_it_is_written(text: str) -> None:
    assert str(Version.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    ["7", "7.261121", "7.261321.0", "7.261100.0", "v7.261121.0", "7.261121.0-rc.1", ""],
)
def test_other_texts_are_no_version(text: str) -> None:
    with pytest.raises(BadTag):
        Version.parse(text)


def test_versions_have_an_order() -> None:
    texts = [
        "6.270101.0",
        "7.261121.2",
        "7.261121.2-lts.1",
        "7.261121.10",
        "7.270101.0",
    ]
    assert [str(v) for v in sorted(map(Version.parse, reversed(texts)))] == texts


@pytest.fixture(name="repository")
def fixture_repository(tmp_path: Path) -> Path:
    """A repository with a connector that was released twice, and once more from an old line."""
    root = tmp_path / "repository"
    (root / FEED / "src").mkdir(parents=True)
    (root / "stream/other").mkdir(parents=True)
    (root / "connectors-sdk/connectors_sdk").mkdir(parents=True)
    git(root, "init", "-q", "-b", "main")
    write(
        root,
        f"{FEED}/src/requirements.txt",
        "connectors-sdk==0.1.0\n",
        "feat(feed): begin",
    )
    git(root, "tag", "feed/7.260101.0")
    write(root, f"{FEED}/src/a.py", "1", "fix(feed): repair the first")
    git(root, "tag", "feed/7.260201.0")
    git(root, "tag", "feed/7.260101.0-lts.1")
    git(root, "tag", "feed/unrelated")
    git(root, "tag", "feeder/7.990101.0")
    return root


def write(root: Path, path: str, text: str, subject: str) -> None:
    (root / path).write_text(text)
    git(root, "add", path)
    git(root, "commit", "-q", "-m", subject)


def test_releases_are_what_tags_say(repository: Path) -> None:
    assert list(map(str, released("feed", repository))) == [
        "7.260101.0",
        "7.260101.0-lts.1",
        "7.260201.0",
    ]
    assert released("nothing", repository) == []


def test_the_next_release(repository: Path) -> None:
    today = date(2026, 2, 1)
    assert str(next_version("feed", 7, today, repository)) == "7.260201.1"
    assert str(next_version("feed", 8, today, repository)) == "8.260201.0"
    assert str(next_version("other", 7, today, repository)) == "7.260201.0"


@pytest.mark.parametrize(
    ("tag", "before", "latest"),
    [
        ("feed/7.260101.0", None, False),
        ("feed/7.260201.0", "7.260101.0", True),
        ("feed/7.260301.0", "7.260201.0", True),
        ("feed/7.260101.1", "7.260101.0", False),
        ("feed/7.260101.0-lts.2", "7.260101.0-lts.1", False),
        ("feed/7.260201.0-lts.1", "7.260201.0", False),
        ("other/7.260101.0", None, True),
    ],
)
def test_the_release_before(
    tag: str, before: str | None, latest: bool, repository: Path
) -> None:
    release = Release.of_tag(tag, repository)
    found = previous(release, repository)
    assert (str(found) if found else None) == before
    assert is_latest(release, repository) == latest
    assert release.tag == tag


@pytest.mark.parametrize(
    ("tag", "reason"),
    [
        ("gone/7.260101.0", "there is no connector gone"),
        ("/7.260101.0", "there is no connector"),
        ("feed", "is no version"),
        ("feed/latest", "is no version"),
    ],
)
def test_other_tags_are_refused(tag: str, reason: str, repository: Path) -> None:
    with pytest.raises(BadTag, match=reason):
        Release.of_tag(tag, repository)


def test_a_name_that_two_connectors_have_is_refused(repository: Path) -> None:
    (repository / "stream/feed").mkdir()
    with pytest.raises(BadTag, match="external-import/feed and stream/feed"):
        Release.of_tag("feed/7.260101.0", repository)


def test_notes_are_the_commits_that_matter(repository: Path) -> None:
    write(repository, f"{FEED}/src/a.py", "2", "feat(feed): read pages")
    write(repository, f"{FEED}/src/b.py", "2", "fix: keep | the `marking`")
    write(repository, f"{FEED}/src/c.py", "2", "feat(feed)!: another name for the key")
    write(repository, f"{FEED}/src/d.py", "2", "chore(feed): tidy up")
    write(repository, f"{FEED}/src/e.py", "2", "Feed: as people write")
    write(repository, f"{FEED}/src/e.py", "3", "Feed: as people write")
    write(repository, "stream/other/a.py", "2", "feat(other): nothing of ours")
    sdk = "connectors-sdk/connectors_sdk/x.py"
    write(repository, sdk, "2", "fix(sdk): wait longer")
    notes = release_notes(Release.of_tag("feed/7.260301.0", repository), repository)
    assert notes == textwrap.dedent("""\
        # feed 7.260301.0

        Changes since 7.260201.0.

        ## Breaking changes

        - another name for the key

        ## New

        - read pages

        ## Repaired

        - keep | the `marking`

        ## Other changes

        - Feed: as people write

        ## In the SDK

        ### Repaired

        - wait longer
        """)


def test_notes_of_a_release_without_news(repository: Path) -> None:
    write(repository, f"{FEED}/src/a.py", "2", "test(feed): more")
    notes = release_notes(Release.of_tag("feed/7.260301.0", repository), repository)
    assert notes.endswith("Nothing that is seen.\n")


def test_the_files_of_a_release(tool: Tool, tmp_path: Path) -> None:
    output = tmp_path / "release"
    done = tool("release", "prepare", "mitre/7.261121.3", "--output", output)
    assert done.returncode == 0, done.stderr
    lines = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert lines["folder"] == "external-import/mitre"
    assert lines["version"] == "7.261121.3"
    assert lines["output"] == str(output)
    assert {path.name for path in output.iterdir()} == {
        "CONNECTOR_CONFIG_DOC.md",
        "connector_config_schema.json",
        "connector_manifest.json",
        "docker-compose.yml",
        "manifest_fragment.json",
        "notes.md",
        "requirements.lock.txt",
    }
    fragment = json.loads((output / "manifest_fragment.json").read_text("utf-8"))
    assert fragment["id"] == "mitre-7.261121.3"
    manifest = json.loads((output / "connector_manifest.json").read_text("utf-8"))
    assert manifest["container_version"] == "7.261121.3"
    compose = yaml.safe_load((output / "docker-compose.yml").read_text("utf-8"))
    service = compose["services"]["connector-mitre"]
    assert service["image"] == "opencti/connector-mitre:7.261121.3"
    assert "build" not in service and "environment" in service
    assert "--hash=sha256:" in (output / "requirements.lock.txt").read_text("utf-8")


def test_a_connector_with_a_lock_of_its_own(tool: Tool, tmp_path: Path) -> None:
    tag = "elastic-security-intel/7.261121.0"
    done = tool("release", "prepare", tag, "--output", tmp_path / "release")
    assert done.returncode == 0, done.stderr
    lock = (tmp_path / "release" / "requirements.lock.txt").read_text("utf-8")
    assert "elasticsearch==" in lock and "pydantic==" in lock


@pytest.mark.parametrize(
    "tag", ["nothing/7.261121.0", "mitre/1", "mitre/7.261121.0; id"]
)
def test_what_cannot_be_released_is_told(tag: str, tool: Tool, tmp_path: Path) -> None:
    done = tool("release", "prepare", tag, "--output", tmp_path / "x")
    assert done.returncode == 1
    assert tag.partition("/")[0] in done.stderr or "no version" in done.stderr
    assert not (tmp_path / "x").exists()


def test_the_next_tag_is_told(tool: Tool) -> None:
    done = tool("release", "next", "mitre")
    assert done.returncode == 0
    release = Release.of_tag(done.stdout.strip())
    assert release.folder == ROOT / "external-import" / "mitre"


def option(command: list[str], name: str) -> list[str]:
    """Return the values of an option."""
    return [
        value for key, value in zip(command, command[1:], strict=False) if key == name
    ]


def image(
    tool: Tool, *arguments: str, path: str = ""
) -> subprocess.CompletedProcess[str]:
    return tool("image", "mitre", *arguments, **({"PATH": path} if path else {}))


@pytest.fixture(name="metadata")
def fixture_metadata() -> Iterator[None]:
    """What the builder would have written of the image that it pushed."""
    file = ROOT / "build" / "images" / "mitre.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        json.dumps({"containerimage.digest": "sha256:abc"}), encoding="utf-8"
    )
    yield
    file.unlink()


def programs(folder: Path, smoke: str) -> str:
    """Put a `docker` and a `cosign` that write down their calls in the way; `docker run` does as it is told."""
    path, _ = recorder(folder, "docker", "cosign")
    docker = folder / "programs" / "docker"
    text = docker.read_text(encoding="utf-8").replace(
        "sys.exit(0)", f"if sys.argv[1] == 'run':\n    {smoke}\nsys.exit(0)"
    )
    docker.write_text(text, encoding="utf-8")
    return path


def calls(folder: Path) -> list[list[str]]:
    lines = (folder / "calls").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


GOOD_START = "print('OPENCTI_URL is missing'); sys.exit(2)"


def test_an_image_for_this_machine_is_built_and_tried(
    tool: Tool, tmp_path: Path
) -> None:
    done = image(tool, path=programs(tmp_path, GOOD_START))
    assert done.returncode == 0, done.stdout + done.stderr
    build, run = calls(tmp_path)
    assert build[:2] == ["docker", "build"]
    assert option(build, "--file") == ["external-import/mitre/Dockerfile"]
    assert option(build, "--tag") == ["opencti/connector-mitre:local"]
    assert run[:2] == ["docker", "run"]
    assert {"--read-only", "--rm"} <= set(run)
    assert option(run, "--network") == ["none"]
    version = f"local-{git(ROOT, 'rev-parse', '--short=12', 'HEAD').strip()}"
    assert option(build, "--build-arg") == [f"CONNECTOR_VERSION={version}"]
    labels = dict(label.split("=", 1) for label in option(build, "--label"))
    assert labels["org.opencontainers.image.version"] == version
    assert labels["org.opencontainers.image.title"] == "MITRE ATT&CK"
    assert (
        labels["org.opencontainers.image.revision"]
        == git(ROOT, "rev-parse", "HEAD").strip()
    )
    assert labels["io.opencti.connector.path"] == "external-import/mitre"


@pytest.mark.parametrize(
    "start",
    ["sys.exit(0)", "print('OPENCTI_URL'); sys.exit(1)", "print('boom'); sys.exit(2)"],
)
def test_an_image_that_does_not_say_what_is_missing_is_not_published(
    start: str, tool: Tool, tmp_path: Path
) -> None:
    registry = ("--mode", "rolling", "--registry", "registry.example/a")
    done = image(tool, *registry, path=programs(tmp_path, start))
    assert done.returncode == 1
    assert "without configuration it ends with code" in done.stderr
    assert [call[1] for call in calls(tmp_path)] == ["build", "run"]


@pytest.mark.parametrize(
    ("arguments", "tags"),
    [
        (["--mode", "rolling"], ["rolling"]),
        (["--mode", "prerelease"], ["prerelease"]),
        (["--mode", "release", "--version", "7.261121.0"], ["7.261121.0"]),
        (
            ["--mode", "release", "--version", "7.261121.0", "--latest"],
            ["7.261121.0", "latest"],
        ),
    ],
)
def test_a_published_image(
    arguments: list[str], tags: list[str], tool: Tool, tmp_path: Path, metadata: None
) -> None:
    registries = [
        "--registry",
        "registry.example/Owner",
        "--registry",
        "other.example/o",
    ]
    done = image(tool, *arguments, *registries, path=programs(tmp_path, GOOD_START))
    assert done.returncode == 0, done.stdout + done.stderr
    build, _, push, *signatures = calls(tmp_path)
    commit = git(ROOT, "rev-parse", "--short=12", "HEAD").strip()
    version = tags[0] if "release" in arguments else f"{tags[0]}-{commit}"
    # What was tried is what is published.
    for command in (build, push):
        assert option(command, "--build-arg") == [f"CONNECTOR_VERSION={version}"]
    assert push[:3] == ["docker", "buildx", "build"]
    assert {"--push", "--sbom=true", "--provenance=mode=max"} <= set(push)
    assert option(push, "--platform") == [",".join(PLATFORMS)]
    names = [
        "registry.example/owner/connector-mitre",
        "other.example/o/connector-mitre",
    ]
    assert option(push, "--tag") == [f"{name}:{tag}" for name in names for tag in tags]
    assert signatures == [
        ["cosign", "sign", "--yes", f"{name}@sha256:abc"] for name in names
    ]


def test_a_dry_run_runs_nothing(tool: Tool, tmp_path: Path) -> None:
    path = programs(tmp_path, GOOD_START)
    done = image(
        tool, "--mode", "rolling", "--registry", "r.example", "--dry-run", path=path
    )
    assert done.returncode == 0
    assert "+ docker buildx build --push" in done.stdout
    assert "+ cosign sign" in done.stdout
    assert not (tmp_path / "calls").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--mode", "release", "--registry", "r.example"],
        ["--mode", "rolling"],
        ["--mode", "x"],
    ],
)
def test_wrong_usage_is_told(arguments: list[str], tool: Tool) -> None:
    assert image(tool, *arguments).returncode == 2


def test_of_several_connectors_each_is_made_though_one_fails(
    tool: Tool, tmp_path: Path
) -> None:
    path = programs(tmp_path, GOOD_START)
    done = tool("image", "nothing", "mitre", PATH=path)
    assert done.returncode == 1
    assert "There is no folder nothing." in done.stderr
    assert [call[1] for call in calls(tmp_path)] == ["build", "run"]


def has_engine() -> bool:
    if shutil.which("docker") is None:
        return False
    return (
        subprocess.run(
            ["docker", "version"], capture_output=True, check=False
        ).returncode
        == 0
    )


MAIN = """
import os, sys
missing = [name for name in ("OPENCTI_URL", "OPENCTI_TOKEN") if name not in os.environ]
print("missing:", *missing)
sys.exit({code})
"""


@pytest.mark.container
@pytest.mark.skipif(not has_engine(), reason="no Docker engine answers")
@pytest.mark.parametrize(("code", "expected"), [(2, 0), (0, 1)])
def test_a_real_image_is_built_and_tried(
    code: int, expected: int, tmp_path: Path
) -> None:
    shutil.copytree(TOOLS / "ci", tmp_path / "shared/tools/ci")
    shutil.copytree(TOOLS / "composer", tmp_path / "shared/tools/composer")
    shutil.copy(TOOLS / "__main__.py", tmp_path / "shared/tools")
    folder = tmp_path / "stream" / "tiny-for-tests"
    (folder / "src").mkdir(parents=True)
    (folder / "src/main.py").write_text(MAIN.replace("{code}", str(code)))
    (folder / "Dockerfile").write_text(
        "FROM python:3.12-alpine\nCOPY stream/tiny-for-tests/src /opt/tiny\nUSER 10001\n"
        "ARG CONNECTOR_VERSION=rolling\nENV CONNECTOR_VERSION=$CONNECTOR_VERSION\n"
        'ENTRYPOINT ["python3", "/opt/tiny/main.py"]\n'
    )
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "first")
    done = subprocess.run(
        [sys.executable, "shared/tools", "image", "tiny-for-tests"],
        cwd=tmp_path,
        env={**os.environ, "DOCKER_BUILDKIT": os.environ.get("DOCKER_BUILDKIT", "1")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == expected, done.stdout + done.stderr
    inspected = subprocess.run(
        ["docker", "inspect", "opencti/connector-tiny-for-tests:local"],
        capture_output=True,
        text=True,
        check=True,
    )
    config = json.loads(inspected.stdout)[0]["Config"]
    assert config["Labels"]["io.opencti.connector.path"] == "stream/tiny-for-tests"
    commit = git(tmp_path, "rev-parse", "--short=12", "HEAD").strip()
    assert f"CONNECTOR_VERSION=local-{commit}" in config["Env"]


@pytest.mark.parametrize(
    "dockerfile",
    [
        *sorted(ROOT.glob("templates/*/Dockerfile")),
        *(folder / "Dockerfile" for folder in connectors()),
    ],
    ids=lambda path: path.parent.relative_to(ROOT).as_posix(),
)
def test_every_image_takes_the_version_that_it_is_given(dockerfile: Path) -> None:
    lines = dockerfile.read_text(encoding="utf-8").splitlines()
    # Without one it is what its manifest says.
    manifest = read(dockerfile.parent)
    given = lines.index(f"ARG CONNECTOR_VERSION={manifest['container_version']}")
    assert lines[given + 1] == "ENV CONNECTOR_VERSION=$CONNECTOR_VERSION"
    # It belongs to the stage that is shipped, and no layer comes after it.
    after = {line.split()[0] for line in lines[given + 2 :]}
    assert after == {"HEALTHCHECK", "ENTRYPOINT"}

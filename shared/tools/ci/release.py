"""Prepare the release of one connector.

    python shared/tools release next CONNECTOR
    python shared/tools release prepare TAG [--output FOLDER]

`next` prints the tag of the connector's next release. `prepare` checks the manifest and writes what belongs to the release that a
tag names: notes, manifest, manifest fragment, schema of the settings and its description, the pinned dependencies, a docker-compose.yml
for this very version. It prints `name=value` lines for the steps after it: `connector`, `folder`, `version`, `latest` (whether
the image is also the latest one), `title`, `output`.

Exit code: 0 done, 1 the connector or the tag is not fit for a release, 2 wrong usage.
"""

import json
import re
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from ci.notes import release_notes
from ci.projects import ROOT
from ci.requirements import package_name, project_dependencies
from ci.usage import command_line
from ci.versions import BadTag, Release, is_latest, next_version
from ci.which import NotChosen, find_connector
from composer.manifests import rules
from composer.manifests.fragment import BadFragment, fragment
from composer.manifests.manifest import CONFIG_SCHEMA, UnreadableManifest, as_json, read

LOCK = ROOT / "connectors-sdk" / "requirements.txt"


class NotReady(Exception):
    """A connector cannot be released as it is; the text says why."""


def platform_major(root: Path = ROOT) -> int:
    """Return the major version of the platform that the SDK is made for: that of its client, pycti."""
    for line in project_dependencies(root / "connectors-sdk" / "pyproject.toml"):
        match = re.search(r"(\d+)\.", line)
        if package_name(line) == "pycti" and match:
            return int(match[1])
    raise NotReady("connectors-sdk/pyproject.toml does not ask for pycti")


def prepare(release: Release, output: Path) -> None:
    """Write the files of a release.

    Raises:
        NotReady: Something that belongs to it is missing or wrong.
    """
    folder, version = release.folder, str(release.version)
    try:
        manifest = read(folder)
        problems = [str(p) for p in rules.check(folder, manifest) if p.is_error]
        if problems:
            raise NotReady("; ".join(problems))
        schema = json.loads((folder / CONFIG_SCHEMA).read_text(encoding="utf-8"))
        made = fragment(folder, manifest, version, schema)
        compose = (folder / "docker-compose.yml").read_text(encoding="utf-8")
    except (OSError, ValueError, UnreadableManifest, BadFragment) as error:
        raise NotReady(str(error)) from error
    image = manifest["container_image"]
    # Who has this file has no sources to build from.
    compose = re.sub(r"^( +)build:\n(?:\1 +.*\n)+", "", compose, flags=re.M)
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    texts = {
        "notes.md": release_notes(release),
        "connector_manifest.json": as_json(manifest | {"container_version": version}),
        "manifest_fragment.json": as_json(made),
        "docker-compose.yml": re.sub(
            rf"({re.escape(image)}):\S+", rf"\1:{version}", compose
        ),
    }
    for name, text in texts.items():
        (output / name).write_text(text, encoding="utf-8")
    for path in (
        folder / CONFIG_SCHEMA,
        folder / "__metadata__" / "CONNECTOR_CONFIG_DOC.md",
    ):
        shutil.copy(path, output)
    own = folder / "requirements.txt"
    shutil.copy(own if own.is_file() else LOCK, output / "requirements.lock.txt")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as a program; see the module's description."""
    parser = command_line("release", __doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    following = actions.add_parser("next")
    following.add_argument("connector")
    preparing = actions.add_parser("prepare")
    preparing.add_argument("tag")
    preparing.add_argument("--output", type=Path, metavar="FOLDER")
    options = parser.parse_args(arguments)
    try:
        if options.action == "next":
            name = find_connector(options.connector).name
            print(
                f"{name}/{next_version(name, platform_major(), datetime.now(UTC).date())}"
            )
            return 0
        release = Release.of_tag(options.tag)
        name, version = release.folder.name, release.version
        output = options.output or ROOT / "build" / "release" / f"{name}-{version}"
        prepare(release, output)
    except (BadTag, NotReady, NotChosen) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"connector={name}")
    print(f"folder={release.folder.relative_to(ROOT).as_posix()}")
    print(f"version={version}")
    print(f"latest={str(is_latest(release)).lower()}")
    print(f"title={read(release.folder)['title']} {version}")
    print(f"output={output}")
    return 0

"""VC2: the manifest."""

import json
from collections.abc import Iterator

from connector_linter.connector import Connector
from connector_linter.model import Problem, Severity, check

_PATH = "__metadata__/connector_manifest.json"
_LONGEST = 250


def _manifest(**changed: object) -> str:
    content = {
        "title": "Sample",
        "slug": "sample",
        "short_description": "Imports samples.",
        "license_type": "Free",
        "container_version": "rolling",
        "container_image": "opencti/connector-sample",
        "container_type": "EXTERNAL_IMPORT",
    }
    return json.dumps({**content, **changed}, indent=2) + "\n"


def _line_of(connector: Connector, key: str) -> int:
    for number, line in enumerate(connector.lines(_PATH), start=1):
        if line.strip().startswith(f'"{key}"'):
            return number
    return 0


@check(
    "VC202",
    "manifest-container-image",
    Severity.ERROR,
    what="The manifest names the image `opencti/connector-<folder>` and the version `rolling`.",
    why="Build and catalogue find the image by the folder's name.",
    fix='Write `"container_image": "opencti/connector-<folder>"` and `"container_version": "rolling"`.',
    bad={_PATH: _manifest(container_image="acme/sample")},
    good={_PATH: _manifest()},
)
def manifest_container_image(connector: Connector) -> Iterator[Problem]:
    """Report a missing manifest, another image, another version."""
    manifest = connector.manifest
    if manifest is None:
        there = connector.text(_PATH) is not None
        yield Problem(
            "is no JSON object" if there else f"there is no {_PATH}",
            _PATH if there else "",
        )
        return
    wanted = {
        "container_image": f"opencti/connector-{connector.name}",
        "container_version": "rolling",
    }
    for key, value in wanted.items():
        if manifest.get(key) != value:
            yield Problem(
                f"{key} is {manifest.get(key)!r}, not {value!r}",
                _PATH,
                _line_of(connector, key),
            )


@check(
    "VC203",
    "manifest-short-description-length",
    Severity.ERROR,
    what=f"The manifest has a `short_description` of 1 to {_LONGEST} characters.",
    why="The catalogue shows it on a card of fixed size.",
    fix=f"Say in one sentence of at most {_LONGEST} characters what the connector does.",
    bad={_PATH: _manifest(short_description="")},
    good={_PATH: _manifest()},
)
def manifest_short_description_length(connector: Connector) -> Iterator[Problem]:
    """Report a missing, empty or long short description."""
    if connector.manifest is None:
        return
    description = connector.manifest.get("short_description")
    if (
        not isinstance(description, str)
        or not 1 <= len(description.strip()) <= _LONGEST
    ):
        length = len(description) if isinstance(description, str) else "none"
        yield Problem(
            f"short_description has {length} characters, not 1 to {_LONGEST}",
            _PATH,
            _line_of(connector, "short_description"),
        )

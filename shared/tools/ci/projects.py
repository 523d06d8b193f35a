"""Where the repository keeps its Python projects.

A project is a folder with tests of its own: the SDK, the testbed, the tools, every connector.
"""

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

CONNECTOR_FOLDERS = (
    "external-import",
    "internal-enrichment",
    "stream",
    "internal-import-file",
    "internal-export-file",
)
TYPED_PACKAGES = (
    "connectors-sdk/connectors_sdk",
    "shared/testbed/opencti_testbed",
    "shared/tools",
    "shared/pylint_plugins",
)
# Folders that tools import their own modules from.
SOURCE_ROOTS = (
    "shared/tools",
    "shared/tools/connector_linter",
    "shared/pylint_plugins/check_stix_plugin",
)


def connectors(root: Path = ROOT) -> Iterator[Path]:
    """Yield the folder of every connector, in the order of the five types.

    A connector's folder is one that has `src/main.py`.
    """
    for folder in CONNECTOR_FOLDERS:
        for main in sorted((root / folder).glob("*/src/main.py")):
            yield main.parents[1]


def tested_projects(root: Path = ROOT) -> list[Path]:
    """Return the folder of every project that has a `tests` folder, libraries first."""
    candidates = [
        root / "connectors-sdk",
        root / "shared" / "testbed",
        root / "shared" / "tools",
        root / "shared" / "tools" / "connector_linter",
        root / "shared" / "pylint_plugins" / "check_stix_plugin",
        root / "templates",
        *connectors(root),
    ]
    return [folder for folder in candidates if (folder / "tests").is_dir()]

"""The tables of connectors: in the README of the repository, and in that of each type's folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ci.projects import CONNECTOR_FOLDERS
from composer.outputs.marked import with_block
from composer.outputs.values import cell, table


def pages(manifests: Mapping[Path, dict[str, Any]], root: Path) -> dict[Path, str]:
    """Return the pages with tables of connectors as they should be, those that are not there left out.

    Args:
        manifests: The manifests of all connectors by folder.
        root: The repository.
    """
    wanted = {
        root / "README.md": _table(manifests, root),
        **{
            root
            / kind
            / "README.md": _table(
                {f: m for f, m in manifests.items() if f.parent.name == kind},
                root / kind,
            )
            for kind in CONNECTOR_FOLDERS
        },
    }
    return {
        page: with_block(
            page.read_text(encoding="utf-8"), "connectors", "the manifests", content
        )
        for page, content in wanted.items()
        if page.is_file()
    }


def _table(manifests: Mapping[Path, dict[str, Any]], base: Path) -> str:
    """Return a table of connectors, with their type when it is not that of all of them."""
    ordered = sorted(manifests.items(), key=lambda one: str(one[1]["title"]).casefold())
    if not ordered:
        return "None is here yet.\n"
    rows = []
    for folder, manifest in ordered:
        path = folder.relative_to(base)
        link = f"[{cell(str(manifest['title']))}]({path.as_posix()}/README.md)"
        kind = [folder.parent.name.replace("-", " ")] if path.parent.name else []
        rows.append([link, *kind, cell(str(manifest["short_description"]))])
    kinds = ["type"] if len(rows[0]) > 2 else []
    return table(["connector", *kinds, "what it does"], rows)

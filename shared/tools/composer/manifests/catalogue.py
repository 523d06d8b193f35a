"""The manifests of all connectors in one file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from composer.manifests import logo, manifest


def catalogue(manifests: Mapping[Path, dict[str, Any]], embed: bool) -> dict[str, Any]:
    """Return the catalogue.

    Args:
        manifests: The manifests of all connectors by folder.
        embed: True for the form that the platform expects: logos as data URLs, the schemas of the settings inside. Else
            both are paths from the root of the repository, so that the file is small and changes only with the manifests.
    """
    ordered = sorted(
        manifests.items(), key=lambda item: (str(item[1].get("slug")), item[0])
    )
    contracts = [
        _embedded(folder, content) if embed else _referring(folder, content)
        for folder, content in ordered
    ]
    return {
        "id": "filigran-catalog-id",
        "name": "OpenCTI Connectors contracts",
        "description": "",
        "version": "rolling",
        "contracts": contracts,
    }


def _referring(folder: Path, content: dict[str, Any]) -> dict[str, Any]:
    path = folder / manifest.CONFIG_SCHEMA
    if not path.is_file():
        return content
    return content | {
        "config_schema": {"$ref": path.relative_to(folder.parents[1]).as_posix()}
    }


def _embedded(folder: Path, content: dict[str, Any]) -> dict[str, Any]:
    path = content.get("logo")
    image = folder.parents[1] / path if path else None
    result = content | {"logo": logo.data_url(image)}
    schema = manifest.config_schema(folder)
    return result | {"config_schema": schema} if schema is not None else result

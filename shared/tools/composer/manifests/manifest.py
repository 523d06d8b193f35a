"""The manifest of one connector: `__metadata__/connector_manifest.json`."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

FILE = "__metadata__/connector_manifest.json"
CONFIG_SCHEMA = "__metadata__/connector_config_schema.json"
SOURCES = "https://github.com/OpenCTI-Platform/connectors/tree/master"
TYPES = {
    "external-import": "EXTERNAL_IMPORT",
    "internal-enrichment": "INTERNAL_ENRICHMENT",
    "internal-export-file": "INTERNAL_EXPORT_FILE",
    "internal-import-file": "INTERNAL_IMPORT_FILE",
    "stream": "STREAM",
}
TEMPLATES = "templates"
SHORT_DESCRIPTION_LENGTH = 250
_SCHEMA = Path(__file__).with_name("connector_manifest.schema.json")
# Lines of a README that are no prose.
_NO_PROSE = ("#", "|", "-", "*", ">", "<", "!", "[", "```", "=", "1.")


class UnreadableManifest(Exception):
    """A manifest is no JSON object; the text says what it is."""


def type_and_name(folder: Path) -> tuple[str | None, str]:
    """Return a connector's type by its folder (None when that says nothing), and what its image is called.

    A template stands for all connectors of the type that its folder is named after; its own name is `template`.
    """
    if folder.parent.name == TEMPLATES:
        return TYPES.get(folder.name), "template"
    return TYPES.get(folder.parent.name), folder.name


@cache
def schema() -> dict[str, Any]:
    """Return the JSON schema that manifests keep to; its order is the order of a manifest's fields."""
    found: dict[str, Any] = json.loads(_SCHEMA.read_text(encoding="utf-8"))
    return found


def read(folder: Path) -> dict[str, Any]:
    """Return a connector's manifest, empty when there is none.

    Raises:
        UnreadableManifest: The file is no JSON object.
    """
    path = folder / FILE
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, UnicodeDecodeError) as error:
        raise UnreadableManifest(f"{FILE} is no JSON: {error}") from error
    if not isinstance(content, dict):
        raise UnreadableManifest(f"{FILE} is no JSON object")
    return content


def complete(folder: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    """Return a manifest with what is missing filled in from the connector's folder, fields in the usual order.

    Args:
        folder: The connector, in the folder of its type.
        manifest: What is there already; it stays as it is, unknown fields at the end.
    """
    kind, name = type_and_name(folder)
    title, prose = _read_readme(folder, name)
    defaults: dict[str, Any] = {
        "title": title,
        "slug": re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-"),
        "description": prose,
        "short_description": _shortened(prose),
        "logo": _logo(folder),
        "use_cases": ["Other"],
        "solution_categories": ["Other"],
        "license_type": None,
        "contact": None,
        "verified": False,
        "last_verified_date": None,
        "playbook_supported": False,
        "max_confidence_level": 50,
        "support_version": ">=6.8.0",
        "subscription_link": None,
        "source_code": f"{SOURCES}/{folder.parent.name}/{folder.name}",
        "manager_supported": False,
        "container_version": "rolling",
        "container_image": f"opencti/connector-{name}",
        "container_type": kind,
    }
    result = {key: manifest.get(key, defaults[key]) for key in schema()["properties"]}
    if result["logo"] is None:
        result["logo"] = defaults["logo"]
    return result | {key: manifest[key] for key in manifest if key not in result}


def as_json(content: dict[str, Any]) -> str:
    """Return a manifest as its file has it."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def config_schema(folder: Path) -> dict[str, Any] | None:
    """Return the JSON schema of a connector's settings, None when it has none."""
    path = folder / CONFIG_SCHEMA
    if not path.is_file():
        return None
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _logo(folder: Path) -> str | None:
    for suffix in ("png", "jpg", "jpeg"):
        path = folder / "__metadata__" / f"logo.{suffix}"
        if path.is_file():
            return path.relative_to(folder.parents[1]).as_posix()
    return None


def _read_readme(folder: Path, name: str) -> tuple[str, str]:
    """Return a README's title and its first paragraph, as plain text; both made from the name when it has none."""
    path = folder / "README.md"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    heading = re.search(r"^# +(.+?)\s*#*$", text, re.M)
    title = _plain(heading[1]) if heading else re.sub(r"[-_]+", " ", name).title()
    prose = ""
    for paragraph in re.split(r"\n\s*\n", text):
        if paragraph.strip() and not paragraph.lstrip().startswith(_NO_PROSE):
            prose = _plain(paragraph)
            break
    return title, prose or f"{title} for OpenCTI."


def _plain(markdown: str) -> str:
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", markdown)
    return " ".join(re.sub(r"[`*]", "", text).split())


def _shortened(prose: str) -> str:
    """Return the first sentence of a text, cut at a word where that is too long."""
    sentence = re.split(r"(?<=[.!?])\s", prose, maxsplit=1)[0]
    if len(sentence) <= SHORT_DESCRIPTION_LENGTH:
        return sentence
    return sentence[: SHORT_DESCRIPTION_LENGTH - 1].rsplit(" ", 1)[0] + "…"

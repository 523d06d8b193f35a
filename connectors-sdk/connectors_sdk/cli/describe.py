"""`describe`: what this connector is."""

import argparse
import json
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import connectors_sdk
from connectors_sdk.cli.building import build_without_platform
from connectors_sdk.cli.output import say
from connectors_sdk.cli.types import Build
from connectors_sdk.connectors.exit_codes import ExitCode
from connectors_sdk.settings._identity import connector_slug
from connectors_sdk.settings.base_settings import BaseConnectorSettings
from connectors_sdk.settings.exceptions import ConfigValidationError

_MANIFEST = Path("__metadata__") / "connector_manifest.json"
_STAMP = Path(".connector_version.json")


def describe(build: Build, options: argparse.Namespace) -> int:
    """Write what the connector is.

    Raises:
        ConfigValidationError: the configuration is so wrong that not even its settings class is known.
    """
    facts = _facts(build)
    if options.json:
        say(json.dumps(facts, indent=2, ensure_ascii=False))
        return ExitCode.OK
    settings = facts.pop("settings")
    size = max(map(len, facts))
    say(*(f"{key.ljust(size)}  {_text(value)}" for key, value in facts.items()))
    say("", "settings:")
    required = set(settings.get("required") or ())
    for name, declared in settings.get("properties", {}).items():
        default = "required" if name in required else _text(declared.get("default"))
        say(f"  {name} ({default}): {declared.get('description', '')}")
    return ExitCode.OK


def _facts(build: Build) -> dict[str, Any]:
    settings_class, section = _settings(build)
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    path = Path(main).resolve() if main else None
    manifest = _manifest(path)
    slug = manifest.get("slug") or connector_slug(path, settings_class.__name__)
    return {
        "name": section.get("name") or manifest.get("title"),
        "slug": slug,
        "type": section.get("type"),
        "scope": section.get("scope"),
        "version": manifest.get("version") or manifest.get("container_version"),
        "description": manifest.get("short_description"),
        "sdk_version": connectors_sdk.__version__,
        "pycti_version": _installed("pycti"),
        "python_version": ".".join(map(str, sys.version_info[:3])),
        "settings": settings_class.config_json_schema(connector_name=slug),
    }


def _settings(build: Build) -> tuple[type[BaseConnectorSettings], dict[str, Any]]:
    """Return the settings class and what is known of its `connector` section, configured or not."""
    try:
        settings = build_without_platform(build).settings
    except ConfigValidationError as error:
        found = error.settings_class
        if found is None or not issubclass(found, BaseConnectorSettings):
            raise
        section = found.model_fields["connector"].annotation
        fields = getattr(section, "model_fields", {})
        defaults = {
            name: field.get_default(call_default_factory=True)
            for name, field in fields.items()
            if not field.is_required()
        }
        return found, defaults
    return type(settings), settings.connector.model_dump(mode="json")


def _manifest(main: Path | None) -> dict[str, Any]:
    """Read the connector's manifest, from beside its program or a folder above, and the stamp of its build."""
    found: dict[str, Any] = {}
    for folder in list(main.parents)[:3] if main else ():
        for name in (_MANIFEST, _STAMP):
            try:
                content = json.loads((folder / name).read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue
            if isinstance(content, dict):
                found = {**content, **found}
    return found


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    return json.dumps(value) if isinstance(value, bool) else str(value)

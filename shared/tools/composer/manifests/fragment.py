"""The manifest fragment of one release of a connector, for the hub that lists releases."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from composer.manifests import logo
from composer.manifests.validation import validator

_SCHEMA = Path(__file__).with_name("fragment.schema.json")


class BadFragment(Exception):
    """A fragment does not keep to its schema; the text names every field that does not."""


def fragment(
    folder: Path, content: dict[str, Any], version: str, config_schema: dict[str, Any]
) -> dict[str, Any]:
    """Return the fragment of a release.

    Args:
        folder: The connector.
        content: Its manifest.
        version: Version of the release, such as `7.261121.0` or `7.261121.0-lts.1`.
        config_schema: JSON schema of its settings.

    Raises:
        BadFragment: Something in it is not as the schema wants it.
    """
    path = content.get("logo")
    copied = (
        "title slug description short_description use_cases solution_categories verified last_verified_date"
        " source_code manager_supported"
    )
    result = {
        "id": f"{content.get('slug')}-{version}",
        **{key: content.get(key) for key in copied.split()},
        "logo": logo.data_url(folder.parents[1] / path if path else None),
        **{
            key: content.get(key) or ""
            for key in ("license_type", "contact", "subscription_link")
        },
        "min_version": str(content.get("support_version", "")).removeprefix(">="),
        "version": version,
        "image_name": content.get("container_image"),
        "image_type": content.get("container_type"),
        "platform": "OpenCTI",
        "integration_type": "connector",
        "additional_properties": {
            key: content.get(key)
            for key in ("playbook_supported", "max_confidence_level")
        },
        "config_schema": config_schema,
    }
    problems = [
        f"{'.'.join(map(str, error.path)) or 'the fragment'}: {error.message}"
        for error in validator(_schema()).iter_errors(result)
    ]
    if problems:
        raise BadFragment("; ".join(problems))
    return result


@cache
def _schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_SCHEMA.read_text(encoding="utf-8"))
    return found

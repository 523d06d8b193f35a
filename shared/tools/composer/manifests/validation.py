"""Checking against JSON schemas, without the seconds that importing jsonschema can take."""

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator


def validator(schema: dict[str, Any]) -> "Draft202012Validator":
    """Return a validator for a JSON schema (draft 2020-12) that checks formats, dates among them, too."""
    # Where it is installed, jsonschema loads a grammar for the format `iri`, which no schema of ours has: that takes longer than
    # all else that a tool does. To Python, None says that a module cannot be imported.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    from jsonschema import Draft202012Validator, FormatChecker

    return Draft202012Validator(schema, format_checker=FormatChecker())

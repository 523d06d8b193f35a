"""What is sent: frames of server-sent events, and the object in the form in which the platform tells it.

Sources: the HTML standard, section 9.2 (server-sent events); STIX 2.1 section 7.3 (extensions).
"""

import re
from collections.abc import Mapping
from typing import Any

import orjson

from opencti_testbed.stix.types import Family
from opencti_testbed.store.objects import Stored

OPENCTI_EXTENSION = "extension-definition--ea279b3e-5c71-4632-ac08-831c66a786ba"
OBSERVABLE_EXTENSION = "extension-definition--f93e2c80-4231-4f9a-af8b-95c9bd566a82"
_PREFIX = "x_opencti_"
# What an observable cannot have in STIX, and what its extension calls it.
_OF_OBSERVABLES = {
    "score": "score",
    "description": "description",
    "labels": "labels",
    "external_references": "external_references",
    "created_by_ref": "created_by_ref",
    "additional_names": "additional_names",
    "product": "product",
}
_COMPARISON = re.compile(r"([a-z][a-z0-9-]*):([\w.'-]+)\s*=\s*'((?:[^'\\]|\\['\\])*)'")


def frame(
    event: str, data: Any, position: object | None = None, retry: int | None = None
) -> bytes:
    """Return one frame; `data` is written as one line of JSON, `retry` is in milliseconds."""
    lines = []
    if retry is not None:
        lines.append(f"retry: {retry}")
    if position is not None:
        lines.append(f"id: {position}")
    lines += [f"event: {event}", f"data: {orjson.dumps(data).decode()}"]
    return ("\n".join(lines) + "\n\n").encode()


def change(
    kind: str,
    data: Mapping[str, Any],
    *,
    name: str,
    event_id: str,
    user_id: str,
    referer: str | None = None,
    context: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the body of an event about a change."""
    origin: dict[str, Any] = {"socket": "query", "user_id": user_id}
    if referer is not None:
        origin["referer"] = referer
    body: dict[str, Any] = {
        "version": "4",
        "type": kind,
        "scope": "external",
        "message": f"{kind}s {name}",
        "origin": origin,
        "data": data,
        "event_id": event_id,
    }
    if context:
        body["context"] = context
    return body


def told(
    state: Stored, user_id: str, ends: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return a STIX object as a stream tells it: with the platform's own knowledge in its extensions.

    Args:
        state: the object as it was after the change.
        user_id: who created the object.
        ends: what the platform knows of the objects that a relationship joins.
    """
    data = state.data
    own: dict[str, Any] = {
        "extension_type": "property-extension",
        "id": state.internal_id,
        "type": state.entity_type,
        "created_at": state.created_at,
        "updated_at": state.updated_at,
        "is_inferred": False,
        "creator_ids": [user_id],
        **(ends or {}),
    }
    of_observable: dict[str, Any] = {}
    for key, value in data.items():
        if key.startswith(_PREFIX):
            short = key[len(_PREFIX) :]
            if short in _OF_OBSERVABLES and state.family is Family.SCO:
                of_observable[_OF_OBSERVABLES[short]] = value
            else:
                own[short] = value
    if data.get("type") == "indicator" and data.get("pattern_type") == "stix":
        own["observable_values"] = observable_values(str(data.get("pattern", "")))
    extensions = dict(data.get("extensions") or {})
    extensions[OPENCTI_EXTENSION] = own
    if of_observable:
        of_observable["extension_type"] = "property-extension"
        extensions[OBSERVABLE_EXTENSION] = of_observable
    return {**data, "extensions": extensions}


def observable_values(pattern: str) -> list[dict[str, str]]:
    """Return what a STIX pattern compares for equality, as `{type, value}` or, for hashes, `{type, hashes}` entries."""
    values: list[dict[str, Any]] = []
    for kind, path, text in _COMPARISON.findall(pattern):
        value = re.sub(r"\\(.)", r"\1", text)
        keys = [key.strip("'") for key in path.split(".")]
        if keys[0] == "hashes" and len(keys) == 2:
            values.append({"type": kind, "hashes": {keys[1]: value}})
        else:
            values.append({"type": kind, keys[0]: value})
    return values

"""An entity that somebody gives on the command line, in the form in which the platform would hand it over."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from connectors_sdk import models
from connectors_sdk.connectors._dressing import is_observable
from connectors_sdk.connectors.errors import UsageError

_HASHES = {32: "MD5", 40: "SHA-1", 64: "SHA-256", 128: "SHA-512"}
# What comes along with an entity in a bundle.
_COMPANIONS = frozenset(
    {"marking-definition", "identity", "relationship", "extension-definition"}
)
# In which property an object of several kinds tells its own.
_KINDS = ("x_opencti_type", "x_opencti_location_type")
_MANIFOLD = ("identity", "location", "threat-actor")
_IDENTITIES = {"class": "Sector", "system": "System", "individual": "Individual"}
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z]+")


def given_message(text: str) -> dict[str, Any]:
    """Return the message of a request about an entity.

    Args:
        text: a file with a STIX object or bundle (JSON), or `TYPE:VALUE`, e.g. `IPv4-Addr:198.51.100.7`.

    Raises:
        UsageError: it is neither.
    """
    path = Path(text)
    entity, objects = _from_file(path) if path.is_file() else _from_value(text)
    parents = (
        ["Stix-Cyber-Observable"]
        if is_observable(entity)
        else ["Stix-Domain-Object", "Stix-Object"]
    )
    return {
        "entity_id": entity["id"],
        "enrichment_entity": {
            "entity_type": _platform_type(entity),
            "parent_types": ["Basic-Object", "Stix-Core-Object", *parents],
            # Those that it has are told by the object itself.
            "objectMarking": [],
        },
        "stix_entity": entity,
        "stix_objects": objects,
    }


def _from_file(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{path} is no JSON file that can be read: {error}."
        ) from error
    found = content.get("objects") if isinstance(content, dict) else None
    objects = found if isinstance(found, list) else [content]
    if not all(isinstance(o, dict) and "id" in o and "type" in o for o in objects):
        raise UsageError(f"{path} holds something that is no STIX object.")
    entity = next((o for o in objects if o["type"] not in _COMPANIONS), None)
    if entity is None and objects:
        entity = objects[0]
    if entity is None:
        raise UsageError(f"{path} holds no STIX object.")
    return entity, objects


def _from_value(text: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    kind, colon, value = text.partition(":")
    if not colon or not value:
        raise UsageError(
            f"{text!r} is neither a file nor a type and a value: write e.g. IPv4-Addr:198.51.100.7."
        )
    problem = "there is no such type"
    for stix_type, platform_type, model in _models():
        # Several types of the platform are one in STIX: that one says too little.
        names = (
            [platform_type] if stix_type in _MANIFOLD else [platform_type, stix_type]
        )
        if kind.casefold() not in (name.casefold() for name in names):
            continue
        try:
            made = model(**_properties(model, value)).to_stix_dict()
        except (ValidationError, ValueError, TypeError) as error:
            problem = " ".join(str(error).split())
            continue
        return made, [made]
    raise UsageError(
        f"No {kind} can be made of {value!r} ({problem}): give a file with the STIX object."
    )


def _models() -> Iterator[tuple[str, str, Any]]:
    """Yield the SDK's models, each after its type in STIX and on the platform."""
    for name in models.__all__:
        model = getattr(models, name)
        stix_type = getattr(model, "_stix_type", None)
        if stix_type and not name.startswith("Base"):
            words = "-".join(_WORDS.findall(name))
            yield stix_type, getattr(model, "_opencti_type", None) or words, model


def _properties(model: Any, value: str) -> dict[str, Any]:
    fields = model.model_fields
    more = {"is_family": True} if "is_family" in fields else {}
    if "hashes" in fields and len(value) in _HASHES:
        return {"hashes": {_HASHES[len(value)]: value}, **more}
    if "number" in fields:
        return {"number": value.upper().removeprefix("AS"), **more}
    for name in ("value", "name", "account_login", "path"):
        if name in fields:
            return {name: value, **more}
    raise TypeError("it takes more than a value")


def _platform_type(stix: Mapping[str, Any]) -> str:
    """Return the name that the platform has for the type of an object."""
    told = next((str(stix[key]) for key in _KINDS if stix.get(key)), None)
    if told:
        return told
    if stix["type"] == "identity":
        return _IDENTITIES.get(str(stix.get("identity_class")), "Organization")
    for stix_type, platform_type, _ in _models():
        if stix_type == stix["type"]:
            return platform_type
    return "-".join(part.capitalize() for part in str(stix["type"]).split("-"))

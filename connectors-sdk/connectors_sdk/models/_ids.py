"""Deterministic ids, computed directly.

The same UUIDv5 over the same canonical JSON as pycti's `generate_id` functions (tests hold them together), without
importing pycti. Sources: STIX 2.1 section 2.9, RFC 4122 section 4.3, RFC 8785.
"""

import json
from collections.abc import Mapping
from hashlib import sha1
from uuid import UUID

NAMESPACE = UUID("00abedb4-aa42-466c-9c01-fed23315a9b7").bytes

# ensure_ascii=False, sorted keys and no spaces are RFC 8785 for the strings that ids are made of.
_encode = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":")
).encode


def make_id(stix_type: str, contributors: Mapping[str, object]) -> str:
    """Return `<stix_type>--<UUIDv5>` of the contributing properties."""
    digest = sha1(  # RFC 4122 prescribes SHA-1; nothing secret is hashed
        NAMESPACE + _encode(contributors).encode(), usedforsecurity=False
    ).digest()
    text = digest[:16].hex()
    variant = "89ab"[(digest[8] >> 4) & 0x3]
    return (
        f"{stix_type}--{text[:8]}-{text[8:12]}-5{text[13:16]}"
        f"-{variant}{text[17:20]}-{text[20:]}"
    )


def normalised(name: str) -> str:
    """Return a name the way ids see it: lower-case, trimmed."""
    return name.lower().strip()


def by_name(stix_type: str, name: str) -> str:
    """Return the id of a type that goes by its name alone."""
    return make_id(stix_type, {"name": normalised(name)})


def by_mitre_id_or_name(stix_type: str, name: str, mitre_id: str | None) -> str:
    """Return the id of an attack pattern or course of action: its ATT&CK id if it has one, else its name."""
    known = normalised(mitre_id or "")
    return (
        make_id(stix_type, {"x_mitre_id": known}) if known else by_name(stix_type, name)
    )


def identity(name: str, identity_class: str) -> str:
    """Return the id of an identity."""
    return make_id(
        "identity", {"name": normalised(name), "identity_class": identity_class.lower()}
    )


def threat_actor(name: str, opencti_type: str) -> str:
    """Return the id of a threat actor; `opencti_type` is `Threat-Actor-Group` or `Threat-Actor-Individual`."""
    return make_id(
        "threat-actor", {"name": normalised(name), "opencti_type": opencti_type}
    )


def note(content: str, created: str | None, abstract: str | None) -> str:
    """Return the id of a note; `created` is an ISO 8601 text."""
    contributors = {"content": content.strip()}
    if created is not None:
        contributors["created"] = created
    if abstract is not None and abstract.strip():
        contributors["attribute_abstract"] = abstract.strip()
    return make_id("note", contributors)


def relationship(
    relationship_type: str,
    source_ref: str,
    target_ref: str,
    start_time: str | None = None,
    stop_time: str | None = None,
) -> str:
    """Return the id of a relationship; dates are ISO 8601 texts, a stop counts only beside a start."""
    contributors = {
        "relationship_type": relationship_type,
        "source_ref": source_ref,
        "target_ref": target_ref,
    }
    if start_time is not None:
        contributors["start_time"] = start_time
        if stop_time is not None:
            contributors["stop_time"] = stop_time
    return make_id("relationship", contributors)

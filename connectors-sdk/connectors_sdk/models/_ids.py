"""Deterministic ids, computed directly.

The same UUIDv5 over the same canonical JSON as pycti's `generate_id` functions (tests hold them together), without
importing pycti. Sources: STIX 2.1 section 2.9, RFC 4122 section 4.3, RFC 8785.
"""

from collections.abc import Mapping
from decimal import Decimal
from hashlib import sha1
from typing import Any
from uuid import UUID

import orjson

NAMESPACE = UUID("00abedb4-aa42-466c-9c01-fed23315a9b7").bytes
# RFC 4122 prescribes SHA-1; nothing secret is hashed.
_NAMESPACE_HASH = sha1(NAMESPACE, usedforsecurity=False)
_VARIANT = {digit: "89ab"[int(digit, 16) & 0x3] for digit in "0123456789abcdef"}


def make_id(stix_type: str, contributors: dict[str, Any]) -> str:
    """Return `<stix_type>--<UUIDv5>` of the contributing properties.

    Args:
        stix_type: type of the object.
        contributors: JSON-ready values without floating point numbers: for all others, sorted keys and no spaces are
            the canonical form of RFC 8785.
    """
    return _of_name(stix_type, orjson.dumps(contributors, option=orjson.OPT_SORT_KEYS))


def _of_name(stix_type: str, name: bytes) -> str:
    sha = _NAMESPACE_HASH.copy()
    sha.update(name)
    text = sha.hexdigest()
    return (
        f"{stix_type}--{text[:8]}-{text[8:12]}-5{text[13:16]}"
        f"-{_VARIANT[text[16]]}{text[17:20]}-{text[20:32]}"
    )


def canonical_number(value: float) -> str:
    """Write a float as ECMAScript does (ECMA-262, Number::toString): plain between 1e-6 and 1e21, else scientific."""
    if value == 0:
        return "0"
    _, figures, exponent = Decimal(repr(abs(value))).as_tuple()
    if not isinstance(exponent, int):
        raise ValueError(f"{value} has no JSON form")
    digits = "".join(map(str, figures))
    point = len(digits) + exponent  # how many digits stand before the decimal point
    digits = digits.rstrip("0")
    if 0 < point <= 21:
        text = digits[:point].ljust(point, "0")
        fraction = digits[point:]
    elif -6 < point <= 0:
        text, fraction = "0", "0" * -point + digits
    else:
        text, fraction = digits[0], digits[1:]
    if fraction:
        text += f".{fraction}"
    if not -6 < point <= 21:
        text += f"e{point - 1:+d}"
    return f"-{text}" if value < 0 else text


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


def one_hash(hashes: Mapping[str, str]) -> dict[str, str]:
    """Return the one hash that contributes to an id: the first present of MD5, SHA-1, SHA-256, SHA-512, else the first."""
    for algorithm in ("MD5", "SHA-1", "SHA-256", "SHA-512"):
        if algorithm in hashes:
            return {algorithm: hashes[algorithm]}
    algorithm, digest = next(iter(hashes.items()))
    return {str.__str__(algorithm): digest}


def location(name: str, location_type: str) -> str:
    """Return the id of a location other than a position; `location_type` is for example `Country`."""
    return make_id(
        "location",
        {"name": normalised(name), "x_opencti_location_type": location_type},
    )


def position(name: str, latitude: float | None, longitude: float | None) -> str:
    """Return the id of a position: its coordinates in degrees if known, else its name."""
    known = {"latitude": latitude, "longitude": longitude}
    members = [
        f'"{key}":{canonical_number(value)}'
        for key, value in known.items()
        if value is not None
    ]
    if not members:
        return by_name("location", name)
    return _of_name("location", f"{{{','.join(members)}}}".encode())


def by_name_and_created(stix_type: str, name: str, created: str | None) -> str:
    """Return the id of a case, incident or task; `created` is an ISO 8601 text."""
    return make_id(stix_type, {"name": normalised(name), "created": created})


def report(name: str, published: str) -> str:
    """Return the id of a report; `published` is an ISO 8601 text."""
    return make_id("report", {"name": normalised(name), "published": published})


def grouping(name: str, context: str, created: str | None) -> str:
    """Return the id of a grouping; `created` is an ISO 8601 text."""
    contributors = {"name": normalised(name), "context": normalised(context)}
    if created is not None:
        contributors["created"] = created
    return make_id("grouping", contributors)


def opinion(text: str, created: str | None) -> str:
    """Return the id of an opinion; `created` is an ISO 8601 text."""
    contributors = {"opinion": text.strip()}
    if created is not None:
        contributors["created"] = created
    return make_id("opinion", contributors)


def malware_analysis(
    result_name: str, product: str | None, submitted: str | None
) -> str:
    """Return the id of a malware analysis; `submitted` is an ISO 8601 text."""
    contributors = {"result_name": normalised(result_name), "product": product}
    if submitted is not None:
        contributors["submitted"] = submitted
    return make_id("malware-analysis", contributors)


def security_coverage_result(
    result_of_ref: str, name: str | None, external_uri: str | None
) -> str:
    """Return the id of the result of a security coverage."""
    contributors = {"result_of_ref": result_of_ref.strip()}
    if name is not None:
        contributors["name"] = normalised(name)
    if external_uri is not None:
        contributors["external_uri"] = external_uri.strip()
    return make_id("security-coverage-result", contributors)


def sighting(
    sighting_of_ref: str,
    where_sighted_refs: list[str],
    first_seen: str | None,
    last_seen: str | None,
) -> str:
    """Return the id of a sighting; dates are ISO 8601 texts, a last one counts only beside a first."""
    contributors: dict[str, Any] = {
        "type": "sighting",
        "sighting_of_ref": sighting_of_ref,
        "where_sighted_refs": where_sighted_refs,
    }
    if first_seen is not None:
        contributors["first_seen"] = first_seen
        if last_seen is not None:
            contributors["last_seen"] = last_seen
    return make_id("sighting", contributors)

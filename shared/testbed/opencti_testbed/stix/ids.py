"""Standard ids: UUIDv5 over the properties that make an object what it is.

Source: STIX 2.1 section 2.9 (observables) and OpenCTI's scheme for everything else, with the platform's own
normalisation: names are trimmed and lower-cased, dates are written in UTC with milliseconds.
"""

import hashlib
import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from opencti_testbed.stix.attributes import ALIASES
from opencti_testbed.stix.types import (
    canonical_stix_type,
    location_name,
    location_type,
    threat_actor_type,
)

NAMESPACE = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")

BY_NAME = frozenset(
    {
        "campaign",
        "channel",
        "data-component",
        "data-source",
        "event",
        "feedback",
        "infrastructure",
        "intrusion-set",
        "language",
        "malware",
        "narrative",
        "tool",
        "vulnerability",
    }
)
BY_NAME_AND_CREATED = frozenset(
    {"case-incident", "case-rfi", "case-rft", "incident", "task"}
)
# Properties that contribute to an observable's id. Types that are absent go by `value`.
SCO_CONTRIBUTORS: dict[str, tuple[str, ...]] = {
    "autonomous-system": ("number",),
    "bank-account": ("iban",),
    "directory": ("path",),
    "email-message": ("from_ref", "subject", "body"),
    "email-mime-part-type": ("body", "body_raw_ref", "content_type"),
    "media-content": ("url",),
    "mutex": ("name",),
    "network-traffic": (
        "start",
        "end",
        "src_ref",
        "dst_ref",
        "src_port",
        "dst_port",
        "protocols",
        "extensions",
    ),
    "payment-card": ("card_number",),
    "persona": ("persona_name", "persona_type"),
    "process": ("pid", "command_line"),
    "software": ("name", "cpe", "swid", "vendor", "version"),
    "ssh-key": ("fingerprint_sha256",),
    "user-account": ("account_type", "user_id", "account_login"),
    "windows-registry-key": ("key", "values"),
    "windows-registry-value-type": ("name", "data", "data_type"),
}
# Types that go by the first of these that is there.
SCO_ALTERNATIVES: dict[str, tuple[str, ...]] = {
    "artifact": ("hashes", "payload_bin", "url"),
    "file": ("hashes", "name"),
    "x509-certificate": ("hashes", "serial_number", "subject"),
}
HASH_PREFERENCE = (
    "MD5",
    "SHA-1",
    "SHA-256",
    "SHA-512",
    "SHA3-256",
    "SHA3-512",
    "SSDEEP",
)


CANONICAL_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def canonical_json(value: Any) -> bytes:
    """Return JSON (UTF-8) with sorted keys and no spaces; whole floats are written as integers (RFC 8785)."""
    return orjson.dumps(_plain(value), option=orjson.OPT_SORT_KEYS)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(member) for member in value]
    return value


def make_id(stix_type: str, contributors: Mapping[str, Any]) -> str:
    """Return `<stix_type>--<UUIDv5 of the contributors>` (RFC 9562, section 5.5)."""
    digest = (
        hashlib.sha1(  # noqa: S324 the standard's choice; nothing secret depends on it
            NAMESPACE.bytes + canonical_json(contributors), usedforsecurity=False
        ).hexdigest()
    )
    # Version 5, and the variant's two bits; several of these are made for every object that is ingested.
    variant = "89ab"[int(digest[16], 16) & 3]
    return (
        f"{stix_type}--{digest[:8]}-{digest[8:12]}-5{digest[13:16]}"
        f"-{variant}{digest[17:20]}-{digest[20:32]}"
    )


def normalised(text: Any) -> str:
    """Return a name the way ids see it: trimmed, lower-case."""
    return str(text or "").strip().lower()


def date(value: Any) -> str | None:
    """Return a date-time in UTC as `YYYY-MM-DDTHH:MM:SS.mmmZ`; None for none; unparsable text unchanged."""
    if not value:
        return None
    if isinstance(value, str) and CANONICAL_DATE.fullmatch(value):
        return value
    try:
        moment = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError:
        return str(value)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def label_id(value: str) -> str:
    """Return the id of a label; upper and lower case mean the same label."""
    return make_id("label", {"value": normalised(value)})


def kill_chain_phase_id(kill_chain_name: str, phase_name: str) -> str:
    """Return the id of a kill chain phase."""
    return make_id(
        "kill-chain-phase",
        {"kill_chain_name": kill_chain_name, "phase_name": phase_name},
    )


def external_reference_id(reference: Mapping[str, Any]) -> str | None:
    """Return the id of an external reference, or None when it has neither URL nor external id."""
    if reference.get("url"):
        return make_id("external-reference", {"url": reference["url"]})
    if reference.get("source_name") and reference.get("external_id"):
        return make_id(
            "external-reference",
            {
                "source_name": reference["source_name"],
                "external_id": reference["external_id"],
            },
        )
    return None


def standard_id(stix: Mapping[str, Any]) -> str:
    """Return the id the platform gives to a STIX object whose references are standard ids already.

    Raises:
        ValueError: a property that the id is made of is missing; the message names it.
    """
    stix_type = canonical_stix_type(str(stix["type"]))
    contributors = _contributors(stix_type, stix)
    if contributors is None:
        return _observable_id(stix_type, stix)
    missing = [key for key, value in contributors.items() if value in (None, "")]
    if missing and stix_type not in {"note", "malware-analysis"}:
        raise ValueError(f"{stix_type} without {', '.join(missing)}")
    return make_id(stix_type, contributors)


def alternative_ids(entity_type: str, stix: Mapping[str, Any]) -> list[str]:
    """Return the ids that an object would have by its other names or its other hashes, its own (`id`) left out.

    Two objects that share one of them are the same thing.
    """
    found: list[str] = []
    key = ALIASES.get(entity_type)
    if key and not stix.get("x_mitre_id"):
        for name in (stix.get("name"), *(stix.get(key) or ())):
            if name:
                found.append(standard_id({**stix, "name": name}))
    hashes = stix.get("hashes")
    if isinstance(hashes, Mapping) and len(hashes) > 1:
        stix_type = canonical_stix_type(str(stix["type"]))
        found += [
            make_id(stix_type, {"hashes": {algorithm: value}})
            for algorithm, value in hashes.items()
        ]
    return [one for one in dict.fromkeys(found) if one != stix.get("id")]


def _contributors(stix_type: str, stix: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what a non-observable's id is made of; None for an observable."""
    name = normalised(stix.get("name"))
    if stix_type in BY_NAME:
        return {"name": name}
    if stix_type in BY_NAME_AND_CREATED:
        return {"name": name, "created": date(stix.get("created"))}
    special = _SPECIAL.get(stix_type)
    return special(name, stix) if special else None


def _attack_pattern(name: str, stix: Mapping[str, Any]) -> dict[str, Any]:
    mitre_id = normalised(stix.get("x_mitre_id"))
    return {"x_mitre_id": mitre_id} if mitre_id else {"name": name}


def _location(_: str, stix: Mapping[str, Any]) -> dict[str, Any]:
    name, kind = normalised(location_name(stix)), location_type(stix)
    if kind != "Position":
        return {"name": name, "x_opencti_location_type": kind}
    place = {
        key: stix[key] for key in ("latitude", "longitude") if stix.get(key) is not None
    }
    return place or {"name": name}


def _relationship(_: str, stix: Mapping[str, Any]) -> dict[str, Any]:
    contributors: dict[str, Any] = {
        key: stix.get(key) for key in ("relationship_type", "source_ref", "target_ref")
    }
    for key in ("start_time", "stop_time"):
        if stix.get(key):
            contributors[key] = date(stix[key])
    return contributors


def _coverage_result(name: str, stix: Mapping[str, Any]) -> dict[str, Any]:
    contributors: dict[str, Any] = {"result_of_ref": stix.get("result_of_ref")}
    if name:
        contributors["name"] = name
    if stix.get("external_uri"):
        contributors["external_uri"] = str(stix["external_uri"]).strip()
    return contributors


def _sighting(_: str, stix: Mapping[str, Any]) -> dict[str, Any]:
    # An identical pair is one sighting: its period and count are extended.
    return {
        "type": "sighting",
        "sighting_of_ref": stix.get("sighting_of_ref"),
        "where_sighted_refs": stix.get("where_sighted_refs"),
    }


def _with_optional(
    stix: Mapping[str, Any], required: dict[str, Any], *optional: str
) -> dict[str, Any]:
    for key in optional:
        if stix.get(key):
            value = stix[key]
            required[key] = date(value) if key in {"created", "submitted"} else value
    return required


_SPECIAL: dict[str, Any] = {
    "attack-pattern": _attack_pattern,
    "course-of-action": _attack_pattern,
    "identity": lambda name, stix: {
        "name": name,
        "identity_class": normalised(stix.get("identity_class")) or "individual",
    },
    "location": _location,
    "threat-actor": lambda name, stix: {
        "name": name,
        "opencti_type": threat_actor_type(stix),
    },
    "indicator": lambda _, stix: {"pattern": str(stix.get("pattern") or "").strip()},
    "report": lambda name, stix: {
        "name": name,
        "published": date(stix.get("published")),
    },
    "grouping": lambda name, stix: _with_optional(
        stix, {"name": name, "context": stix.get("context")}, "created"
    ),
    "note": lambda _, stix: _with_optional(
        stix, {"content": stix.get("content")}, "created", "abstract"
    ),
    "opinion": lambda _, stix: _with_optional(
        stix, {"opinion": stix.get("opinion")}, "created"
    ),
    "observed-data": lambda _, stix: {"objects": sorted(stix.get("object_refs") or [])},
    "malware-analysis": lambda _, stix: _with_optional(
        stix,
        {
            "result_name": normalised(stix.get("result_name")),
            "product": stix.get("product"),
        },
        "submitted",
    ),
    "security-coverage": lambda _, stix: {"covered_ref": stix.get("covered_ref")},
    "security-coverage-result": _coverage_result,
    "relationship": _relationship,
    "sighting": _sighting,
    "label": lambda _, stix: {"value": normalised(stix.get("value"))},
    "kill-chain-phase": lambda _, stix: {
        "kill_chain_name": stix.get("kill_chain_name"),
        "phase_name": stix.get("phase_name"),
    },
    "external-reference": lambda _, stix: (
        {"url": stix["url"]}
        if stix.get("url")
        else {key: stix.get(key) for key in ("source_name", "external_id")}
    ),
    "vocabulary": lambda name, stix: {"name": name, "category": stix.get("category")},
    "marking-definition": lambda _, stix: {
        "definition_type": stix.get("definition_type"),
        "definition": stix.get("definition"),
    },
}


def _observable_id(stix_type: str, stix: Mapping[str, Any]) -> str:
    alternatives = SCO_ALTERNATIVES.get(stix_type)
    keys = alternatives or SCO_CONTRIBUTORS.get(stix_type, ("value",))
    present = [key for key in keys if stix.get(key) not in (None, "", [], {})]
    if not present:
        raise ValueError(f"{stix_type} without {' or '.join(keys)}")
    contributors = {key: stix[key] for key in present[: 1 if alternatives else None]}
    if isinstance(contributors.get("hashes"), Mapping):
        contributors["hashes"] = _preferred_hash(contributors["hashes"])
    return make_id(stix_type, contributors)


def _preferred_hash(hashes: Mapping[str, Any]) -> dict[str, Any]:
    for algorithm in HASH_PREFERENCE:
        if algorithm in hashes:
            return {algorithm: hashes[algorithm]}
    algorithm = min(hashes)
    return {algorithm: hashes[algorithm]}

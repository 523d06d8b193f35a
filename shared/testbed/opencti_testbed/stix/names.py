"""What to show of an object: its readable name, or an observable's value."""

from collections.abc import Mapping
from typing import Any

from opencti_testbed.stix.ids import HASH_PREFERENCE
from opencti_testbed.stix.types import location_name

# Tried in order; the first that is present is shown.
READABLE = (
    "name",
    "value",
    "path",
    "key",
    "url",
    "persona_name",
    "card_number",
    "iban",
    "account_login",
    "user_id",
    "subject",
    "title",
    "definition",
    "attribute_abstract",
    "abstract",
    "result_name",
    "opinion",
    "content",
    "command_line",
    "body",
    "serial_number",
    "fingerprint_sha256",
    "phase_name",
    "source_name",
    "relationship_type",
)
SHOWN_LENGTH = 200


def readable_name(stix: Mapping[str, Any]) -> str:
    """Return a short readable name of any STIX object; never empty."""
    if stix.get("type") == "autonomous-system":
        return str(stix.get("name") or f"AS{stix.get('number')}")
    if stix.get("type") == "location" and location_name(stix):
        return location_name(stix).strip()[:SHOWN_LENGTH] or "location"
    for key in READABLE:
        if stix.get(key):
            return str(stix[key]).strip()[:SHOWN_LENGTH] or str(stix["type"])
    hashes = stix.get("hashes")
    if isinstance(hashes, Mapping) and hashes:
        for algorithm in HASH_PREFERENCE:
            if algorithm in hashes:
                return str(hashes[algorithm])
        return str(next(iter(hashes.values())))
    if stix.get("type") == "network-traffic":
        return f"{stix.get('src_port', '')}:{stix.get('dst_port', '')}"
    return str(stix.get("id") or stix.get("type"))

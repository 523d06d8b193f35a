"""Where a STIX object refers to others."""

from collections.abc import Iterator, Mapping
from typing import Any

# ATT&CK's last editor of an object; OpenCTI keeps no such reference.
IGNORED = frozenset({"x_mitre_modified_by_ref"})


def references(stix: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (property, id) for every reference of an object, in the object's order."""
    for key, value in stix.items():
        if key.endswith("_ref"):
            if isinstance(value, str) and value and key not in IGNORED:
                yield key, value
        elif key.endswith("_refs") and isinstance(value, list):
            for member in value:
                if isinstance(member, str) and member:
                    yield key, member

"""Which relationships there are, and which types they join.

Sources: STIX 2.1, sections 4 and 6 (relationships of each type) and appendix B; the relationships that OpenCTI adds to
them. Where a real platform may take more than is written here, a whole group of types stands for the few.
"""

from collections.abc import Iterable, Mapping
from functools import cache

from opencti_testbed.stix.types import (
    CONTAINERS,
    IDENTITIES,
    LOCATIONS,
    SCO,
    SCO_ENTITY_TYPES,
    SDO_ENTITY_TYPES,
    SIMPLE_SDO,
    THREAT_ACTORS,
    canonical_stix_type,
)

# Groups of types by a short name; any other word is one type.
_GROUPS: Mapping[str, Iterable[str]] = {
    "any": SDO_ENTITY_TYPES | SCO_ENTITY_TYPES,
    "entity": SDO_ENTITY_TYPES,
    "observable": SCO_ENTITY_TYPES,
    "identity": IDENTITIES.values(),
    "location": LOCATIONS,
    "actor": (*THREAT_ACTORS, "Intrusion-Set", "Campaign", "Incident"),
    "threat": (
        *THREAT_ACTORS,
        *("Intrusion-Set", "Campaign", "Incident", "Malware", "Tool"),
        *("Attack-Pattern", "Infrastructure", "Channel", "Narrative", "Event"),
        *("Indicator", "Vulnerability"),
    ),
    "means": (
        *("Attack-Pattern", "Malware", "Tool", "Infrastructure", "Channel"),
        *("Narrative", "Vulnerability", "Course-Of-Action"),
    ),
    "victim": (
        *IDENTITIES.values(),
        *LOCATIONS,
        *SCO_ENTITY_TYPES,
        *("Event", "Vulnerability", "Infrastructure", "Malware", "Tool"),
        *("Attack-Pattern", "Channel"),
    ),
    "container": CONTAINERS,
}
# Relationship type -> (types that it may come from, types that it may lead to).
_ENDS: Mapping[str, tuple[str, str]] = {
    "amplifies": ("threat", "threat victim"),
    "analysis-of": ("Malware-Analysis", "Malware observable"),
    "analyzed-by": ("Malware observable", "Malware-Analysis"),
    "attributed-to": ("threat observable", "actor identity Event"),
    "authored-by": ("Malware Tool observable", "actor identity"),
    "based-on": ("Indicator", "observable Observed-Data"),
    "beacons-to": ("threat", "Infrastructure observable"),
    "belongs-to": ("any", "any"),
    "characterizes": ("Malware-Analysis", "Malware observable"),
    "citizen-of": ("identity actor observable", "location"),
    "communicates-with": (
        "Infrastructure Malware observable",
        "Infrastructure Malware observable",
    ),
    "compromises": ("threat", "victim"),
    "consists-of": ("Infrastructure", "any"),
    "contains": ("any", "any"),
    "controls": (
        "threat",
        "Infrastructure Malware Tool observable location",
    ),
    "cooperates-with": ("actor identity", "actor identity"),
    "creates": ("threat observable", "threat observable"),
    "delivers": ("threat observable", "Malware Tool observable"),
    "demonstrates": ("any", "any"),
    "derived-from": ("any", "any"),
    "detects": ("any", "any"),
    "downloads": ("threat observable", "Malware Tool observable"),
    "drops": ("threat observable", "Malware Tool observable"),
    "duplicate-of": ("any", "any"),
    "dynamic-analysis-of": ("Malware-Analysis", "Malware observable"),
    "employed-by": ("identity actor", "identity"),
    "exfiltrates-to": ("threat", "Infrastructure observable"),
    "exploits": ("threat observable", "Vulnerability Software"),
    "has": (
        "threat identity location observable",
        "Vulnerability Attack-Pattern Course-Of-Action Software observable identity",
    ),
    "has-covered": ("Security-Coverage Security-Coverage-Result", "any"),
    "hosts": ("Infrastructure observable", "threat observable"),
    "impersonates": ("threat identity observable", "identity actor observable Event"),
    "indicates": (
        "Indicator",
        "threat observable Course-Of-Action identity location Grouping Report",
    ),
    "investigates": ("any", "any"),
    "known-as": ("identity actor observable", "identity actor observable"),
    "located-at": ("any", "location"),
    "mitigates": ("Course-Of-Action Tool SecurityPlatform", "threat"),
    "national-of": ("identity actor observable", "location"),
    "originates-from": ("threat", "location"),
    "owns": ("threat identity observable", "threat identity observable"),
    "part-of": ("any", "any"),
    "participates-in": ("identity actor", "any"),
    "publishes": ("any", "any"),
    "remediates": ("Course-Of-Action", "threat"),
    "reports-to": ("identity actor", "identity actor"),
    "resides-in": ("identity actor", "location"),
    "resolves-to": ("observable", "observable"),
    "should-cover": ("any", "any"),
    "static-analysis-of": ("Malware-Analysis", "Malware observable"),
    "subnarrative-of": ("Narrative", "Narrative"),
    "subtechnique-of": ("Attack-Pattern", "Attack-Pattern"),
    "supports": ("identity actor", "identity actor"),
    "targets": ("threat observable", "victim identity location"),
    "technique-of": ("any", "any"),
    "uses": ("threat identity observable", "means observable threat"),
    "variant-of": ("Malware Tool", "Malware Tool"),
    "writes": ("Malware Tool Attack-Pattern observable", "Malware Tool observable"),
    "revoked-by": ("any", "any"),
    "related-to": ("any", "any"),
}


class UnknownRelationship(ValueError):
    """There are no such relationships, or not between such objects."""


# STIX types that stand for several types: an id does not tell which.
_SEVERAL: Mapping[str, Iterable[str]] = {
    "identity": IDENTITIES.values(),
    "location": LOCATIONS,
    "threat-actor": THREAT_ACTORS,
}


@cache
def check_relationship(relationship_type: str, source: str, target: str) -> None:
    """See that there are relationships of a type between objects of two STIX types.

    An end may be a relationship itself: what may be said of those is not restricted.

    Raises:
        UnknownRelationship: names the type, or both ends.
    """
    ends = _ENDS.get(relationship_type)
    if ends is None:
        raise UnknownRelationship(
            f"There is no relationship type {relationship_type!r}"
        )
    for end, allowed in ((source, ends[0]), (target, ends[1])):
        possible = _entity_types(end)
        if possible and possible.isdisjoint(_types(allowed)):
            raise UnknownRelationship(
                f"The relationship type {relationship_type} is not allowed between {source} and {target}"
            )


@cache
def between(source: str, target: str) -> tuple[str, ...]:
    """Return the types of relationships that may lead from an entity type to another."""
    return tuple(
        relationship_type
        for relationship_type, (sources, targets) in sorted(_ENDS.items())
        if source in _types(sources) and target in _types(targets)
    )


@cache
def _types(words: str) -> frozenset[str]:
    return frozenset(
        one for word in words.split() for one in _GROUPS.get(word, (word,))
    )


def _entity_types(stix_type: str) -> frozenset[str]:
    plain = canonical_stix_type(stix_type)
    if plain in _SEVERAL:
        return frozenset(_SEVERAL[plain])
    known = SIMPLE_SDO.get(plain) or SCO.get(plain)
    return frozenset({known} if known else ())

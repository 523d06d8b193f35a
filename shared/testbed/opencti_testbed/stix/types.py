"""The types that the platform knows, in the three spellings that meet here.

- STIX type: `attack-pattern`, `ipv4-addr`, `identity` (what bundles contain)
- entity type: `Attack-Pattern`, `IPv4-Addr`, `Organization` (what OpenCTI calls it)
- GraphQL name: `AttackPattern`, `IPv4Addr` (entity type without hyphens)
"""

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import Any


class Family(StrEnum):
    """The groups of types that are stored and read alike."""

    SDO = "sdo"
    SCO = "sco"
    RELATIONSHIP = "relationship"
    SIGHTING = "sighting"
    META = "meta"


class UnsupportedType(ValueError):
    """The object's STIX type is none that OpenCTI knows."""


SIMPLE_SDO = {
    "attack-pattern": "Attack-Pattern",
    "campaign": "Campaign",
    "channel": "Channel",
    "course-of-action": "Course-Of-Action",
    "event": "Event",
    "grouping": "Grouping",
    "incident": "Incident",
    "indicator": "Indicator",
    "infrastructure": "Infrastructure",
    "intrusion-set": "Intrusion-Set",
    "language": "Language",
    "malware": "Malware",
    "malware-analysis": "Malware-Analysis",
    "narrative": "Narrative",
    "note": "Note",
    "observed-data": "Observed-Data",
    "opinion": "Opinion",
    "report": "Report",
    "security-coverage": "Security-Coverage",
    "security-coverage-result": "Security-Coverage-Result",
    "tool": "Tool",
    "vulnerability": "Vulnerability",
    "case-incident": "Case-Incident",
    "case-rfi": "Case-Rfi",
    "case-rft": "Case-Rft",
    "data-component": "Data-Component",
    "data-source": "Data-Source",
    "feedback": "Feedback",
    "task": "Task",
}
# The same types under the names that carry a vendor prefix in STIX.
PREFIXED = {
    "x-opencti-case-incident": "case-incident",
    "x-opencti-case-rfi": "case-rfi",
    "x-opencti-case-rft": "case-rft",
    "x-opencti-feedback": "feedback",
    "x-opencti-task": "task",
    "x-mitre-data-source": "data-source",
    "x-mitre-data-component": "data-component",
}
WITH_PREFIX = {plain: prefixed for prefixed, plain in PREFIXED.items()}
IDENTITIES = {
    "class": "Sector",
    "organization": "Organization",
    "individual": "Individual",
    "system": "System",
    "securityplatform": "SecurityPlatform",
}
LOCATIONS = ("Region", "Country", "Administrative-Area", "City", "Position")
THREAT_ACTORS = ("Threat-Actor-Group", "Threat-Actor-Individual")
SCO = {
    "ai-prompt": "AI-Prompt",
    "artifact": "Artifact",
    "autonomous-system": "Autonomous-System",
    "bank-account": "Bank-Account",
    "credential": "Credential",
    "cryptocurrency-wallet": "Cryptocurrency-Wallet",
    "cryptographic-key": "Cryptographic-Key",
    "directory": "Directory",
    "domain-name": "Domain-Name",
    "email-addr": "Email-Addr",
    "email-message": "Email-Message",
    "email-mime-part-type": "Email-Mime-Part-Type",
    "file": "StixFile",
    "hostname": "Hostname",
    "iccid": "ICCID",
    "imei": "IMEI",
    "imsi": "IMSI",
    "ipv4-addr": "IPv4-Addr",
    "ipv6-addr": "IPv6-Addr",
    "mac-addr": "Mac-Addr",
    "media-content": "Media-Content",
    "mutex": "Mutex",
    "network-traffic": "Network-Traffic",
    "payment-card": "Payment-Card",
    "persona": "Persona",
    "phone-number": "Phone-Number",
    "process": "Process",
    "software": "Software",
    "ssh-key": "SSH-Key",
    "text": "Text",
    "tracking-number": "Tracking-Number",
    "url": "Url",
    "user-account": "User-Account",
    "user-agent": "User-Agent",
    "windows-registry-key": "Windows-Registry-Key",
    "windows-registry-value-type": "Windows-Registry-Value-Type",
    "x509-certificate": "X509-Certificate",
}
STIX_TYPES_OF_SCO = {entity_type: stix for stix, entity_type in SCO.items()}
META = {
    "external-reference": "External-Reference",
    "kill-chain-phase": "Kill-Chain-Phase",
    "label": "Label",
    "marking-definition": "Marking-Definition",
    "vocabulary": "Vocabulary",
}
CONTAINERS = frozenset(
    {
        "Report",
        "Note",
        "Opinion",
        "Grouping",
        "Observed-Data",
        "Case-Incident",
        "Case-Rfi",
        "Case-Rft",
        "Feedback",
        "Task",
    }
)
CASES = frozenset({"Case-Incident", "Case-Rfi", "Case-Rft", "Feedback"})
SIGHTING_TYPE = "stix-sighting-relationship"

SDO_ENTITY_TYPES = frozenset(
    {*SIMPLE_SDO.values(), *IDENTITIES.values(), *LOCATIONS, *THREAT_ACTORS}
)
SCO_ENTITY_TYPES = frozenset(SCO.values())
META_ENTITY_TYPES = frozenset(META.values())


def canonical_stix_type(stix_type: str) -> str:
    """Return the type without a vendor prefix: `x-opencti-task` -> `task`."""
    return PREFIXED.get(stix_type, stix_type)


def stored_stix_type(stix_type: str) -> str:
    """Return the name under which a type is written in STIX: `task` -> `x-opencti-task`."""
    return WITH_PREFIX.get(stix_type, stix_type)


def classify(stix: Mapping[str, Any]) -> tuple[Family, str]:
    """Return the family and the entity type of a STIX object.

    Raises:
        UnsupportedType: the object's `type` is none that OpenCTI knows.
    """
    stix_type = canonical_stix_type(str(stix.get("type", "")))
    if stix_type == "relationship":
        return Family.RELATIONSHIP, str(stix.get("relationship_type", ""))
    if stix_type in SIMPLE_SDO:
        return Family.SDO, SIMPLE_SDO[stix_type]
    if stix_type in SCO:
        return Family.SCO, SCO[stix_type]
    if stix_type == "identity":
        return Family.SDO, identity_type(stix)
    if stix_type == "location":
        return Family.SDO, location_type(stix)
    if stix_type == "threat-actor":
        return Family.SDO, threat_actor_type(stix)
    if stix_type == "sighting":
        return Family.SIGHTING, SIGHTING_TYPE
    if stix_type in META:
        return Family.META, META[stix_type]
    raise UnsupportedType(f"unsupported type {stix.get('type')!r}")


def identity_type(stix: Mapping[str, Any]) -> str:
    """Return the entity type of an identity, chosen by its class."""
    identity_class = str(stix.get("identity_class") or "").lower()
    return IDENTITIES.get(identity_class.replace("-", ""), "Individual")


def location_type(stix: Mapping[str, Any]) -> str:
    """Return the entity type of a location: stated, or told by the most precise property present."""
    stated = stix.get("x_opencti_location_type")
    if stated in LOCATIONS:
        return str(stated)
    for key, entity_type in (
        ("city", "City"),
        ("administrative_area", "Administrative-Area"),
        ("country", "Country"),
        ("region", "Region"),
    ):
        if stix.get(key):
            return entity_type
    return "Position"


def location_name(stix: Mapping[str, Any]) -> str:
    """Return the name of a location; as the client does, of one without it what tells most precisely where it is."""
    keys = ("name", "city", "country", "region")
    return next((str(stix[key]) for key in keys if stix.get(key)), "")


def threat_actor_type(stix: Mapping[str, Any]) -> str:
    """Return whether a threat actor is a group (the default) or an individual."""
    if stix.get("x_opencti_type") in THREAT_ACTORS:
        return str(stix["x_opencti_type"])
    individual = stix.get("resource_level") == "individual"
    return "Threat-Actor-Individual" if individual else "Threat-Actor-Group"


def stix_type_of(entity_type: str) -> str:
    """Return the STIX type that objects of an entity type are written with.

    Raises:
        UnsupportedType: there is no such entity type.
    """
    if entity_type in STIX_TYPES_OF_SCO:
        return STIX_TYPES_OF_SCO[entity_type]
    if entity_type in IDENTITIES.values():
        return "identity"
    if entity_type in LOCATIONS:
        return "location"
    if entity_type in THREAT_ACTORS:
        return "threat-actor"
    if entity_type == SIGHTING_TYPE:
        return "sighting"
    stix_type = entity_type.lower()
    if stix_type == "relationship":
        return stix_type
    if stix_type in SIMPLE_SDO or stix_type in META:
        return stored_stix_type(stix_type)
    raise UnsupportedType(f"unsupported type {entity_type!r}")


@cache
def parent_types(family: Family, entity_type: str) -> list[str]:
    """Return the entity type's ancestors in OpenCTI's hierarchy, the most general first."""
    if family is Family.RELATIONSHIP:
        return ["basic-relationship", "stix-relationship", "stix-core-relationship"]
    if family is Family.SIGHTING:
        return ["basic-relationship", "stix-relationship"]
    parents = ["Basic-Object", "Stix-Object"]
    if family is Family.META:
        return [*parents, "Stix-Meta-Object"]
    parents.append("Stix-Core-Object")
    if family is Family.SCO:
        return [*parents, "Stix-Cyber-Observable"]
    parents.append("Stix-Domain-Object")
    if entity_type in CONTAINERS:
        parents.append("Container")
    if entity_type in CASES:
        parents.append("Case")
    if entity_type in IDENTITIES.values():
        parents.append("Identity")
    if entity_type in LOCATIONS:
        parents.append("Location")
    if entity_type in THREAT_ACTORS:
        parents.append("Threat-Actor")
    return parents


@cache
def graphql_name(entity_type: str) -> str:
    """Return the GraphQL type name: hyphens removed, each part capitalised."""
    return "".join(part[:1].upper() + part[1:] for part in entity_type.split("-"))


GROUPS: dict[str, frozenset[str]] = {
    "Identity": frozenset(IDENTITIES.values()),
    "Location": frozenset(LOCATIONS),
    "Threat-Actor": frozenset(THREAT_ACTORS),
    "Container": CONTAINERS,
    "Case": CASES,
}
FAMILY_GROUPS: dict[str, tuple[Family, ...]] = {
    "Stix-Core-Object": (Family.SDO, Family.SCO),
    "Stix-Domain-Object": (Family.SDO,),
    "Stix-Cyber-Observable": (Family.SCO,),
    "Stix-Meta-Object": (Family.META,),
    "stix-core-relationship": (Family.RELATIONSHIP,),
    "stix-relationship": (Family.RELATIONSHIP, Family.SIGHTING),
    "basic-relationship": (Family.RELATIONSHIP, Family.SIGHTING),
}

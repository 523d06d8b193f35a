"""What STIX objects are in the Elastic Common Schema: documents with `threat.indicator.*`.

Field names and types: ECS 8 and 9, field set `threat`. What ECS has no place for is under `opencti.*`.

A document never has two values in a field: rules of the type *indicator match* pass over such fields. Of a pattern with
many values there are many documents.
"""

import hashlib
import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import Any, cast
from urllib.parse import urlsplit

import orjson
from connector.patterns import Comparison, hash_path, take_apart

from connectors_sdk import clock
from connectors_sdk.connectors.stream import attribute
from connectors_sdk.models import TLPMarking
from connectors_sdk.models.enums import TLPLevel

Document = dict[str, Any]

ECS_VERSION = "8.17.0"
HASHES = ("md5", "sha1", "sha256", "sha384", "sha512", "ssdeep", "tlsh")
# (type, property) in STIX -> field below threat.indicator. Without a field a value is the name of a document.
FIELDS = {
    ("ipv4-addr", "value"): "ip",
    ("ipv6-addr", "value"): "ip",
    ("domain-name", "value"): "url.domain",
    ("hostname", "value"): "url.domain",
    ("url", "value"): "url.full",
    ("email-addr", "value"): "email.address",
    ("email-message", "from_ref.value"): "email.address",
    ("email-message", "sender_ref.value"): "email.address",
    ("file", "name"): "file.name",
    ("file", "size"): "file.size",
    ("file", "mime_type"): "file.mime_type",
    ("file", "parent_directory_ref.path"): "file.directory",
    ("artifact", "mime_type"): "file.mime_type",
    ("directory", "path"): "file.directory",
    ("autonomous-system", "number"): "as.number",
    ("autonomous-system", "name"): "as.organization.name",
    ("windows-registry-key", "key"): "registry.path",
    ("windows-registry-key", "values.name"): "registry.value",
    ("windows-registry-key", "values.data"): "registry.data.strings",
    ("windows-registry-key", "values.data_type"): "registry.data.type",
    ("network-traffic", "dst_ref.value"): "ip",
    ("network-traffic", "src_ref.value"): "ip",
    ("network-traffic", "dst_port"): "port",
    ("x509-certificate", "serial_number"): "x509.serial_number",
    ("x509-certificate", "issuer"): "x509.issuer.distinguished_name",
    ("x509-certificate", "subject"): "x509.subject.distinguished_name",
}
for _name in HASHES:
    for _type in ("file", "artifact"):
        FIELDS[(_type, f"hashes.{_name}")] = f"file.hash.{_name}"
# Types that mean the same.
_TYPES = {"hostname": "domain-name", "network-traffic": "port"}
# Under what people know something that ECS has no field for.
_NAMES = tuple(
    "value name path account_login user_id command_line iban subject".split()
)
# The biggest number of Elasticsearch's type `long`.
_LONGEST = 2**63 - 1
_HIVES = {
    "HKEY_LOCAL_MACHINE": "HKLM",
    "HKEY_CURRENT_USER": "HKCU",
    "HKEY_CLASSES_ROOT": "HKCR",
    "HKEY_USERS": "HKU",
    "HKEY_CURRENT_CONFIG": "HKCC",
}
# What all documents have, whatever they are about.
_ALWAYS = {"type", "name"}
# From the most to the least particular: the first that a document has is its name.
_TELLING = (
    *(f"file.hash.{name}" for name in ("sha256", "sha1", "md5")),
    *("ip", "url.full", "url.domain", "email.address", "file.name"),
)
_TLP = {
    TLPMarking(level=level).id: level.value.upper()
    for level in reversed(TLPLevel)
    if level is not TLPLevel.WHITE
}

# What is kept of a value: ECS's own limit for keywords.
_KEYWORD = {"type": "keyword", "ignore_above": 1024}
_TYPES_OF_FIELDS: dict[str, Mapping[str, Any]] = {
    "threat.indicator.ip": {"type": "ip"},
    "threat.indicator.port": {"type": "long"},
    "threat.indicator.as.number": {"type": "long"},
    "threat.indicator.file.size": {"type": "long"},
    "threat.indicator.registry.data.strings": {"type": "wildcard"},
    "threat.indicator.url.full": {"type": "wildcard"},
    "threat.indicator.url.original": {"type": "wildcard"},
    "threat.indicator.url.path": {"type": "wildcard"},
    "threat.indicator.url.port": {"type": "long"},
    "threat.indicator.first_seen": {"type": "date"},
    "threat.indicator.last_seen": {"type": "date"},
    "threat.indicator.modified_at": {"type": "date"},
    "@timestamp": {"type": "date"},
    "opencti.score": {"type": "long"},
    "opencti.documents": {"type": "long"},
    "opencti.partial": {"type": "boolean"},
    "opencti.detection": {"type": "boolean"},
    "opencti.valid_from": {"type": "date"},
    "opencti.valid_until": {"type": "date"},
    # A pattern may be bigger than what can be searched for.
    "opencti.pattern": {"type": "keyword", "index": False, "doc_values": False},
}
_MORE_FIELDS = (
    *(f"threat.indicator.{field}" for field in FIELDS.values()),
    *(
        f"threat.indicator.{name}"
        for name in "id type name description provider reference confidence marking.tlp url.scheme url.query url.fragment"
        " registry.hive registry.key".split()
    ),
    *("ecs.version", "event.kind", "event.category", "event.type", "event.module"),
    *("event.dataset", "threat.feed.name", "tags"),
    *("opencti.id", "opencti.document", "opencti.fingerprint", "opencti.entity_type"),
    *("opencti.name", "opencti.pattern_type", "opencti.rule"),
    "opencti.kill_chain_phases",
)


def mappings() -> dict[str, Any]:
    """Return the mappings of all fields that documents have, as Elasticsearch takes them."""
    types = {name: _KEYWORD for name in _MORE_FIELDS} | _TYPES_OF_FIELDS
    properties: dict[str, Any] = {}
    for name, kind in types.items():
        *parents, last = name.split(".")
        level = properties
        for parent in parents:
            level = level.setdefault(parent, {"properties": {}})["properties"]
        level[last] = dict(kind)
    return {"dynamic": False, "properties": properties}


class Converter:
    """Makes documents of STIX objects."""

    def __init__(self, platform_url: str) -> None:
        """Take the address under which people find the platform."""
        self._pages = f"{platform_url.rstrip('/')}/dashboard/id/"

    def page(self, platform_id: str) -> str:
        """Return the address of an object's page on the platform."""
        return self._pages + platform_id

    def documents(
        self,
        platform_id: str,
        entity_type: str,
        stix: Mapping[str, Any],
        rule: str | None = None,
    ) -> list[Document]:
        """Return the documents of an object: one for each observable in it, at least one.

        The document's id is `opencti.document`. All of it but `@timestamp` follows from the object alone, and all that is
        more than a date goes into `opencti.fingerprint`.

        Args:
            platform_id: the platform's id of the object.
            entity_type: its type in OpenCTI.
            stix: the object.
            rule: the id of the detection rule that there is for it.
        """
        found, partial = _observables(stix)
        parts, less = _separate(found)
        parts = parts or [_bare(stix)]
        common = self._common(platform_id, entity_type, stix)
        own = common["opencti"] | {"documents": len(parts)}
        if partial or less:
            own["partial"] = True
        if rule:
            own["rule"] = rule
        shared = common["threat"]["indicator"]
        name = own.get("name") or str(stix.get("id"))
        documents = []
        for number, part in enumerate(parts):
            document = dict(common)
            document["threat"] = common["threat"] | {
                "indicator": {"name": name} | shared | _nested(part)
            }
            document["opencti"] = own | {
                "document": f"{platform_id}-{number}" if number else platform_id
            }
            documents.append(document)
        if stix.get("pattern"):
            # Once: a pattern may have thousands of documents.
            documents[0]["opencti"]["pattern"] = stix["pattern"]
        fingerprint = _fingerprint(documents)
        moments = _moments(stix)
        for document in documents:
            document["@timestamp"] = _now()
            document["threat"]["indicator"].update(moments)
            document["opencti"]["fingerprint"] = fingerprint
        return documents

    def _common(
        self, platform_id: str, entity_type: str, stix: Mapping[str, Any]
    ) -> Document:
        name = stix.get("name") or _first_of(stix, _NAMES)
        indicator = {
            "id": [stix.get("id")],
            "description": attribute(stix, "description"),
            "provider": "OpenCTI",
            "reference": self.page(platform_id),
            "confidence": _confidence(stix.get("confidence")),
            "marking": _marking(stix),
        }
        own = {
            "id": platform_id,
            "entity_type": entity_type,
            "name": name,
            "score": attribute(stix, "score"),
            "detection": attribute(stix, "detection"),
            "pattern_type": stix.get("pattern_type"),
            "valid_from": stix.get("valid_from"),
            "valid_until": stix.get("valid_until"),
            "kill_chain_phases": [
                f"{one.get('kill_chain_name')}:{one.get('phase_name')}"
                for one in stix.get("kill_chain_phases") or ()
            ],
        }
        return {
            "ecs": {"version": ECS_VERSION},
            # Elastic's own rules look for these.
            "event": {
                "kind": "enrichment",
                "category": ["threat"],
                "type": ["indicator"],
                "module": "ti_opencti",
                "dataset": "ti_opencti.indicator",
            },
            "threat": {"feed": {"name": "OpenCTI"}, "indicator": _without(indicator)},
            "tags": sorted(attribute(stix, "labels") or ()),
            "opencti": _without(own),
        }


def _observables(
    stix: Mapping[str, Any],
) -> tuple[list[tuple[Comparison, ...]], bool]:
    """Return what is to be looked for, and whether that is less than what the object says."""
    if stix["type"] == "indicator":
        if stix.get("pattern_type") != "stix":
            return [], True
        try:
            return take_apart(str(stix.get("pattern") or ""))
        except ValueError:
            # The platform keeps such patterns, too.
            return [], True
    return [tuple(_properties(stix))], False


def _properties(stix: Mapping[str, Any]) -> list[Comparison]:
    """Return the properties of an observable that say what it is."""
    kind = stix["type"]
    if kind == "network-traffic":
        # Between whom it is the stream tells by ids alone, and a port is everybody's.
        return []
    found = [
        Comparison(kind, path, stix[path])
        for object_type, path in FIELDS
        if object_type == kind and path in stix
    ]
    for algorithm, value in (stix.get("hashes") or {}).items():
        found.append(Comparison(kind, hash_path(algorithm), value))
    values = stix.get("values")
    if isinstance(values, list) and len(values) == 1:
        for key in ("name", "data", "data_type"):
            if values[0].get(key):
                found.append(Comparison(kind, f"values.{key}", values[0][key]))
    name = _first_of(stix, _NAMES)
    return found or ([Comparison(kind, "value", name)] if name else [])


def _bare(stix: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of what has nothing that could be looked for: of an observable at least its type."""
    kind = stix["type"]
    return {} if kind == "indicator" else {"type": _TYPES.get(kind, kind)}


def _separate(
    found: Iterable[tuple[Comparison, ...]],
) -> tuple[list[dict[str, Any]], bool]:
    """Return for each document its fields below `threat.indicator`, and whether one says less than has to be seen together."""
    less = False
    documents: dict[tuple[tuple[str, Any], ...], dict[str, Any]] = {}
    for together in found:
        parts, lost = _parts(together)
        less = less or lost or len(parts) > 1
        for part in parts:
            if {"registry.path", "registry.value"} <= part.keys():
                part["registry.path"] += f"\\{part['registry.value']}"
            telling = (part[field] for field in _TELLING if field in part)
            part["name"] = str(next(telling, part["name"]))
            documents.setdefault(tuple(sorted(part.items())), part)
    return [*documents.values()], less


def _parts(together: tuple[Comparison, ...]) -> tuple[list[dict[str, Any]], bool]:
    """Return the things that are seen together, none with two values in a field; and whether ECS has no field for some of it."""
    things: dict[tuple[str, str], list[dict[str, Any]]] = {}
    lost: list[tuple[Comparison, dict[str, Any]]] = []
    for one in together:
        fields = _fields(one)
        if fields.keys() <= _ALWAYS:
            # Of what type something is its value tells.
            if len(together) == 1 or not one.path.endswith("_ref.type"):
                lost.append((one, fields))
            continue
        # The two ends of traffic are two things.
        end = one.path[:3] if one.object_type == "network-traffic" else ""
        same = things.setdefault((one.object_type, end), [])
        part = next((p for p in same if not p.keys() & (fields.keys() - _ALWAYS)), None)
        if part is None:
            same.append(fields)
            continue
        # An address says more than its port.
        kind = next((k for k in (part["type"], fields["type"]) if k != "port"), "port")
        part.update(fields | {"type": kind, "name": part["name"]})
    parts = [part for same in things.values() for part in same]
    # A port by itself is everybody's, unless nothing else was asked for.
    others = [part for part in parts if part.keys() - _ALWAYS != {"port"}]
    ends = any(one.path.endswith("_ref.value") for one, _ in lost)
    less = len(parts) > len(others) and bool(others or ends)
    parts = others if less else parts
    if any(field.startswith("file.hash.") for part in parts for field in part):
        # A hash tells a file from all others, whatever else is said of it.
        lost = [
            pair for pair in lost if pair[0].object_type not in ("file", "artifact")
        ]
    if not parts:
        return [fields for _, fields in lost[:1]], len(together) > 1
    return parts, less or bool(lost)


def _fields(one: Comparison) -> dict[str, Any]:
    """Return what a comparison is: type, name, and a field if ECS has one for it."""
    kind = _TYPES.get(one.object_type, one.object_type)
    text = str(one.value)
    fields: dict[str, Any] = {"type": kind, "name": text}
    field = FIELDS.get((one.object_type, one.path))
    if field == "ip":
        fields.update(_end(text, one.object_type))
    elif field == "url.full":
        fields.update(_url(text))
    elif field == "registry.path":
        fields.update(_registry(text))
    elif field in ("file.size", "port", "as.number"):
        digits = text.upper().removeprefix("AS")
        if digits.isdecimal() and int(digits) <= _LONGEST:
            fields[field] = int(digits)
    elif field == "x509.serial_number":
        # As ECS wants it: without colons, in capitals.
        fields[field] = text.replace(":", "").replace(" ", "").upper()
    elif field == "email.address":
        fields.update({field: text, "type": "email-addr"})
    elif field == "url.domain" or (field or "").startswith("file.hash."):
        # Compared as they are written, and written in any way.
        exact = field in ("file.hash.ssdeep", "file.hash.tlsh")
        fields[cast(str, field)] = text if exact else text.lower()
    elif field:
        fields[field] = text
    return fields


def _end(text: str, object_type: str) -> dict[str, Any]:
    """Return the fields of an address or, at the end of traffic, of a name; none of a range of addresses."""
    address = _address(text)
    if address is not None:
        return {"ip": str(address), "type": f"ipv{address.version}-addr"}
    if object_type == "network-traffic" and not re.search("[/:\\s]", text):
        return {"url.domain": text.lower(), "type": "domain-name"}
    return {}


def _address(
    text: str,
) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address that a text is; None when it is a range of addresses, or none: ECS has no field for them."""
    try:
        # What follows a % is an interface of some machine.
        address = text.strip().partition("%")[0]
        network = ipaddress.ip_network(address, strict=False)
    except ValueError:
        return None
    return network.network_address if network.num_addresses == 1 else None


def _url(text: str) -> dict[str, Any]:
    fields: dict[str, Any] = {"url.full": text, "url.original": text}
    try:
        parts = urlsplit(text)
        fields["url.port"] = parts.port
        fields["url.domain"] = parts.hostname
    except ValueError:
        return {"url.full": text, "url.original": text}
    fields["url.scheme"] = parts.scheme
    fields["url.path"] = parts.path
    fields["url.query"] = parts.query
    fields["url.fragment"] = parts.fragment
    return _without(fields)


def _registry(text: str) -> dict[str, Any]:
    hive, _, key = text.partition("\\")
    short = _HIVES.get(hive.upper(), hive.upper())
    if short not in _HIVES.values():
        return {"registry.path": text}
    path = f"{short}\\{key}"
    return _without(
        {"registry.path": path, "registry.hive": short, "registry.key": key}
    )


def _confidence(value: Any) -> str:
    """Return the word for a confidence: STIX 2.1, appendix A, scale None/Low/Med/High; ECS has the same words."""
    if not isinstance(value, int | float):
        return "Not Specified"
    limits = ((70, "High"), (30, "Medium"), (1, "Low"))
    return next((word for least, word in limits if value >= least), "None")


def _marking(stix: Mapping[str, Any]) -> dict[str, str] | None:
    refs = stix.get("object_marking_refs") or ()
    # The strictest comes first.
    tlp = next((name for ref, name in _TLP.items() if ref in refs), None)
    return {"tlp": tlp} if tlp else None


def _first_of(stix: Mapping[str, Any], names: Iterable[str]) -> str | None:
    return next((str(stix[name]) for name in names if stix.get(name)), None)


def _without(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields without those that say nothing."""
    return {
        name: value for name, value in fields.items() if value not in (None, "", [])
    }


def _nested(fields: Mapping[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, value in fields.items():
        *parents, last = name.split(".")
        level = tree
        for parent in parents:
            level = level.setdefault(parent, {})
        level[last] = value
    return tree


def _fingerprint(documents: list[Document]) -> str:
    content = orjson.dumps(documents, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(content).hexdigest()[:32]


def _moments(stix: Mapping[str, Any]) -> dict[str, Any]:
    """Return when an object was made and changed. Of observables the platform tells it in some answers only."""
    modified = stix.get("modified") or attribute(stix, "updated_at")
    created = stix.get("created") or attribute(stix, "created_at")
    return _without(
        {"first_seen": created, "last_seen": modified, "modified_at": modified}
    )


def _now() -> str:
    return clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")

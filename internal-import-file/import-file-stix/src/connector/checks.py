"""What STIX 2.1 demands of an object with a MUST; the numbers are sections of the specification.

What would need a registry of somebody else is at most remarked on (languages), or, like what needs another object or a guess,
not looked at (media types).
"""

import base64
import binascii
import codecs
import re
from collections.abc import Iterator, Set
from datetime import datetime
from typing import Any

from connector.languages import LANGUAGES
from connector.markings import marking_trouble
from connector.values import VALUES, VALUES_OF_ALL
from stix2patterns.validator import run_validator  # type: ignore[import-untyped]

from connectors_sdk.well_known import OPENCTI_EXTENSION, TLP_MARKING_IDS

MOST_NESTED = 64
_TYPE = re.compile(r"(?!.*--)[a-z][a-z0-9-]{2,249}(?<!-)\Z")
_UUID = r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
_ID = re.compile(rf"([a-z][a-z0-9-]*[a-z0-9])--{_UUID}\Z")
# Whose object it is cannot be told, but not every tool writes whole UUIDs.
_REFERENCE = re.compile(r"([a-z][a-z0-9-]*[a-z0-9])--[0-9a-fA-F-]{8,}\Z")
_KEY = re.compile(r"(?:[a-z][a-z0-9_]{2,249}|id)\Z")
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:[0-5]\d)(?:\.\d+)?Z\Z", re.ASCII)
_HASH_NAME = re.compile(r"[A-Za-z0-9_-]{3,250}\Z")
_LANGUAGE = re.compile(r"(?:[A-Za-z]{2,3}|[ixIX](?=-))(?:-[A-Za-z0-9]{1,8})*\Z")
_SELECTOR = re.compile(
    r"(?:[a-z0-9_-]{3,250}(?:\.(?:\[\d+\]|[A-Za-z0-9_. -]{1,250}))*|id)\Z"
)
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+\Z")
_MIME = re.compile(
    r"(?:application|audio|font|image|message|model|multipart|text|video)/[\w.+-]+"
)
_EMAIL = re.compile(r"[^@\s<>]+@[^@\s<>]+\Z")
_CPE = re.compile(r"cpe:2\.3:[aho*-](?::(?:[^:\\\s]|\\.)+){10}\Z")
_CVE = re.compile(r"CVE-\d{4}-(?:0\d{3}|[1-9]\d{3,})\Z")
_HIVE = re.compile(r"HK(?:LM|CC|CR|CU|U)(?:\\|\Z)", re.IGNORECASE)
_TERM = r"[a-z0-9-]{3,}:[a-z_]{3,}\s*=\s*'(?:[^'\\]|\\['\\])*'"
# What most indicators consist of; the grammar's own parser needs a third of a millisecond for a pattern.
_SIMPLE = re.compile(rf"\[\s*{_TERM}(?:\s+OR\s+{_TERM})*\s*\]\Z")
_HASHED = re.compile(
    r"\[file:hashes\.'?([A-Z0-9]+(?:-[0-9]+)?)'?\s*=\s*'([0-9A-Fa-f]+)'\]\Z"
)
# What stands in quotes in a pattern, and the types that it looks for.
_TEXT = re.compile(r"'(?:[^'\\]|\\.)*'", re.DOTALL)
_LOOKED_FOR = re.compile(r"(?:[\[(]|\bAND\b|\bOR\b|\bEXISTS\b)\s*([A-Za-z0-9_-]+):")
_DIGITS = {"MD5": 32, "SHA-1": 40, "SHA-256": 64, "SHA-512": 128}
_COMMON = ("created", "modified")
_REQUIRED: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        "attack-pattern campaign course-of-action identity incident infrastructure intrusion-set threat-actor tool "
        "vulnerability".split(),
        ("name", *_COMMON),
    ),
    "grouping": ("context", "object_refs", *_COMMON),
    "indicator": ("pattern", "pattern_type", "valid_from", *_COMMON),
    "location": _COMMON,
    "malware": ("is_family", *_COMMON),
    "malware-analysis": ("product", *_COMMON),
    "note": ("content", "object_refs", *_COMMON),
    "observed-data": (
        "first_observed",
        "last_observed",
        "number_observed",
        *_COMMON,
    ),
    "opinion": ("opinion", "object_refs", *_COMMON),
    "report": ("name", "published", "object_refs", *_COMMON),
    "relationship": ("relationship_type", "source_ref", "target_ref", *_COMMON),
    "sighting": ("sighting_of_ref", *_COMMON),
    "marking-definition": ("created",),
    "language-content": ("object_ref", "contents", *_COMMON),
    "extension-definition": (
        "name",
        "schema",
        "version",
        "extension_types",
        "created_by_ref",
        *_COMMON,
    ),
}
OBSERVABLES: dict[str, tuple[str, ...]] = {
    "artifact": (),
    "autonomous-system": ("number",),
    "directory": ("path",),
    "domain-name": ("value",),
    "email-addr": ("value",),
    "email-message": ("is_multipart",),
    "file": (),
    "ipv4-addr": ("value",),
    "ipv6-addr": ("value",),
    "mac-addr": ("value",),
    "mutex": ("name",),
    "network-traffic": ("protocols",),
    "process": (),
    "software": ("name",),
    "url": ("value",),
    "user-account": (),
    "windows-registry-key": (),
    "x509-certificate": (),
}
_TIMES = frozenset(
    "created modified valid_from valid_until first_seen last_seen first_observed last_observed start_time stop_time "
    "published submitted analysis_started analysis_ended".split()
)
_OBSERVED_TIMES = frozenset(
    "start end date ctime mtime atime created_time modified_time validity_not_before validity_not_after "
    "private_key_usage_period_not_before private_key_usage_period_not_after time_date_stamp account_created "
    "account_expires credential_last_changed account_first_login account_last_login".split()
)
# Which comes first, which later. That a relationship must not stop when it starts is passed over: platforms write so.
_ORDERS = (
    ("created", "modified"),
    ("first_seen", "last_seen"),
    ("first_observed", "last_observed"),
    ("valid_from", "valid_until"),
    ("start_time", "stop_time"),
    ("start", "end"),
)
_META = frozenset(
    "bundle marking-definition language-content extension-definition".split()
)
_SENTENCES = _META | {"relationship", "sighting"}
_MACHINES = frozenset("ipv4-addr ipv6-addr mac-addr domain-name".split())
_TRAFFIC = frozenset({"network-traffic"})
_ADDRESS = frozenset({"email-addr"})
_LEADS_TO: dict[str, frozenset[str]] = {
    "contains_refs": frozenset({"file", "directory"}),
    "from_ref": _ADDRESS,
    "sender_ref": _ADDRESS,
    "to_refs": _ADDRESS,
    "cc_refs": _ADDRESS,
    "bcc_refs": _ADDRESS,
    "parent_directory_ref": frozenset({"directory"}),
    "creator_user_ref": frozenset({"user-account"}),
    "src_ref": _MACHINES,
    "dst_ref": _MACHINES,
    "encapsulates_refs": _TRAFFIC,
    "encapsulated_by_ref": _TRAFFIC,
    "opened_connection_refs": _TRAFFIC,
    "belongs_to_refs": frozenset({"autonomous-system"}),
    "observed_data_refs": frozenset({"observed-data"}),
    "where_sighted_refs": frozenset({"identity", "location"}),
    "object_marking_refs": frozenset({"marking-definition"}),
    "marking_ref": frozenset({"marking-definition"}),
}
# Dictionaries with keys of their own, which are no names of properties.
OPEN = frozenset(
    "additional_header_fields document_info_dict environment_variables exif_tags ipfix options request_header "
    "startup_info".split()
)
_OPINIONS = frozenset("strongly-disagree disagree neutral agree strongly-agree".split())


def fatal(stix: Any) -> str:
    """Return why something cannot be an object of STIX at all; empty when it can."""
    if not isinstance(stix, dict):
        return "is no object"
    kind = stix.get("type")
    if not isinstance(kind, str) or not _TYPE.match(kind):
        return f"type {kind!r:.80} is no type" if kind else "has no type"
    found = _ID.match(str(stix.get("id")))
    if found is None or found.group(1) != kind:
        return f"id {stix.get('id')!r:.80} is none of a {kind}"
    if _too_deep(stix):
        return f"is nested more than {MOST_NESTED} levels deep"
    # An upload is knowledge; who may delete or merge does so on the platform.
    for one in (stix, *_extensions(stix)):
        if "opencti_operation" in one:
            return "orders the platform to do something (opencti_operation)"
    return marking_trouble(stix)


def _extensions(stix: dict[str, Any]) -> Iterator[dict[str, Any]]:
    extensions = stix.get("extensions")
    if isinstance(extensions, dict):
        yield from (one for one in extensions.values() if isinstance(one, dict))


def _too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MOST_NESTED):
        level = [
            inner
            for one in level
            for inner in (one.values() if isinstance(one, dict) else one)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return False
    return True


def violations(stix: dict[str, Any], was_20: bool = False) -> Iterator[str]:
    """Yield which rules an object breaks, in words that begin with the property.

    Args:
        stix: an object that is not `fatal`.
        was_20: it was made from STIX 2.0, which allowed an end at the beginning.
    """
    kind = stix["type"]
    observed = kind in OBSERVABLES
    required = OBSERVABLES[kind] if observed else _REQUIRED.get(kind, _COMMON)
    if kind not in _REQUIRED and not observed and "created" not in stix:
        # It may be an observable of somebody's own.
        required = ()
    for key in required:
        if stix.get(key) in (None, "", []):
            # An empty container is one all the same where it comes from.
            if key != "object_refs" or not of_a_platform(stix):
                yield f"{key} is missing"
    known = VALUES if observed or kind in _REQUIRED else VALUES_OF_ALL
    for key, value in stix.items():
        fits = known.get(key)
        if fits is None:
            if not _KEY.match(key):
                yield f"{key:.40} is no name of a property"
        elif value is not None and not fits[0](value):
            yield f"{key} {fits[1]}"
    yield from _times(stix, _TIMES | _OBSERVED_TIMES if observed else _TIMES)
    yield from _periods(stix, was_20)
    yield from _references(stix)
    if "granular_markings" in stix:
        yield from granular(stix)
    if "lang" in stix and not _LANGUAGE.match(str(stix["lang"])):
        yield "lang is no language"
    if "extensions" in stix and not isinstance(stix["extensions"], dict):
        yield "extensions is no dictionary"
    if "hashes" in stix:
        yield from _hashes(stix["hashes"])
    rule = _RULES.get(kind)
    if rule is not None:
        yield from rule(stix)


def of_a_platform(stix: dict[str, Any]) -> bool:
    """Whether an object was written by OpenCTI, which has properties of its own."""
    extensions = stix.get("extensions")
    return any(key.startswith("x_opencti_") for key in stix) or (
        isinstance(extensions, dict) and OPENCTI_EXTENSION in extensions
    )


def _times(stix: dict[str, Any], names: frozenset[str]) -> Iterator[str]:
    for key in sorted(names.intersection(stix)):
        if not _is_time(stix[key]):
            yield f"{key} is no timestamp"
    if stix["type"] in OBSERVABLES:
        nested: list[Any] = [*_extensions(stix), stix.get("x509_v3_extensions")]
        for one in nested:
            for key in names.intersection(one if isinstance(one, dict) else ()):
                if not _is_time(one[key]):
                    yield f"{key} is no timestamp"


def _periods(stix: dict[str, Any], was_20: bool) -> Iterator[str]:
    for first, last in _ORDERS:
        begin, end = stix.get(first), stix.get(last)
        if isinstance(begin, str) and isinstance(end, str):
            if _instant(end) < _instant(begin):
                yield f"{last} is before {first}"
    # The platform refuses it, too; 2.0 allowed it.
    until = stix.get("valid_until")
    if until is not None and until == stix.get("valid_from") and not was_20:
        yield "valid_until is not after valid_from"


def _is_time(value: Any) -> bool:
    found = _TIME.match(value) if isinstance(value, str) else None
    if found is None:
        return False
    try:
        datetime.fromisoformat(found.group(1))
    except ValueError:
        return False
    return True


def _instant(value: str) -> str:
    value = value.rstrip("Z")
    return value.rstrip("0").rstrip(".") if "." in value else value


def _references(stix: dict[str, Any]) -> Iterator[str]:
    # Nested ones as well, but what somebody has added is theirs.
    parts: list[dict[str, Any]] = [stix]
    while parts:
        part = parts.pop()
        for key, value in part.items():
            if key[:2] == "x_" or key in OPEN:
                continue
            if key[-4:] == "_ref":
                yield from _leads(key, value)
            elif key[-5:] == "_refs":
                if not isinstance(value, list) or not value:
                    yield f"{key} is no list of references"
                    continue
                for one in value:
                    yield from _leads(key, one)
            elif isinstance(value, dict):
                parts.append(value)
            elif isinstance(value, list):
                parts.extend(one for one in value if isinstance(one, dict))
    if stix["id"] in (stix.get("object_marking_refs") or ()):
        yield "object_marking_refs leads to the marking itself"


def _leads(key: str, value: Any) -> Iterator[str]:
    found = _REFERENCE.match(value) if isinstance(value, str) else None
    if found is None:
        yield f"{key} leads to {value!r:.60}, which is no id"
        return
    allowed = _LEADS_TO.get(key)
    kind = found.group(1)
    if allowed is not None and kind not in allowed and not kind.startswith("x-"):
        yield f"{key} must not lead to a {kind}"


def granular(stix: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the markings of an object's parts (7.2.3)."""
    markings = stix.get("granular_markings", [])
    if not isinstance(markings, list):
        yield "granular_markings is no list"
        return
    for one in markings:
        selectors = one.get("selectors") if isinstance(one, dict) else None
        if not isinstance(selectors, list) or not selectors:
            yield "granular_markings without selectors"
            continue
        if "lang" not in one and "marking_ref" not in one:
            yield "granular_markings without marking"
        for selector in selectors:
            if not _SELECTOR.match(str(selector)) or not _selects(stix, selector):
                yield f"granular_markings selects {selector!r:.60}, which is not there"


def _selects(stix: dict[str, Any], selector: str) -> bool:
    found: Any = stix
    parts = selector.split(".")
    while parts:
        part = parts.pop(0)
        if part.startswith("["):
            number = int(part[1:-1])
            if not isinstance(found, list) or number >= len(found):
                return False
            found = found[number]
            continue
        if not isinstance(found, dict):
            return False
        # A key may have dots of its own.
        while part not in found and parts:
            part = f"{part}.{parts.pop(0)}"
        if part not in found:
            return False
        found = found[part]
    return True


def _hashes(hashes: Any) -> Iterator[str]:
    if not isinstance(hashes, dict) or not hashes:
        yield "hashes is no dictionary of hashes"
        return
    for name, value in hashes.items():
        if not _HASH_NAME.match(name) or not isinstance(value, str):
            yield f"hashes has {name!r:.40}, which is no hash"


def _indicator(stix: dict[str, Any]) -> Iterator[str]:
    pattern = stix.get("pattern")
    if stix.get("pattern_type") == "stix" and pattern:
        reason = pattern_trouble(pattern)
        if reason:
            yield f"pattern is no STIX pattern: {reason}"


def pattern_trouble(pattern: Any, version: str = "2.1") -> str:
    """Return why something is no STIX pattern; empty when it is one. Source: chapter 9, by the grammar's own parser."""
    if not isinstance(pattern, str):
        return "it is no text"
    if not pattern.strip():
        return "it is empty"
    if _SIMPLE.match(pattern):
        return ""
    hashed = _HASHED.match(pattern)
    if hashed and _DIGITS.get(hashed.group(1)) == len(hashed.group(2)):
        return ""
    try:
        found = run_validator(pattern, stix_version=version)
    except RecursionError:
        return "it is nested too deep"
    # It stops at a timestamp or number that is none.
    except ValueError as error:
        return str(error)
    return (
        str(found[0]).removeprefix("FAIL: ").partition(" expecting ")[0]
        if found
        else ""
    )


def _marking(stix: dict[str, Any]) -> Iterator[str]:
    kind, definition = stix.get("definition_type"), stix.get("definition")
    if kind == "tlp":
        level = definition.get("tlp") if isinstance(definition, dict) else None
        if str(level).lower() not in TLP_MARKING_IDS:
            yield "definition is none of the TLP markings of STIX"
    elif not (kind and definition) and not any(
        key in stix for key in ("extensions", "x_opencti_definition")
    ):
        yield "definition is missing"


def remarks(
    stix: dict[str, Any], known: Set[str], was_20: bool = False
) -> Iterator[str]:
    """Yield what is unusual about an object, and does no harm.

    Args:
        stix: an object that breaks no rule.
        known: types of observables that there are besides those whose names begin with `x-`.
        was_20: it was made from STIX 2.0, which wanted a type of somebody's own to tell whose it is.
    """
    if stix["type"] == "indicator" and stix.get("pattern_type") == "stix":
        text = _TEXT.sub("''", str(stix.get("pattern")))
        for kind in sorted({*_LOOKED_FOR.findall(text)} - known):
            if not kind.startswith("x-"):
                yield f"pattern looks for {kind:.40}, an observable that neither STIX nor the platform has"
            elif was_20 and kind.count("-") < 2:
                yield f"pattern looks for {kind:.40}, which does not tell whose type it is"
    for key, tag in _languages(stix):
        if not _is_registered(tag):
            # Only what has the form of one can be shown to everybody.
            shown = tag if _LANGUAGE.match(tag) else repr(tag)
            yield f"{key} has {shown:.40}, which ISO 639-1 and 639-2 do not have"
    definition = stix.get("definition")
    if stix.get("definition_type") == "tlp" and isinstance(definition, dict):
        if TLP_MARKING_IDS.get(str(definition.get("tlp")).lower()) != stix["id"]:
            yield "TLP with an id of its own"


def _languages(stix: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if "lang" in stix:
        yield "lang", str(stix["lang"])
    for one in stix.get("granular_markings") or ():
        if "lang" in one:
            yield "granular_markings", str(one["lang"])
    if stix["type"] == "software":
        yield from (("languages", tag) for tag in stix.get("languages") or ())


def _is_registered(tag: str) -> bool:
    code = tag.partition("-")[0].lower()
    # What came before the registry, and what is for private use.
    return (
        code in LANGUAGES
        or code in ("i", "x")
        or "qaa" <= code <= "qtz"
        and len(code) == 3
    )


def _observed(stix: dict[str, Any]) -> Iterator[str]:
    if "objects" in stix:
        yield "objects is no dictionary of observables"
    elif not stix.get("object_refs") and not of_a_platform(stix):
        yield "object_refs is missing"
    refs = stix.get("object_refs")
    for one in refs if isinstance(refs, list) else ():
        kind = str(one).partition("--")[0]
        if kind in _REQUIRED and kind not in _SENTENCES - _META:
            yield f"object_refs must not lead to a {kind}"


def _location(stix: dict[str, Any]) -> Iterator[str]:
    has = {key for key, value in stix.items() if value is not None}
    point = {"latitude", "longitude"} <= has
    if not (point or has & {"region", "country"} or of_a_platform(stix)):
        yield "region, country, and latitude with longitude are missing"
    if ("latitude" in has) != ("longitude" in has):
        yield "latitude and longitude do not go without each other"
    if "precision" in has and not point:
        yield "precision without latitude and longitude"


def _opinion(stix: dict[str, Any]) -> Iterator[str]:
    opinion = stix.get("opinion")
    if str(opinion) not in _OPINIONS and opinion and not of_a_platform(stix):
        yield "opinion is none of the five that there are"


def _sighting(stix: dict[str, Any]) -> Iterator[str]:
    kind = str(stix.get("sighting_of_ref")).partition("--")[0]
    if kind in _SENTENCES:
        yield f"sighting_of_ref must not lead to a {kind}"


def _translation(stix: dict[str, Any]) -> Iterator[str]:
    contents = stix.get("contents")
    for lang, words in contents.items() if isinstance(contents, dict) else ():
        if not _LANGUAGE.match(lang) or not isinstance(words, dict):
            yield f"contents has {lang!r:.40}, which is no language"
            continue
        for key in words:
            if not _KEY.match(key):
                yield f"contents has {key!r:.40}, which is no name of a property"


def _vulnerability(stix: dict[str, Any]) -> Iterator[str]:
    references = stix.get("external_references")
    for one in references if isinstance(references, list) else ():
        source = str(one.get("source_name")) if isinstance(one, dict) else ""
        if source.lower() == "cve":
            if source != "cve" or not _CVE.match(str(one.get("external_id"))):
                yield "external_references has no CVE number for the source cve"


def _artifact(stix: dict[str, Any]) -> Iterator[str]:
    content, url = stix.get("payload_bin"), stix.get("url")
    own = of_a_platform(stix) or "extensions" in stix
    if content and url:
        yield "url and payload_bin exclude each other"
    if not content and not url and not own:
        yield "url and payload_bin are missing"
    if url and not (_URI.match(str(url)) and stix.get("hashes")):
        yield "url is none, or without hashes"
    if content:
        try:
            base64.b64decode(content, validate=True)
        except (binascii.Error, ValueError, TypeError):
            yield "payload_bin is no base64"
    if "decryption_key" in stix and "encryption_algorithm" not in stix:
        yield "decryption_key without encryption_algorithm"
    if "mime_type" in stix and not _MIME.match(str(stix["mime_type"])):
        yield "mime_type is none"


def _email_address(stix: dict[str, Any]) -> Iterator[str]:
    if not _EMAIL.match(str(stix.get("value"))):
        yield "value is no email address"


def _email_message(stix: dict[str, Any]) -> Iterator[str]:
    if "body_multipart" in stix and stix.get("is_multipart") is False:
        yield "body_multipart in a message that is_multipart says is none"
    if "body" in stix and stix.get("is_multipart") is True:
        yield "body in a message of several parts"


def _file(stix: dict[str, Any]) -> Iterator[str]:
    if not stix.get("hashes") and not stix.get("name"):
        yield "hashes and name are missing"
    yield from _encoding(stix, "name_enc")
    if "action" in stix:
        yield "action is a reserved name"


def _directory(stix: dict[str, Any]) -> Iterator[str]:
    yield from _encoding(stix, "path_enc")


def _encoding(stix: dict[str, Any], key: str) -> Iterator[str]:
    if key in stix:
        try:
            codecs.lookup(str(stix[key]))
        except (LookupError, ValueError):
            yield f"{key} is no character set"


def _traffic(stix: dict[str, Any]) -> Iterator[str]:
    if not stix.get("src_ref") and not stix.get("dst_ref"):
        yield "src_ref and dst_ref are missing"


def _software(stix: dict[str, Any]) -> Iterator[str]:
    if "cpe" in stix and not _CPE.match(str(stix["cpe"])):
        yield "cpe is no name of CPE 2.3"
    languages = stix.get("languages", [])
    if not isinstance(languages, list) or not all(
        isinstance(one, str) for one in languages
    ):
        yield "languages is no list of languages"


def _registry(stix: dict[str, Any]) -> Iterator[str]:
    if _HIVE.match(str(stix.get("key"))):
        yield "key has the name of its hive cut short"


_RULES = {
    "indicator": _indicator,
    "location": _location,
    "opinion": _opinion,
    "marking-definition": _marking,
    "observed-data": _observed,
    "sighting": _sighting,
    "language-content": _translation,
    "vulnerability": _vulnerability,
    "artifact": _artifact,
    "email-addr": _email_address,
    "email-message": _email_message,
    "file": _file,
    "directory": _directory,
    "network-traffic": _traffic,
    "software": _software,
    "windows-registry-key": _registry,
}

"""From STIX 2.0 to 2.1: what the newer specification renamed, moved and added (its appendix on revisions, and chapter 6)."""

import re
import uuid
from typing import Any

import orjson
from connector.checks import OBSERVABLES, OPEN, pattern_trouble

_NAMESPACE = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")
# Labels of 2.0 that became types of 2.1: the vocabularies of 2.0, chapter 6. Others stay labels.
_BECAME: dict[str, tuple[str, frozenset[str]]] = {
    "indicator": (
        "indicator_types",
        frozenset(
            "anomalous-activity anonymization benign compromised malicious-activity attribution".split()
        ),
    ),
    "malware": (
        "malware_types",
        frozenset(
            "adware backdoor bot ddos dropper exploit-kit keylogger ransomware remote-access-trojan resource-exploitation "
            "rogue-security-software rootkit screen-capture spyware trojan virus worm".split()
        ),
    ),
    "report": (
        "report_types",
        frozenset(
            "threat-report attack-pattern campaign identity indicator intrusion-set malware observed-data threat-actor tool "
            "vulnerability".split()
        ),
    ),
    "threat-actor": (
        "threat_actor_types",
        frozenset(
            "activist competitor crime-syndicate criminal hacker insider-accidental insider-disgruntled nation-state "
            "sensationalist spy terrorist".split()
        ),
    ),
    "tool": (
        "tool_types",
        frozenset(
            "denial-of-service exploitation information-gathering network-capture credential-exploitation remote-access "
            "vulnerability-scanning".split()
        ),
    ),
}
_RENAMED = {
    "file": {"created": "ctime", "modified": "mtime", "accessed": "atime"},
    "directory": {"created": "ctime", "modified": "mtime", "accessed": "atime"},
    "process": {"created": "created_time", "binary_ref": "image_ref"},
    "user-account": {"password_last_changed": "credential_last_changed"},
    "windows-registry-key": {"modified": "modified_time"},
}
_GONE = {
    "file": ("is_encrypted", "encryption_algorithm", "decryption_key"),
    "process": ("name", "arguments"),
}
# What an observable's id is made of (2.1, chapter 6).
_IDENTIFIED_BY: dict[str, tuple[str, ...]] = {
    "artifact": ("hashes", "payload_bin"),
    "autonomous-system": ("number",),
    "directory": ("path",),
    "email-message": ("from_ref", "subject", "body"),
    "file": ("hashes", "name", "parent_directory_ref", "extensions"),
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
    "software": ("name", "cpe", "swid", "vendor", "version"),
    "user-account": ("account_type", "user_id", "account_login"),
    "windows-registry-key": ("key", "values"),
    "x509-certificate": ("hashes", "serial_number"),
}
_HASHES = ("MD5", "SHA-1", "SHA-256", "SHA-512")
_PERIOD = re.compile(r"\b(START|STOP)\s+'")


def is_old(stix: dict[str, Any]) -> bool:
    """Whether an object is of STIX 2.0: one without version is, unless it is an observable (2.1, section 3.2).

    So are observations that hold their observables, which 2.1 tolerates (4.14).
    """
    version, kind = stix.get("spec_version"), stix["type"]
    if version is None:
        return kind not in OBSERVABLES
    held = kind == "observed-data" and isinstance(stix.get("objects"), dict)
    return bool(version == "2.0" or held)


def upgraded(stix: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what an object of 2.0 is in 2.1: itself, after the observables that it held.

    Raises:
        ValueError: it cannot be told; the text says why.
    """
    new = {**stix, "spec_version": "2.1"}
    kind = stix["type"]
    given = stix.get("labels")
    if kind in _BECAME and isinstance(given, list):
        key, vocabulary = _BECAME[kind]
        types = [one for one in given if isinstance(one, str) and one in vocabulary]
        labels = [one for one in given if one not in types]
        if types and key not in stix:
            new[key] = types
            new["labels"] = labels
            if not labels:
                del new["labels"]
            _unselect(new, "labels")
    if kind == "indicator":
        new.setdefault("pattern_type", "stix")
        pattern = new.get("pattern")
        if new["pattern_type"] == "stix" and isinstance(pattern, str):
            new["pattern"] = _PERIOD.sub(r"\1 t'", pattern)
            if pattern_trouble(new["pattern"]) and not pattern_trouble(pattern, "2.0"):
                raise ValueError("pattern is one of STIX 2.0 that 2.1 has no form for")
    if kind == "malware":
        # 2.0 did not say; what the platform takes it for, too.
        new.setdefault("is_family", False)
    if kind == "observed-data" and isinstance(stix.get("objects"), dict):
        del new["objects"]
        _unselect(new, "objects")
        observed = _Observed(stix["objects"], new.get("object_marking_refs"))
        made = observed.all()
        new["object_refs"] = list(dict.fromkeys(one["id"] for one in made))
        return [*made, new]
    return [new]


def _unselect(stix: dict[str, Any], moved: str) -> None:
    """Let no marking of parts select what has moved; before, it has to be made one of the whole object."""
    kept = []
    for one in stix.get("granular_markings") or ():
        others = [s for s in one["selectors"] if s.split(".")[0] != moved]
        if others:
            kept.append({**one, "selectors": others})
    stix.pop("granular_markings", None)
    if kept:
        stix["granular_markings"] = kept


class _Observed:
    """The observables of one observation, which refer to each other by their keys."""

    def __init__(self, objects: dict[str, Any], markings: list[str] | None) -> None:
        self._objects = objects
        self._markings = markings
        self._made: dict[str, dict[str, Any]] = {}
        self._open: set[str] = set()

    def all(self) -> list[dict[str, Any]]:
        """Return them in the form of 2.1, each after what its id is made of."""
        for key in self._objects:
            self._make(key)
        # An id may be made of the one end of a circle; the other end leads back only now.
        for new in self._made.values():
            _archive(new, self._objects)
            new |= {name: self._ids(name, value) for name, value in new.items()}
        return list(self._made.values())

    def _make(self, key: Any) -> dict[str, Any]:
        if key in self._made:
            return self._made[key]
        old = self._objects.get(key)
        if not isinstance(old, dict) or not isinstance(old.get("type"), str):
            raise ValueError(f"objects has no observable {key!r:.40}")
        if key in self._open:
            raise ValueError(f"objects has a circle at {key!r:.40}")
        kind = old["type"]
        self._open.add(key)
        new = _renamed(old)
        parts = {
            name: new[name]
            for name in _IDENTIFIED_BY.get(kind, ("value",))
            if name in new
        }
        for name, value in parts.items():
            if name.endswith("_ref") and not name.startswith("x_"):
                parts[name] = self._make(value)["id"]
        if isinstance(parts.get("hashes"), dict):
            hashes = parts["hashes"]
            best = next((name for name in _HASHES if name in hashes), None)
            parts["hashes"] = {best: hashes[best]} if best else hashes
        if not parts or kind == "process" or kind not in OBSERVABLES:
            parts = new
        content = orjson.dumps(parts, option=orjson.OPT_SORT_KEYS).decode()
        made = {
            "type": kind,
            "spec_version": "2.1",
            "id": f"{kind}--{uuid.uuid5(_NAMESPACE, content)}",
            **{name: value for name, value in new.items() if name != "type"},
        }
        if self._markings:
            made["object_marking_refs"] = self._markings
        self._open.discard(key)
        self._made[key] = made
        return made

    def _ids(self, name: str, value: Any) -> Any:
        """Return a value in which references lead to ids."""
        if name in ("object_marking_refs", "id") or name[:2] == "x_" or name in OPEN:
            return value
        if name.endswith("_ref") and isinstance(value, str):
            return self._make(value)["id"]
        if name.endswith("_refs") and isinstance(value, list):
            return [self._make(one)["id"] for one in value]
        if isinstance(value, dict):
            return {inner: self._ids(inner, one) for inner, one in value.items()}
        if isinstance(value, list):
            return [self._ids("", one) for one in value]
        return value


def _archive(stix: dict[str, Any], objects: dict[str, Any]) -> None:
    extensions = stix.get("extensions")
    archive = extensions.get("archive-ext") if isinstance(extensions, dict) else None
    for key in (archive or {}).get("contains_refs") or ():
        if isinstance(objects.get(key), dict) and objects[key].get("type") != "file":
            raise ValueError("contains_refs of an archive must lead to files")


def _renamed(old: dict[str, Any]) -> dict[str, Any]:
    kind = old["type"]
    if kind == "file" and not old.get("is_encrypted"):
        if "encryption_algorithm" in old or "decryption_key" in old:
            raise ValueError("objects has a file with a key that is not encrypted")
    names = _RENAMED.get(kind, {})
    new = {names.get(key, key): value for key, value in old.items()}
    if kind == "process" and "command_line" not in new and "name" in new:
        new["command_line"] = " ".join(
            map(str, (new["name"], *(new.get("arguments") or ())))
        )
    for key in _GONE.get(kind, ()):
        new.pop(key, None)
    hashes = new.get("hashes")
    if isinstance(hashes, dict) and "ssdeep" in hashes:
        new["hashes"] = {
            "SSDEEP" if key == "ssdeep" else key: one for key, one in hashes.items()
        }
    headers = new.get("additional_header_fields")
    if kind == "email-message" and isinstance(headers, dict):
        new["additional_header_fields"] = {
            key: one if isinstance(one, list) else [one] for key, one in headers.items()
        }
    return new

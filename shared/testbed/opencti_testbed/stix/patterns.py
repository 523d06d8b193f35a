"""Observables and the STIX patterns that look for them.

Source: STIX 2.1, section 9 (patterning). Only comparisons `object:path = 'text'` are understood: they are what says
which observables an indicator is about.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from opencti_testbed.stix.ids import HASH_PREFERENCE
from opencti_testbed.stix.types import SCO

COMPARISON = re.compile(
    r"([a-z0-9-]+):((?:[\w-]+|'[^']*')(?:\.(?:[\w-]+|'[^']*'))*)\s*=\s*('(?:[^'\\]|\\.)*'|-?\d+)"
)
# What a pattern compares for a type that does not go by `value`.
COMPARED = {
    "autonomous-system": "number",
    "directory": "path",
    "mutex": "name",
    "process": "command_line",
    "software": "name",
    "user-account": "account_login",
    "windows-registry-key": "key",
    "bank-account": "iban",
    "media-content": "url",
    "payment-card": "card_number",
}


# The grammar, from the leaves up: comparisons become one sign, what they are joined to another.
_TEXT = r"'(?:[^'\\]|\\.)*'"
_LITERAL = rf"(?:[bht]?{_TEXT}|[+-]?\d+(?:\.\d+)?|true|false)"
_STEP = rf"(?:[\w-]+|{_TEXT})"
_PATH = rf"(?<![\w-])[\w-]++:{_STEP}(?:\.{_STEP}|\[(?:\*|\d+)\])*"
_TEST = (
    rf"{_PATH}\s*(?:NOT\s*)?(?:(?:==?|!=|<>|<=?|>=?)\s*{_LITERAL}|(?:LIKE|MATCHES|ISSUBSET|ISSUPERSET)\s*{_TEXT}"
    rf"|IN\s*\(\s*{_LITERAL}(?:\s*,\s*{_LITERAL})*\s*\))|(?:NOT\s+)?EXISTS\s+{_PATH}"
)
_FLAGS = re.IGNORECASE | re.DOTALL
_TESTED, _OBSERVED = "\x01", "\x02"
_ONE_TEST = re.compile(_TEST, _FLAGS)
# Nearly all patterns are of this form.
_PLAIN = re.compile(rf"\s*\[\s*(?:{_TEST})\s*\]\s*", _FLAGS)
_QUALIFIER = rf"WITHIN\s+\d+(?:\.\d+)?\s+SECONDS|REPEATS\s+\d+\s+TIMES|START\s+t?{_TEXT}\s+STOP\s+t?{_TEXT}"
_RULES = tuple(
    (re.compile(rule, _FLAGS), sign)
    for rule, sign in (
        (rf"\(\s*{_TESTED}\s*\)", _TESTED),
        (rf"{_TESTED}(?:\s*(?:AND|OR)\s*{_TESTED})+", _TESTED),
        (rf"\[\s*{_TESTED}\s*\]", _OBSERVED),
        (rf"{_OBSERVED}(?:\s*(?:{_QUALIFIER}))+", _OBSERVED),
        (rf"\(\s*{_OBSERVED}\s*\)", _OBSERVED),
        (rf"{_OBSERVED}(?:\s*(?:AND|OR|FOLLOWEDBY)\s*{_OBSERVED})+", _OBSERVED),
    )
)
DEEPEST = 50


def is_pattern(text: str) -> bool:
    """Return whether a text is a STIX pattern: whether its form is right, not whether its objects exist.

    Parentheses may be nested 50 deep.
    """
    if _PLAIN.fullmatch(text):
        return True
    if _TESTED in text or _OBSERVED in text:
        return False
    rest = _ONE_TEST.sub(_TESTED, text)
    for _ in range(DEEPEST):
        before = rest
        for rule, sign in _RULES:
            rest = rule.sub(sign, rest)
        if rest == before:
            break
    return rest.strip() == _OBSERVED


def compared(pattern: str) -> Iterator[tuple[str, str, Any]]:
    """Yield (STIX type, path, value) for every equality in a pattern; of types that are no observables none."""
    for found in COMPARISON.finditer(pattern):
        stix_type, path, literal = found.groups()
        if stix_type not in SCO:
            continue
        value: Any = (
            re.sub(r"\\(.)", r"\1", literal[1:-1])
            if literal.startswith("'")
            else int(literal)
        )
        yield stix_type, path.replace("'", ""), value


def observables(pattern: str) -> list[dict[str, Any]]:
    """Return the observables (STIX, without ids) that a pattern looks for; hashes in one pattern are of one file."""
    found: list[dict[str, Any]] = []
    hashed: dict[str, dict[str, Any]] = {}
    for stix_type, path, value in compared(pattern):
        if path.startswith("hashes."):
            one = hashed.get(stix_type)
            if one is None:
                one = hashed[stix_type] = {"type": stix_type, "hashes": {}}
                found.append(one)
            one["hashes"].setdefault(path.removeprefix("hashes."), value)
        elif path == COMPARED.get(stix_type, "value") or (
            stix_type == "file" and path == "name"
        ):
            found.append({"type": stix_type, path: value})
    return found


def observable_values(pattern: str) -> list[dict[str, Any]]:
    """Return type, value and hashes of what a pattern looks for, the way an indicator shows them."""
    shown = []
    for one in observables(pattern):
        hashes = one.get("hashes") or {}
        value = next((v for k, v in one.items() if k not in ("type", "hashes")), None)
        shown.append(
            {
                "type": SCO[one["type"]],
                "value": None if value is None else str(value),
                "hashes": [{"algorithm": k, "hash": v} for k, v in hashes.items()],
            }
        )
    return shown


def pattern_of(observable: Mapping[str, Any]) -> str | None:
    """Return the pattern that finds an observable (STIX), or None when there is nothing to compare."""
    stix_type = str(observable["type"])
    hashes = observable.get("hashes")
    if isinstance(hashes, Mapping) and hashes:
        ranked = sorted(hashes, key=_rank)
        terms = [
            f"{stix_type}:hashes.{_quoted(k)} = {_quoted(hashes[k])}" for k in ranked
        ]
        return f"[{' OR '.join(terms)}]"
    key = COMPARED.get(stix_type, "name" if stix_type == "file" else "value")
    value = observable.get(key)
    if value in (None, ""):
        return None
    literal = str(value) if isinstance(value, int) else _quoted(value)
    return f"[{stix_type}:{key} = {literal}]"


def _rank(algorithm: str) -> tuple[int, str]:
    known = HASH_PREFERENCE.index(algorithm) if algorithm in HASH_PREFERENCE else 99
    return known, algorithm


def _quoted(value: Any) -> str:
    text = str(value).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{text}'"

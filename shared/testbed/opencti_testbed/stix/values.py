"""The form that the values of attributes have, and what observables and indicators have to look like.

Sources: STIX 2.1, sections 2 (types), 4.7 (indicators), 5 (relationships), 6 (observables) and 10.7 (hashing algorithms).
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from opencti_testbed.stix import ids, patterns
from opencti_testbed.stix.attributes import Attribute, attributes
from opencti_testbed.stix.types import (
    SCO_ENTITY_TYPES,
    SDO_ENTITY_TYPES,
    SIGHTING_TYPE,
)

PERCENTAGES = frozenset({"confidence", "x_opencti_score"})
HASH_LENGTHS = {
    "MD5": 32,
    "SHA-1": 40,
    "SHA-256": 64,
    "SHA-512": 128,
    "SHA3-256": 64,
    "SHA3-512": 128,
}
_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]+")
_OCTET = r"(?:25[0-5]|2[0-4]\d|[01]?\d?\d)"
_IPV4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}(?:/(?:3[0-2]|[0-2]?\d))?", re.ASCII)


class WrongForm(ValueError):
    """A value has another form than its attribute; the text says which."""


class IncorrectFormat(ValueError):
    """An observable or indicator is not written as its type wants it; `code` is what the platform's API calls it."""

    def __init__(self, code: str, reason: str) -> None:
        """Say what is wrong."""
        super().__init__(f"{code}: {reason}")
        self.code = code


def converted(attribute: Attribute, value: Any) -> Any:
    """Return a value in the form that an attribute's kind has in STIX.

    Raises:
        WrongForm: the value has another form.
    """
    if attribute.name == "hashes":
        return _hashes(value)
    if attribute.kind == "json":
        return value
    single = value
    try:
        if attribute.kind == "list":
            return [_text(one) for one in _as_list(value)]
        single = value[0] if isinstance(value, list | tuple) and value else value
        return CONVERSIONS[attribute.kind](single)
    except (TypeError, ValueError, OverflowError):
        raise WrongForm(
            f"{attribute.name} cannot be {_shown(single)}: {attribute.kind}"
        ) from None


def conform(entity_type: str, stix: dict[str, Any]) -> None:
    """Bring the attributes of an object (STIX, in normal form) into the form of their kinds, and check it.

    Raises:
        WrongForm: an attribute has another form, a percentage is none, a period ends before it begins.
        IncorrectFormat: an address, a hash or a pattern is none.
    """
    known = _by_stix_name(entity_type)
    for key, value in stix.items():
        attribute = known.get(key)
        if attribute is None:
            continue
        kind = attribute.kind
        # Most values have their form already; this runs for each attribute of each object.
        if kind == "text" and isinstance(value, str):
            continue
        if value is None:
            continue
        if kind not in ("list", "json") and isinstance(value, list):
            raise WrongForm(f"{key} cannot be {_shown(value)}: {kind}")
        if key in PERCENTAGES:
            stix[key] = _percentage(key, value)
        else:
            stix[key] = converted(attribute, value)
    check = _CHECKS.get(entity_type)
    if check is None and "start_time" in stix and "stop_time" in stix:
        check = _check_relationship
    if check is not None:
        check(stix)
    if "hashes" in stix:
        _check_hashes(entity_type, stix["hashes"])


@cache
def _by_stix_name(entity_type: str) -> Mapping[str, Attribute]:
    return {one.stix: one for one in attributes(entity_type).values()}


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"


def _fail(value: Any) -> Any:
    raise ValueError(value)


# -- kinds ---------------------------------------------------------------------------------------------------------


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(_fail(value))


def _integer(value: Any) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        _fail(value)
    return int(value)


def _number(value: Any) -> float:
    return float(_fail(value) if isinstance(value, bool) else value)


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    known = {"true": True, "1": True, "yes": True}
    known |= {"false": False, "0": False, "no": False}
    text = str(value).lower()
    return known[text] if text in known else bool(_fail(value))


def _date(value: Any) -> str:
    text = ids.date(value)
    if text is None or not ids.CANONICAL_DATE.fullmatch(text):
        _fail(value)
    return str(text)


CONVERSIONS: Mapping[str, Callable[[Any], Any]] = {
    "text": _text,
    "int": _integer,
    "float": _number,
    "bool": _boolean,
    "date": _date,
}


def _hashes(value: Any) -> dict[str, str]:
    pairs: Any = [(None, None)]
    if isinstance(value, Mapping) and "algorithm" not in value:
        pairs = value.items()
    elif all(isinstance(one, Mapping) for one in _as_list(value)):
        pairs = [(one.get("algorithm"), one.get("hash")) for one in _as_list(value)]
    found: dict[Any, Any] = dict(pairs)
    if not all(isinstance(one, str) for pair in found.items() for one in pair):
        raise WrongForm("hashes are texts by algorithm, or a list of {algorithm, hash}")
    return found


def _percentage(key: str, value: Any) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 100:
        raise WrongForm(f"{key} must be an integer from 0 to 100, not {value!r}")
    return value


# -- formats -------------------------------------------------------------------------------------------------------


def _incorrect_observable(entity_type: str, reason: str) -> IncorrectFormat:
    text = f"{entity_type} is not correctly formatted: {reason}"
    return IncorrectFormat("INCORRECT_OBSERVABLE_FORMAT", text)


def _check_ipv4(stix: Mapping[str, Any]) -> None:
    value = stix.get("value")
    if value is not None and not _IPV4.fullmatch(value.strip()):
        raise _incorrect_observable("IPv4-Addr", f"{_shown(value)} is no IPv4 address")


def _check_ipv6(stix: Mapping[str, Any]) -> None:
    value = stix.get("value")
    if value is None:
        return
    try:
        ipaddress.IPv6Interface(value.strip())
    except ValueError:
        text = f"{_shown(value)} is no IPv6 address"
        raise _incorrect_observable("IPv6-Addr", text) from None


def _check_hashes(entity_type: str, hashes: Mapping[str, str]) -> None:
    for algorithm, value in hashes.items():
        length = HASH_LENGTHS.get(algorithm.upper())
        if length is None:
            continue
        if len(value) != length or not _HEXADECIMAL.fullmatch(value):
            text = f"{_shown(value)} is no {algorithm}"
            raise _incorrect_observable(entity_type, text)


def _check_indicator(stix: Mapping[str, Any]) -> None:
    pattern = stix.get("pattern")
    if pattern is not None and str(stix.get("pattern_type", "stix")).lower() == "stix":
        if not patterns.is_pattern(pattern):
            raise IncorrectFormat(
                "INCORRECT_INDICATOR_FORMAT",
                f"Indicator of type stix is not correctly formatted: {_shown(pattern)}",
            )
    _check_period(stix, "valid_from", "valid_until")


def _check_relationship(stix: Mapping[str, Any]) -> None:
    _check_period(stix, "start_time", "stop_time")


def _check_sighting(stix: Mapping[str, Any]) -> None:
    _check_period(stix, "first_seen", "last_seen")


def _check_period(stix: Mapping[str, Any], first: str, last: str) -> None:
    start, end = stix.get(first), stix.get(last)
    if start and end and end < start:
        raise WrongForm(f"{last} {end} is before {first} {start}")


# What else is checked of a type; relationships have as many types as there are verbs.
_CHECKS: dict[str, Callable[[Mapping[str, Any]], None] | None] = {
    **dict.fromkeys(SDO_ENTITY_TYPES | SCO_ENTITY_TYPES, lambda _: None),
    "IPv4-Addr": _check_ipv4,
    "IPv6-Addr": _check_ipv6,
    "Indicator": _check_indicator,
    SIGHTING_TYPE: _check_sighting,
}

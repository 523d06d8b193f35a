"""STIX patterns from values that nobody has checked (STIX 2.1 section 9).

Whatever a value holds (quotes, backslashes, line ends, a megabyte of anything), it stays a value: it cannot end its
literal and become part of the pattern.

    >>> comparison("domain-name:value", "it's.example")
    "domain-name:value = 'it\\\\'s.example'"
    >>> one_of("ipv4-addr:value", ["192.0.2.1", "192.0.2.2"])
    "[ipv4-addr:value = '192.0.2.1' OR ipv4-addr:value = '192.0.2.2']"
"""

import math
import re
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from connectors_sdk.models._emission import timestamp

if TYPE_CHECKING:
    from connectors_sdk.models.base_observable_entity import BaseObservableEntity

Value = str | int | float | bool | datetime

_OPERATORS = frozenset(
    {
        "=",
        "!=",
        "<",
        "<=",
        ">",
        ">=",
        "IN",
        "LIKE",
        "MATCHES",
        "ISSUBSET",
        "ISSUPERSET",
    }
)
# How a pattern is written. Possessive quantifiers: nothing is tried twice, whatever the value.
_WORDS = "AND|OR|NOT|FOLLOWEDBY|LIKE|MATCHES|ISSUPERSET|ISSUBSET|EXISTS|LAST|IN|START|STOP|WITHIN|REPEATS|TIMES|SECONDS|true|false"
_KEY = rf"(?:(?!(?:{_WORDS})\b)[A-Za-z_][A-Za-z0-9_]*+|'[^'\\\n]++')"
_PATH = rf"[a-z][a-z0-9-]*+:{_KEY}(?:\.{_KEY}|\[(?:0|[1-9][0-9]*+|\*)\])*+"
_VALUE = r"(?:'(?:[^'\\]++|\\['\\])*+'|-?(?:0|[1-9][0-9]*+)(?![0-9]))"
_COMPARISON = rf"{_PATH}\s*+=\s*+{_VALUE}"
_PLAIN_KEY = re.compile(rf"(?!(?:{_WORDS})\Z)[A-Za-z_][A-Za-z0-9_]*\Z")
_OBJECT_PATH = re.compile(rf"{_PATH}\Z")
# What feeds are made of: comparisons for equality, joined by AND or OR.
_SIMPLE = re.compile(
    rf"\[\s*+{_COMPARISON}(?:\s++(?:AND|OR)\s++{_COMPARISON})*+\s*+\]\Z"
)


def escape(text: str) -> str:
    """Return a text as it stands inside a string literal: backslashes and single quotes have a backslash before."""
    return text.replace("\\", "\\\\").replace("'", "\\'")


def literal(value: Value) -> str:
    """Return a value as a literal: text quoted and escaped, numbers and booleans plain, instants as `t'...'` in UTC."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} cannot stand in a pattern")
        return f"{Decimal(repr(value)):f}"
    if isinstance(value, datetime):
        return f"t'{timestamp(value)}'"
    return f"'{escape(value)}'"


def path(object_type: str, *keys: str) -> str:
    """Return an object path, for example `file:hashes.'SHA-256'` for `path("file", "hashes", "SHA-256")`.

    Raises:
        ValueError: a key cannot stand in a path.
    """
    steps = []
    for key in keys:
        if _PLAIN_KEY.match(key):
            steps.append(key)
        elif key and not {"'", "\\", "\n"} & set(key):
            steps.append(f"'{key}'")
        else:
            raise ValueError(f"{key!r} cannot stand in an object path")
    return _checked(f"{object_type}:{'.'.join(steps)}")


def comparison(
    object_path: str, value: Value | Iterable[Value], operator: str = "="
) -> str:
    """Return a comparison expression, without the brackets of an observation.

    Args:
        object_path: for example `ipv4-addr:value`.
        value: what to compare with; several values for `IN`.
        operator: `=`, `!=`, `<`, `<=`, `>`, `>=`, `IN`, `LIKE`, `MATCHES`, `ISSUBSET` or `ISSUPERSET`.

    Raises:
        ValueError: the path or the operator is none.
    """
    if operator not in _OPERATORS:
        raise ValueError(f"{operator!r} is no comparison operator of STIX patterns")
    if isinstance(value, str | int | float | datetime):
        text = f"({literal(value)})" if operator == "IN" else literal(value)
    else:
        text = f"({', '.join(literal(item) for item in value)})"
    return f"{_checked(object_path)} {operator} {text}"


def observation(*comparisons: str, joined_by: str = "AND") -> str:
    """Return an observation expression in brackets from comparison expressions, all of which (or one, with `OR`) hold.

    Raises:
        ValueError: there are none, or `joined_by` is neither `AND` nor `OR`.
    """
    if joined_by not in ("AND", "OR"):
        raise ValueError("comparisons are joined by AND or OR")
    if not comparisons:
        raise ValueError("an observation needs at least one comparison")
    return f"[{f' {joined_by} '.join(comparisons)}]"


def equals(object_path: str, value: Value) -> str:
    """Return the pattern that something has this value, for example `[ipv4-addr:value = '192.0.2.1']`."""
    return observation(comparison(object_path, value))


def one_of(object_path: str, values: Iterable[Value]) -> str:
    """Return the pattern that something has one of these values."""
    return observation(
        *(comparison(object_path, value) for value in values), joined_by="OR"
    )


def of(observable: "BaseObservableEntity") -> str:
    """Return the pattern that detects an observable: all properties that its id comes from have its values.

    A file is detected by any of its hashes, by its name only if it has none.

    Raises:
        ValueError: the observable has nothing that a pattern could compare.
    """
    alternatives: list[str] = []
    together: list[str] = []
    for keys, value in observable.pattern_values():
        is_hash = keys[0] == "hashes"
        (alternatives if is_hash else together).append(
            comparison(_path_of(observable.stix_type, keys), value)
        )
    if alternatives:
        return observation(*alternatives, joined_by="OR")
    if not together:
        raise ValueError(
            f"{type(observable).__name__} {observable.id} has nothing that a pattern could compare"
        )
    return observation(*together)


def value_of(observable: "BaseObservableEntity") -> str:
    """Return the one text by which people know an observable: its value, name, path, first hash..., else its id."""
    for _, value in observable.pattern_values():
        return str(value)
    return observable.id


def _path_of(object_type: str, keys: tuple[str, ...]) -> str:
    # "[*]" stands for any item of a list.
    listed = keys[-1] == "[*]"
    plain = path(object_type, *(keys[:-1] if listed else keys))
    return f"{plain}[*]" if listed else plain


def check(pattern: str) -> None:
    """Refuse what is not a STIX pattern.

    Raises:
        ValueError: with the place and the reason.
    """
    if _SIMPLE.match(pattern):
        return
    # The grammar's own parser knows all of the language; at some milliseconds a pattern it is for the rare forms.
    from stix2patterns.v21.pattern import (  # type: ignore[import-untyped]
        ParseException,
        Pattern,
    )

    try:
        Pattern(pattern)
    except ParseException as err:
        raise ValueError(f"not a STIX pattern: {err}") from err


def _checked(object_path: str) -> str:
    if not _OBJECT_PATH.match(object_path):
        raise ValueError(f"{object_path!r} is no object path of STIX patterns")
    return object_path

"""The only place that builds `stix2` objects; imported when one is asked for."""

from functools import cache
from importlib import import_module
from typing import Any

import stix2


@cache
def _class(name: str) -> Any:
    if ":" in name:
        module, _, attribute = name.partition(":")
        return getattr(import_module(module), attribute)
    return getattr(stix2.v21, name)


def build(name: str, properties: dict[str, Any]) -> Any:
    """Return a stix2 object of a class (`Malware`, or `module:Class`) from JSON-ready properties."""
    return _class(name)(allow_custom=True, **properties)

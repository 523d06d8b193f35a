"""Indicators made from observables and observables made from indicators, when their sender asks for it."""

from collections.abc import Iterator, Mapping
from typing import Any

from opencti_testbed.stix import ids
from opencti_testbed.stix.names import readable_name
from opencti_testbed.stix.patterns import observables, pattern_of
from opencti_testbed.stix.types import SCO
from opencti_testbed.store.database import timestamp

CREATE_INDICATOR, CREATE_OBSERVABLES = (
    "x_opencti_create_indicator",
    "x_opencti_create_observables",
)
# What the new object takes over.
INHERITED = (
    "created_by_ref",
    "object_marking_refs",
    "labels",
    "external_references",
    "x_opencti_granted_refs",
    "x_opencti_score",
    "confidence",
)


def wish(stix: dict[str, Any]) -> str:
    """Take the flags from an object in normal form; return the one that applies to it, or nothing."""
    indicator = stix.pop(CREATE_INDICATOR, False)
    from_pattern = stix.pop(CREATE_OBSERVABLES, False)
    if indicator is True and stix["type"] in SCO:
        return CREATE_INDICATOR
    if from_pattern is True and stix["type"] == "indicator":
        return CREATE_OBSERVABLES
    return ""


def main_observable_type(indicator: Mapping[str, Any]) -> str | None:
    """Return the entity type of what an indicator looks for first, None when its pattern does not tell."""
    found = observables(str(indicator.get("pattern") or ""))
    return SCO[found[0]["type"]] if found else None


def derived(what: str, stored: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the objects (normal form, without ids of their own) that a stored one asks for, with their relationships."""
    if what == CREATE_INDICATOR:
        yield from _indicator(stored)
    elif what == CREATE_OBSERVABLES and stored.get("pattern_type", "stix") == "stix":
        for one in observables(str(stored.get("pattern") or "")):
            form = {**one, **_inherited(stored)}
            yield form
            yield based_on(stored["id"], ids.standard_id(one))


def _indicator(observable: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    pattern = pattern_of(observable)
    if pattern is None:
        return
    indicator = {
        "type": "indicator",
        "name": readable_name(observable),
        "pattern": pattern,
        "pattern_type": "stix",
        "valid_from": timestamp(),
        "x_opencti_main_observable_type": SCO[observable["type"]],
        **_inherited(observable),
    }
    if observable.get("x_opencti_description"):
        indicator["description"] = observable["x_opencti_description"]
    indicator_id = ids.standard_id(indicator)
    yield indicator
    yield based_on(indicator_id, observable["id"])


def _inherited(stix: Mapping[str, Any]) -> dict[str, Any]:
    return {key: stix[key] for key in INHERITED if stix.get(key) is not None}


def based_on(indicator_id: str, observable_id: str) -> dict[str, Any]:
    """Return the relationship between an indicator and an observable."""
    return {
        "type": "relationship",
        "relationship_type": "based-on",
        "source_ref": indicator_id,
        "target_ref": observable_id,
    }

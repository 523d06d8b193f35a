"""One form for the several ways in which bundles write the same thing."""

from collections.abc import Mapping
from typing import Any

from opencti_testbed.ingest.references import IGNORED
from opencti_testbed.stix.markings import stored_form

# Observables have no author, labels and references in STIX; OpenCTI writes them under a prefix.
UNPREFIXED = {
    "x_opencti_created_by_ref": "created_by_ref",
    "x_opencti_labels": "labels",
    "x_opencti_external_references": "external_references",
    "x_opencti_files": None,
}


class InvalidObject(ValueError):
    """The object is no STIX object that can be stored; the message says why."""


def normalise(stix: Any) -> dict[str, Any]:
    """Return a copy of a STIX object in the form in which it is stored.

    Empty values are gone, OpenCTI's prefixed common properties stand under their STIX names, ATT&CK's id comes
    from its external reference when it is not stated.

    Raises:
        InvalidObject: not an object, or without a usable `type` or `id`.
    """
    if not isinstance(stix, Mapping):
        raise InvalidObject(f"not a STIX object but {type(stix).__name__}")
    stix_type, stix_id = stix.get("type"), stix.get("id")
    if not isinstance(stix_type, str) or not stix_type:
        raise InvalidObject("an object without a type")
    if not isinstance(stix_id, str) or "--" not in stix_id:
        raise InvalidObject(f"{stix_type} without a valid id")
    if stix_type == "marking-definition":
        return stored_form(dict(stix))
    form: dict[str, Any] = {}
    for key, value in stix.items():
        if value in (None, "", [], {}) or key in IGNORED:
            continue
        if key in UNPREFIXED:
            plain = UNPREFIXED[key]
            if plain is None:
                continue
            form.setdefault(plain, value)
        else:
            form[key] = value
    if stix_type in {"attack-pattern", "course-of-action"}:
        _add_mitre_id(form)
    return form


def _add_mitre_id(form: dict[str, Any]) -> None:
    if form.get("x_mitre_id"):
        return
    for reference in form.get("external_references", []):
        if (
            isinstance(reference, dict)
            and str(reference.get("source_name", "")).startswith("mitre")
            and reference.get("external_id")
        ):
            form["x_mitre_id"] = reference["external_id"]
            return

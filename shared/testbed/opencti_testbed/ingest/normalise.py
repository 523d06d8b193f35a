"""One form for the several ways in which bundles write the same thing."""

import re
from collections.abc import Mapping
from typing import Any

from opencti_testbed.ingest.references import IGNORED
from opencti_testbed.stix.markings import stored_form
from opencti_testbed.stix.types import (
    SCO,
    canonical_stix_type,
    location_name,
    stored_stix_type,
)

# Observables have no author, labels and references in STIX; OpenCTI writes them under a prefix.
UNPREFIXED = {
    "x_opencti_created_by_ref": "created_by_ref",
    "x_opencti_labels": "labels",
    "x_opencti_external_references": "external_references",
    "x_opencti_files": None,
}
# OpenCTI's extensions of STIX: what is there is the same as a property of the object.
EXTENSIONS = (
    "extension-definition--ea279b3e-5c71-4632-ac08-831c66a786ba",
    "extension-definition--f93e2c80-4231-4f9a-af8b-95c9bd566a82",
)
EXTENDED = {
    **{
        key: f"x_opencti_{key}"
        for key in (
            "score reliability main_observable_type detection stix_ids granted_refs workflow_id aliases"
            " organization_type location_type firstname lastname create_indicator create_observables additional_names"
            " product type"
        ).split()
    },
    "labels": "labels",
    "created_by_ref": "created_by_ref",
    "external_references": "external_references",
    "content": "content",
}
OF_ACTORS_ONLY = "type"
# What the platform and pycti note on an object under way: nothing that can be stored in it.
NOTED = frozenset({"x_opencti_id", "x_opencti_type", "nb_deps"})
_ID = re.compile(
    r"([a-z0-9-]+)--[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE
)


class InvalidObject(ValueError):
    """The object is no STIX object that can be stored; the message says why."""


def normalise(stix: Any) -> dict[str, Any]:
    """Return a copy of a STIX object in the form in which it is stored.

    Empty values are gone, OpenCTI's prefixed common properties and what stands in its extensions stand under their
    STIX names, ATT&CK's id comes from its external reference when it is not stated.

    Raises:
        InvalidObject: not an object, without a usable `type` or `id`, or with labels that are no texts.
    """
    if not isinstance(stix, Mapping):
        raise InvalidObject(f"not a STIX object but {type(stix).__name__}")
    stix_type, stix_id = stix.get("type"), stix.get("id")
    if not isinstance(stix_type, str) or not stix_type:
        raise InvalidObject("an object without a type")
    _check_id(stix_type, stix_id)
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
    form["type"] = stored_stix_type(stix_type)
    if "extensions" in form:
        _take_from_extensions(form)
    for key in NOTED & form.keys():
        if key != "x_opencti_type" or form["type"] != "threat-actor":
            del form[key]
    if stix_type in {"attack-pattern", "course-of-action"}:
        _add_mitre_id(form)
    if stix_type == "location" and location_name(form):
        form["name"] = location_name(form)
    if isinstance(form.get("coverage"), list):
        _name_coverage(form)
    _check_labels(form)
    return form


def _check_id(stix_type: str, stix_id: Any) -> None:
    form = _ID.fullmatch(stix_id) if isinstance(stix_id, str) else None
    if form is None:
        raise InvalidObject(f"{stix_type} without a valid id: <type>--<UUID>")
    named = form[1]
    if named != stix_type and canonical_stix_type(named) != canonical_stix_type(
        stix_type
    ):
        raise InvalidObject(f"a {stix_type} cannot have the id of a {named}")


def _check_labels(form: dict[str, Any]) -> None:
    labels = form.get("labels")
    if labels is None:
        return
    if not isinstance(labels, list) or not all(isinstance(o, str) for o in labels):
        raise InvalidObject("labels must be a list of texts")
    # What is blank is no label.
    form["labels"] = [text for text in map(str.strip, labels) if text]


def _take_from_extensions(form: dict[str, Any]) -> None:
    if not isinstance(form["extensions"], Mapping):
        raise InvalidObject("extensions must be an object")
    extensions = dict(form["extensions"])
    for name in EXTENSIONS:
        content = extensions.pop(name, None)
        if not isinstance(content, Mapping):
            continue
        for key, value in content.items():
            if value in (None, "", [], {}):
                continue
            plain = EXTENDED.get(key)
            if key == OF_ACTORS_ONLY and form["type"] != "threat-actor":
                continue
            if key == "description" and form["type"] in SCO:
                plain = "x_opencti_description"
            if plain:
                form.setdefault(plain, value)
    if extensions:
        form["extensions"] = extensions
    else:
        del form["extensions"]


def _name_coverage(form: dict[str, Any]) -> None:
    """Write what a security coverage covers as the API calls it."""
    form["coverage_information"] = [
        {"coverage_name": one.get("name"), "coverage_score": one.get("score")}
        for one in form.pop("coverage")
        if isinstance(one, Mapping)
    ]


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

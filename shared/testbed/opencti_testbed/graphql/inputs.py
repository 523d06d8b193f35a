"""What clients send, as STIX in the form in which it is stored.

Source: the inputs of the platform's create and edit mutations; which attributes a type has is said in
`opencti_testbed.stix.attributes`.
"""

import logging
import sqlite3
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from opencti_testbed.graphql.registry import ApiError
from opencti_testbed.stix import ids
from opencti_testbed.stix.attributes import (
    EXTERNAL_REFERENCE,
    KILL_CHAIN_PHASE,
    LABEL,
    Reference,
    attributes,
    references,
)
from opencti_testbed.stix.types import (
    IDENTITIES,
    LOCATIONS,
    THREAT_ACTORS,
    stix_type_of,
)
from opencti_testbed.stix.values import WrongForm, converted
from opencti_testbed.store.objects import Objects

LOGGER = logging.getLogger("opencti_testbed.graphql")
# Said by clients about the request, not about the object.
ABOUT_THE_REQUEST = frozenset(
    {
        "clientMutationId",
        "customFieldValues",
        "embedded",
        "file",
        "files",
        "filesMarkings",
        "noTriggerImport",
        "type",
        "update",
        "upsertOperations",
        "x_opencti_modified_at",
    }
)
# Kept as they come: the people here are no objects.
PEOPLE = {
    "objectAssignee": "x_opencti_assignee_ids",
    "objectParticipant": "x_opencti_participant_ids",
}
FLAGS = {
    "createIndicator": "x_opencti_create_indicator",
    "createObservables": "x_opencti_create_observables",
}
# Where embedded things stand in STIX.
EMBEDDED = {
    LABEL: "labels",
    EXTERNAL_REFERENCE: "external_references",
    KILL_CHAIN_PHASE: "kill_chain_phases",
}
OWN = frozenset(
    {"id", "type", "spec_version", "created", "modified", "x_opencti_stix_ids"}
)


class Inputs:
    """Turns inputs into STIX, inside the writer's open transaction."""

    def __init__(
        self, objects: Objects, connection: sqlite3.Connection, strict: bool = False
    ) -> None:
        """Bind to the stored objects; `strict` refuses keys that the type does not have."""
        self._objects = objects
        self._connection = connection
        self._strict = strict

    def stix(self, entity_type: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the STIX object (without id unless one is given) that an input describes.

        Raises:
            ApiError: a reference to something unknown, a value of the wrong form, or (strict) an unknown key.
        """
        stix: dict[str, Any] = {
            "type": stix_type_of(entity_type),
            **_told_by_type(entity_type),
        }
        for name, value in given.items():
            if value is not None and value != []:
                stix |= self.member(entity_type, name, value)
        if given.get("stix_id"):
            stix["id"] = given["stix_id"]
        return stix

    def member(self, entity_type: str, name: str, value: Any) -> dict[str, Any]:
        """Return the STIX property that one key of an input stands for; none for what is about the request."""
        attribute = attributes(entity_type).get(name)
        if attribute is not None:
            try:
                return {attribute.stix: converted(attribute, value)}
            except WrongForm as error:
                raise ApiError("BAD_USER_INPUT", str(error)) from error
        reference = references(entity_type).get(name)
        if reference is not None:
            return {property_of(reference.key): self.referred(reference, value)}
        if name == "x_opencti_stix_ids":
            return {name: [str(one) for one in _as_list(value)]}
        if name in PEOPLE:
            return {PEOPLE[name]: _as_list(value)}
        if name in FLAGS:
            return {FLAGS[name]: bool(value)}
        if name not in ABOUT_THE_REQUEST and name != "stix_id":
            if self._strict:
                raise ApiError("BAD_USER_INPUT", f"{entity_type} has no field {name}")
            _note(entity_type, name)
        return {}

    def referred(self, reference: Reference, value: Any) -> Any:
        """Return what a reference stands for in STIX: ids, or copies of what STIX embeds."""
        found = [self.target(reference.key, one) for one in _as_list(value)]
        return found if reference.many else next(iter(found), None)

    def target(self, key: str, any_id: Any) -> Any:
        """Return what stands in STIX for an object that is referred to under a key.

        Raises:
            ApiError: there is no such object.
        """
        if not isinstance(any_id, str) or not any_id.strip():
            raise ApiError(
                "BAD_USER_INPUT", f"{key}: an id is expected, not {any_id!r}"
            )
        text = any_id
        known = self._objects.resolve_for_writing(self._connection, text)
        if known is None and key == LABEL:
            # Labels may be named by their text.
            if not text.startswith("label--"):
                return text.strip()
        if known is None:
            raise ApiError(
                "MISSING_REFERENCE_ERROR", f"Element(s) not found: {key} {text}"
            )
        if key not in EMBEDDED:
            return known[1]
        data = self._objects.data(self._connection, known[0])
        if key == LABEL:
            return data["value"]
        return {name: one for name, one in data.items() if name not in OWN}


def property_of(key: str) -> str:
    """Return the STIX property that holds the references kept under a key."""
    return EMBEDDED.get(key, key)


def _told_by_type(entity_type: str) -> dict[str, Any]:
    """Return the properties by which STIX tells types that share one STIX type."""
    if entity_type in LOCATIONS:
        return {"x_opencti_location_type": entity_type}
    if entity_type in THREAT_ACTORS:
        return {"x_opencti_type": entity_type}
    for identity_class, known in IDENTITIES.items():
        if known == entity_type:
            return {"identity_class": identity_class}
    return {}


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def same(member: Any, value: Any) -> bool:
    if isinstance(member, str) and isinstance(value, str):
        return member.lower() == value.lower()
    if isinstance(member, Mapping) and isinstance(value, Mapping):
        # Copies of one reference may tell more or less about it; what makes it is the same.
        made = ids.external_reference_id(member)
        if made:
            return made == ids.external_reference_id(value)
        keys = ("kill_chain_name", "phase_name")
        return all(member.get(key) == value.get(key) for key in keys)
    return bool(member == value)


def apply_change(
    inputs: Inputs, entity_type: str, data: dict[str, Any], change: Mapping[str, Any]
) -> None:
    """Apply one `EditInput` to an object.

    Raises:
        ApiError: the type has no such key, or the value does not fit it.
    """
    key = str(change.get("key") or "")
    value = change.get("value")
    if value is None:
        value = change.get("values")
    operation = str(change.get("operation") or "replace")
    values = [] if value is None else _as_list(value)
    values = [one for one in values if one not in (None, "")]
    path = str(change.get("object_path") or "").strip("/").split("/")
    if len(path) == 2:
        inner = dict(data.get(path[0]) or {})
        if values and operation != "remove":
            inner[path[1]] = values[0]
        else:
            inner.pop(path[1], None)
        data[path[0]] = inner
        return
    attribute = attributes(entity_type).get(key)
    reference = references(entity_type).get(key)
    if attribute is None and reference is None and key != "x_opencti_stix_ids":
        raise ApiError("FUNCTIONAL_ERROR", f"{entity_type} has no attribute {key!r}")
    name = (
        attribute.stix
        if attribute
        else property_of(reference.key) if reference else key
    )
    member = inputs.member(entity_type, key, values) if values else {name: None}
    new, present = member[name], data.get(name)
    if operation == "add" and isinstance(new, list):
        new = [*(one for one in present or () if one not in new), *new]
    elif operation == "remove":
        gone = new if isinstance(new, list) else [new]
        left = [one for one in _as_list(present) if one is not None]
        left = [one for one in left if not any(same(one, other) for other in gone)]
        new = left if isinstance(present, list) else next(iter(left), None)
    if new in (None, [], {}):
        data.pop(name, None)
    else:
        data[name] = new


@lru_cache(maxsize=10_000)
def _note(entity_type: str, name: str) -> None:
    LOGGER.info("input %s.%s is unknown here: left out", entity_type, name)

"""Changes of stored objects that are not upserts: replaced, renamed, deleted, merged into another.

Whoever refers to a changed object follows: references, embedded labels and the like, ids that are made of ids.
"""

import sqlite3
from collections.abc import Iterable
from typing import Any

from opencti_testbed.ingest.linker import Linker
from opencti_testbed.ingest.merge import differs, merge
from opencti_testbed.ingest.normalise import InvalidObject
from opencti_testbed.stix import ids
from opencti_testbed.stix.attributes import (
    ALIASES,
    EXTERNAL_REFERENCE,
    KILL_CHAIN_PHASE,
    LABEL,
)
from opencti_testbed.stix.types import Family, classify
from opencti_testbed.store.objects import Objects, Stored

ENDS = frozenset({"source_ref", "target_ref", "sighting_of_ref", "where_sighted_refs"})
# Where holders keep their copy of a label, a reference or a phase.
EMBEDDED = {
    LABEL: "labels",
    EXTERNAL_REFERENCE: "external_references",
    KILL_CHAIN_PHASE: "kill_chain_phases",
}
# What belongs to the stored object of an embedded thing, and not to the copies of it.
OWN = frozenset(
    {"id", "type", "spec_version", "created", "modified", "x_opencti_stix_ids"}
)


class Duplicate(ValueError):
    """A change would make an object the same as another."""


class Editor:
    """Changes stored objects, in the writer's open transaction."""

    def __init__(self, objects: Objects, linker: Linker) -> None:
        """Bind to the stored objects and to what links them."""
        self._objects = objects
        self._linker = linker

    def replace(
        self,
        connection: sqlite3.Connection,
        pk: int,
        data: dict[str, Any],
        digest: bytes | None = None,
    ) -> bool:
        """Give an object a new content; its standard id follows what it is made of.

        Args:
            data: the whole object; references may be any ids.
            digest: hash of what was sent, when it was sent.

        Returns:
            Whether anything changed.

        Raises:
            MissingReference: names what cannot be resolved.
            Duplicate: another object is what this one would become.
            ValueError: a property that its id is made of is missing.
        """
        before = self._objects.stored(connection, pk)
        links = self._linker.resolve(connection, data, partial=False)
        self._linker.keep_strictest_markings(connection, data)
        old_id = before.standard_id
        if before.entity_type != "Marking-Definition":
            data["id"] = self._new_id(connection, before, data)
        if not differs(before.data, data):
            return False
        if data["id"] != old_id:
            known = data.get("x_opencti_stix_ids") or []
            kept = [old_id, *(one for one in known if one != data["id"])]
            data["x_opencti_stix_ids"] = list(dict.fromkeys(kept))
        links += self._linker.embedded(connection, data)
        self._objects.update(connection, pk, data, digest)
        others = [
            *(data.get("x_opencti_stix_ids") or ()),
            *ids.alternative_ids(before.entity_type, data),
        ]
        self._linker.link(connection, pk, (data["id"], others), links, fresh=False)
        if before.family is Family.META:
            self._linker.forget()
            self._follow_embedded(connection, before, data)
        if data["id"] != old_id:
            self._objects.forget_known()
            self._follow_id(connection, pk, old_id, data["id"])
        return True

    def _new_id(
        self, connection: sqlite3.Connection, before: Stored, data: dict[str, Any]
    ) -> str:
        new_id = ids.standard_id(data)
        # An id that was given under other rules stays as long as nothing that it is made of changes.
        if new_id == ids.standard_id(before.data):
            return before.standard_id
        known = self._objects.resolve_for_writing(connection, new_id)
        if known is not None and known[0] != before.pk:
            raise Duplicate(f"this change makes it the same as {known[1]}")
        return new_id

    def _follow_id(
        self, connection: sqlite3.Connection, pk: int, old_id: str, new_id: str
    ) -> None:
        for other in {other for other, _ in self._objects.referring(connection, pk)}:
            data = _with_ref(self._objects.data(connection, other), old_id, new_id)
            self._objects.rewrite(connection, other, data)
            self._know_by_new_ends(connection, other, data)

    def _know_by_new_ends(
        self, connection: sqlite3.Connection, pk: int, data: dict[str, Any]
    ) -> None:
        # A relationship keeps its id; sent again, it comes with the one that its new ends make.
        family, _ = classify(data)
        if family in (Family.RELATIONSHIP, Family.SIGHTING):
            made = ids.standard_id(data)
            if made != data["id"]:
                self._objects.add_aliases(connection, pk, [made])

    def _follow_embedded(
        self, connection: sqlite3.Connection, before: Stored, data: dict[str, Any]
    ) -> None:
        for other, key in self._objects.referring(connection, before.pk):
            if key in EMBEDDED:
                holder = self._objects.data(connection, other)
                name = EMBEDDED[key]
                holder[name] = [
                    _copy(key, data) if _is_copy(key, one, before.standard_id) else one
                    for one in holder.get(name) or ()
                ]
                self._objects.rewrite(connection, other, holder)

    # -- deleting ---------------------------------------------------------------------------------------------

    def delete(self, connection: sqlite3.Connection, pk: int) -> None:
        """Remove an object, the relationships it is an end of, and every mention of it."""
        stored = self._objects.stored(connection, pk)
        for other, key in self._objects.referring(connection, pk):
            if key in ENDS:
                self.delete_if_there(connection, other)
            else:
                self._unmention(connection, other, key, stored)
        self._objects.delete(connection, pk)
        self._linker.forget()

    def delete_if_there(self, connection: sqlite3.Connection, pk: int) -> None:
        """Remove an object unless it went with another."""
        try:
            self.delete(connection, pk)
        except LookupError:
            pass

    def _unmention(
        self, connection: sqlite3.Connection, pk: int, key: str, gone: Stored
    ) -> None:
        data = self._objects.data(connection, pk)
        name = EMBEDDED.get(key, key)
        value = data.get(name)
        if isinstance(value, list):
            left = [
                one
                for one in value
                if one != gone.standard_id
                and not (key in EMBEDDED and _is_copy(key, one, gone.standard_id))
            ]
            data[name] = left
            if not left:
                del data[name]
        else:
            data.pop(name, None)
        self._objects.update(connection, pk, data, None)

    # -- merging ----------------------------------------------------------------------------------------------

    def merge(
        self, connection: sqlite3.Connection, target: int, sources: Iterable[int]
    ) -> None:
        """Let an object swallow others of its type: their names, ids, references and relationships become its own.

        Raises:
            InvalidObject: an object of another type, or the object itself, among the sources.
        """
        kept = self._objects.stored(connection, target)
        swallowed = [self._objects.stored(connection, pk) for pk in sources]
        for one in swallowed:
            if one.entity_type != kept.entity_type or one.pk == target:
                raise InvalidObject(
                    f"{one.standard_id} cannot be merged into {kept.standard_id}"
                )
        merged = dict(kept.data)
        aliases = ALIASES.get(kept.entity_type)
        for one in swallowed:
            # What is swallowed fills gaps and adds names; it does not overrule.
            gaps = {k: v for k, v in one.data.items() if k not in merged}
            added = merge(merged, {**one.data, "confidence": -1}, aliases)
            added["confidence"] = merged.get("confidence")
            merged = {**gaps, **{k: v for k, v in added.items() if v is not None}}
            known = [one.standard_id, *(one.data.get("x_opencti_stix_ids") or ())]
            merged["x_opencti_stix_ids"] = list(
                dict.fromkeys([*(merged.get("x_opencti_stix_ids") or ()), *known])
            )
        for one in swallowed:
            self._move_referrers(connection, one, kept)
            self._objects.move_aliases(connection, one.pk, target)
            self._objects.delete(connection, one.pk, silently=True)
        links = self._linker.resolve(connection, merged, partial=True)
        self._linker.keep_strictest_markings(connection, merged)
        links += self._linker.embedded(connection, merged)
        self._objects.update(
            connection, target, merged, None, [one.data for one in swallowed]
        )
        others = [
            *merged["x_opencti_stix_ids"],
            *ids.alternative_ids(kept.entity_type, merged),
        ]
        self._linker.link(
            connection, target, (merged["id"], others), links, fresh=False
        )
        self._objects.forget_known()

    def _move_referrers(
        self, connection: sqlite3.Connection, source: Stored, target: Stored
    ) -> None:
        for pk in {pk for pk, _ in self._objects.referring(connection, source.pk)}:
            data = _with_ref(
                self._objects.data(connection, pk),
                source.standard_id,
                target.standard_id,
            )
            family, _ = classify(data)
            if family in (Family.RELATIONSHIP, Family.SIGHTING):
                ends = {data.get("source_ref"), data.get("target_ref")}
                same = self._objects.resolve_for_writing(
                    connection, ids.standard_id(data)
                )
                if len(ends) == 1 and None not in ends or same and same[0] != pk:
                    # Both ends are one now, or the target has the same relationship already.
                    self.delete_if_there(connection, pk)
                    continue
            self._objects.rewrite(connection, pk, data)
            links = self._linker.resolve(connection, data, partial=True)
            links += self._linker.embedded(connection, data)
            self._linker.link(connection, pk, (data["id"], []), links, fresh=False)
            self._know_by_new_ends(connection, pk, data)


def _with_ref(data: dict[str, Any], old_id: str, new_id: str) -> dict[str, Any]:
    changed = dict(data)
    for key, value in data.items():
        if key.endswith("_ref") and value == old_id:
            changed[key] = new_id
        elif key.endswith("_refs") and isinstance(value, list):
            changed[key] = list(
                dict.fromkeys(new_id if one == old_id else one for one in value)
            )
    return changed


def _copy(key: str, data: dict[str, Any]) -> Any:
    if key == LABEL:
        return data["value"]
    return {name: value for name, value in data.items() if name not in OWN}


def _is_copy(key: str, member: Any, standard_id: str) -> bool:
    """Return whether an embedded thing is the one that is stored under an id."""
    if key == LABEL:
        return ids.label_id(str(member)) == standard_id
    if not isinstance(member, dict):
        return False
    if key == EXTERNAL_REFERENCE:
        return ids.external_reference_id(member) == standard_id
    name = member.get("kill_chain_name"), member.get("phase_name")
    return all(name) and ids.kill_chain_phase_id(*map(str, name)) == standard_id

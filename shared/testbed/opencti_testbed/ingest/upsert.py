"""One object into the store: references resolved, id computed, created or merged."""

import hashlib
import sqlite3
from typing import Any

import orjson

from opencti_testbed.ingest.merge import differs, merge
from opencti_testbed.ingest.normalise import InvalidObject, normalise
from opencti_testbed.ingest.references import references
from opencti_testbed.stix import ids
from opencti_testbed.stix.attributes import (
    EXTERNAL_REFERENCE,
    KILL_CHAIN_PHASE,
    LABEL,
)
from opencti_testbed.stix.types import Family, classify
from opencti_testbed.store.objects import Objects


class MissingReference(ValueError):
    """A reference points at an object that is neither stored nor in the bundle before it."""


class Upserter:
    """Stores objects, one at a time, in the writer's open transaction."""

    def __init__(self, objects: Objects) -> None:
        """Bind to the stored objects."""
        self._objects = objects
        self._markings: dict[int, tuple[str, int]] = {}

    def upsert(
        self, connection: sqlite3.Connection, raw: Any, partial: bool = False
    ) -> tuple[str, str]:
        """Store one STIX object.

        Args:
            raw: the object as it stood in the bundle.
            partial: leave out references that cannot be resolved instead of refusing the object.

        Returns:
            (entity type, outcome): outcome is `created`, `updated` or `unchanged`.

        Raises:
            ValueError: the object is refused; the message says why, and names a missing reference.
        """
        stix = normalise(raw)
        family, entity_type = classify(stix)
        if not entity_type:
            raise InvalidObject("a relationship without relationship_type")
        incoming_id = stix["id"]
        refs = self._resolve(connection, stix, partial)
        self._check_ends(family, stix)
        stix["id"] = (
            incoming_id
            if family is Family.META and stix["type"] == "marking-definition"
            else ids.standard_id(stix)
        )
        refs += self._embedded(connection, stix)

        others = self._other_ids(stix, incoming_id)
        content = {key: value for key, value in stix.items() if key != "modified"}
        digest = hashlib.blake2b(
            orjson.dumps(content, option=orjson.OPT_SORT_KEYS), digest_size=16
        ).digest()
        pk = self._find(connection, stix["id"], others)
        if pk is None:
            if others:
                stix["x_opencti_stix_ids"] = others
            pk = self._objects.insert(connection, family, entity_type, stix, digest)
            self._link(connection, pk, stix["id"], others, refs, fresh=True)
            return entity_type, "created"
        if self._objects.input_hash(connection, pk) == digest:
            return entity_type, "unchanged"
        return entity_type, self._merge(connection, pk, stix, others, digest)

    def _merge(
        self,
        connection: sqlite3.Connection,
        pk: int,
        stix: dict[str, Any],
        others: list[str],
        digest: bytes,
    ) -> str:
        stored = self._objects.data(connection, pk)
        if stix["id"] != stored["id"]:
            # Known by another of its ids: it keeps the id it has.
            others = [*others, stix["id"]]
        if others:
            stix["x_opencti_stix_ids"] = others
        merged = merge(stored, stix)
        self._keep_highest_markings(connection, merged)
        if not differs(stored, merged):
            self._objects.set_input_hash(connection, pk, digest)
            return "unchanged"
        self._objects.update(connection, pk, merged, digest)
        kept = self._resolve(connection, merged, partial=True)
        kept += self._embedded(connection, merged)
        self._link(connection, pk, stored["id"], others, kept, fresh=False)
        return "updated"

    def _resolve(
        self, connection: sqlite3.Connection, stix: dict[str, Any], partial: bool
    ) -> list[tuple[str, int]]:
        """Put standard ids into all references; return (property, key) of each."""
        resolved: list[tuple[str, int]] = []
        standard: dict[str, str] = {}
        missing: list[str] = []
        for key, target in list(references(stix)):
            known = self._objects.resolve_for_writing(connection, target)
            if known is not None:
                resolved.append((key, known[0]))
                standard[target] = known[1]
            elif target != stix["id"]:
                missing.append(f"{key} {target}")
                standard[target] = ""
        if missing and not partial:
            raise MissingReference(f"missing reference: {', '.join(missing[:10])}")
        for key, value in list(stix.items()):
            if key.endswith("_ref") and value in standard:
                stix[key] = standard[value]
            elif key.endswith("_refs") and isinstance(value, list):
                stix[key] = list(
                    dict.fromkeys(filter(None, (standard.get(v, v) for v in value)))
                )
            else:
                continue
            if not stix[key]:
                del stix[key]
        return resolved

    @staticmethod
    def _check_ends(family: Family, stix: dict[str, Any]) -> None:
        needed: tuple[str, ...] = ()
        if family is Family.RELATIONSHIP:
            needed = ("source_ref", "target_ref")
        elif family is Family.SIGHTING:
            needed = ("sighting_of_ref", "where_sighted_refs")
        absent = [key for key in needed if not stix.get(key)]
        if absent:
            raise InvalidObject(f"{stix['type']} without {', '.join(absent)}")

    @staticmethod
    def _other_ids(stix: dict[str, Any], incoming_id: str) -> list[str]:
        stated = stix.pop("x_opencti_stix_ids", None) or []
        everything = [incoming_id, *(s for s in stated if isinstance(s, str))]
        return [other for other in dict.fromkeys(everything) if other != stix["id"]]

    def _find(
        self, connection: sqlite3.Connection, standard_id: str, others: list[str]
    ) -> int | None:
        for any_id in (standard_id, *others):
            known = self._objects.resolve_for_writing(connection, any_id)
            if known is not None:
                return known[0]
        return None

    def _link(
        self,
        connection: sqlite3.Connection,
        pk: int,
        standard_id: str,
        others: list[str],
        refs: list[tuple[str, int]],
        fresh: bool,
    ) -> None:
        self._objects.set_refs(connection, pk, refs, fresh)
        if others:
            self._objects.add_aliases(connection, pk, others)
            for other in others:
                self._objects.remember(other, (pk, standard_id))

    # -- things that are objects of their own here, and embedded in STIX ---------------------------------------

    def _embedded(
        self, connection: sqlite3.Connection, stix: dict[str, Any]
    ) -> list[tuple[str, int]]:
        refs: list[tuple[str, int]] = []
        for text in stix.get("labels") or []:
            label = {"type": "label", "id": ids.label_id(str(text)), "value": str(text)}
            refs.append((LABEL, self._meta(connection, "Label", label)))
        for phase in stix.get("kill_chain_phases") or []:
            name = phase.get("kill_chain_name"), phase.get("phase_name")
            if all(name):
                form = {**phase, "type": "kill-chain-phase"}
                form["id"] = ids.kill_chain_phase_id(*map(str, name))
                refs.append(
                    (
                        KILL_CHAIN_PHASE,
                        self._meta(connection, "Kill-Chain-Phase", form),
                    )
                )
        for reference in stix.get("external_references") or []:
            reference_id = ids.external_reference_id(reference)
            if reference_id:
                form = {**reference, "type": "external-reference", "id": reference_id}
                refs.append(
                    (
                        EXTERNAL_REFERENCE,
                        self._meta(connection, "External-Reference", form),
                    )
                )
        return refs

    def _meta(
        self, connection: sqlite3.Connection, entity_type: str, form: dict[str, Any]
    ) -> int:
        known = self._objects.resolve_for_writing(connection, form["id"])
        if known is not None:
            return known[0]
        return self._objects.insert(connection, Family.META, entity_type, form, None)

    def _keep_highest_markings(
        self, connection: sqlite3.Connection, stix: dict[str, Any]
    ) -> None:
        """Of several markings of one definition type only the strictest stays."""
        marked = stix.get("object_marking_refs")
        if not marked or len(marked) < 2:
            return
        strictest: dict[str, tuple[int, str]] = {}
        for marking_id in marked:
            known = self._objects.resolve_for_writing(connection, marking_id)
            kind, order = self._marking(connection, known[0]) if known else ("", 0)
            # Statements do not rank: each is a type of its own.
            slot = kind if order else marking_id
            if slot not in strictest or order > strictest[slot][0]:
                strictest[slot] = (order, marking_id)
        stix["object_marking_refs"] = [marking for _, marking in strictest.values()]

    def _marking(self, connection: sqlite3.Connection, pk: int) -> tuple[str, int]:
        if pk not in self._markings:
            data = self._objects.data(connection, pk)
            self._markings[pk] = (
                str(data.get("definition_type")),
                int(data.get("x_opencti_order") or 0),
            )
        return self._markings[pk]

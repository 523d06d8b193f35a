"""What a STIX object is connected with: the objects it refers to, and those that STIX embeds and the platform keeps.

Labels, external references and kill chain phases are objects of their own here.
"""

import sqlite3
from collections.abc import Mapping
from typing import Any

from opencti_testbed.ingest.references import references
from opencti_testbed.stix import ids
from opencti_testbed.stix.attributes import (
    EXTERNAL_REFERENCE,
    KILL_CHAIN_PHASE,
    LABEL,
)
from opencti_testbed.stix.types import Family
from opencti_testbed.store.objects import Objects

Link = tuple[str, int]


class MissingReference(ValueError):
    """A reference points at an object that is neither stored nor in the bundle before it."""


class Linker:
    """Resolves and stores links, in the writer's open transaction."""

    def __init__(self, objects: Objects) -> None:
        """Bind to the stored objects."""
        self._objects = objects
        self._markings: dict[str, tuple[str, int]] = {}

    def resolve(
        self, connection: sqlite3.Connection, stix: dict[str, Any], partial: bool
    ) -> list[Link]:
        """Put standard ids into all references of an object.

        Args:
            partial: leave out references that cannot be resolved instead of refusing the object.

        Returns:
            (property, key of the target) of each reference.

        Raises:
            MissingReference: names what cannot be resolved.
        """
        resolved: list[Link] = []
        standard: dict[str, str] = {}
        missing: list[str] = []
        for key, target in list(references(stix)):
            known = self._objects.resolve_for_writing(connection, target)
            if known is not None:
                resolved.append((key, known[0]))
                standard[target] = known[1]
            elif target != stix.get("id"):
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

    def embedded(
        self, connection: sqlite3.Connection, stix: Mapping[str, Any]
    ) -> list[Link]:
        """Store what an object embeds and return the links to it."""
        links: list[Link] = []
        for text in stix.get("labels") or []:
            label = {"type": "label", "id": ids.label_id(str(text)), "value": str(text)}
            links.append((LABEL, self._meta(connection, "Label", label)))
        for phase in stix.get("kill_chain_phases") or []:
            name = phase.get("kill_chain_name"), phase.get("phase_name")
            if all(name):
                form = {**phase, "type": "kill-chain-phase"}
                form["id"] = ids.kill_chain_phase_id(*map(str, name))
                key = self._meta(connection, "Kill-Chain-Phase", form)
                links.append((KILL_CHAIN_PHASE, key))
        for reference in stix.get("external_references") or []:
            reference_id = ids.external_reference_id(reference)
            if reference_id:
                form = {**reference, "type": "external-reference", "id": reference_id}
                key = self._meta(connection, "External-Reference", form)
                links.append((EXTERNAL_REFERENCE, key))
        return links

    def link(
        self,
        connection: sqlite3.Connection,
        pk: int,
        known_as: tuple[str, list[str]],
        links: list[Link],
        fresh: bool,
    ) -> None:
        """Store an object's links and the further ids it is known by.

        Args:
            known_as: the standard id and the further ids.
            fresh: the object has no links yet.
        """
        self._objects.set_refs(connection, pk, links, fresh)
        standard_id, others = known_as
        if others:
            self._objects.add_aliases(connection, pk, others)
            if fresh:
                # Nobody was known by them before; references will come by them.
                for other in others:
                    self._objects.remember(other, (pk, standard_id))

    def _meta(
        self, connection: sqlite3.Connection, entity_type: str, form: dict[str, Any]
    ) -> int:
        known = self._objects.resolve_for_writing(connection, form["id"])
        if known is not None:
            return known[0]
        return self._objects.insert(connection, Family.META, entity_type, form, None)

    def keep_strictest_markings(
        self, connection: sqlite3.Connection, stix: dict[str, Any]
    ) -> None:
        """Of several markings of one definition type only the strictest stays."""
        marked = stix.get("object_marking_refs")
        if not marked or len(marked) < 2:
            return
        strictest: dict[str, tuple[int, str]] = {}
        for marking_id in marked:
            kind, order = self._marking(connection, marking_id)
            # Statements do not rank: each is a type of its own.
            slot = kind if order else marking_id
            if slot not in strictest or order > strictest[slot][0]:
                strictest[slot] = (order, marking_id)
        stix["object_marking_refs"] = [marking for _, marking in strictest.values()]

    def _marking(
        self, connection: sqlite3.Connection, marking_id: str
    ) -> tuple[str, int]:
        if marking_id not in self._markings:
            known = self._objects.resolve_for_writing(connection, marking_id)
            if known is None:
                return "", 0
            data = self._objects.data(connection, known[0])
            self._markings[marking_id] = (
                str(data.get("definition_type")),
                int(data.get("x_opencti_order") or 0),
            )
        return self._markings[marking_id]

    def forget(self) -> None:
        """Drop what is remembered: a marking changed."""
        self._markings.clear()

"""One object into the store: references resolved, id computed, created or merged."""

import hashlib
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from opencti_testbed.ingest import derive
from opencti_testbed.ingest.attached import SentFile, sent_with
from opencti_testbed.ingest.edit import Editor
from opencti_testbed.ingest.linker import Linker
from opencti_testbed.ingest.merge import differs, merge
from opencti_testbed.ingest.normalise import InvalidObject, normalise
from opencti_testbed.ingest.operations import OPERATION, Operations, said
from opencti_testbed.stix import ids
from opencti_testbed.stix.attributes import ALIASES
from opencti_testbed.stix.markings import TLP_IDS_BY_NAME
from opencti_testbed.stix.relations import check_relationship
from opencti_testbed.stix.types import Family, canonical_stix_type, classify
from opencti_testbed.stix.values import conform
from opencti_testbed.store.objects import Objects, Stored

STIX_VERSION = "2.1"
DEFAULT_INDICATOR_SCORE = 50


# What became of several objects is what became of the one that changed most.
OUTCOMES = ("created", "updated", "unchanged")


KeepFile = Callable[[Stored, SentFile], None]


def _refuse_files(_: Stored, file: SentFile) -> None:
    raise InvalidObject(f"{file.name}: files are not kept here")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an object: `created`, `updated` or `unchanged`, under which key."""

    pk: int
    entity_type: str
    outcome: str


class Upserter:
    """Stores objects, one at a time, in the writer's open transaction."""

    def __init__(self, objects: Objects) -> None:
        """Bind to the stored objects."""
        self._objects = objects
        self._linker = Linker(objects)
        self.editor = Editor(objects, self._linker)
        self._operations = Operations(objects, self.editor)
        # Keeps a file of an object; whoever has a place for files says how.
        self.keep_file: KeepFile = _refuse_files

    def upsert(
        self, connection: sqlite3.Connection, raw: Any, partial: bool = False
    ) -> tuple[str, str]:
        """Store one STIX object of a bundle.

        Args:
            raw: the object as it stood in the bundle.
            partial: leave out references that cannot be resolved instead of refusing the object.

        Returns:
            (entity type, outcome): outcome is `created`, `updated` or `unchanged`.

        Raises:
            ValueError: the object is refused; the message says why, and names a missing reference.
        """
        if isinstance(raw, Mapping):
            operation = said(raw, OPERATION)
            if said(raw, "is_inferred") is True:
                # Sent by another platform's rules: this one would draw its own conclusions.
                return str(raw.get("type")), "unchanged"
            if operation is not None:
                if partial:
                    return str(raw.get("type")), "unchanged"
                kind, changed = self._operations.carry_out(connection, operation, raw)
                return kind, "updated" if changed else "unchanged"
        files = sent_with(raw)
        done = [
            self.store(connection, one, partial)
            for one in _one_per_place(normalise(raw))
        ]
        if not partial:
            for file in files:
                self._keep(connection, done[0].pk, file)
        outcome = min((one.outcome for one in done), key=OUTCOMES.index)
        return done[0].entity_type, outcome

    def _keep(self, connection: sqlite3.Connection, pk: int, file: SentFile) -> None:
        if file.reference is not None:
            known = self._objects.resolve_for_writing(connection, file.reference)
            pk = known[0] if known else pk
        self.keep_file(self._objects.stored(connection, pk), file)

    def store(
        self,
        connection: sqlite3.Connection,
        stix: dict[str, Any],
        partial: bool = False,
    ) -> Outcome:
        """Store one object in normal form; its id, which may be absent, becomes one of the ids it is known by.

        Raises:
            ValueError: the object is refused; the message says why, and names a missing reference.
        """
        family, entity_type = classify(stix)
        if not entity_type:
            raise InvalidObject("a relationship without relationship_type")
        conform(entity_type, stix)
        wish = derive.wish(stix)
        given = stix.get("id")
        links = self._linker.resolve(connection, stix, partial)
        _check_ends(family, stix)
        stix["id"] = standard_id(family, stix)
        others = _other_ids(stix, given)
        digest = _digest(stix)
        pk = self._find(connection, [stix["id"], *others])
        alternatives = ids.alternative_ids(entity_type, stix)
        if pk is None:
            pk = self._find(connection, alternatives)
        if pk is not None and not self._same_kind(connection, pk, entity_type):
            raise InvalidObject(f"{given} is known as an object of another type")
        if pk is None:
            links += self._linker.embedded(connection, stix)
            pk = self._create(connection, (family, entity_type), stix, others, digest)
            if family is Family.SIGHTING:
                self._objects.count_report(connection, pk, _report(stix))
            known_as = (stix["id"], [*others, *alternatives])
            self._linker.link(connection, pk, known_as, links, fresh=True)
            if wish:
                self._derive(connection, wish, pk)
            return Outcome(pk, entity_type, "created")
        if self._objects.input_hash(connection, pk) == digest:
            return Outcome(pk, entity_type, "unchanged")
        if family is Family.SIGHTING:
            if not self._objects.count_report(connection, pk, _report(stix)):
                # Told again, by whichever way: seen no more often for that.
                stix.pop("count", None)
        changed = self._merge(connection, pk, entity_type, stix, others, digest)
        return Outcome(pk, entity_type, "updated" if changed else "unchanged")

    def _create(
        self,
        connection: sqlite3.Connection,
        kind: tuple[Family, str],
        stix: dict[str, Any],
        others: list[str],
        digest: bytes,
    ) -> int:
        family, entity_type = kind
        if family is not Family.META:
            stix.setdefault("spec_version", STIX_VERSION)
        if others:
            stix["x_opencti_stix_ids"] = others
        if family is Family.SIGHTING:
            stix.setdefault("x_opencti_negative", False)
        if entity_type == "Indicator":
            stix.setdefault("x_opencti_score", DEFAULT_INDICATOR_SCORE)
            main = derive.main_observable_type(stix)
            if main:
                stix.setdefault("x_opencti_main_observable_type", main)
        self._linker.keep_strictest_markings(connection, stix)
        return self._objects.insert(connection, family, entity_type, stix, digest)

    def _merge(
        self,
        connection: sqlite3.Connection,
        pk: int,
        entity_type: str,
        stix: dict[str, Any],
        others: list[str],
        digest: bytes,
    ) -> bool:
        stored = self._objects.data(connection, pk)
        others = [other for other in others if not _same_id(other, stored["id"])]
        if others:
            stix["x_opencti_stix_ids"] = others
        merged = merge(stored, stix, ALIASES.get(entity_type))
        if not differs(stored, merged):
            self._objects.set_input_hash(connection, pk, digest)
            return False
        return self.editor.replace(connection, pk, merged, digest)

    def _find(
        self, connection: sqlite3.Connection, candidates: list[str]
    ) -> int | None:
        for any_id in candidates:
            known = self._objects.resolve_for_writing(connection, any_id)
            if known is not None:
                return known[0]
        return None

    def _same_kind(
        self, connection: sqlite3.Connection, pk: int, entity_type: str
    ) -> bool:
        return self._objects.entity_type(connection, pk) == entity_type

    def _derive(self, connection: sqlite3.Connection, wish: str, pk: int) -> None:
        for stix in derive.derived(wish, self._objects.data(connection, pk)):
            self.store(connection, stix)

    def promote(self, connection: sqlite3.Connection, pk: int) -> int | None:
        """Make an observable an indicator and return the indicator's key, None when no pattern can find it."""
        indicator: int | None = None
        for stix in derive.derived(
            derive.CREATE_INDICATOR, self._objects.data(connection, pk)
        ):
            done = self.store(connection, stix)
            if done.entity_type == "Indicator":
                indicator = done.pk
        return indicator


def standard_id(family: Family, stix: dict[str, Any]) -> str:
    """Return the id under which an object is stored; TLP markings have the ones that STIX gives them."""
    if family is Family.META and stix["type"] == "marking-definition":
        fixed = TLP_IDS_BY_NAME.get(str(stix.get("definition")))
        if fixed:
            return fixed
    return ids.standard_id(stix)


def _check_ends(family: Family, stix: dict[str, Any]) -> None:
    needed: tuple[str, ...] = ()
    if family is Family.RELATIONSHIP:
        needed = ("source_ref", "target_ref")
    elif family is Family.SIGHTING:
        needed = ("sighting_of_ref", "where_sighted_refs")
    absent = [key for key in needed if not stix.get(key)]
    if absent:
        raise InvalidObject(f"{stix['type']} without {', '.join(absent)}")
    if needed and stix[needed[0]] == stix[needed[1]]:
        raise InvalidObject(f"{stix['type']} with the same object at both ends")
    if family is Family.RELATIONSHIP:
        source, target = (str(stix[key]).partition("--")[0] for key in needed)
        check_relationship(stix["relationship_type"], source, target)


def _one_per_place(stix: dict[str, Any]) -> list[dict[str, Any]]:
    """Return an object, or for a sighting in several places one sighting each."""
    places = stix.get("where_sighted_refs")
    if stix["type"] != "sighting" or not isinstance(places, list) or len(places) < 2:
        return [stix]
    first, *others = (
        {**stix, "where_sighted_refs": [place]} for place in dict.fromkeys(places)
    )
    # The id that it came with stays with the first.
    return [first, *({k: v for k, v in o.items() if k != "id"} for o in others)]


def _same_id(one: str, other: str) -> bool:
    """Return whether two ids differ in nothing but a vendor prefix of the type."""
    kind, _, key = one.partition("--")
    other_kind, _, other_key = other.partition("--")
    same_kind = canonical_stix_type(kind) == canonical_stix_type(other_kind)
    return key == other_key and same_kind


def _other_ids(stix: dict[str, Any], given: Any) -> list[str]:
    stated = stix.pop("x_opencti_stix_ids", None) or []
    everything = [given, *stated]
    texts = (one for one in everything if isinstance(one, str) and one)
    return [other for other in dict.fromkeys(texts) if other != stix["id"]]


def _report(sighting: dict[str, Any]) -> bytes:
    """Return a hash of what makes a report of a sighting: who saw it, when, how often."""
    keys = ("created_by_ref", "first_seen", "last_seen", "count")
    told = [sighting.get(key) for key in keys]
    return hashlib.blake2b(orjson.dumps(told), digest_size=16).digest()


def _digest(stix: dict[str, Any]) -> bytes:
    content = {key: value for key, value in stix.items() if key != "modified"}
    return hashlib.blake2b(
        orjson.dumps(content, option=orjson.OPT_SORT_KEYS), digest_size=16
    ).digest()

"""Joins reading, checking and upgrading; how a file comes and where its objects go is the SDK's business."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from connector.checks import fatal, granular, remarks, violations
from connector.markings import KNOWN_MARKINGS, as_the_platform_marks, is_marking
from connector.reader import described, objects_of, plain_numbers
from connector.report import Report
from connector.settings import ConnectorSettings
from connector.spool import Spool
from connector.upgrade import is_old, upgraded

from connectors_sdk.bundles import references_of, without_references
from connectors_sdk.connectors.internal_import_file import (
    ImportedFile,
    InternalImportFileConnector,
    UnreadableFile,
)

UNKNOWN = "of types that the platform does not know"
OLDER = "older versions or repetitions of objects of the file"
END_LOST = "about what is not imported"
END_INVALID = "about what is invalid"
PLACELESS = (
    "sightings without a place (where_sighted_refs), which the platform does not take"
)
UNMARKED = "has a marking that is invalid"
MARKING_AWAY = "has a marking that the file does not hold"
_REMEMBERED = 5_000
# What can have become of what a reference leads to, when it has to be removed.
_GONE = ("refused", "left out")
_TOLD = {"refused": "refused_refs", "missing": "missing"}
# What says nothing any more when all that one of these leads to is gone.
_ABOUT = {
    "relationship": ("source_ref", "target_ref"),
    "sighting": ("sighting_of_ref", "where_sighted_refs"),
    "observed-data": ("object_refs",),
}
Found = list[dict[str, Any]]


class Types(NamedTuple):
    """What the platform takes from a file; its users or settings are not among it.

    Attributes:
        known: all types.
        observables: those of observables.
    """

    known: frozenset[str]
    observables: frozenset[str]


class StixImporter(InternalImportFileConnector):
    """Reads a file once and judges each object, which it keeps on disk; then sends each with what it refers to."""

    settings: ConnectorSettings
    knows_all = True

    _types: Types
    _spool: Spool
    report: Report
    _fate_of: Callable[[str], str]
    _lost_markings: bool
    _replayed: frozenset[str] = frozenset()

    def before_parse(self, file: ImportedFile) -> Types:
        return platform_types()

    def parse(self, file: ImportedFile) -> Iterator[dict[str, Any]]:
        self._types, self.report = file.prepared, Report()
        self._lost_markings = False
        with Spool() as spool:
            self._spool = spool
            self._take(file)
            self._settle(file)
            # From here on it does not change.
            self._fate_of = lru_cache(_REMEMBERED)(self._fate)
            for stix in spool:
                self.report.count("imported", stix["type"])
                yield self._ready(stix, self.report)
        for reason, count in self.report.left_out_reasons():
            file.filtered(reason, count)
        for sentence in self.report.sentences():
            file.remark(sentence)
        for line in self.report.lines():
            self.logger.info(line)

    def look_up(self, stix_id: str) -> dict[str, Any] | None:
        stix = self._spool.get(stix_id)
        return None if stix is None else self._ready(stix)

    def judged(self, raw: dict[str, Any]) -> Found:
        """Return what an object is in STIX 2.1; with it come observables that it held.

        Raises:
            ValueError: it breaks a rule, or the platform would not take it; the text says why.
        """
        self._types = platform_types()
        found, complaints = self._judge(raw)
        if complaints:
            raise ValueError("; ".join(complaints))
        *made, stix = found
        reason = self._unfit(stix)
        if reason:
            raise ValueError(f"is left out: {reason}")
        for one in markings_of(stix):
            if one not in KNOWN_MARKINGS | self._replayed and not (
                self.helper.api.marking_definition.read(id=one)
            ):
                # It would be seen by everybody, or be rejected when nobody looks any more.
                raise ValueError(f"the platform does not have its marking {one}")
        if stix["type"] == "marking-definition":
            self._replayed |= {stix["id"]}
        gone = {ref for ref in references_of(stix) if self._is_unknown(ref)}
        known = (one for one in made if one["type"] in self._types.known)
        return [*known, without_references(stix, gone) or stix]

    # -- judging ---------------------------------------------------------------------------------------------------

    def _take(self, file: ImportedFile) -> None:
        """Judge what stands in the file, and keep what is good.

        Raises:
            UnreadableFile: it holds nothing that has the look of STIX.
        """
        first, is_stix = None, False
        for raw in objects_of(file.path, self.settings.connector.file_disk_mb):
            first = raw if first is None else first
            is_stix = is_stix or (isinstance(raw, dict) and {"type", "id"} <= {*raw})
            self._take_one(raw, file)
        if first is not None and not is_stix:
            raise UnreadableFile(described(first))

    def _take_one(self, raw: Any, file: ImportedFile) -> None:
        report, spool = self.report, self._spool
        kind = _kind(raw)
        report.count("read", kind)
        try:
            found, complaints = self._judge(raw)
            remarked = [] if complaints else self._remarks(raw, found)
            *made, stix = found
            unfit = self._unfit(stix)
        except MemoryError:
            raise
        except ValueError as error:
            self._refuse(raw, str(error), file)
            return
        # Parts may be of any type where the rules expect another; that is no reason to lose the rest of the file.
        except Exception as error:  # pylint: disable=broad-exception-caught
            self._refuse(raw, f"has parts that cannot be read: {error}", file)
            return
        if complaints and self.settings.import_file_stix.strict:
            self._refuse(raw, "; ".join(complaints), file)
            return
        if unfit:
            self._leave_out(stix, unfit)
            return
        for complaint in complaints:
            report.count("tolerated", kind, complaint)
        for remark in remarked:
            report.count("remarked", kind, remark)
        report.upgraded += is_old(raw)
        for one in made:
            self._take_made(one)
        if not spool.keep(stix):
            report.count("left_out", kind, OLDER)

    def _take_made(self, observable: dict[str, Any]) -> None:
        """Keep an observable of an observation of STIX 2.0."""
        stix_id, kind = observable["id"], observable["type"]
        if kind in self._types.known:
            if self._spool.keep(observable):
                self.report.count("made", kind)
        elif not self._spool.left_out(stix_id):
            self.report.count("made", kind)
            self._leave_out(observable, UNKNOWN)

    def _judge(self, raw: Any) -> tuple[Found, list[str]]:
        """Return what an object is in STIX 2.1, itself last, and which rules it breaks.

        Raises:
            ValueError: it cannot be imported at all; the text says why.
        """
        _must_be_none(plain_numbers(raw) or fatal(raw))
        old = is_old(raw)
        # What its parts are called changes with the version.
        complaints = list(granular(raw)) if old else []
        whole = as_the_platform_marks(raw)
        found = upgraded(whole) if old else [whole]
        for one in found:
            if old:
                _must_be_none(fatal(one))
            complaints += violations(one, was_20=old)
        return found, complaints

    def _remarks(self, raw: dict[str, Any], found: Found) -> list[str]:
        old, known = is_old(raw), self._types.observables
        return [why for one in found for why in remarks(one, known, was_20=old)]

    def _unfit(self, stix: dict[str, Any]) -> str:
        """Return why the platform has no place for an object; empty when it has."""
        if stix["type"] not in self._types.known:
            return UNKNOWN
        if stix["type"] == "sighting" and not stix.get("where_sighted_refs"):
            return PLACELESS
        return END_LOST if _lost_end(stix, self._is_unknown) else ""

    def _is_unknown(self, ref: str) -> bool:
        kind, dashes, _ = ref.partition("--")
        return bool(dashes) and kind not in self._types.known

    def _leave_out(self, stix: dict[str, Any], reason: str) -> None:
        self.report.count("left_out", stix["type"], reason)
        self._spool.lose(stix["id"], left_out=True)

    def _refuse(self, raw: Any, reason: str, file: ImportedFile) -> None:
        self.report.count("refused", _kind(raw), reason)
        self._lost_markings |= _kind(raw) == "marking-definition"
        file.set_aside(raw, reason, "judged")
        if isinstance(raw, dict) and isinstance(raw.get("id"), str):
            self._spool.lose(raw["id"], left_out=False)

    # -- what objects refer to -------------------------------------------------------------------------------------

    def _settle(self, file: ImportedFile) -> None:
        """Lose what cannot do without what is lost, until nothing more is: then the rest can go in any order."""
        more = self._drops or self._spool.has_lost()
        while more:
            more = self._lose_more(file)

    def _lose_more(self, file: ImportedFile) -> bool:
        """Look once at all that is held, and return whether any of it was lost: what needs that is lost the next time."""
        # Most references lead to the same few objects.
        fate = lru_cache(_REMEMBERED)(self._fate)
        found = False
        doubted = self._drops or self._lost_markings
        # To look at all takes a while, and without lost markings only these can be concerned.
        for stix in self._spool.of(*(() if doubted else _ABOUT)):
            marks = markings_of(stix) if doubted else ()
            marking = next((one for one in marks if fate(one) in _GONE), None)
            end = _lost_end(stix, lambda ref: fate(ref) in _GONE)
            if marking is None and not end:
                continue
            found = True
            self._spool.drop(stix["id"])
            if marking is not None:
                why = UNMARKED if fate(marking) == "refused" else MARKING_AWAY
                self._refuse(stix, why, file)
            else:
                is_invalid = "refused" in map(fate, end)
                self._leave_out(stix, END_INVALID if is_invalid else END_LOST)
        return found

    @property
    def _drops(self) -> bool:
        return self.settings.import_file_stix.missing_references == "drop"

    def _fate(self, ref: str) -> str:
        """Return what has become of what a reference leads to."""
        if ref in KNOWN_MARKINGS or ref in self._spool:
            return "held"
        if self._spool.refused(ref):
            return "refused"
        if self._drops or self._is_unknown(ref) or self._spool.left_out(ref):
            return "left out"
        return "missing"

    def _ready(
        self, stix: dict[str, Any], report: Report | None = None
    ) -> dict[str, Any]:
        """Return an object without references to what the platform cannot know; markings are none, see `_settle`.

        Args:
            stix: an object of the file.
            report: counts references that lead out of the file.
        """
        gone = set()
        for ref in references_of(stix):
            fate = self._fate_of(ref)
            if fate in _GONE:
                gone.add(ref)
            if report is not None and fate in _TOLD:
                report.count(_TOLD[fate], ref.partition("--")[0])
        return (without_references(stix, gone) or stix) if gone else stix


def markings_of(stix: dict[str, Any]) -> list[str]:
    """Return the markings of an object and of its parts (files of the platform have some of their own)."""
    own, listed = stix.get("object_marking_refs") or (), stix.get("object_refs")
    others = {*map(str, listed)} if isinstance(listed, list) else ()
    parts = (ref for ref in references_of(stix) if is_marking(ref))
    return [*own, *(ref for ref in parts if ref not in others)]


def platform_types() -> Types:
    """Return the types that the platform takes from a file."""
    # Heavy, and loaded in the connector's own process anyway.
    from pycti.utils import opencti_stix2_utils as pycti

    observables = frozenset(pycti.STIX_CYBER_OBSERVABLE_MAPPING)
    entities = {*pycti.SUPPORTED_STIX_ENTITY_OBJECTS, "relationship", "sighting"}
    return Types(observables | entities, observables)


def _lost_end(stix: dict[str, Any], is_gone: Callable[[str], bool]) -> list[str]:
    """Return what an object is about and cannot do without, when all of that is gone."""
    for key in _ABOUT.get(stix["type"], ()):
        value = stix.get(key) or []
        refs = value if isinstance(value, list) else [value]
        if refs and all(isinstance(one, str) and is_gone(one) for one in refs):
            return refs
    return []


def _must_be_none(trouble: str) -> None:
    if trouble:
        raise ValueError(trouble)


def _kind(raw: Any) -> str:
    return str(raw.get("type"))[:60] if isinstance(raw, dict) else "no object"

"""Joins reading, checking and upgrading; how a file comes and where its objects go is the SDK's business."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from connector.checks import KNOWN_MARKINGS, fatal, granular, remarkable, violations
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
_REMEMBERED = 5_000
UNMARKED = "object_marking_refs leads to a marking that is invalid"


class StixImporter(InternalImportFileConnector):
    """Reads a file once and judges each object, which it keeps on disk; then sends each with what it refers to."""

    settings: ConnectorSettings
    knows_all = True

    _known: frozenset[str]
    _spool: Spool
    report: Report
    _holds: Callable[[str], bool]

    def before_parse(self, file: ImportedFile) -> frozenset[str]:
        return platform_types()

    def parse(self, file: ImportedFile) -> Iterator[dict[str, Any]]:
        self._known, self.report = file.prepared, Report()
        with Spool() as spool:
            self._spool = spool
            self._take(file)
            # From here on it does not change, and most references lead to the same few objects.
            self._holds = lru_cache(_REMEMBERED)(spool.__contains__)
            yield from self._give(file)
        for reason, count in self.report.left_out_reasons():
            file.filtered(reason, count)
        for sentence in self.report.sentences():
            file.remark(sentence)
        for line in self.report.lines():
            self.logger.info(line)

    def _give(self, file: ImportedFile) -> Iterator[dict[str, Any]]:
        """Yield what is imported, and count what is not."""
        for stix in self._spool:
            ready = self._ready(stix, self.report)
            if ready is not None:
                self.report.count("imported", stix["type"])
                yield ready
            elif self._is_unmarked(stix):
                self._refuse(stix, UNMARKED, file)
            else:
                self.report.count("left_out", stix["type"], END_LOST)

    def look_up(self, stix_id: str) -> dict[str, Any] | None:
        stix = self._spool.get(stix_id)
        return None if stix is None else self._ready(stix)

    def judged(self, raw: dict[str, Any]) -> list[dict[str, Any]]:
        """Return what an object is in STIX 2.1; with it come observables that it held.

        Raises:
            ValueError: it breaks a rule; the text says which.
        """
        found, complaints = self._judge(raw)
        if complaints:
            raise ValueError("; ".join(complaints))
        return found

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
        kind = str(raw.get("type"))[:60] if isinstance(raw, dict) else "no object"
        report.count("read", kind)
        reason = plain_numbers(raw) or fatal(raw)
        if reason:
            self._refuse(raw, reason, file)
            return
        try:
            found, complaints = self._judge(raw)
        # Parts may be of any type where the rules expect another.
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            self._refuse(raw, str(error), file)
            return
        if complaints and self.settings.import_file_stix.strict:
            self._refuse(raw, "; ".join(complaints), file)
            return
        if kind not in self._known or not self._has_ends(raw):
            spool.lose(raw["id"], left_out=True)
            why = UNKNOWN if kind not in self._known else END_LOST
            report.count("left_out", kind, why)
            return
        remark = remarkable(raw, self._known)
        for complaint in (*complaints, *filter(None, (remark,))):
            report.count("tolerated", kind, complaint)
        report.upgraded += is_old(raw)
        for one in found:
            is_new = spool.keep(one)
            if one["id"] != raw["id"]:
                if is_new:
                    report.count("made", one["type"])
            elif not is_new:
                report.count("left_out", kind, OLDER)

    def _judge(self, raw: dict[str, Any]) -> tuple[list[dict[str, Any]], list[str]]:
        old = is_old(raw)
        # What its parts are called changes with the version.
        complaints = list(granular(raw)) if old else []
        whole = _marked_as_a_whole(raw)
        found = upgraded(whole) if old else [whole]
        for one in found:
            reason = fatal(one)
            complaints += [reason] if reason else violations(one, was_20=old)
        return found, complaints

    def _has_ends(self, raw: dict[str, Any]) -> bool:
        """Whether the platform can know what a relationship or sighting is about."""
        ends = [
            str(raw[key]).partition("--")[0]
            for key in ("source_ref", "target_ref", "sighting_of_ref")
            if key in raw
        ]
        return raw["type"] not in ("relationship", "sighting") or all(
            end in self._known or end in ("None", "") for end in ends
        )

    def _refuse(self, raw: Any, reason: str, file: ImportedFile) -> None:
        kind = str(raw.get("type"))[:60] if isinstance(raw, dict) else "no object"
        self.report.count("refused", kind, reason)
        file.set_aside(raw, reason, "judged")
        if isinstance(raw, dict) and isinstance(raw.get("id"), str):
            self._spool.lose(raw["id"], left_out=False)

    # -- what objects refer to -------------------------------------------------------------------------------------

    def _ready(
        self, stix: dict[str, Any], report: Report | None = None
    ) -> dict[str, Any] | None:
        """Return an object without references to what the platform cannot know; None when it cannot be imported.

        Args:
            stix: an object of the file.
            report: counts references that lead out of the file.
        """
        drop = self.settings.import_file_stix.missing_references == "drop"
        gone = set()
        for ref in references_of(stix):
            if self._holds(ref) or ref in KNOWN_MARKINGS:
                continue
            kind = ref.partition("--")[0]
            if drop or kind not in self._known or self._spool.left_out(ref):
                gone.add(ref)
            elif report is not None:
                report.count("missing", kind)
        if self._is_unmarked(stix):
            return None
        return without_references(stix, gone) if gone else stix

    def _is_unmarked(self, stix: dict[str, Any]) -> bool:
        """Whether a marking of an object was refused: without it everybody could see what only some may."""
        return any(
            not self._holds(one) and self._spool.refused(one)
            for one in stix.get("object_marking_refs") or ()
        )


def platform_types() -> frozenset[str]:
    """Return the types that the platform takes from a file: its entities and observables, not its users or settings."""
    # Heavy, and loaded in the connector's own process anyway.
    from pycti.utils import opencti_stix2_utils as pycti

    known = {*pycti.SUPPORTED_STIX_ENTITY_OBJECTS, *pycti.STIX_CYBER_OBSERVABLE_MAPPING}
    return frozenset(known | {"relationship", "sighting"})


def _marked_as_a_whole(stix: dict[str, Any]) -> dict[str, Any]:
    """Return an object whose markings of parts hold for all of it: the platform knows no others."""
    parts = stix.get("granular_markings")
    if not isinstance(parts, list):
        return stix
    markings = [one.get("marking_ref") for one in parts if isinstance(one, dict)]
    whole = [*(stix.get("object_marking_refs") or ()), *filter(None, markings)]
    return (
        {**stix, "object_marking_refs": list(dict.fromkeys(whole))} if whole else stix
    )

"""The runtime of connectors that import files.

An author says in one method what a file says. Everything else happens here: the file is fetched as a stream, read in a
process of its own with a deadline and bounded memory, and what is found gets the file's markings, is attached to the
entity on whose page the file was uploaded, and goes where the operator wants it: into the platform, into a draft, or
into a workbench.
"""

import hashlib
import mimetypes
import os
import re
import shutil
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar
from urllib.parse import unquote

import orjson
from pydantic import SecretStr

from connectors_sdk.bundles import Bundle, merge_objects
from connectors_sdk.bundles._encode import StixLike, to_plain
from connectors_sdk.connectors._mappers import find_mapper
from connectors_sdk.connectors._markings import Scheme, read_definition
from connectors_sdk.connectors._options import read_options
from connectors_sdk.connectors._platform_files import FileTooBig, download
from connectors_sdk.connectors._private_files import make_private
from connectors_sdk.connectors.errors import UsageError
from connectors_sdk.connectors.internal_import_file.child import (
    MEGA,
    MOST_SET_ASIDE,
    Limits,
    Task,
)
from connectors_sdk.connectors.internal_import_file.file import (
    ContextEntity,
    ImportedFile,
)
from connectors_sdk.connectors.internal_import_file.objects import Dress, Findings
from connectors_sdk.connectors.internal_import_file.sandbox import (
    Outcome,
    Workplace,
    sweep,
    workplace,
)
from connectors_sdk.connectors.internal_import_file.settings import ImportFileOptions
from connectors_sdk.connectors.listening_connector import (
    Done,
    ListeningConnector,
    RequestFailed,
)
from connectors_sdk.connectors.quarantine import QuarantinedRecord, Replayed
from connectors_sdk.connectors.run_report import RunReport
from connectors_sdk.models.enums import TLPLevel
from connectors_sdk.models.tlp_marking import TLPMarking

_JOBS = "jobs"
_DRAFTS = "drafts"
_LATEST_DRAFTS = """
query LatestDrafts {
  draftWorkspaces(first: 500, orderBy: created_at, orderMode: desc) { edges { node { id name } } }
}
"""
_UNSAFE = re.compile(r"[^\w.-]+")
# The processor is given some time beyond the deadline: the clock on the wall decides.
_SPARE_SECONDS = 60


class InternalImportFileConnector(ListeningConnector):
    """Imports files on request. Subclass it and override `parse`.

    `parse` runs in a process of its own, in which the connector is built anew from its settings alone: it has `settings`
    and `logger`, but neither `helper` nor what `post_init` has built.

    Attributes:
        author: whom findings come from that name no author; None: nobody is named.
        knows_all: whether `look_up` knows all that the file holds. Then nothing waits in memory for what it refers to, and
            what refers to something else is kept as it is: the platform may have that.
        options: what the operator says about how files are imported, once prepared.
    """

    connector_type: ClassVar[str] = "INTERNAL_IMPORT_FILE"
    request_name: ClassVar[str] = "Import"
    rehearses_on: ClassVar[str] = "file"

    knows_all: ClassVar[bool] = False
    author: StixLike = None
    options: ImportFileOptions

    _place: Workplace | None = None
    # A file of this machine, which a rehearsal imports instead of one of the platform.
    _given: Path | None = None
    _known_markings: dict[str, dict[str, Any]]

    # -- what an author overrides ----------------------------------------------------------------------------------

    @abstractmethod
    def parse(self, file: ImportedFile) -> Iterable[StixLike]:
        """Say what a file says.

        Args:
            file: the file. `file.filtered(reason)` counts what is left out on purpose, `file.each(records, mapper)`
                converts record by record and sets bad ones aside.

        Returns: models, stix2 objects or dictionaries; a generator keeps memory low.

        Raises:
            UnreadableFile: it cannot be read; the text is what the operator reads.
        """

    def look_up(self, stix_id: str) -> StixLike | None:
        """Return what the file holds under an id, as `parse` yields it; None when it holds nothing of that id.

        Asked in the process of `parse`, between the objects that it yields, when `knows_all` is set: for what an object
        refers to and what therefore goes into the same bundle.
        """

    def before_parse(self, file: ImportedFile) -> Any:
        """Ask the platform for what `parse` needs to know; what is returned becomes `file.prepared`.

        Runs in the connector's own process, where `helper` is there. The file must not be opened here.

        Args:
            file: the file.

        Returns: anything that can be pickled.
        """
        return None if file.prepared is None else file.prepared

    # -- the runtime -----------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """See `BaseConnector.prepare`."""
        super().prepare()
        self.options = read_options(self.settings, ImportFileOptions)

    def _bind(self) -> None:
        super()._bind()
        self._known_markings: dict[str, dict[str, Any]] = {}
        sweep(self.data_path / _JOBS)

    def _release(self) -> None:
        place = self._place
        if place is not None:
            place.abandon()

    def _title(self, message: dict[str, Any]) -> str:
        return f"{self.request_name} of {message.get('file_id')}"

    def _do(self, message: dict[str, Any], report: RunReport) -> Done:
        mime_type = str(message.get("file_mime") or "")
        scope = [str(one) for one in self.settings.connector.scope]
        if not _in_scope(mime_type, scope):
            report.add_skipped("out of scope")
            return Done(
                f"{mime_type} is not in the scope of this connector: {', '.join(scope)}.",
                "skipped",
            )
        with workplace(self.data_path / _JOBS) as place:
            self._place = place
            try:
                file, dress = self._fetch(message, place)
                outcome = self._read(file, dress, place)
                self._relay(place)
                if outcome.error is not None:
                    self._complain(outcome, place)
                sent = self._deliver(message, file, place, report)
                self._set_aside(message, outcome, place, report)
                self._note_origins(
                    (
                        (
                            one["id"],
                            one["record"],
                            f"{type(self).__name__}.{one['mapper']}",
                        )
                        for one in place.origins()
                    ),
                    report,
                )
            finally:
                self._place = None
        for reason, count in outcome.filtered.items():
            report.add_skipped(reason, count)
        left_out = sum(outcome.filtered.values()) + outcome.set_aside
        report.add_read(outcome.found + left_out)
        words = _words(outcome, sent) + self._words_of_bad(outcome.set_aside)
        return Done(" ".join((words, *outcome.remarks)))

    # -- the file --------------------------------------------------------------------------------------------------

    def _fetch(
        self, message: Mapping[str, Any], place: Workplace
    ) -> tuple[ImportedFile, Dress]:
        path = str(message.get("file_fetch") or "")
        name = PurePosixPath(unquote(str(message.get("file_id") or path))).name
        try:
            size = self._bring(path, place.file, self.options.file_max_mb * MEGA)
        except FileTooBig as error:
            raise RequestFailed(f"{name} was not imported: {error}.") from error
        except FileNotFoundError as error:
            raise RequestFailed(f"{name} was not imported: {error}.") from error
        if not size:
            raise RequestFailed(f"{name} was not imported: it is empty.")
        definitions = [self._marking(one) for one in message.get("file_markings") or ()]
        context = self._context(message.get("entity_id"))
        file = ImportedFile(
            path=place.file,
            name=name,
            mime_type=str(message.get("file_mime") or ""),
            size=size,
            markings=tuple(str(read_definition(one)) for one in definitions),
            entity=context,
            configuration=message.get("configuration"),
        )
        author = None if self.author is None else to_plain(self.author)[0]
        return file, Dress(tuple(definitions), context, author)

    def _bring(self, path: str, target: Path, max_bytes: int) -> int:
        """Write the file to disk and return its size. Raises: see `download`."""
        if self._given is None:
            return download(self.helper, path, target, max_bytes)
        size = self._given.stat().st_size
        if size > max_bytes:
            raise FileTooBig(
                f"the file is bigger than the limit of {max_bytes // MEGA} MB"
            )
        shutil.copyfile(self._given, target)
        return size

    def _request_about(self, given: str) -> dict[str, Any]:
        path = Path(given)
        if not path.is_file():
            raise UsageError(f"{given} is no file.")
        self._given = path
        scope = [str(one) for one in self.settings.connector.scope]
        guessed, _ = mimetypes.guess_type(path.name)
        return {
            "file_id": path.name,
            "file_mime": guessed
            or (scope[0] if len(scope) == 1 else "application/octet-stream"),
            "file_fetch": path.name,
            # A draft or a workbench would need a platform.
            "bypass_validation": True,
        }

    def _marking(self, marking_id: str) -> dict[str, Any]:
        """Return the definition of a marking of the file."""
        if marking_id not in self._known_markings:
            known = self.helper.api.marking_definition.read(id=marking_id)
            if known is None:
                # Without it everybody could see what only some may.
                raise RequestFailed(
                    f"The file was not imported: its marking {marking_id} cannot be read."
                )
            self._known_markings[marking_id] = _definition(known)
        return self._known_markings[marking_id]

    def _context(self, entity_id: str | None) -> ContextEntity | None:
        if not entity_id:
            return None
        api = self.helper.api
        known = api.stix_core_object.read(id=entity_id)
        if known is None:
            raise RequestFailed(
                f"The file was not imported: its entity {entity_id} cannot be read."
            )
        stix = api.stix2.get_stix_bundle_or_object_from_entity_id(
            entity_type=known["entity_type"], entity_id=entity_id, only_entity=True
        )
        return ContextEntity(
            id=str(stix["id"]),
            type=str(known["entity_type"]),
            name=str(stix.get("name") or known.get("observable_value") or ""),
            is_container="Container" in (known.get("parent_types") or ()),
            stix=stix,
        )

    # -- reading ---------------------------------------------------------------------------------------------------

    def _read(self, file: ImportedFile, dress: Dress, place: Workplace) -> Outcome:
        options = self.options
        seconds = options.file_deadline.total_seconds()
        prepared = self.before_parse(file)
        if prepared is not None:
            file = _with_prepared(file, prepared)
        task = Task(
            connector=type(self),
            settings=_without_token(self.settings),
            file=file,
            dress=dress,
            limits=Limits(
                memory=options.file_memory_mb * MEGA,
                disk=options.file_disk_mb * MEGA,
                seconds=int(seconds) + _SPARE_SECONDS,
                objects=options.file_max_objects,
                set_aside=self._most_set_aside,
            ),
            with_origins=self.runtime.provenance,
        )
        return place.read(task, seconds)

    def _relay(self, place: Workplace) -> None:
        """Write what an author's code has logged."""
        for line in place.log():
            write = getattr(self.logger, line["level"])
            write(line["message"], line["meta"])

    def _complain(self, outcome: Outcome, place: Workplace) -> None:
        """Tell why a file was not imported.

        Raises:
            RequestFailed: always.
        """
        printed = place.printed()
        if outcome.trace or printed:
            self.logger.warning(
                "What reads files failed.",
                {"trace": outcome.trace, "printed": printed},
            )
        subject = "It could not be read" if outcome.is_bug else "It was not imported"
        raise RequestFailed(f"{subject}: {outcome.error}.")

    # -- delivering ------------------------------------------------------------------------------------------------

    def _deliver(
        self,
        message: Mapping[str, Any],
        file: ImportedFile,
        place: Workplace,
        report: RunReport,
    ) -> str:
        """Send what was found to where it is wanted; return where that is, in words."""
        digest = hashlib.sha256(str(message.get("file_id")).encode()).hexdigest()[:8]
        stem = _UNSAFE.sub("_", PurePosixPath(file.name).stem)[:80]
        options: dict[str, Any] = {
            "bypass_validation": bool(message.get("bypass_validation")),
            "file_name": f"{stem}-{digest}.json",
            "entity_id": message.get("entity_id"),
            "file_markings": list(message.get("file_markings") or ()),
        }
        mode = self._validation(message)
        bundles = (_bundle(one) for one in place.bundles())
        if mode == "workbench":
            # It is one file there.
            whole = _joined(bundles)
            if whole is not None:
                self._send(whole, report, **options)
            return "a workbench"
        draft = None
        for bundle in bundles:
            if mode == "draft" and draft is None:
                draft = self._draft(str(options["file_name"]), message)
                options["draft_id"] = draft
            self._send(bundle, report, **options)
        if draft is not None:
            self._forget_draft()
        return "a draft" if mode == "draft" else ""

    def _validation(self, message: Mapping[str, Any]) -> str:
        """Return how findings are validated: `draft`, `workbench`, or not at all."""
        wanted = self.helper.connect_validate_before_import or message.get(
            "force_validation"
        )
        if not wanted or message.get("bypass_validation"):
            return ""
        mode = str(message.get("validation_mode") or "draft")
        # A request that was made in a draft stays in it.
        return "" if mode == "draft" and self.helper.draft_id else mode

    def _draft(self, name: str, message: Mapping[str, Any]) -> str:
        """Return the draft into which all findings of the request go: one, even when the request is done again."""
        kept = self._draft_file()
        if kept is not None:
            # Of this request alone, should the same file be imported twice.
            name = f"{PurePosixPath(name).stem}-{kept.name[:8]}.json"
        draft = ""
        if kept is not None and kept.exists():
            # Nothing in it: killed while the draft was made. Perhaps it is there.
            draft = kept.read_text() or self._draft_named(name)
        elif kept is not None:
            make_private(kept)
        if not draft:
            draft = self.helper.api.create_draft(
                draft_name=name, entity_id=message.get("entity_id")
            )
            if not draft:
                raise RequestFailed("It was not imported: no draft could be made.")
        if kept is not None:
            # Whole or not at all: half an id would lead nowhere.
            new = kept.with_name(f".{kept.name}")
            make_private(new)
            new.write_text(draft)
            os.replace(new, kept)
            self.helper.api.work.add_draft_context(self.helper.work_id, draft)
        return str(draft)

    def _draft_named(self, name: str) -> str:
        """Return the id of the draft of a name, among the latest; empty when it is not there."""
        answer = self.helper.api.query(_LATEST_DRAFTS)
        nodes = (edge["node"] for edge in answer["data"]["draftWorkspaces"]["edges"])
        return next((str(node["id"]) for node in nodes if node["name"] == name), "")

    def _forget_draft(self) -> None:
        kept = self._draft_file()
        if kept is not None:
            kept.unlink(missing_ok=True)

    def _draft_file(self) -> Path | None:
        work_id = self.helper.work_id
        if not work_id:
            return None
        digest = hashlib.sha256(str(work_id).encode()).hexdigest()[:32]
        return self.data_path / _DRAFTS / digest

    # -- what could not become an object ---------------------------------------------------------------------------

    @property
    def _most_set_aside(self) -> int:
        """How many bad records of one file are kept: never more than the quarantine takes."""
        return min(MOST_SET_ASIDE, self.quarantine.max_records)

    def _words_of_bad(self, count: int) -> str:
        """Return what the operator reads about bad records: how many there were, and how many of them are kept."""
        most = self._most_set_aside
        if not count:
            return ""
        if count <= most:
            return f" Set aside, see the quarantine: {count}."
        limit = (
            "no more of one file are kept"
            if most == MOST_SET_ASIDE
            else f"CONNECTOR_QUARANTINE_MAX_RECORDS is {most}"
        )
        return f" Bad: {count}. Set aside, see the quarantine: only the first {most} ({limit})."

    def _set_aside(
        self,
        message: Mapping[str, Any],
        outcome: Outcome,
        place: Workplace,
        report: RunReport,
    ) -> None:
        kept = min(outcome.set_aside, self._most_set_aside)
        report.add_quarantined(kept)
        if outcome.set_aside > kept:
            report.add_skipped("bad, not kept", outcome.set_aside - kept)
        for line in place.set_aside():
            self.quarantine.add(
                line["raw"],
                line["reason"],
                mapper=line["mapper"],
                kind="object",
                file=message.get("file_id"),
                markings=list(message.get("file_markings") or ()),
                entity=message.get("entity_id"),
            )

    def replay(self, *record_ids: str) -> Replayed:
        """Convert records of the quarantine once more and send what comes of them. The connector must be open.

        Args:
            record_ids: which records; by default all.

        Returns: Which went through (they have left the quarantine), and which did not.
        """
        return self.quarantine.replay(self._replay, *record_ids)

    def _replay(self, record: QuarantinedRecord) -> None:
        made = record.raw
        if record.mapper:
            name = f"{type(self).__name__}.{record.mapper}"
            made = find_mapper(self, name)(record.raw)
        objects = list(made) if isinstance(made, (list, tuple, Iterator)) else [made]
        details = record.details
        author = None if self.author is None else to_plain(self.author)[0]
        dress = Dress(
            tuple(self._marking(one) for one in details.get("markings") or ()),
            self._context(details.get("entity")),
            author,
        )

        def refuse(_: Any, reason: str) -> None:
            raise ValueError(reason)

        # Nothing of the file is left to be looked up.
        look_up = (lambda _: None) if self.knows_all else None
        findings = Findings(dress, self.options.file_max_objects, refuse, look_up)
        bundles = list(findings.bundles(objects))
        work_id = self.helper.api.work.initiate_work(
            self.helper.connect_id, f"Replay of {details.get('file')}"
        )
        report = RunReport()
        for bundle in bundles:
            self._send(bundle, report, work_id=work_id, bypass_validation=True)
        self.helper.api.work.to_processed(work_id, f"Sent {report.sent} objects.")


def _in_scope(mime_type: str, scope: Iterable[str]) -> bool:
    wanted = mime_type.casefold()
    main = wanted.partition("/")[0]
    accepted = {wanted, f"{main}/*", "*/*", "*"}
    return not accepted.isdisjoint(one.strip().casefold() for one in scope)


def _definition(known: Mapping[str, Any]) -> dict[str, Any]:
    """Return the STIX form of a marking as the platform's API gives it."""
    said = read_definition(known)
    if said.scheme is Scheme.TLP and said.level.lower() in set(TLPLevel):
        level = TLPMarking(level=TLPLevel(said.level.lower()))
        if level.id == known["standard_id"]:
            return level.to_stix_dict()
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": known["standard_id"],
        "created": known.get("created") or "2017-01-20T00:00:00.000Z",
        "definition_type": "statement",
        "definition": {"statement": str(known["definition"])},
        "name": str(known["definition"]),
        "x_opencti_definition_type": known["definition_type"],
        "x_opencti_definition": known["definition"],
    }


def _without_token(settings: Any) -> Any:
    """Return settings that do not hold the platform's token: who reads a stranger's file does not need it."""
    opencti = settings.opencti.model_copy(update={"token": SecretStr("")})
    return settings.model_copy(update={"opencti": opencti})


def _with_prepared(file: ImportedFile, prepared: Any) -> ImportedFile:
    return ImportedFile(
        **{name: getattr(file, name) for name in file.__slots__ if name != "prepared"},
        prepared=prepared,
    )


def _bundle(line: Mapping[str, Any]) -> Bundle:
    return Bundle(
        [(one["id"], orjson.dumps(one)) for one in line["objects"]],
        external=line["external"],
    )


def _joined(bundles: Iterable[Bundle]) -> Bundle | None:
    """Return one bundle of all; None when there is none."""
    objects: dict[str, dict[str, Any]] = {}
    external: dict[str, None] = {}
    for bundle in bundles:
        external.update(dict.fromkeys(bundle.external))
        for one in bundle.objects:
            before = objects.get(one["id"])
            objects[one["id"]] = one if before is None else merge_objects(before, one)
    if not objects:
        return None
    return Bundle(
        [(key, orjson.dumps(one)) for key, one in objects.items()],
        external=[one for one in external if one not in objects],
    )


def _words(outcome: Outcome, where: str) -> str:
    if outcome.found:
        text = f"Found {outcome.found} objects"
        text += f", sent to {where} for validation." if where else "."
    else:
        text = "Nothing was found in the file."
    if outcome.filtered:
        reasons = ", ".join(f"{count} {why}" for why, count in outcome.filtered.items())
        text += f" Left out: {reasons}."
    return text

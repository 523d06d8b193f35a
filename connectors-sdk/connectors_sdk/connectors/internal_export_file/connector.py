"""The runtime of connectors that export files.

An author says in one method what a row of the file looks like. Everything else happens here: which entities, on behalf
of whom and with which markings, page by page on one side and as a stream on the other, and that the file gets to where
it is wanted.
"""

import json
import tempfile
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, BinaryIO, ClassVar, Literal

from connectors_sdk.connectors._mappers import describe_failure
from connectors_sdk.connectors._options import read_options
from connectors_sdk.connectors._platform_files import Upload, upload
from connectors_sdk.connectors.internal_export_file.closure import Closure
from connectors_sdk.connectors.internal_export_file.pages import Pages
from connectors_sdk.connectors.internal_export_file.request import ExportRequest
from connectors_sdk.connectors.internal_export_file.settings import ExportFileOptions
from connectors_sdk.connectors.internal_export_file.stix_content import StixContent
from connectors_sdk.connectors.listening_connector import (
    Done,
    ListeningConnector,
    RequestFailed,
)
from connectors_sdk.connectors.run_report import RunReport

_MEGA = 1_000_000
_LISTS = {
    "Stix-Cyber-Observable": "stixCyberObservables",
    "Stix-Core-Object": "stixCoreObjects",
}
_ANY_OTHER_LIST = "stixDomainObjects"
_PUSH_ONE = (
    "mutation ExportPush($id: ID!, $file: Upload!, $file_markings: [String]!) {"
    " stixDomainObjectEdit(id: $id) { exportPush(file: $file, file_markings: $file_markings) } }"
)
_PUSH_LIST = (
    "mutation ExportPush($entity_id: String, $entity_type: String!, $file: Upload!, $file_markings: [String]!,"
    " $listFilters: String) {{ {0}ExportPush(entity_id: $entity_id, entity_type: $entity_type, file: $file,"
    " file_markings: $file_markings, listFilters: $listFilters) }}"
)


_ABSENT = "There is nothing to export: the entity is not there, or it may not be seen."
_EMPTY = "There is nothing to export: the entity refers to nothing that may be seen, and is nothing without."
_INCOMPLETE = "without what STIX wants them to have"


class InternalExportFileConnector(ListeningConnector):
    """Exports files on request. Subclass it and override `row`; override `begin`, `end` and `separator` if need be.

    Attributes:
        content: what rows are made of: `entities` as the platform's API gives them, or `stix` objects. Of the latter
            come authors and markings, too, each object once.
        separator: stands between two rows.
        options: what the operator says about how files are exported, once prepared.
        remarks: sentences for the work's message about the file that is being made.
    """

    connector_type: ClassVar[str] = "INTERNAL_EXPORT_FILE"
    request_name: ClassVar[str] = "Export"
    content: ClassVar[Literal["entities", "stix"]] = "entities"
    separator: ClassVar[str | bytes] = b""

    options: ExportFileOptions
    remarks: list[str]

    # -- what an author overrides ----------------------------------------------------------------------------------

    @abstractmethod
    def row(self, entity: dict[str, Any], request: ExportRequest) -> str | bytes | None:
        """Return an entity (or STIX object) as a part of the file; None or nothing leaves it out.

        An exception loses this row and no other, see `bad_row`.
        """

    def begin(self, request: ExportRequest) -> str | bytes:
        """Return what stands before the first row, e.g. the names of columns."""
        del request
        return b""

    def end(self, request: ExportRequest) -> str | bytes:
        """Return what stands after the last row."""
        del request
        return b""

    def bad_row(
        self, entity: dict[str, Any], error: Exception, request: ExportRequest
    ) -> str | bytes:
        """Return what stands in the file in the place of an entity whose row could not be made; empty: nothing."""
        del entity, error, request
        return b""

    def render(
        self,
        entities: Iterable[dict[str, Any]],
        file: BinaryIO,
        request: ExportRequest,
        report: RunReport,
    ) -> None:
        """Write the file. For formats that are not made of rows: override this instead of `row`.

        Args:
            entities: what goes into the file, read as it is consumed.
            file: where to.
            request: what is asked for.
            report: counts rows that are left out.
        """
        file.write(_bytes(self.begin(request)))
        separator = b""
        for entity in entities:
            written = self._row(entity, request, report)
            if not written:
                continue
            file.write(separator)
            file.write(_bytes(written))
            separator = _bytes(self.separator)
            self._check_size(file)
        file.write(_bytes(self.end(request)))

    def scratch_file(self) -> BinaryIO:
        """Return a new file without a name in the data folder: nothing is left of it, however the process ends."""
        try:
            self.data_path.mkdir(parents=True, exist_ok=True, mode=0o700)
            return tempfile.TemporaryFile(dir=self.data_path)
        except OSError:
            return tempfile.TemporaryFile()

    # -- the runtime -----------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """See `BaseConnector.prepare`."""
        super().prepare()
        self.options = read_options(self.settings, ExportFileOptions)
        self.remarks = []

    def _title(self, message: dict[str, Any]) -> str:
        return f"{self.request_name} of {message.get('file_name')}"

    def _check_size(self, file: BinaryIO) -> None:
        if file.tell() > self.options.export_max_mb * _MEGA:
            raise RequestFailed(
                f"The file was not made: it is bigger than the limit of {self.options.export_max_mb} MB."
            )

    def _do(self, message: dict[str, Any], report: RunReport) -> Done:
        request = ExportRequest.of(message)
        self.remarks.clear()
        pages = Pages(
            self.helper.api_impersonate,
            request,
            self.options.export_page_size,
            self.health.progress,
        )
        with self.scratch_file() as file:
            self.render(self._entities(pages, request, report), file, request, report)
            size = file.tell()
            if request.scope == "single" and not report.read:
                raise RequestFailed(
                    _EMPTY if _INCOMPLETE in report.skipped else _ABSENT
                )
            if report.quarantined and report.quarantined == report.read:
                raise RequestFailed(
                    f"No row could be made: {report.errors[0] if report.errors else ''}"
                )
            # The author's `row` and `render` may catch anything.
            self.fuse.check()
            self._push(request, file, size)
        if pages.left_out:
            report.add_skipped("not to be seen", pages.left_out)
        return Done(" ".join([_words(report, size), *self.remarks]))

    def _entities(
        self, pages: Pages, request: ExportRequest, report: RunReport
    ) -> Iterator[dict[str, Any]]:
        seen: set[int] = set()
        content = self._with_neighbours(pages, request)
        if self.content == "stix":
            content = self._closed(content, pages, request, report)
        for one in content:
            # A number for each is all that is remembered.
            key = hash(one["id"])
            if key not in seen:
                seen.add(key)
                report.add_read()
                yield one

    def _with_neighbours(
        self, pages: Pages, request: ExportRequest
    ) -> Iterator[dict[str, Any]]:
        entities = pages.entities()
        if not request.full:
            yield from entities
            return
        while some := list(islice(entities, self.options.export_page_size)):
            # What makes STIX of them takes them apart.
            around = [
                {key: one.get(key) for key in ("id", "objectsIds")} for one in some
            ]
            yield from some
            yield from pages.around(around)

    def _closed(
        self,
        entities: Iterable[dict[str, Any]],
        pages: Pages,
        request: ExportRequest,
        report: RunReport,
    ) -> Iterator[dict[str, Any]]:
        def bad(entity: dict[str, Any], error: Exception) -> None:
            report.add_read()
            self._set_aside(entity, error, request, report)

        content = StixContent(
            self.helper.api_impersonate,
            pages.access,
            self.options.export_page_size,
            bad,
            pages.located,
        )
        with self.scratch_file() as waiting:
            closure = Closure(content, pages.by_stix_ids, waiting, self._check_size)
            yield from closure.of(entities)
        if closure.left_out:
            report.add_skipped(_INCOMPLETE, closure.left_out)
        if content.nowhere:
            self.remarks.append(
                f"Locations without country, region or coordinates, of which STIX wants one: {content.nowhere}."
            )

    def _row(
        self, entity: dict[str, Any], request: ExportRequest, report: RunReport
    ) -> str | bytes | None:
        try:
            return self.row(entity, request)
        # Whatever is wrong with this entity: the others must not be lost.
        except Exception as error:  # pylint: disable=broad-exception-caught
            self._set_aside(entity, error, request, report)
            return self.bad_row(entity, error, request)

    def _set_aside(
        self,
        entity: dict[str, Any],
        error: Exception,
        request: ExportRequest,
        report: RunReport,
    ) -> None:
        reason = self.redact(describe_failure(error))
        if not report.quarantined:
            report.add_error(reason)
        report.add_quarantined()
        self.quarantine.add(
            entity, reason, mapper="row", kind="row", file=request.file_name
        )
        self.logger.warning(f"A row cannot be made: {reason}", {"id": entity["id"]})

    def _push(self, request: ExportRequest, file: BinaryIO, size: int) -> None:
        markings = list(request.file_markings)
        if request.scope == "single":
            query = _PUSH_ONE
            variables = {"id": request.entity_id, "file_markings": markings}
        else:
            query = _PUSH_LIST.format(_LISTS.get(request.entity_type, _ANY_OTHER_LIST))
            variables = {
                "entity_id": request.entity_id,
                "entity_type": request.entity_type,
                "file_markings": markings,
                "listFilters": json.dumps(request.filters) if request.filters else "",
            }
        upload(
            self.helper.api,
            query,
            variables,
            Upload(request.file_name, request.mime_type, file, size),
        )
        self.metrics.count("bytes_sent", size)


def _bytes(written: str | bytes) -> bytes:
    return written.encode() if isinstance(written, str) else written


def _words(report: RunReport, size: int) -> str:
    text = f"Exported {report.read - report.quarantined} rows, {size} bytes."
    if report.quarantined:
        reason = report.errors[0] if report.errors else ""
        text += (
            f" {report.quarantined} could not be written, see the quarantine: {reason}."
        )
    left_out = ", ".join(f"{count} {why}" for why, count in report.skipped.items())
    return f"{text} Left out: {left_out}." if left_out else text

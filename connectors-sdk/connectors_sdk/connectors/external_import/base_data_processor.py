"""The base of what a connector's author writes: where data comes from, and what it means in STIX."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, ClassVar

from connectors_sdk.bundles import (
    DEFAULT_MAX_BYTES,
    DEFAULT_MAX_OBJECTS,
    Bundle,
    BundleBuilder,
)
from connectors_sdk.client.exceptions import QuotaExceededError
from connectors_sdk.client.quota import DailyQuota
from connectors_sdk.connectors._mappers import (
    describe_failure,
    find_mapper,
    is_bad_data,
    name_of,
)
from connectors_sdk.connectors.check import Check
from connectors_sdk.connectors.external_import._work_manager import WorkManager
from connectors_sdk.connectors.health import Health
from connectors_sdk.connectors.logger import ConnectorLogger
from connectors_sdk.connectors.provenance import Provenance
from connectors_sdk.connectors.quarantine import Quarantine, QuarantinedRecord
from connectors_sdk.connectors.run_report import RunReport

_CHUNKS = (list, tuple, set, frozenset)
# So many bad records are logged one by one in a run; all of them are counted and set aside.
_LOGGED_ONE_BY_ONE = 20


class _EnoughError(Exception):
    """A rehearsal has what it needs."""


class TooManyBadRecordsError(Exception):
    """More records of one run could not be processed than the quarantine holds."""


class BaseDataProcessor(ABC):
    """Collects data from one source and transforms it; the rest (works, bundles, errors, state) is done for it.

    A stream of any size is written as generators:

        def collect(self):
            for page in self.client.pages(since=self.state.cursor):
                yield page

        def transform(self, pages):
            for page in pages:
                yield from self.each(page["data"], self.converter.indicator)
                self.state.cursor = page["cursor"]
                self.checkpoint()

    Attributes:
        work_name: what the operator reads on the platform. May change between chunks: a new work begins then.
        bundle_max_objects: most objects in one bundle of a stream.
        bundle_max_bytes: most bytes in one bundle of a stream.
        cleanup_inconsistent_bundle: whether pycti removes references to what is not in the bundle. None: unless the
            bundle holds such references on purpose (`Reference`).
        settings: the connector's settings.
        state: the connector's state: what it remembers from run to run.
        logger: the connector's log.
        report: counts what a run does; `self.report.add_skipped("not modified")`.
        work_manager: sends bundles.
        health: takes note of when the source published its data: `self.health.data(published)`.
        quarantine: where bad records go; None outside of a connector.
        credits: the budget of calls per day, for `BaseClientApi(daily_quota=...)`; None when none is set.
    """

    work_name: str = "Data import"
    bundle_max_objects: ClassVar[int] = DEFAULT_MAX_OBJECTS
    bundle_max_bytes: ClassVar[int] = DEFAULT_MAX_BYTES
    cleanup_inconsistent_bundle: ClassVar[bool | None] = None

    settings: Any
    state: Any
    logger: ConnectorLogger
    work_manager: WorkManager
    health: Health
    quarantine: Quarantine | None = None
    provenance: Provenance | None = None
    credits: DailyQuota | None = None
    # Makes sure that what was done counts: nobody has changed the state, nor was the run told to stop.
    check_state: Callable[[], None] = staticmethod(lambda: None)

    # For a rehearsal: stop after so many records.
    limit: int | None = None
    _handled: int = 0

    _builder: BundleBuilder | None = None
    # The record that is being converted, and what converts it.
    _origin: tuple[Any, Callable[[Any], Any]] | None = None
    # The state as it was when everything was yielded that the builder has, to be saved when that is sent.
    _due: dict[str, Any] | None = None

    @property
    def report(self) -> RunReport:
        """What the current run did so far."""
        return self.work_manager.report

    # -- what the runtime calls ----------------------------------------------------------------------------------

    def inject_dependencies(self, settings: Any, helper: Any, state: Any) -> None:
        """Take what the runtime provides. Called once, before `post_init`.

        Args:
            settings: the connector's settings.
            helper: pycti's `OpenCTIConnectorHelper`.
            state: the connector's state.
        """
        self.settings = settings
        self.state = state
        self.logger = ConnectorLogger(helper)
        self.work_manager = WorkManager(helper)
        self.health = Health()

    # -- what an author writes -----------------------------------------------------------------------------------

    def post_init(self) -> None:
        """Build what needs settings, logger or state. Called once, before the first run. Does nothing by itself."""

    @abstractmethod
    def collect(self) -> Any:
        """Return the raw data of the source, at best as a generator of pages. It is handed to `transform`."""

    @abstractmethod
    def transform(self, data: Any) -> Iterable[Any]:
        """Return what the data means in STIX.

        Models, stix2 objects or dictionaries: as a list (one bundle), as a generator of lists (one bundle for each
        non-empty list), or as a generator of objects, which is the way for feeds of any size: bundles go out as they
        fill.
        """

    def process(self) -> None:
        """Do one run: collect, transform and send within the work manager."""
        with self.work_manager:
            self.send(self.transform(self.report.observe(self.collect())))

    def replay(self, record: QuarantinedRecord) -> Iterable[Any]:
        """Convert a record from the quarantine once more; return or yield what it means in STIX.

        By itself it calls the mapper that failed then: a method of the processor or of one of its attributes, or a
        function of a module. Override it when records went to the quarantine in another way.

        Raises:
            LookupError: the mapper is not there.
        """
        return _objects_of(find_mapper(self, record.mapper)(record.raw))

    def check_source(self) -> Iterable[Check]:
        """Look whether the source can be used: credentials, quota. Called by the command `check`, after `post_init`.

        An exception counts as a failed check.
        """
        return ()

    # -- what an author uses -------------------------------------------------------------------------------------

    def each(
        self,
        records: Iterable[Any],
        mapper: Callable[[Any], Any],
        *,
        published: Callable[[Any], datetime | None] | None = None,
    ) -> Iterator[Any]:
        """Convert records one by one: a bad one goes to the quarantine, the rest goes on.

        Records are counted as read here. What is yielded must be handed on at once (`yield from self.each(...)`), so
        that an object that cannot be sent is traced to its record.

        Args:
            records: raw records.
            mapper: makes one record into an object, several objects (list, generator), or None.
            published: returns when the source published a record, timezone-aware, or None.

        Raises:
            TooManyBadRecordsError: more are bad in this run than the quarantine holds.
            Exception: what a mapper raises that is not the record's fault: errors of the network, of a source's API,
                of the memory.
        """
        for record in records:
            if self._handled == self.limit:
                raise _EnoughError
            self._handled += 1
            self.report.add_read()
            self.health.progress()
            try:
                objects = list(_objects_of(mapper(record)))
                moment = published(record) if published else None
            # What is the record's fault may be of any kind.
            except Exception as error:  # pylint: disable=broad-exception-caught
                if not is_bad_data(error):
                    raise
                self.set_aside(record, error, mapper)
                continue
            self.health.data(moment)
            self._origin = record, mapper
            try:
                yield from objects
            finally:
                self._origin = None

    def set_aside(
        self,
        record: Any,
        error: Exception | str,
        mapper: Callable[[Any], Any] | None = None,
    ) -> None:
        """Put a record that cannot be processed into the quarantine.

        Args:
            record: as it came from the source.
            error: what is wrong with it.
            mapper: what could not process it; it is called again when the record is replayed.

        Raises:
            TooManyBadRecordsError: more are bad in this run than the quarantine holds.
            OSError: the disk does not take it.
        """
        reason = error if isinstance(error, str) else describe_failure(error)
        name = name_of(self, mapper) if mapper else ""
        self.report.add_quarantined()
        count = self.report.quarantined
        if self.quarantine is None:
            self.logger.warning(f"A record is left out: {reason}")
            return
        if count > self.quarantine.max_records:
            raise TooManyBadRecordsError(
                f"{count} records of this run could not be processed, more than the quarantine holds: the source's "
                f"format may have changed. The last one: {reason}"
            )
        kept = self.quarantine.add(
            record,
            reason,
            mapper=name,
            processor=type(self).__name__,
            work=self.work_name,
            run=self.report.run_id,
        )
        if count <= _LOGGED_ONE_BY_ONE:
            self.logger.warning(
                f"A record is set aside in quarantine: {kept.reason}",
                {"quarantine_id": kept.id, "mapper": name},
            )
        if count == _LOGGED_ONE_BY_ONE:
            self.logger.warning(
                "Further records of this run are set aside without a line each."
            )

    def checkpoint(self, *, lazy: bool = False) -> None:
        """Send what was yielded so far, then save the state durably.

        To be called where the state says exactly what has been yielded: a crash later on repeats from here.

        Args:
            lazy: do not send bundles that are not full for it: the state as it is now is saved as soon as what was
                yielded so far has been sent, at the latest at the end of the run. For sources with small pages.

        Raises:
            StateChangedError: somebody has changed the state on the platform; the run is given up.
            Exception: see `WorkManager.send`.
        """
        self._due = self.state.dump()
        if self._builder is not None:
            if lazy and len(self._builder):
                return
            self._send_pieces(self._builder.flush())
        self._save_due()

    def send(self, objects: Iterable[Any]) -> None:
        """Send what `transform` returned. Everything is accepted by the platform when this returns.

        Raises: see `WorkManager.send`.
        """
        if isinstance(objects, (*_CHUNKS, Sequence)):
            self._send_chunk(objects)
            return
        self._due = None
        self._handled = 0
        self._builder = BundleBuilder(
            max_objects=self.bundle_max_objects,
            max_bytes=self.bundle_max_bytes,
            on_dangling="keep",
        )
        try:
            self._send_stream(objects)
        except _EnoughError:
            self._send_pieces(self._builder.flush())
        except QuotaExceededError:
            # The calls that brought this are paid for.
            self._finish_stream()
            raise
        else:
            self._finish_stream()
        finally:
            self._builder = self._due = None

    # -- inside --------------------------------------------------------------------------------------------------

    def _send_stream(self, objects: Iterable[Any]) -> None:
        for number, item in enumerate(objects):
            if self._origin is None and number == self.limit:
                raise _EnoughError
            if item is None:
                continue
            if isinstance(item, _CHUNKS):
                self._send_chunk(item)
            elif isinstance(item, Iterator):
                for stix in item:
                    self._add(stix)
            else:
                self._add(item)

    def _finish_stream(self) -> None:
        if self._builder is not None:
            self._send_pieces(self._builder.flush())
        self._save_due()

    def _add(self, stix: Any) -> None:
        assert self._builder is not None
        # What waits for another object may still wait when later ones are sent.
        settled = not self._builder.waiting
        try:
            pieces = self._builder.add(stix)
        # As in `each`: a model may turn out wrong only when it is written down.
        except Exception as error:  # pylint: disable=broad-exception-caught
            if self._origin is None or not is_bad_data(error):
                raise
            self.set_aside(self._origin[0], error, self._origin[1])
            return
        if self._origin is not None and self.provenance is not None:
            record, mapper = self._origin
            self.provenance.note(
                stix.id if hasattr(stix, "id") else stix["id"],
                record,
                mapper=name_of(self, mapper),
                run_id=self.report.run_id,
            )
        if pieces:
            self._send_pieces(pieces)
            # They hold everything that was added before this object.
            if settled:
                self._save_due()

    def _send_chunk(self, chunk: Iterable[Any]) -> None:
        objects = list(chunk)
        if objects:
            self.check_state()
            self.work_manager.send(objects, self.work_name, **self._send_options())

    def _send_pieces(self, pieces: Sequence[Bundle]) -> None:
        for piece in pieces:
            self.check_state()
            self.work_manager.send_bundle(piece, self.work_name, **self._send_options())

    def _save_due(self) -> None:
        """Save the state as it was when `checkpoint` was called last."""
        due, self._due = self._due, None
        if due is not None:
            self.check_state()
            self.state.save_dump(due)
            self.check_state()

    def _send_options(self) -> dict[str, Any]:
        if self.cleanup_inconsistent_bundle is None:
            return {}
        return {"cleanup_inconsistent_bundle": self.cleanup_inconsistent_bundle}


def _objects_of(made: Any) -> Iterable[Any]:
    """Return what a mapper made as objects: nothing, one, or several."""
    if made is None:
        return ()
    if isinstance(made, (*_CHUNKS, Iterator)):
        return made
    return (made,)

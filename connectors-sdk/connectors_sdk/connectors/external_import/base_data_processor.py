"""The base of what a connector's author writes: where data comes from, and what it means in STIX."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

from connectors_sdk.bundles import (
    DEFAULT_MAX_BYTES,
    DEFAULT_MAX_OBJECTS,
    Bundle,
    BundleBuilder,
)
from connectors_sdk.connectors.external_import._work_manager import WorkManager
from connectors_sdk.connectors.external_import.logger import ConnectorLogger
from connectors_sdk.connectors.run_report import RunReport

_CHUNKS = (list, tuple, set, frozenset)


class BaseDataProcessor(ABC):
    """Collects data from one source and transforms it; the rest (works, bundles, errors, state) is done for it.

    A stream of any size is written as generators:

        def collect(self):
            for page in self.client.pages(since=self.state.cursor):
                yield page

        def transform(self, pages):
            for page in pages:
                for record in page["data"]:
                    yield self.converter.indicator(record)
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
    """

    work_name: str = "Data import"
    bundle_max_objects: ClassVar[int] = DEFAULT_MAX_OBJECTS
    bundle_max_bytes: ClassVar[int] = DEFAULT_MAX_BYTES
    cleanup_inconsistent_bundle: ClassVar[bool | None] = None

    settings: Any
    state: Any
    logger: ConnectorLogger
    work_manager: WorkManager

    _builder: BundleBuilder | None = None

    @property
    def report(self) -> RunReport:
        """What the current run did so far."""
        return self.work_manager.report

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

    def send(self, objects: Iterable[Any]) -> None:
        """Send what `transform` returned. Everything is accepted by the platform when this returns.

        Raises: see `WorkManager.send`.
        """
        if isinstance(objects, (*_CHUNKS, Sequence)):
            self._send_chunk(objects)
            return
        self._builder = BundleBuilder(
            max_objects=self.bundle_max_objects,
            max_bytes=self.bundle_max_bytes,
            on_dangling="keep",
        )
        try:
            for item in objects:
                if item is None:
                    continue
                if isinstance(item, _CHUNKS):
                    self._send_chunk(item)
                elif isinstance(item, Iterator):
                    for stix in item:
                        self._send_pieces(self._builder.add(stix))
                else:
                    self._send_pieces(self._builder.add(item))
            self._send_pieces(self._builder.flush())
        finally:
            self._builder = None

    def checkpoint(self) -> None:
        """Send what was yielded so far, then save the state durably.

        To be called where the state says exactly what has been yielded: a crash later on repeats from here.

        Raises: see `WorkManager.send`.
        """
        if self._builder is not None:
            self._send_pieces(self._builder.flush())
        self.state.save()

    def _send_chunk(self, chunk: Iterable[Any]) -> None:
        objects = list(chunk)
        if objects:
            self.work_manager.send(objects, self.work_name, **self._send_options())

    def _send_pieces(self, pieces: Sequence[Bundle]) -> None:
        for piece in pieces:
            self.work_manager.send_bundle(piece, self.work_name, **self._send_options())

    def _send_options(self) -> dict[str, Any]:
        if self.cleanup_inconsistent_bundle is None:
            return {}
        return {"cleanup_inconsistent_bundle": self.cleanup_inconsistent_bundle}

"""The processor for sources that give their records page by page: most of them."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from connectors_sdk.connectors.external_import.base_data_processor import (
    BaseDataProcessor,
)
from connectors_sdk.states.cursors import TimeCursor

RecordT = TypeVar("RecordT")


class PageProcessor(BaseDataProcessor, Generic[RecordT]):
    """Asks a source for pages and converts their records one by one.

    After each page the state is saved as soon as the platform has accepted what the page became. A record that cannot
    be converted goes to the quarantine. An author writes two methods, and a third where the source dates its records:

        class Alerts(PageProcessor[dict[str, Any]]):
            def pages(self):
                yield from self.client.alerts(modified_since=self.since(timedelta(days=30)))

            def convert(self, record):
                yield self.converter.incident(record)

            def published(self, record):
                return datetime.fromisoformat(record["modified"])

    A source that is read by token or page number is told where to go on before a page is yielded:

            def pages(self):
                while page := self.client.page(self.state.token.token):
                    self.state.token.token = page.next
                    yield page.records
    """

    @property
    def cursor(self) -> TimeCursor | None:
        """The cursor that moves with the times of the records; by default the state's field `cursor`, if it is one.

        With it, records that were handled before are passed over.
        """
        cursor = getattr(self.state, "cursor", None)
        return cursor if isinstance(cursor, TimeCursor) else None

    def since(self, start: datetime | timedelta) -> datetime:
        """Return the time at or after which to ask for records.

        Args:
            start: where the first run begins: a time, or how long ago.

        Raises:
            TypeError: there is no cursor.
        """
        if self.cursor is None:
            raise TypeError("The state needs a field `cursor: TimeCursor`.")
        return self.cursor.since(start)

    @abstractmethod
    def pages(self) -> Iterable[Iterable[RecordT]]:
        """Yield pages of records, at best as a generator: a page is asked for when the former was handled."""

    @abstractmethod
    def convert(self, record: RecordT) -> Any:
        """Return or yield what a record means in STIX: one object, several, or None for nothing.

        Raise whatever says why, when the record cannot be converted.
        """

    # pylint: disable-next=useless-return
    def published(self, record: RecordT) -> datetime | None:
        """Return when the source published (or modified) a record, timezone-aware; None when it does not say."""
        del record
        return None

    def key(self, record: RecordT) -> Any:
        """Return what tells a record from others of the same time. By default its `id`, else all of it."""
        if isinstance(record, dict) and "id" in record:
            return record["id"]
        return record

    def collect(self) -> Iterable[Iterable[RecordT]]:
        """Return the pages."""
        return self.pages()

    def transform(self, data: Iterable[Iterable[RecordT]]) -> Iterator[Any]:
        """Yield the objects of the records, with a checkpoint after each page."""
        for page in data:
            yield from self._objects_of(page, self.cursor)
            self.checkpoint(lazy=True)
        if self.cursor is not None:
            self.cursor.finish()

    def _objects_of(
        self, page: Iterable[RecordT], cursor: TimeCursor | None
    ) -> Iterator[Any]:
        if cursor is None:
            yield from self.each(page, self.convert, published=self._dated)
            return
        for record in page:
            moment = self._moment(record)
            if moment is not None and not cursor.is_new(moment, self.key(record)):
                self.report.add_read()
                self.report.add_skipped("known already")
                continue
            yield from self.each((record,), self.convert, published=self._dated)
            if moment is not None:
                cursor.note(moment, self.key(record))

    def _dated(self, record: RecordT) -> datetime | None:
        # pylint: disable-next=assignment-from-none  # what authors write returns more
        moment = self.published(record)
        if moment is not None and moment.tzinfo is None:
            raise ValueError(f"its time has no timezone: {moment}")
        return moment

    def _moment(self, record: RecordT) -> datetime | None:
        try:
            return self._dated(record)
        # `each` finds the same error, and sets the record aside.
        except Exception:  # pylint: disable=broad-exception-caught
            return None

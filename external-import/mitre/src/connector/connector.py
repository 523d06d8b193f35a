"""Joins source and conversion through the SDK's runtime."""

import hashlib
import warnings
from collections.abc import Iterator

from connector.converter_to_stix import STRATEGY, ConverterToStix
from connector.mapping import (
    BECOMES,
    CARRIED,
    CARRIED_RELATIONSHIP,
    END_LEFT_OUT,
    NOT_NEW,
    UNKNOWN,
    WITHDRAWN,
)
from connector.settings import ConnectorSettings
from connector.state import MitreState, ReleaseCursor
from mitre_client import Collection, CollectionClient, Record

from connectors_sdk import ExternalImportConnector
from connectors_sdk.connectors import PageProcessor
from connectors_sdk.connectors.quarantine import QuarantinedRecord
from connectors_sdk.connectors.run_report import RunReport
from connectors_sdk.models import BaseIdentifiedEntity, Reference
from connectors_sdk.states import EtagCursor

TITLES = {
    "enterprise-attack": "enterprise",
    "mobile-attack": "mobile",
    "ics-attack": "ICS",
}
BAD_DATA = (ValueError, KeyError, TypeError)
# ATT&CK's names of platforms and permissions are its own; that they are in no vocabulary is no news.
warnings.filterwarnings("ignore", message="Value .* is out of (Platform|Permission)")


def build_connector(settings: ConnectorSettings) -> ExternalImportConnector:
    """Return the connector, with one processor for each data set that is switched on."""
    client = CollectionClient()
    return ExternalImportConnector(
        settings=settings,
        data_processors=[
            AttackProcessor(client, domain, location)
            for domain, location in settings.mitre.data_sets().items()
        ],
        state=MitreState(),
    )


class AttackProcessor(PageProcessor[Record]):
    """Imports one ATT&CK collection: all of it the first time, then what is new or changed."""

    settings: ConnectorSettings
    state: MitreState

    def __init__(self, client: CollectionClient, domain: str, location: str) -> None:
        """Bind a data set to its location."""
        self._client = client
        self._title = TITLES[domain]
        self._location = location
        self._selection: Selection | None = None
        self.work_name = f"MITRE ATT&CK {self._title}"

    def pages(self) -> Iterator[Iterator[Record]]:
        """Yield the collection, as one page, when it has changed since the last run."""
        release: ReleaseCursor = getattr(self.state, self._title.lower())
        with self._client.fetch(self._location, release) as collection:
            if collection is None:
                self.logger.info(f"{self.work_name} has not changed.")
                return
            if collection.broken:
                self.report.add_quarantined(collection.broken)
                self.logger.warning(
                    f"{collection.broken} entries of the collection are no STIX objects."
                )
            self._selection = Selection(self, collection, release)
            release.version = collection.version()
            release.newest = collection.newest()
            release.withdrawn = [short(stix_id) for stix_id in collection.withdrawn()]
            self.work_name = " ".join(
                ["MITRE ATT&CK", self._title, release.version or ""]
            ).strip()
            yield collection.records()

    def convert(self, record: Record) -> list[BaseIdentifiedEntity]:
        """Return what an object becomes; nothing when it is not sent.

        Raises:
            ValueError: it cannot be converted.
        """
        assert self._selection is not None
        try:
            return list(self._selection.objects_of(record))
        except BAD_DATA as error:
            raise ValueError(f"{record.id}: {error}") from error

    def replay(self, record: QuarantinedRecord) -> Iterator[BaseIdentifiedEntity]:
        """Yield what an object of the quarantine becomes now, among what the source gives now.

        Raises:
            LookupError: the source does not have it any more.
            ApiClientError: the source does not give the collection.
        """
        with self._client.fetch(self._location, EtagCursor()) as collection:
            found = collection.get(record.raw["id"]) if collection else None
            if collection is None or found is None:
                raise LookupError(f"the source has no {record.raw['id']} any more")
            selection = Selection(self, collection, ReleaseCursor())
            yield from selection.objects_of(found)


class Selection:
    """Chooses what of a collection is sent, and counts what is not."""

    def __init__(
        self, processor: AttackProcessor, collection: Collection, known: ReleaseCursor
    ) -> None:
        """Bind a collection, and what is known of the release before."""
        mitre = processor.settings.mitre
        self._report: RunReport = processor.report
        self._collection = collection
        self._newest = known.newest
        self._withdrawn_before = set(known.withdrawn)
        self._include_revoked = mitre.include_revoked
        self._include_deprecated = mitre.include_deprecated
        self._converter = ConverterToStix(
            collection, mitre.tlp, statement=not mitre.remove_statement_marking
        )

    def objects_of(self, record: Record) -> Iterator[BaseIdentifiedEntity]:
        """Yield what an object becomes.

        Raises:
            ValueError, KeyError, TypeError: it cannot be converted.
        """
        if record.type == "relationship":
            yield from self._relationships(record)
        elif record.type not in BECOMES:
            reason = CARRIED.get(record.type, UNKNOWN)
            self._report.add_skipped(f"{record.type}: {reason}")
        elif not self._wanted(record):
            self._report.add_skipped(f"{record.type}: {WITHDRAWN}")
        elif not self._is_new(record):
            self._report.add_skipped(NOT_NEW)
        elif entity := self._converter.entity(record.id):
            yield entity

    def _wanted(self, record: Record) -> bool:
        """Return whether an object is imported at all.

        What was imported while it was valid is sent once more when it is withdrawn, as revoked.
        """
        if not record.withdrawn:
            return True
        if self._newest and short(record.id) not in self._withdrawn_before:
            return True
        if record.data.get("revoked"):
            return self._include_revoked
        return self._include_deprecated

    def _is_new(self, record: Record) -> bool:
        return self._converter.modified(record) > self._newest

    def _relationships(self, record: Record) -> Iterator[BaseIdentifiedEntity]:
        ends = [str(record.data.get(key) or "") for key in ("source_ref", "target_ref")]
        if record.withdrawn:
            self._report.add_skipped(f"relationship: {WITHDRAWN}")
            return
        sources, new = [ends[0]], record.modified > self._newest
        if ends[0].startswith(STRATEGY):
            self._report.add_skipped(CARRIED_RELATIONSHIP)
            sources = self._converter.components_of(ends[0])
            strategy = self._collection.get(ends[0])
            new = new or bool(strategy and strategy.modified > self._newest)
        if not new:
            self._report.add_skipped(NOT_NEW)
            return
        for source in sources:
            both = self._end(source), self._end(ends[1])
            if both[0] is None or both[1] is None:
                self._report.add_skipped(END_LEFT_OUT)
                continue
            yield self._converter.relationship(record, both[0], both[1])

    def _end(self, stix_id: str) -> BaseIdentifiedEntity | Reference | None:
        """Return an end of a relationship; None when it is not imported.

        An end that was sent with an earlier release is on the platform: its id is enough.
        """
        record = self._collection.get(stix_id)
        if record is None or record.type not in BECOMES or not self._wanted(record):
            return None
        try:
            entity = self._converter.entity(stix_id)
        except BAD_DATA:
            return None  # set aside, and said so, when it was its turn
        if entity is None or self._is_new(record):
            return entity
        return Reference(id=entity.id)


def short(stix_id: str) -> str:
    """Return a short digest of an id: the state travels with every sign of life."""
    return hashlib.blake2b(stix_id.encode(), digest_size=5).hexdigest()

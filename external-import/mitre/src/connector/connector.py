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
from connector.state import DataSetState, MitreState
from mitre_client import Collection, CollectionClient, Fetched, Record

from connectors_sdk import BaseDataProcessor, ExternalImportConnector
from connectors_sdk.models import BaseIdentifiedEntity, Reference

TITLES = {
    "enterprise-attack": "enterprise",
    "mobile-attack": "mobile",
    "ics-attack": "ICS",
}
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


class AttackProcessor(BaseDataProcessor):
    """Imports one ATT&CK collection: all of it the first time, then what is new or changed."""

    settings: ConnectorSettings
    state: MitreState

    def __init__(self, client: CollectionClient, domain: str, location: str) -> None:
        """Bind a data set to its location."""
        self._client = client
        self._domain = domain
        self._location = location
        self._known = DataSetState()
        self.work_name = f"MITRE ATT&CK {TITLES[domain]}"

    def collect(self) -> Iterator[tuple[Collection, Fetched]]:
        """Yield the collection when it has changed since the last run."""
        self._known = self.state.data_sets.get(self._domain, DataSetState())
        with self._client.fetch(
            self._location, self._known.validators, self._known.digest
        ) as fetched:
            if fetched is None:
                self.logger.info(f"{self.work_name} has not changed.")
                return
            with Collection() as collection:
                collection.read(fetched.objects)
                yield collection, fetched

    def transform(
        self, data: Iterator[tuple[Collection, Fetched]]
    ) -> Iterator[BaseIdentifiedEntity]:
        """Yield the objects to send, and save the state after they were accepted."""
        for collection, fetched in data:
            version = collection.version()
            self.work_name = (
                f"MITRE ATT&CK {TITLES[self._domain]} {version or ''}".strip()
            )
            self.report.add_read(sum(collection.counts().values()))
            if collection.broken:
                self.report.add_quarantined(collection.broken)
                self.logger.warning(
                    f"{collection.broken} entries of the collection are no STIX objects."
                )
            yield from Selection(self, collection, self._known).objects()
            done = DataSetState(
                validators=fetched.validators,
                digest=fetched.digest,
                version=version,
                newest=collection.newest(),
                withdrawn=[short(stix_id) for stix_id in collection.withdrawn()],
            )
            self.state.data_sets = {**self.state.data_sets, self._domain: done}
            self.checkpoint()


class Selection:
    """Chooses what of a collection is sent, and counts what is not."""

    def __init__(
        self, processor: AttackProcessor, collection: Collection, known: DataSetState
    ) -> None:
        """Bind a collection, and what is known of the release before."""
        mitre = processor.settings.mitre
        self._report = processor.report
        self._logger = processor.logger
        self._collection = collection
        self._newest = known.newest or ""
        self._withdrawn_before = set(known.withdrawn)
        self._include_revoked = mitre.include_revoked
        self._include_deprecated = mitre.include_deprecated
        self._converter = ConverterToStix(
            collection, mitre.tlp, statement=not mitre.remove_statement_marking
        )

    def objects(self) -> Iterator[BaseIdentifiedEntity]:
        """Yield entities, then relationships."""
        for stix_type, count in self._collection.counts().items():
            if stix_type in BECOMES:
                yield from self._entities(stix_type)
            elif stix_type != "relationship":
                reason = CARRIED.get(stix_type, UNKNOWN)
                self._report.add_skipped(f"{stix_type}: {reason}", count)
        for record in self._collection.of_type("relationship"):
            yield from self._relationships(record)

    def _entities(self, stix_type: str) -> Iterator[BaseIdentifiedEntity]:
        for record in self._collection.of_type(stix_type):
            if not self._wanted(record):
                self._report.add_skipped(f"{stix_type}: {WITHDRAWN}")
            elif not self._is_new(record):
                self._report.add_skipped(NOT_NEW)
            else:
                entity = self._convert(record.id)
                if entity is not None:
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

    def _convert(self, stix_id: str) -> BaseIdentifiedEntity | None:
        try:
            return self._converter.entity(stix_id)
        except (ValueError, KeyError, TypeError) as error:
            self._set_aside(stix_id, error)
            return None

    def _set_aside(self, stix_id: str, error: Exception) -> None:
        self._report.add_quarantined()
        text = " ".join(str(error).split())
        self._logger.warning(f"{stix_id} is set aside: {text}")

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
            try:
                yield self._converter.relationship(record, both[0], both[1])
            except (ValueError, KeyError, TypeError) as error:
                self._set_aside(record.id, error)

    def _end(self, stix_id: str) -> BaseIdentifiedEntity | Reference | None:
        """Return an end of a relationship; None when it is not imported.

        An end that was sent with an earlier release is on the platform: its id is enough.
        """
        record = self._collection.get(stix_id)
        if record is None or record.type not in BECOMES or not self._wanted(record):
            return None
        try:
            entity = self._converter.entity(stix_id)
        except (ValueError, KeyError, TypeError):
            return None  # set aside, and said so, when it was its turn
        if entity is None or self._is_new(record):
            return entity
        return Reference(id=entity.id)


def short(stix_id: str) -> str:
    """Return a short digest of an id: the state travels with every sign of life."""
    return hashlib.blake2b(stix_id.encode(), digest_size=5).hexdigest()

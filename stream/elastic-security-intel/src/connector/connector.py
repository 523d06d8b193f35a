"""Keeps documents and detection rules in Elastic in step with a live stream."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from connector.ecs import Converter, Document
from connector.elastic import Operation, Store, Stored
from connector.rules import NotAllowedError, Rules, object_of, rule_id, rule_of
from connector.settings import ConnectorSettings
from elasticsearch import ApiError, TransportError

from connectors_sdk import ApiClientError
from connectors_sdk.connectors import stream
from connectors_sdk.connectors.check import Check
from connectors_sdk.connectors.stream import Action, EventKind, StreamEvent

# Kibana does not understand the rule: another attempt is of no use.
_NOT_TAKEN = 400


class ElasticSecurityIntel(stream.StreamConnector):
    """Sends indicators and observables to Elastic Security."""

    settings: ConnectorSettings
    types = ("indicator", "Stix-Cyber-Observable")
    rules: Rules | None = None
    # Rules of objects without documents, which `reconcile` has found.
    _alone: frozenset[str] = frozenset()

    def post_init(self) -> None:
        options = self.settings.elastic_security
        self.store = Store(options)
        self.converter = Converter(
            str(options.opencti_external_url or self.settings.opencti.url)
        )
        kibana = options.kibana
        if options.detection_rules and kibana is not None:
            self.rules = Rules(kibana, options)
        elif options.detection_rules:
            self.logger.info(
                "Kibana's address is not known (ELASTIC_SECURITY_KIBANA_URL): no detection rules are made."
            )
        if options.indicator_expire_time is not None and not options.data_stream:
            self.logger.warning(
                "ELASTIC_SECURITY_INDICATOR_EXPIRE_TIME is the lifecycle of a data stream (ELASTIC_SECURITY_DATA_STREAM): "
                "documents of an index do not expire by it."
            )

    def target_name(self) -> str:
        options = self.settings.elastic_security
        return f"{options.url or options.cloud_id} {options.index_name}"

    def wants(self, stix: Mapping[str, Any]) -> bool:
        least = self.settings.elastic_security.min_score
        score = stream.attribute(stix, "score")
        return least is None or (isinstance(score, int) and score >= least)

    def deliver(self, events: Sequence[StreamEvent]) -> Iterator[stream.Result]:
        self.store.prepare()
        there = self.store.about([e.id for e in events if self._may_be_there(e)])
        for event in events:
            self._remove_rule(event, there.get(event.id, ()))
        failures = self.store.write(self._operations(events, there))
        for number, event in enumerate(events):
            yield failures.get(number) or self._write_rule(event)

    def _may_be_there(self, event: StreamEvent) -> bool:
        """Whether there may be documents about an object. Of what is new there are none."""
        is_new = event.kind is EventKind.CREATE and event.action is Action.UPSERT
        # What was on the platform before the connector began has perhaps been sent, by one whose state was lost.
        is_new = is_new and (
            self.store.was_empty or event.origin.get("referer") != "init-create"
        )
        return not is_new or event.redelivered or event.remote_id is not None

    def _operations(
        self, events: Sequence[StreamEvent], there: Mapping[str, list[Stored]]
    ) -> Iterator[Operation]:
        for number, event in enumerate(events):
            wanted = self._documents(event) if event.action is Action.UPSERT else ()
            yield from self.store.changes(number, wanted, there.get(event.id, ()))

    def _documents(self, event: StreamEvent) -> list[Document]:
        return self.converter.documents(
            event.id, event.entity_type, event.data, self._rule_id(event)
        )

    # -- detection rules -------------------------------------------------------------------------------------------

    def _rule_id(self, event: StreamEvent) -> str | None:
        wanted = self.rules is not None and event.action is Action.UPSERT
        return rule_id(event) if wanted else None

    def _remove_rule(self, event: StreamEvent, there: Iterable[Stored]) -> None:
        """Remove a rule before the documents that tell of it."""
        if self.rules is None or self._rule_id(event):
            return
        names = {one.rule for one in there if one.rule}
        for name in names | ({rule_of(event.id)} & self._alone):
            self.rules.remove(name)

    def _write_rule(self, event: StreamEvent) -> stream.Result:
        """Write a rule after the documents that tell of it."""
        if self.rules is not None and self._rule_id(event):
            try:
                page = self.converter.page(event.id)
                self.rules.write(event, page)
            except NotAllowedError as error:
                # The documents are of use without the rule.
                return stream.refused(str(error))
            except ApiClientError as error:
                if error.status_code != _NOT_TAKEN:
                    raise
                return stream.refused(f"Kibana does not take the rule: {error}")
        return stream.accepted()

    # -- reconcile -------------------------------------------------------------------------------------------------

    def remote_items(self) -> Iterator[stream.RemoteItem]:
        self.store.prepare()
        rules = set(self.rules.ids()) if self.rules is not None else set()
        for owner, group in groupby(self.store.everything(), lambda one: one.owner):
            documents = list(group)
            first = documents[0]
            same = {(one.fingerprint, one.documents) for one in documents}
            whole = len(same) == 1 and first.documents == len(documents)
            has_rule = first.rule is None or first.rule in rules
            rules.discard(str(first.rule))
            yield stream.RemoteItem(
                owner, first.fingerprint if whole and has_rule else "incomplete"
            )
        self._alone = frozenset(rules)
        for name in sorted(rules):
            yield stream.RemoteItem(object_of(name), "incomplete")

    def remote_id_of(self, event: StreamEvent) -> str:
        return event.id

    def fingerprint(self, event: StreamEvent) -> str:
        return str(self._documents(event)[0]["opencti"]["fingerprint"])

    def check_source(self) -> Iterator[Check]:
        name = "target: Elasticsearch"
        try:
            version = self.store.version()
            self.store.prepare()
        except (stream.TargetUnavailableError, ApiError, TransportError) as error:
            yield Check.failed(name, str(error), "See ELASTIC_SECURITY_* in README.md")
        else:
            yield Check.ok(name, f"version {version}, the index can be written to")
        if self.rules is None:
            return
        name = "target: Kibana"
        try:
            next(self.rules.ids(), None)
        except (stream.TargetUnavailableError, ApiClientError) as error:
            yield Check.failed(name, str(error), "See ELASTIC_SECURITY_KIBANA_URL")
        else:
            yield Check.ok(name, "it has a detection engine")

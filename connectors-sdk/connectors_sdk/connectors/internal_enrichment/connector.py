"""The runtime of connectors that enrich entities.

An author says in one method what the source knows about an entity. Everything else happens here: whether the source
may be asked at all, how often, what becomes of its answer, and that a playbook gets back what it gave.
"""

import json
import random
import time
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from connectors_sdk.bundles import iter_bundles
from connectors_sdk.bundles._encode import StixLike
from connectors_sdk.client.exceptions import QuotaExceededError
from connectors_sdk.client.quota import DailyQuota
from connectors_sdk.connectors._causes import describe
from connectors_sdk.connectors._options import read_options
from connectors_sdk.connectors._platform_files import download, storage_path
from connectors_sdk.connectors._private_files import make_private
from connectors_sdk.connectors.egress import EgressGate, platform_definitions
from connectors_sdk.connectors.internal_enrichment.cache import ResultCache, cache_key
from connectors_sdk.connectors.internal_enrichment.entity import (
    Entity,
    EntityFile,
    EntityUpdate,
)
from connectors_sdk.connectors.internal_enrichment.findings import (
    Answer,
    Composition,
    collect,
    compose,
)
from connectors_sdk.connectors.internal_enrichment.scores import ScorePolicy
from connectors_sdk.connectors.internal_enrichment.settings import EnrichmentOptions
from connectors_sdk.connectors.internal_enrichment.trouble import Kind, judge
from connectors_sdk.connectors.listening_connector import (
    Done,
    ListeningConnector,
    RequestFailed,
)
from connectors_sdk.connectors.memory_fuse import MemoryLimitError
from connectors_sdk.connectors.run_report import RunReport
from connectors_sdk.models.organization_author import OrganizationAuthor
from connectors_sdk.models.tlp_marking import TLPMarking

_CACHE_FILE = "answers.sqlite3"
_CREDITS_FILE = "credits.sqlite3"
_FIRST_PAUSE = 1.0
# A source that asks for more patience than this is asked again with the next request.
_LONGEST_PAUSE = 60.0
_SOURCE = "source"
# Sections of the settings that say nothing about what the source answers.
_NOT_ABOUT_THE_SOURCE = ("opencti", "connector", "mq", "s3")


class InternalEnrichmentConnector(ListeningConnector):
    """Enriches entities on request. Subclass it and override `enrich`.

    Attributes:
        author: whom findings come from that name no author; by default an organization with the connector's name.
        counts_own_calls: whether `enrich` itself takes what its calls cost out of `credits`, e.g. by handing them to
            `BaseClientApi(daily_quota=...)`; else each attempt of a look-up costs one.
        credits: the budget of calls per day, kept on disk; None when none is set.
        options: what the operator says about how entities are enriched, once prepared.
        gate: what says whether something may leave for the source, once opened.
    """

    connector_type: ClassVar[str] = "INTERNAL_ENRICHMENT"
    playbook_compatible: ClassVar[bool] = True
    request_name: ClassVar[str] = "Enrichment"
    rehearses_on: ClassVar[str] = "entity"

    counts_own_calls: ClassVar[bool] = False

    author: StixLike = None
    credits: DailyQuota | None = None
    options: EnrichmentOptions
    gate: EgressGate

    _cache: ResultCache
    # What all answers depend on: the version of the connector, and its settings about the source.
    _answers_of: str = ""

    # -- what an author overrides ----------------------------------------------------------------------------------

    @abstractmethod
    def enrich(self, entity: Entity) -> Iterable[StixLike | EntityUpdate] | None:
        """Say what the source knows about an entity.

        Called only when the source may be asked. Called again when the source failed for the moment (connection,
        timeout, 429, 5xx). An answer 404 is an error, as a wrong address of the source gives it, too: where it means that
        nothing is known, say so, e.g. `except ApiNotFoundError: return`.

        Args:
            entity: what to ask about.

        Returns: what was found: models, stix2 objects or dictionaries, `entity.reference` standing for the entity in
            relationships; and `entity.update(...)` for what concerns the entity itself. Nothing, or None, when nothing is
            known. A generator is as good as a list.
        """

    def answer_depends_on(self, entity: Entity) -> Iterable[str | int | None]:
        """Return what the source's answer depends on; the same is not asked twice within the cache period."""
        return (entity.type, entity.id, *(file.id for file in entity.files))

    # -- what an author may use ------------------------------------------------------------------------------------

    def download(self, file: EntityFile, target: Path, max_bytes: int) -> int:
        """Write a file of the entity to disk, if it may leave for the source.

        Args:
            file: one of `entity.files`.
            target: where to.
            max_bytes: how big it may be.

        Returns: its size in bytes.

        Raises:
            RequestFailed: its markings do not allow that it leaves.
            ValueError: it is bigger than allowed.
            requests.RequestException: the platform fails.
        """
        marked = {"objectMarking": (), **file.platform, "entity_type": "File"}
        decision = self.gate.decide(marked)
        self._count_egress(decision.allowed)
        if not decision:
            raise RequestFailed(
                f"The file {file.id} was not given to the source: {decision.reason}."
            )
        return download(self.helper, storage_path(file.id), target, max_bytes)

    # -- the runtime -----------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """See `BaseConnector.prepare`."""
        super().prepare()
        self.options = read_options(self.settings, EnrichmentOptions)
        limit = self.runtime.daily_credits
        if limit:
            # Not in the connector's state, of which each replica has its own.
            file = self.data_path / _CREDITS_FILE
            with suppress(OSError):
                # Each request says so when the budget cannot be kept.
                make_private(file)
            self.credits = DailyQuota(limit, file)
        self.metrics.set("credits_left", limit or -1)

    def _bind(self) -> None:
        super()._bind()
        self.gate = EgressGate(
            self.options.max_tlp,
            self.options.max_pap,
            allow_unmarked=self.options.allow_unmarked,
            resolve=platform_definitions(self.helper),
            log=self.logger.info,
        )
        self._cache = ResultCache(
            self.data_path / _CACHE_FILE,
            self.options.cache_period,
            log=self.logger.warning,
        )

    def _set_up(self) -> None:
        super()._set_up()
        if self.author is None:
            self.author = OrganizationAuthor(name=str(self.settings.connector.name))
        own = {
            section: content
            for section, content in self.settings.to_helper_config().items()
            if section not in _NOT_ABOUT_THE_SOURCE
        }
        version = self.health.identity.get("version") or ""
        self._answers_of = cache_key(version, json.dumps(own, sort_keys=True))

    def _do(self, message: dict[str, Any], report: RunReport) -> Done:
        carried = message.get("bundle")
        try:
            report.add_read()
            entity = Entity.of(message)
            refusal = self._refusal(entity)
            if refusal is not None:
                reason, words = refusal
                report.add_skipped(reason)
                self.metrics.count("lookups", outcome="refused")
                answer, done = Answer(), Done(words, "skipped")
            else:
                answer, kept = self._answer(entity)
                composition = self._compose(entity, answer)
                done = Done(_words(entity, answer, composition, kept))
                if composition.changed:
                    self._deliver(entity, composition, carried, report)
                    self._note_origins(self._origins(entity, answer), report)
                    return done
        except (Exception, MemoryLimitError):
            # Whatever happens, a playbook goes on with what it had.
            self._give_back(carried)
            raise
        self._give_back(carried)
        return done

    def _request_about(self, given: str) -> dict[str, Any]:
        # Needs all models: only when it is asked for.
        from connectors_sdk.connectors.internal_enrichment.given import given_message

        return given_message(given)

    def _refusal(self, entity: Entity) -> tuple[str, str] | None:
        """Return why the source is not asked (in short, in words), or None."""
        scope = [str(one) for one in self.settings.connector.scope]
        names = {
            entity.type,
            entity.stix_type,
            *entity.platform.get("parent_types", ()),
        }
        if "*" not in scope and {n.casefold() for n in names}.isdisjoint(
            s.strip().casefold() for s in scope
        ):
            return (
                "out of scope",
                f"{entity.type} is not in the scope of this connector: {', '.join(scope)}.",
            )
        decision = self.gate.decide(entity.markable, definitions=entity.objects)
        self._count_egress(decision.allowed)
        if not decision:
            return "marking", f"The source was not asked: {decision.reason}."
        return None

    # -- asking ----------------------------------------------------------------------------------------------------

    def _answer(self, entity: Entity) -> tuple[Answer, str]:
        """Return what the source says, and since when that is known if it was not asked just now."""
        key = cache_key(self._answers_of, *self.answer_depends_on(entity))
        kept = self._cache.get(key)
        if kept is not None:
            try:
                answer = Answer.from_bytes(kept.content)
            except ValueError:
                self.logger.debug("An answer that was kept cannot be read.")
            else:
                self.metrics.count("lookups", outcome="cached")
                return answer, kept.at.isoformat(timespec="minutes")
        try:
            answer = self._ask(entity)
            self.fuse.check()
        except (Exception, MemoryLimitError):
            self.metrics.count("lookups", outcome="failed")
            raise
        self.health.cleared(_SOURCE)
        self.health.data()
        self.metrics.count("lookups", outcome="found" if answer else "nothing")
        self._cache.put(key, answer.to_bytes())
        return answer, ""

    def _ask(self, entity: Entity) -> Answer:
        attempts = self.options.source_attempts
        attempt = 0
        while True:
            attempt += 1
            try:
                self._spend()
                return collect(entity, self.enrich(entity), self.logger.warning)
            except RequestFailed:
                raise
            except QuotaExceededError as error:
                if self.credits is not None:
                    self.metrics.set("credits_left", self.credits.remaining)
                raise RequestFailed(f"The source was not asked: {error}") from error
            # Whatever an author's code and the libraries that it uses raise.
            except Exception as error:  # pylint: disable=broad-exception-caught
                trouble = judge(error)
                reason = describe(error)
                if trouble.kind is Kind.NOT_FOUND:
                    raise RequestFailed(
                        f"The source has nothing at the address that was asked; is its URL right? {reason}"
                    ) from error
                if trouble.kind is Kind.CREDENTIALS:
                    raise self._trouble(
                        f"The source refuses the credentials: {reason}"
                    ) from error
                if trouble.kind is Kind.LASTING:
                    raise
                pause = trouble.retry_after
                if pause is None:
                    pause = _FIRST_PAUSE * 2 ** (attempt - 1) * random.uniform(0.5, 1)
                if attempt == attempts or pause > _LONGEST_PAUSE:
                    raise self._trouble(
                        f"The source failed ({attempt} attempts): {reason}"
                    ) from error
                self.logger.warning(
                    f"The source failed: {self.redact(reason)}. Trying again in {pause:.3g} s."
                )
                time.sleep(pause)

    def _trouble(self, words: str) -> RequestFailed:
        """Note that the source is of no use at the moment, and return what to raise."""
        self.health.obstacle(_SOURCE, words)
        return RequestFailed(words)

    def _spend(self) -> None:
        if self.credits is None or self.counts_own_calls:
            return
        self.metrics.set("credits_left", self.credits.consume())

    # -- answering -------------------------------------------------------------------------------------------------

    def _compose(self, entity: Entity, answer: Answer) -> Composition:
        return compose(
            entity,
            answer,
            author=self.author,
            findings_marking=TLPMarking(level=self.options.findings_tlp),
            policy=ScorePolicy(self.options.score_policy),
        )

    def _deliver(
        self,
        entity: Entity,
        composition: Composition,
        carried: Mapping[str, Any] | None,
        report: RunReport,
    ) -> None:
        if carried is not None:
            self._answer_playbook({**carried, "objects": composition.objects})
            report.add_bundle(len(composition.objects))
            return
        # The platform has the entity's files: they need not go back to it.
        objects = [
            (
                {k: v for k, v in one.items() if k != "x_opencti_files"}
                if one["id"] == entity.id
                else one
            )
            for one in composition.objects
        ]
        for bundle in iter_bundles(objects, on_dangling="keep"):
            self._send(bundle, report)

    def _origins(
        self, entity: Entity, answer: Answer
    ) -> Iterator[tuple[str, Any, str]]:
        """Yield where what was found came from: a question about the entity."""
        asked = {"id": entity.id, "type": entity.type, "value": entity.value}
        mapper = f"{type(self).__name__}.enrich"
        for stix_id in (
            *(one["id"] for one in answer.objects),
            *([entity.id] if answer.updates else []),
        ):
            yield stix_id, {"asked about": asked}, mapper

    def _give_back(self, carried: Mapping[str, Any] | None) -> None:
        if carried is not None:
            self._answer_playbook(carried)

    def _answer_playbook(self, bundle: Mapping[str, Any]) -> None:
        self.helper.send_stix2_bundle(json.dumps(bundle))
        self.metrics.count("bundles_sent")

    def _count_egress(self, allowed: bool) -> None:
        self.metrics.count("egress", decision="passed" if allowed else "refused")


def _words(
    entity: Entity, answer: Answer, composition: Composition, kept_since: str
) -> str:
    """Return what the operator reads about an answer."""
    if not answer:
        words = "Nothing is known about it."
    else:
        parts = [f"Found {composition.found} objects"]
        given = [u.score for u in answer.updates if u.score is not None]
        if composition.score is not None:
            parts.append(f"score {_shown(entity.score)} -> {composition.score}")
        elif given:
            parts.append(f"score stays {_shown(entity.score)} (source: {given[-1]})")
        if not composition.changed:
            parts.append("nothing new")
        words = ", ".join(parts) + "."
    return f"{words} (As answered on {kept_since}.)" if kept_since else words


def _shown(score: int | None) -> str:
    return "none" if score is None else str(score)

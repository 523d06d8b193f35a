"""An enrichment connector as an author would write it, and variants of the runtime that break one clause each."""

import os
import sys
import time
import uuid
from collections.abc import Iterator
from typing import Any

import breaking
import requests
from long_requests import shorten
from pydantic import Field, SecretStr

from connectors_sdk import BaseConfigModel, BaseConnectorSettings, ListFromString
from connectors_sdk.connectors import run_connector
from connectors_sdk.connectors.internal_enrichment import (
    EnrichmentConnectorConfig,
    Entity,
    InternalEnrichmentConnector,
)
from connectors_sdk.models import (
    AutonomousSystem,
    Country,
    ExternalReference,
    Note,
    Relationship,
)


class ConnectorConfig(EnrichmentConnectorConfig):
    name: str = Field(default="Enricher")
    scope: ListFromString = Field(default=["IPv4-Addr", "Malware", "StixFile"])


class SourceConfig(BaseConfigModel):
    url: str
    api_key: SecretStr


class ConnectorSettings(BaseConnectorSettings):
    connector: ConnectorConfig = Field(default_factory=ConnectorConfig)
    source: SourceConfig = Field(default_factory=SourceConfig)


class Enricher(InternalEnrichmentConnector):
    """Asks `<source>/lookup/<value>`."""

    def enrich(self, entity: Entity) -> Iterator[Any]:
        source = self.settings.source
        answer = requests.get(
            f"{source.url}/lookup/{entity.value}",
            headers={"X-Api-Key": source.api_key.get_secret_value()},
            timeout=30,
        )
        if answer.status_code == 404 and "unknown" in answer.text:
            # So this source says that it knows nothing.
            return
        answer.raise_for_status()
        known = answer.json()
        if known.get("leak"):
            raise ValueError(f"?key={source.api_key.get_secret_value()} is broken")
        if "asn" in known:
            yield Relationship(
                type="belongs-to",
                source=entity.reference,
                target=AutonomousSystem(number=known["asn"]),
            )
        if "country" in known:
            yield Relationship(
                type="located-at",
                source=entity.reference,
                target=Country(name=known["country"]),
            )
        if "note" in known:
            yield Note(content=known["note"], objects=[entity.reference])
        if "score" in known or "labels" in known:
            yield entity.update(
                score=known.get("score"),
                labels=known.get("labels", ()),
                external_references=[
                    ExternalReference(source_name="Source", url="https://example.com/1")
                ],
            )


class OutlivesEverything(Enricher):
    """Not broken: an author who takes whatever goes wrong for nothing known."""

    def enrich(self, entity: Entity) -> Any:
        held = []
        try:
            for _ in range(100):
                held.append(bytearray(10_000_000))
                time.sleep(0.02)
        except BaseException:  # pylint: disable=broad-exception-caught
            held.clear()
        return ()


# -- what breaks ---------------------------------------------------------------------------------------------------------


class IgnoresScope(Enricher):
    def _refusal(self, entity: Entity) -> Any:
        self.settings.connector.scope.append(entity.type)
        return super()._refusal(entity)


class DropsBundle(Enricher):
    """Only findings go back to a playbook."""

    def _give_back(self, carried: Any) -> None:
        pass


class DropsWhatCame(Enricher):
    def _compose(self, entity: Entity, answer: Any) -> Any:
        composition = super()._compose(entity, answer)
        found = {one["id"] for one in answer.objects}
        composition.objects[:] = [o for o in composition.objects if o["id"] in found]
        return composition


class IgnoresMarkings(Enricher):
    def _bind(self) -> None:
        super()._bind()
        self.gate = type(self.gate)(None)


class NothingIsAnError(Enricher):
    def _ask(self, entity: Entity) -> Any:
        answer = super()._ask(entity)
        if not answer:
            raise ValueError("nothing was found")
        return answer


class TakesAbsenceForAnAnswer(Enricher):
    """Every 404 means that nothing is known."""

    def enrich(self, entity: Entity) -> Iterator[Any]:
        try:
            yield from super().enrich(entity)
        except requests.HTTPError as error:
            if error.response.status_code != 404:
                raise


class FailsSilently(Enricher):
    def _ask(self, entity: Entity) -> Any:
        try:
            return super()._ask(entity)
        except Exception:  # pylint: disable=broad-exception-caught
            from connectors_sdk.connectors.internal_enrichment.findings import Answer

            return Answer()


class TriesOnce(Enricher):
    def prepare(self) -> None:
        super().prepare()
        self.options = self.options.model_copy(update={"source_attempts": 1})


class TriesForEver(Enricher):
    def prepare(self) -> None:
        super().prepare()
        self.options = self.options.model_copy(update={"source_attempts": 1000})


class Dies(Enricher):
    def _ask(self, entity: Entity) -> Any:
        try:
            return super()._ask(entity)
        except Exception:  # pylint: disable=broad-exception-caught
            os._exit(1)


class RandomIds(Enricher):
    def enrich(self, entity: Entity) -> Iterator[Any]:
        for one in super().enrich(entity):
            if isinstance(one, Relationship):
                form = one.to_stix_dict()
                yield from (one.source, one.target)[1:]
                yield {**form, "id": f"relationship--{uuid.uuid4()}"}
            else:
                yield one


class Unmarked(Enricher):
    def _compose(self, entity: Entity, answer: Any) -> Any:
        composition = super()._compose(entity, answer)
        for one in composition.objects:
            if one["id"] != entity.id:
                one.pop("object_marking_refs", None)
        return composition


class Unauthored(Enricher):
    def _compose(self, entity: Entity, answer: Any) -> Any:
        composition = super()._compose(entity, answer)
        for one in composition.objects:
            one.pop("created_by_ref", None)
            one.pop("x_opencti_created_by_ref", None)
        return composition


class Open(Enricher):
    """What is sent refers to what is not."""

    def _compose(self, entity: Entity, answer: Any) -> Any:
        composition = super()._compose(entity, answer)
        composition.objects[:] = [
            o for o in composition.objects if o["type"] != "location"
        ]
        return composition


class StripsEntity(Enricher):
    def _compose(self, entity: Entity, answer: Any) -> Any:
        composition = super()._compose(entity, answer)
        for one in composition.objects:
            if one["id"] == entity.id:
                for key in ("labels", "x_opencti_labels", "extensions"):
                    one.pop(key, None)
        return composition


class LowersScores(Enricher):
    def prepare(self) -> None:
        super().prepare()
        self.options = self.options.model_copy(update={"score_policy": "replace"})


class Forgets(Enricher):
    def answer_depends_on(self, entity: Entity) -> Any:
        return (uuid.uuid4().hex,)


class ForgetsNothingKnown(Enricher):
    def _answer(self, entity: Entity) -> Any:
        answer, since = super()._answer(entity)
        if not answer:
            (self.data_path / "answers.sqlite3").unlink(missing_ok=True)
        return answer, since


class SpendsMore(Enricher):
    def _spend(self) -> None:
        pass


class TellsSecrets(breaking.TellsSecrets, Enricher):
    pass


class AcknowledgesFirst(breaking.AcknowledgesFirst, Enricher):
    pass


class Hoards(Enricher):
    """Takes all requests that there are, so that another replica gets none."""

    def _serve(self) -> None:
        from connectors_sdk.connectors._listening import Listener

        connect = Listener._connect

        def hoarding(listener: Any) -> None:
            connect(listener)
            listener.channel.basic_qos(prefetch_count=0)

        Listener._connect = hoarding  # type: ignore[method-assign]
        super()._serve()


class IgnoresSignals(breaking.IgnoresSignals, Enricher):
    pass


VARIANTS = {
    cls.__name__: cls
    for cls in (Enricher, *Enricher.__subclasses__())
    if cls.__module__ == __name__
}


def build() -> InternalEnrichmentConnector:
    shorten()
    cls = VARIANTS[os.environ.get("BROKEN") or "Enricher"]
    return cls(ConnectorSettings())


if __name__ == "__main__":
    sys.exit(run_connector(build))

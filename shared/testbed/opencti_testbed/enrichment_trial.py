"""An enrichment connector on trial: running against a platform, asked about entities.

with EnrichmentTrial(Trial(folder, platform, tmp_path)) as trial:
    done = trial.enrich(entity_id)
assert done.complaints == []
"""

from dataclasses import dataclass
from typing import Any

from opencti_testbed.listening_trial import ListeningTrial

_ASK = """
mutation Ask($id: ID!, $connector: ID!) {
  stixCoreObjectEdit(id: $id) { askEnrichment(connectorId: $connector) { id } }
}
"""


@dataclass(frozen=True, slots=True)
class Enriched:
    """What became of a request.

    Attributes:
        messages: of the work.
        complaints: the errors of the work, those of the platform about single objects included.
    """

    messages: list[str]
    complaints: list[str]


class EnrichmentTrial(ListeningTrial):
    """Runs the connector while the context lasts."""

    def enrich(self, entity_id: str) -> Enriched:
        """Ask about an entity (see `ask`), and wait for the work and for the ingestion of what came of it.

        Raises:
            TimeoutError: the work is not done after two minutes.
        """
        return self.result(self.ask(entity_id))

    def ask(self, entity_id: str) -> str:
        """Ask about an entity, by its id, STIX or the platform's own; return the id of the work.

        Raises:
            ValueError: the platform refuses.
        """
        (connector,) = self._platform.connectors()
        answer = self._query(_ASK, None, id=entity_id, connector=connector["id"])
        return str(answer["stixCoreObjectEdit"]["askEnrichment"]["id"])

    def result(self, work_id: str) -> Enriched:
        """Return what became of a request when its work is done and nothing waits for ingestion.

        Raises:
            TimeoutError: the work is not done after two minutes.
        """
        self.wait_for(lambda: self._is_done(work_id), f"the work {work_id} is done")
        self._platform.wait_idle()
        work = self._of_id(work_id)
        return Enriched(
            messages=[one["message"] for one in work["messages"]],
            complaints=[one["message"] for one in work["error_messages"]],
        )

    def _is_done(self, work_id: str) -> bool:
        work = self._of_id(work_id)
        return bool(work["status"] == "complete" and work["processed_time"])

    def _of_id(self, work_id: str) -> dict[str, Any]:
        return next(work for work in self._platform.works() if work["id"] == work_id)

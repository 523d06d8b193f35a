"""What all requests to connectors have in common: a work that shows what becomes of it, and the envelope."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from opencti_testbed.lanes.delivery import Delivery
from opencti_testbed.lanes.requests import Requests
from opencti_testbed.store import Store


class NotAsked(ValueError):
    """The request cannot be made; the text says why."""


@dataclass(frozen=True, slots=True)
class Wish:
    """On whose behalf and in which way a connector is asked.

    Attributes:
        applicant_id: the user whom the connector acts for; None: for itself.
        trigger: `manual`, `create` or `update`.
        mode: `manual` or `auto`.
        draft_id: the draft workspace that it happens in.
        configuration: text that the connector gets besides, as it was given.
        playbook: the members of the playbook step that this is; the connector is told of no work then.
    """

    applicant_id: str | None
    trigger: str = "manual"
    mode: str = "manual"
    draft_id: str | None = None
    configuration: str | None = None
    playbook: Mapping[str, Any] | None = None


class Asking:
    """Makes requests: kept on disk, delivered in the background."""

    def __init__(self, store: Store, delivery: Delivery) -> None:
        """Bind to the store and to what delivers requests."""
        self._store = store
        self._delivery = delivery
        self._requests = Requests(store.database)

    def connector(self, connector_id: str, kind: str) -> dict[str, Any]:
        """Return a connector that does a kind of work.

        Raises:
            NotAsked: there is none, or it does something else.
        """
        connector = self._store.connectors.get(connector_id)
        if connector is None:
            raise NotAsked(f"There is no connector {connector_id}")
        if connector["type"] != kind:
            raise NotAsked(
                f"{connector['name']} is {connector['type']}, not {kind}: it cannot be asked for this"
            )
        return connector

    def alive(self, kind: str) -> list[dict[str, Any]]:
        """Return the connectors of a kind that were heard of lately."""
        return [
            connector
            for connector in self._store.connectors.all()
            if connector["type"] == kind and connector["active"]
        ]

    def ask(
        self,
        connector: Mapping[str, Any],
        name: str,
        event: Mapping[str, Any],
        wish: Wish,
        file_id: str | None = None,
    ) -> str:
        """Ask a connector and return the id of the work.

        Args:
            name: what the work is called.
            event: what the connector is asked for.
            file_id: the file that it shall read or make.
        """
        with self._store.database.write() as connection:
            work = self._store.works.add(
                connector["id"], name, user_id=wish.applicant_id
            )
            work_id = str(work["id"])
            if wish.draft_id:
                self._store.works.set_draft(work_id, wish.draft_id)
            if file_id:
                self._store.files.concern(connection, file_id, work_id)
            internal: dict[str, Any] = {
                "work_id": None if wish.playbook else work_id,
                "applicant_id": wish.applicant_id,
                "draft_id": wish.draft_id or "",
                "trigger": wish.trigger,
                "mode": wish.mode,
            }
            if wish.playbook is not None:
                internal["playbook"] = dict(wish.playbook)
            body: dict[str, Any] = {"internal": internal, "event": dict(event)}
            if wish.configuration is not None:
                body["configuration"] = wish.configuration
            self._requests.put(connection, connector["id"], work_id, body)
        self.deliver()
        return work_id

    def deliver(self) -> None:
        """Deliver what waits now; to be called again by who asked within a transaction of their own."""
        self._delivery.wake()


def in_scope(connector: Mapping[str, Any], wanted: str) -> bool:
    """Return whether a type of entities or a MIME type is in a connector's scope; an empty scope holds nothing."""
    main = wanted.casefold().partition("/")[0]
    scope = {str(one).strip().casefold() for one in connector["scope"]}
    accepted = {wanted.casefold()}
    if "/" in wanted:
        accepted |= {"*/*", "*", f"{main}/*"}
    return not scope.isdisjoint(accepted)

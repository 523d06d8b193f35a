"""Asking connectors to enrich an entity: because somebody wants it, or because the entity is new."""

import threading
from typing import Any

import orjson

from opencti_testbed.lanes.delivery import Delivery
from opencti_testbed.lanes.requests import Requests
from opencti_testbed.store import Store
from opencti_testbed.store.objects import Stored
from opencti_testbed.streams import frames

KIND = "INTERNAL_ENRICHMENT"
_JOURNAL_PLACE = "auto_enrichment_place"


class NotAsked(ValueError):
    """The request cannot be made; the text says why."""


class Enrichment:
    """Makes enrichment requests."""

    def __init__(self, store: Store, delivery: Delivery) -> None:
        """Bind to the store and to what delivers requests."""
        self._store = store
        self._delivery = delivery
        self._requests = Requests(store.database)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="auto", daemon=True)

    def start(self) -> None:
        """Begin to watch for new entities."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._stopping.set()
        self._thread.join(timeout=5)

    def ask(self, entity_id: str, connector_id: str) -> str:
        """Ask one connector to enrich one entity; return the id of the work.

        Raises:
            NotAsked: there is no such entity or connector, or they do not fit.
        """
        stored = self._store.objects.get(entity_id)
        if stored is None:
            raise NotAsked(f"There is no entity {entity_id}")
        connector = self._store.connectors.get(connector_id)
        if connector is None:
            raise NotAsked(f"There is no connector {connector_id}")
        if connector["type"] != KIND:
            raise NotAsked(
                f"{connector['name']} enriches nothing: it is {connector['type']}"
            )
        if not in_scope(connector, stored.entity_type):
            raise NotAsked(
                f"{stored.entity_type} is not in the scope of {connector['name']}: "
                f"{', '.join(connector['scope'])}"
            )
        return self._request(connector, stored, trigger="manual", mode="manual")

    def _request(
        self, connector: dict[str, Any], stored: Stored, *, trigger: str, mode: str
    ) -> str:
        with_objects = (
            connector.get("enrichment_resolution") or "stix_bundle"
        ) != "none"
        objects = self._objects_around(stored) if with_objects else []
        with self._store.database.write() as connection:
            work = self._store.works.add(
                connector["id"], f"Enrichment ({stored.standard_id})"
            )
            body = {
                "internal": {
                    "work_id": work["id"],
                    "applicant_id": self._store.user_id if mode == "manual" else None,
                    "draft_id": "",
                    "trigger": trigger,
                    "mode": mode,
                },
                "event": {
                    "event_type": KIND,
                    "entity_id": stored.standard_id,
                    "entity_type": stored.entity_type,
                    "stix_entity": _text(objects[-1]) if objects else None,
                    "stix_objects": _text(objects) if objects else None,
                },
            }
            self._requests.put(connection, connector["id"], work["id"], body)
        self._delivery.wake()
        return str(work["id"])

    def _objects_around(self, stored: Stored) -> list[dict[str, Any]]:
        """Return what the entity refers to, and the entity last."""
        ids = [
            ref
            for key, value in stored.data.items()
            if key.endswith(("_ref", "_refs"))
            for ref in (value if isinstance(value, list) else [value])
        ]
        around = [self._store.objects.get(str(ref)) for ref in ids]
        return [
            frames.told(
                one.data,
                one,
                internal_id=one.internal_id,
                user_id=self._store.user_id,
            )
            for one in (*around, stored)
            if one is not None
        ]

    # -- new entities --------------------------------------------------------------------------------------------

    def _follow(self) -> None:
        """Ask the connectors that want it for each new entity; its place in the journal survives a restart."""
        known = self._store.database.meta(_JOURNAL_PLACE)
        place = self._store.events.last_id() if known is None else int(known)
        while not self._stopping.is_set():
            events = self._store.events.after(place, 200)
            wanting = [
                connector
                for connector in self._store.connectors.all()
                if connector["type"] == KIND and connector.get("auto")
            ]
            for event in events:
                if event.kind == "create" and wanting:
                    self._ask_all(event.object_id, wanting)
                place = event.id
            if events:
                self._store.database.set_meta(_JOURNAL_PLACE, str(place))
            else:
                self._stopping.wait(0.1)

    def _ask_all(self, object_id: str, connectors: list[dict[str, Any]]) -> None:
        stored = self._store.objects.get(object_id)
        if stored is None:
            return
        for connector in connectors:
            if in_scope(connector, stored.entity_type):
                self._request(connector, stored, trigger="create", mode="auto")


def in_scope(connector: dict[str, Any], entity_type: str) -> bool:
    """Return whether a connector takes entities of a type; an empty scope takes none."""
    return entity_type.casefold() in {
        str(s).strip().casefold() for s in connector["scope"]
    }


def _text(value: Any) -> str:
    return orjson.dumps(value).decode()

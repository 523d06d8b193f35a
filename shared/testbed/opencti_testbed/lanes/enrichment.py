"""Asking connectors to enrich an entity: because somebody wants it, because it is new or has changed, or as the step of
a playbook."""

import logging
import threading
import uuid
from typing import Any

import orjson

from opencti_testbed.ingest.refusals import FAULTS
from opencti_testbed.ingest.worker import bundle_objects
from opencti_testbed.lanes.asking import Asking, NotAsked, Wish, in_scope
from opencti_testbed.lanes.playbooks import PlaybookSteps
from opencti_testbed.store import Store
from opencti_testbed.store.database import timestamp
from opencti_testbed.store.events import Event
from opencti_testbed.store.objects import Stored
from opencti_testbed.streams import frames

KIND = "INTERNAL_ENRICHMENT"
LOGGER = logging.getLogger("opencti_testbed.lanes")
_JOURNAL_PLACE = "auto_enrichment_place"
_EVENTS_AT_ONCE = 50
# What happened to an entity -> the option of a connector that wants to be asked then.
_WANTED_BY = {"create": "auto", "update": "auto_update"}


class Enrichment:
    """Makes enrichment requests."""

    def __init__(self, store: Store, asking: Asking, steps: PlaybookSteps) -> None:
        """Bind to the store, to what makes requests, and to the steps of playbooks."""
        self._store = store
        self._asking = asking
        self._steps = steps
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="auto", daemon=True)

    def start(self) -> None:
        """Begin to watch for new entities."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._stopping.set()
        self._thread.join(timeout=5)

    def ask(
        self, entity_id: str, connector_id: str, wish: Wish, store: Store | None = None
    ) -> str:
        """Ask one connector to enrich one entity; return the id of the work.

        Args:
            store: where the entity is; default: among what is live, not in a draft.

        Raises:
            NotAsked: there is no such entity or connector, or they do not fit.
        """
        store = store or self._store
        stored = store.objects.get(entity_id)
        if stored is None:
            raise NotAsked(f"There is no entity {entity_id}")
        connector = self._asking.connector(connector_id, KIND)
        if not in_scope(connector, stored.entity_type):
            raise NotAsked(
                f"{stored.entity_type} is not in the scope of {connector['name']}: "
                f"{', '.join(connector['scope'])}"
            )
        return self._request(connector, stored, wish, store)

    def ask_in_playbook(
        self, entity_id: str, connector_id: str, bundle: str | None
    ) -> tuple[str, str]:
        """Ask a connector as the step of a playbook; return the ids of the work and of the execution.

        As on a real platform the scope is not looked at: the connector has to say what it leaves alone.

        Args:
            bundle: what the playbook carries so far (JSON text); default: the entity and what it refers to.

        Raises:
            NotAsked: there is no such entity, or no such connector that knows of playbooks.
            InvalidBundle: the text is no bundle.
        """
        stored = self._store.objects.get(entity_id)
        if stored is None:
            raise NotAsked(f"There is no entity {entity_id}")
        connector = self._asking.connector(connector_id, KIND)
        if not connector.get("playbook_compatible"):
            raise NotAsked(
                f"{connector['name']} did not register as compatible with playbooks"
            )
        if bundle is None:
            carried = {
                "type": "bundle",
                "id": f"bundle--{uuid.uuid4()}",
                "objects": self._objects_around(stored, self._store),
            }
        else:
            bundle_objects(bundle)
            carried = orjson.loads(bundle)
        execution_id = str(uuid.uuid4())
        playbook = {
            "event_id": str(uuid.uuid4()),
            "execution_id": execution_id,
            "execution_start": timestamp(),
            "playbook_id": str(uuid.uuid4()),
            "data_instance_id": stored.standard_id,
            "step_id": str(uuid.uuid4()),
            "previous_step_id": str(uuid.uuid4()),
        }
        # By the absence of a type of events connectors tell a playbook from a request by hand.
        event = {"entity_id": stored.standard_id, "bundle": carried}
        with self._store.database.write() as connection:
            work_id = self._asking.ask(
                connector,
                f"Playbook ({stored.standard_id})",
                event,
                Wish(self._store.user_id, "manual", "auto", playbook=playbook),
            )
            self._steps.begin(
                connection, execution_id, connector["id"], work_id, carried
            )
        return work_id, execution_id

    def _request(
        self, connector: dict[str, Any], stored: Stored, wish: Wish, store: Store
    ) -> str:
        with_objects = (
            connector.get("enrichment_resolution") or "stix_bundle"
        ) != "none"
        objects = self._objects_around(stored, store) if with_objects else []
        event = {
            "event_type": KIND,
            "entity_id": stored.standard_id,
            "entity_type": stored.entity_type,
            "stix_entity": _text(objects[-1]) if objects else None,
            "stix_objects": _text(objects) if objects else None,
        }
        return self._asking.ask(
            connector, f"Enrichment ({stored.standard_id})", event, wish
        )

    def _objects_around(self, stored: Stored, store: Store) -> list[dict[str, Any]]:
        """Return what the entity refers to, and the entity last."""
        ids = [
            ref
            for key, value in stored.data.items()
            if key.endswith(("_ref", "_refs"))
            for ref in (value if isinstance(value, list) else [value])
        ]
        around = [store.objects.get(str(ref)) for ref in ids]
        return [
            frames.told(one, self._store.user_id)
            for one in (*around, stored)
            if one is not None
        ]

    # -- new and changed entities -------------------------------------------------------------------------------------

    def _follow(self) -> None:
        """Ask the connectors that want it for each new entity; its place in the journal survives a restart."""
        place = self._begin()
        while not self._stopping.is_set():
            events = self._store.events.after(place, _EVENTS_AT_ONCE)
            if not events:
                self._stopping.wait(0.1)
                continue
            try:
                # Requests and place together: a crash neither loses nor repeats any.
                with self._store.database.write():
                    asked = self._ask_for(events)
                    place = events[-1].id
                    self._store.database.set_meta(_JOURNAL_PLACE, str(place))
            except Exception:  # pylint: disable=broad-exception-caught
                # Nothing may end this thread.
                LOGGER.exception("Connectors could not be asked, trying again")
                self._stopping.wait(1)
                place = self._begin()
                continue
            if asked:
                self._asking.deliver()

    def _begin(self) -> int:
        """Return the last event that was dealt with: at the first start, the last there is."""
        known = self._store.database.meta(_JOURNAL_PLACE)
        if known is not None:
            return int(known)
        place = self._store.events.last_id()
        self._store.database.set_meta(_JOURNAL_PLACE, str(place))
        return place

    def _ask_for(self, events: list[Event]) -> bool:
        enrichers = self._asking.alive(KIND)
        asked = False
        for event in events:
            option = _WANTED_BY.get(event.kind, "")
            wanting = [c for c in enrichers if c.get(option)]
            if not wanting:
                continue
            try:
                self._ask_all(event.object_id, wanting, event.kind)
                asked = True
            except FAULTS:
                # What cannot be told of one entity must not keep the others waiting.
                LOGGER.exception("Nobody could be asked about %s", event.object_id)
        return asked

    def _ask_all(
        self, object_id: str, connectors: list[dict[str, Any]], trigger: str
    ) -> None:
        stored = self._store.objects.get(object_id)
        if stored is None:
            return
        for connector in connectors:
            if in_scope(connector, stored.entity_type):
                self._request(
                    connector, stored, Wish(None, trigger, "auto"), self._store
                )


def _text(value: Any) -> str:
    return orjson.dumps(value).decode()

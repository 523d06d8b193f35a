"""Asking connectors to export entities into a file.

Source: the message that export connectors of the platform receive.
"""

import mimetypes
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from opencti_testbed.lanes.asking import Asking, NotAsked, Wish, in_scope
from opencti_testbed.store import Store
from opencti_testbed.store.database import timestamp
from opencti_testbed.store.objects import Stored
from opencti_testbed.store.visibility import MARKING, hidden_markings, markings

KIND = "INTERNAL_EXPORT_FILE"
TYPES = ("simple", "full")


@dataclass(frozen=True, slots=True)
class Order:
    """What shall be exported.

    Attributes:
        format: MIME type of the file.
        export_type: `simple` (the entities) or `full` (and what is around them).
        content_max_markings: ids of the highest markings that the file's content may have.
        file_markings: ids of the markings of the file itself.
        entity_type: what is listed; of a single entity, its own type.
        entity_id: the single entity, or the one in whose context a list stands.
        selected_ids: the selection, when not everything that is listed.
        list_params: `search`, `orderBy`, `orderMode`, `filters` of the list.
        connector_id: who shall export; default: all that make such files.
    """

    format: str
    export_type: str = "simple"
    content_max_markings: tuple[str, ...] = ()
    file_markings: tuple[str, ...] = ()
    entity_type: str = "Stix-Core-Object"
    entity_id: str | None = None
    selected_ids: tuple[str, ...] = ()
    list_params: Mapping[str, Any] = field(default_factory=dict)
    connector_id: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A file that a connector was asked for: its future id, its name, the work."""

    file_id: str
    name: str
    work_id: str


class FileExports:
    """Makes export requests."""

    def __init__(self, store: Store, asking: Asking) -> None:
        """Bind to the store and to what makes requests."""
        self._store = store
        self._asking = asking

    def ask_single(self, order: Order, wish: Wish) -> list[Asked]:
        """Ask for a file about one entity.

        Raises:
            NotAsked: there is no such entity, no such type of exports, or nobody makes such files.
        """
        stored = self._entity(order.entity_id or "")
        access = self._access_filter(order, wish)
        event = {
            "export_scope": "single",
            "entity_id": stored.internal_id,
            "entity_name": stored.name,
            "entity_type": stored.entity_type,
            "main_filter": _among([stored.internal_id], access),
        }
        folder = f"export/{stored.entity_type}/{stored.internal_id}"
        title = f"{stored.entity_type}-{stored.name}"
        return self._ask(order, wish, event, access, folder, title)

    def ask_list(self, order: Order, wish: Wish) -> list[Asked]:
        """Ask for a file about a list of entities, or a selection of it.

        Raises:
            NotAsked: an entity is not there, there is no such type of exports, or nobody makes such files.
        """
        context = self._entity(order.entity_id) if order.entity_id else None
        access = self._access_filter(order, wish)
        selected = [self._entity(one).internal_id for one in order.selected_ids]
        event: dict[str, Any] = {
            "export_scope": "selection" if selected else "query",
            "entity_id": context.internal_id if context else None,
            "entity_name": context.name if context else "global",
            "entity_type": order.entity_type,
            "main_filter": _among(selected, access) if selected else access,
            "list_params": {
                "search": None,
                "orderBy": None,
                "orderMode": None,
                "filters": None,
                "visible_columns": None,
                **order.list_params,
            },
        }
        if selected:
            event["selected_ids"] = selected
        folder = f"export/{order.entity_type}"
        if context:
            folder += f"/{context.internal_id}"
        return self._ask(
            order, wish, event, access, folder, order.entity_type or "global"
        )

    def _ask(
        self,
        order: Order,
        wish: Wish,
        event: Mapping[str, Any],
        access: dict[str, Any],
        folder: str,
        title: str,
    ) -> list[Asked]:
        if order.export_type not in TYPES:
            raise NotAsked(f"{order.export_type!r} is none of {', '.join(TYPES)}")
        asked = []
        for connector in self._connectors(order):
            name = self._file_name(order, connector, title)
            body = {
                "event_type": KIND,
                "export_type": order.export_type,
                "format": order.format,
                "file_name": name,
                "file_markings": list(order.file_markings),
                "access_filter": access,
                **event,
            }
            file_id = f"{folder}/{name}"
            work_id = self._asking.ask(connector, f"Export {name}", body, wish, file_id)
            asked.append(Asked(file_id, name, work_id))
        return asked

    def _connectors(self, order: Order) -> list[dict[str, Any]]:
        if order.connector_id:
            connector = self._asking.connector(order.connector_id, KIND)
            if not in_scope(connector, order.format):
                raise NotAsked(
                    f"{connector['name']} makes no {order.format}: {', '.join(connector['scope'])}"
                )
            return [connector]
        found = [c for c in self._asking.alive(KIND) if in_scope(c, order.format)]
        if not found:
            raise NotAsked(f"No connector exports {order.format}")
        return found

    def _entity(self, any_id: str) -> Stored:
        stored = self._store.objects.get(any_id)
        if stored is None:
            raise NotAsked(f"There is no entity {any_id}")
        return stored

    def _file_name(self, order: Order, connector: Mapping[str, Any], title: str) -> str:
        highest = [self._entity(one).name for one in order.content_max_markings]
        marking = "+".join(highest) or "TLP:ALL"
        extension = mimetypes.guess_extension(order.format) or ".bin"
        name = f"{timestamp()}_{marking}_({connector['name']})_{title[:80]}_{order.export_type}{extension}"
        return "".join(" " if one in "/\\" or ord(one) < 32 else one for one in name)

    # -- who may see what ---------------------------------------------------------------------------------------------

    def _access_filter(self, order: Order, wish: Wish) -> dict[str, Any]:
        """Return the filter that leaves out what the file may not contain and the applicant may not see."""
        excluded = self._above(order.content_max_markings)
        hidden = hidden_markings(self._store, wish.applicant_id)
        excluded |= {one.internal_id for one in hidden}
        filters: list[dict[str, Any]] = []
        if excluded:
            filters.append(
                {
                    "key": "objectMarking",
                    "mode": "and",
                    "operator": "not_eq",
                    "values": sorted(excluded),
                }
            )
        return {"mode": "and", "filterGroups": [], "filters": filters}

    def _above(self, highest: Iterable[str]) -> set[str]:
        """Return the internal ids of the markings that are above some of their own kind."""
        above: set[str] = set()
        for limit in (self._entity(one) for one in highest):
            if limit.entity_type != MARKING:
                raise NotAsked(f"{limit.name} is no marking definition")
            above |= {
                one.internal_id
                for one in markings(self._store.objects)
                if one.data.get("definition_type") == limit.data.get("definition_type")
                and _order(one) > _order(limit)
            }
        return above


def _order(marking: Stored) -> int:
    return int(marking.data.get("x_opencti_order") or 0)


def _among(ids: list[str], access: Mapping[str, Any]) -> dict[str, Any]:
    """Return the filter for some entities, as far as they may be seen."""
    one = {"key": "ids", "mode": "or", "operator": "eq", "values": ids}
    return {"mode": "and", "filterGroups": [], "filters": [*access["filters"], one]}

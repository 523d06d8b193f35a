"""Reading entities by pages: memory holds one page, whatever the length of the list."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from connectors_sdk.connectors.internal_export_file.access import (
    Access,
    among,
    joined,
)
from connectors_sdk.connectors.internal_export_file.request import ExportRequest

# Entities of these are listed by their family, and told apart by their type.
_FAMILIES = {
    "container": "stix_domain_object",
    "threat-actor": "stix_domain_object",
    "case": "stix_domain_object",
    "stixfile": "stix_cyber_observable",
}
_RELATIONSHIPS = ("stix-core-relationship", "stix-sighting-relationship")
# Of lists that the user has not ordered: what is made meanwhile comes at the end.
_ORDER = ("created_at", "asc")
_BY_RELEVANCE = "_score"


class NoProgress(RuntimeError):
    """The platform gives the same page again and again."""


class Pages:
    """Reads what a request asks for, on behalf of the user who asks."""

    def __init__(
        self,
        api: Any,
        request: ExportRequest,
        size: int,
        on_page: Callable[[], None] = lambda: None,
    ) -> None:
        """Bind what is needed.

        Args:
            api: pycti's client that acts for the requesting user.
            request: what is asked for.
            size: of a page.
            on_page: called for each page.
        """
        self._api = api
        self._request = request
        self._size = size
        self._on_page = on_page
        self.access = Access(api, request.access, request.excluded_markings)
        self.left_out = 0

    def entities(self) -> Iterator[dict[str, Any]]:
        """Yield the entities that are asked for, as the platform's API gives them."""
        request = self._request
        if request.scope == "query":
            yield from self._listed(
                request.entity_type,
                joined(request.filters, request.access),
                search=request.search,
                order=(request.order_by, request.order_mode),
            )
            return
        ids: Iterable[str] = request.selected_ids
        if request.scope == "single":
            ids = (str(request.entity_id),)
        yield from self.by_ids(request.entity_type, ids)

    def around(self, entity: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield what is around an entity: relationships, sightings, what it holds, and what is at the other ends."""
        own_id = str(entity["id"])
        neighbours = dict.fromkeys(map(str, entity.get("objectsIds") or ()))
        for kind in _RELATIONSHIPS:
            for found in self._listed(kind, self._request.access, around=own_id):
                # Before it is handed on: what makes STIX of it takes it apart.
                ends = {str(found["from"]["id"]), str(found["to"]["id"])}
                neighbours.update(dict.fromkeys(ends - {own_id}))
                yield found
                if len(neighbours) >= self._size:
                    yield from self.by_ids("Stix-Core-Object", neighbours)
                    neighbours.clear()
        yield from self.by_ids("Stix-Core-Object", neighbours)

    def by_ids(self, entity_type: str, ids: Iterable[str]) -> Iterator[dict[str, Any]]:
        """Yield entities of these ids, as far as they may stand in the file."""
        rest = iter(ids)
        while some := list(islice(rest, self._size)):
            yield from self._listed(
                entity_type, joined(among(some), self._request.access)
            )

    def _listed(
        self,
        entity_type: str,
        filters: Mapping[str, Any] | None,
        *,
        search: str | None = None,
        order: tuple[str | None, str | None] = (None, None),
        around: str | None = None,
    ) -> Iterator[dict[str, Any]]:
        lister, types = self._lister(entity_type)
        order_by, order_mode = order
        if order_by in (None, _BY_RELEVANCE):
            order_by, order_mode = _ORDER
        more: dict[str, Any] = {"types": types} if types else {}
        if around is not None:
            more["fromOrToId"] = around
        if search:
            more["search"] = search
        after: str | None = None
        while True:
            page = lister(
                filters=filters,
                first=self._size,
                after=after,
                orderBy=order_by,
                orderMode=order_mode,
                withPagination=True,
                **more,
            )
            self._on_page()
            for entity in page["entities"]:
                shown = self.access.without_hidden(entity)
                if shown is None:
                    self.left_out += 1
                else:
                    yield shown
            about = page["pagination"]
            if not about["hasNextPage"]:
                return
            if about["endCursor"] == after:
                raise NoProgress(f"the list of {entity_type} does not get on")
            after = about["endCursor"]

    def _lister(self, entity_type: str) -> tuple[Callable[..., Any], list[str] | None]:
        """Return what lists entities of a type, and the types to be named besides.

        Raises:
            ValueError: there is no such type.
        """
        # Loads pycti: only when it is needed.
        from pycti.utils.constants import (
            IdentityTypes,
            LocationTypes,
            StixCyberObservableTypes,
        )

        lower = entity_type.lower()
        if IdentityTypes.has_value(entity_type):
            name = "identity"
        elif LocationTypes.has_value(entity_type):
            name = "location"
        elif StixCyberObservableTypes.has_value(entity_type):
            name = "stix_cyber_observable"
        else:
            name = _FAMILIES.get(lower, lower.replace("-", "_"))
        lister = getattr(getattr(self._api, name, None), "list", None)
        if lister is None:
            raise ValueError(f"{entity_type} cannot be listed")
        whole = lower.replace("-", "_") == name
        return lister, None if whole else [entity_type]

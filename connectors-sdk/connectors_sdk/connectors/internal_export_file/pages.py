"""Reading entities by pages: memory holds one page, whatever the length of the list."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from connectors_sdk.connectors.internal_export_file.access import (
    Access,
    NoProgress,
    among,
    ask,
    joined,
)
from connectors_sdk.connectors.internal_export_file.request import ExportRequest

# Entities of these are listed by their family, and told apart by their type.
_FAMILIES = {
    "container": "stix_domain_object",
    "threat-actor": "stix_domain_object",
    "case": "stix_domain_object",
    "security-platform": "identity",
    "stixfile": "stix_cyber_observable",
}
_KINDS = {
    "relationship": "stix-core-relationship",
    "sighting": "stix-sighting-relationship",
}
# What all types of a family are listed by.
_FAMILY = frozenset({"Stix-Cyber-Observable", "Identity", "Location"})
_WHAT_IT_IS = "id entity_type parent_types"
_RELATIONSHIPS = tuple(_KINDS.values())
# Of lists that the user has not ordered: what is made meanwhile comes at the end.
_ORDER = ("created_at", "asc")
_BY_RELEVANCE = "_score"


def _touching(ids: Iterable[str]) -> dict[str, Any]:
    """Return the filter for what joins one of these ids with something."""
    ends = [
        {"key": key, "values": sorted(ids), "mode": "or", "operator": "eq"}
        for key in ("fromId", "toId")
    ]
    return {"mode": "or", "filters": ends, "filterGroups": []}


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
        yield from self._chosen(request.entity_type, ids)

    def around(self, entities: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
        """Yield what is around entities: relationships, sightings, what they hold, and what is at the other ends.

        Args:
            entities: about a page of them: each `id`, and `objectsIds` if it holds something.
        """
        own = {str(one["id"]) for one in entities}
        if not own:
            return
        held = (str(id_) for one in entities for id_ in one.get("objectsIds") or ())
        neighbours = dict.fromkeys(id_ for id_ in held if id_ not in own)
        for kind in _RELATIONSHIPS:
            touching = joined(_touching(own), self._request.access)
            for found in self._listed(kind, touching):
                # Before it is handed on: what makes STIX of it takes it apart.
                ends = {str(found["from"]["id"]), str(found["to"]["id"])}
                neighbours.update(dict.fromkeys(sorted(ends - own)))
                yield found
                if len(neighbours) >= self._size:
                    yield from self.by_ids("Stix-Core-Object", neighbours)
                    neighbours.clear()
        yield from self.by_ids("Stix-Core-Object", neighbours)

    def _chosen(self, entity_type: str, ids: Iterable[str]) -> Iterator[dict[str, Any]]:
        """Yield what was chosen by its id: entities of a type, or also relationships and sightings."""
        kinds = dict.fromkeys((entity_type, *_RELATIONSHIPS))
        if self._is_unknown(entity_type):
            # Types of relationships have no lists of their own.
            del kinds[entity_type]
        rest = iter(ids)
        while some := list(islice(rest, self._size)):
            left, before = dict.fromkeys(some), self.left_out
            for kind in kinds:
                if left:
                    for found in self.by_ids(kind, list(left)):
                        for known in (str(found["id"]), str(found.get("standard_id"))):
                            left.pop(known, None)
                        yield found
            # Those that were told and then left out are among them.
            self.left_out = before + len(left)

    def by_ids(self, entity_type: str, ids: Iterable[str]) -> Iterator[dict[str, Any]]:
        """Yield entities of these ids, as far as they may stand in the file."""
        rest = iter(ids)
        while some := list(islice(rest, self._size)):
            yield from self._listed(
                entity_type, joined(among(some), self._request.access)
            )

    def located(self, ids: Iterable[str]) -> Iterator[dict[str, Any]]:
        """Yield the relationships that say where locations of these ids are, as far as they may be seen."""
        where = [
            {"key": key, "values": list(values), "mode": "or", "operator": "eq"}
            for key, values in (
                ("fromId", ids),
                ("relationship_type", ("located-at",)),
            )
        ]
        filters = {"mode": "and", "filters": where, "filterGroups": []}
        left_out = self.left_out
        yield from self._listed(
            _KINDS["relationship"], joined(filters, self._request.access)
        )
        # They are not what is asked for.
        self.left_out = left_out

    def by_stix_ids(self, ids: Iterable[str]) -> Iterator[dict[str, Any]]:
        """Yield entities, relationships and sightings of these STIX ids, as far as they may stand in the file."""
        by_kind: dict[str, list[str]] = {}
        for one in ids:
            kind = _KINDS.get(one.partition("--")[0], "Stix-Core-Object")
            by_kind.setdefault(kind, []).append(one)
        for kind, some in by_kind.items():
            yield from self.by_ids(kind, some)

    def _listed(
        self,
        entity_type: str,
        filters: Mapping[str, Any] | None,
        *,
        search: str | None = None,
        order: tuple[str | None, str | None] = (None, None),
    ) -> Iterator[dict[str, Any]]:
        lister, types = self._lister(entity_type)
        order_by, order_mode = order
        if order_by in (None, _BY_RELEVANCE):
            order_by, order_mode = _ORDER
        more: dict[str, Any] = {"types": types} if types else {}
        many = lister in (
            self._api.stix_core_object.list,
            self._api.stix_domain_object.list,
        )
        if many:
            more["customAttributes"] = _WHAT_IT_IS
        if search:
            more["search"] = search
        after: str | None = None
        while True:
            page = ask(
                lister,
                entity_type,
                filters=filters,
                first=self._size,
                after=after,
                orderBy=order_by,
                orderMode=order_mode,
                withPagination=True,
                **more,
            )
            self._on_page()
            found = page["entities"]
            if many:
                found = self._whole(found)
            self.access.look_up(found)
            for entity in found:
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

    def _whole(self, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return what a list of many types has found, read from the lists of their own types.

        Lists of many types do not tell everything: no scores of observables, no contents of containers, no classes of
        identities.
        """
        by_type: dict[str, list[str]] = {}
        for one in found:
            family = _FAMILY.intersection(one.get("parent_types") or ())
            own_type = next(iter(family), one["entity_type"])
            by_type.setdefault(own_type, []).append(one["id"])
        whole: dict[str, dict[str, Any]] = {}
        for own_type, ids in by_type.items():
            try:
                lister, types = self._lister(own_type)
            except ValueError:
                # The client has no list of its own for it.
                lister, types = self._api.stix_domain_object.list, [own_type]
            more = {"types": types} if types else {}
            read = ask(lister, own_type, filters=among(ids), first=len(ids), **more)
            whole.update((one["id"], one) for one in read)
        there = [whole[one["id"]] for one in found if one["id"] in whole]
        # What was deleted meanwhile.
        self.left_out += len(found) - len(there)
        return there

    def _is_unknown(self, entity_type: str) -> bool:
        try:
            self._lister(entity_type)
        except ValueError:
            return True
        return False

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

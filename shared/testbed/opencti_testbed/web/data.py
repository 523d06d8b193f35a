"""The data browser: lists of objects with filters, by pages."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from opencti_testbed.graphql.filters import Condition
from opencti_testbed.stix.attributes import LABEL
from opencti_testbed.stix.types import IDENTITIES, Family
from opencti_testbed.store.objects import FEW, Stored
from opencti_testbed.web.asking import Asking
from opencti_testbed.web.choice import (
    KIND_OF_FAMILY,
    KINDS,
    ORDERS,
    Choice,
    condition_of,
    place_of,
    place_text,
)
from opencti_testbed.web.site import Site

PAGE_SIZE = 50
# Orders in which the indexes by type are already.
ORDERED_BY_TYPE = ("newest", "oldest", "name")
MOST_SUGGESTED = 300
AUTHOR, MARKINGS = "created_by_ref", "object_marking_refs"
SOURCES = ("source_ref", "sighting_of_ref")
TARGETS = ("target_ref", "where_sighted_refs")


class Data:
    """Renders lists of objects."""

    def __init__(self, site: Site, asking: Asking) -> None:
        """Bind to the site and to what the lists can be exported with."""
        self._site = site
        self._asking = asking

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [self._site.shows("/entities", self.entities)]

    def entities(self, request: Request) -> Response:
        """Objects of a kind or a type, as far as they pass the filters."""
        objects = self._site.platform.store.objects
        choice = Choice.of_query(request.query_params, objects.families())
        if "--" in choice.search or len(choice.search) == 36:
            # Who looks for an id means one object.
            found = objects.get(choice.search)
            if found is not None:
                return RedirectResponse(f"/entities/{quote(found.standard_id)}", 303)
        counts = objects.counts()
        condition = condition_of(self._site, choice)
        number, more = self._count(choice, condition, counts)
        in_order = choice.order in ORDERED_BY_TYPE and not choice.narrows
        # When many pass, it is best to walk in the order of the list until there are enough.
        walk = (more or number >= FEW) and not in_order
        after = request.query_params.get("after", "")
        page = self._site.browsing.page(
            choice.selection(condition, walk=walk),
            ORDERS[choice.order][1],
            PAGE_SIZE + 1,
            place_of(after),
        )
        following = ""
        if len(page) > PAGE_SIZE:
            following = place_text(page[PAGE_SIZE - 1][1])
        return self._site.page(
            request,
            "entities.html",
            choice=choice,
            rows=rows_of(self._site, [stored for stored, _ in page[:PAGE_SIZE]]),
            number=number,
            more=more,
            first=not after,
            following=following,
            kinds=self._kinds(counts),
            types=self._types(choice, counts),
            orders={key: title for key, (title, _) in ORDERS.items()},
            **self._suggested(choice),
            export=self._asking.export_choices(),
        )

    def _count(
        self, choice: Choice, condition: Condition, counts: dict[str, int]
    ) -> tuple[int, bool]:
        """Return how many objects pass, and whether there are more than were counted."""
        if not choice.narrows and choice.order != "score":
            kinds = self._kinds(counts)
            known = counts.get(choice.type, 0) if choice.type else kinds[choice.kind][1]
            return known, False
        return self._site.browsing.count(choice.selection(condition))

    def _kinds(self, counts: dict[str, int]) -> dict[str, tuple[str, int]]:
        families = self._site.platform.store.objects.families()
        numbers = dict.fromkeys(KINDS, 0)
        for entity_type, n in counts.items():
            kind = KIND_OF_FAMILY[families[entity_type]]
            numbers["all"] += n
            if kind != "all":
                numbers[kind] += n
        return {kind: (title, numbers[kind]) for kind, (_, title, _) in KINDS.items()}

    def _types(self, choice: Choice, counts: dict[str, int]) -> dict[str, int]:
        families = self._site.platform.store.objects.families()
        return {
            entity_type: n
            for entity_type, n in counts.items()
            if choice.kind in ("all", KIND_OF_FAMILY[families[entity_type]])
        }

    def _suggested(self, choice: Choice) -> dict[str, Any]:
        """Return what filters can be chosen from."""
        site = self._site
        works = site.platform.store.works.page(limit=30)
        chosen = site.platform.store.works.get(choice.work) if choice.work else None
        if chosen and chosen["id"] not in (work["id"] for work in works):
            works.append(chosen)
        return {
            "labels": site.browsing.of_type("Label", MOST_SUGGESTED),
            "markings": site.browsing.of_type("Marking-Definition", MOST_SUGGESTED),
            "authors": site.browsing.authors(IDENTITIES.values()),
            "works": site.works(works),
            "of": site.platform.store.objects.get(choice.of) if choice.of else None,
        }


def rows_of(site: Site, page: Sequence[Stored]) -> list[dict[str, Any]]:
    """Return what lists show of objects: besides themselves their markings, labels, authors, and what they join."""
    around = site.browsing.references(
        [stored.pk for stored in page], (AUTHOR, MARKINGS, LABEL, *SOURCES, *TARGETS)
    )

    def of(stored: Stored, *keys: str) -> list[Stored]:
        return [one for key in keys for one in around.get((stored.pk, key), [])]

    return [
        {
            "stored": stored,
            "markings": of(stored, MARKINGS),
            "labels": of(stored, LABEL),
            "author": next(iter(of(stored, AUTHOR)), None),
            "score": stored.data.get("x_opencti_score"),
            "joins": stored.family in (Family.RELATIONSHIP, Family.SIGHTING),
            "sources": of(stored, *SOURCES),
            "targets": of(stored, *TARGETS),
        }
        for stored in page
    ]

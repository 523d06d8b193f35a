"""One object with everything around it: attributes, relations, what happened to it, its graph, its STIX."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from opencti_testbed.stix.attributes import (
    EXTERNAL_REFERENCE,
    KILL_CHAIN_PHASE,
    LABEL,
    attributes,
)
from opencti_testbed.stix.types import Family
from opencti_testbed.store.browsing import Group
from opencti_testbed.store.changes import Change
from opencti_testbed.store.objects import Stored
from opencti_testbed.web import readable
from opencti_testbed.web.asking import Asking
from opencti_testbed.web.data import AUTHOR, MARKINGS, rows_of
from opencti_testbed.web.site import Site, integer

PAGE_SIZE = 50
PREVIEW = 6
MOST_NAMED = 200
# The other end of a relationship or sighting, by the end that an object is.
OTHER_END = {
    "source_ref": "target_ref",
    "target_ref": "source_ref",
    "sighting_of_ref": "where_sighted_refs",
    "where_sighted_refs": "sighting_of_ref",
}
CONTENTS = "object_refs"
# Shown in a place of their own, or of no interest to a reader.
NOT_LISTED = frozenset(
    {
        "id",
        "type",
        "spec_version",
        "name",
        "description",
        "x_opencti_description",
        "x_opencti_stix_ids",
        "labels",
        "revoked",
        "external_references",
        "kill_chain_phases",
        "relationship_type",
        MARKINGS,
        AUTHOR,
        CONTENTS,
        *OTHER_END,
    }
)
# What refers to an object, besides relationships, and is told by other means.
NOT_REFERRING = frozenset(
    {
        AUTHOR,
        MARKINGS,
        CONTENTS,
        LABEL,
        EXTERNAL_REFERENCE,
        KILL_CHAIN_PHASE,
        *OTHER_END,
    }
)
PLACES = ("import", "export", "embedded", "analysis")


class Entity:
    """Renders objects."""

    def __init__(self, site: Site, asking: Asking) -> None:
        """Bind to the site and to what connectors can be asked for."""
        self._site = site
        self._asking = asking
        self._objects = site.platform.store.objects

    def routes(self) -> list[Route]:
        """Return the routes."""
        shows = self._site.shows
        return [
            shows("/entities/{any_id}", self.overview),
            shows("/entities/{any_id}/relations", self.relations),
            shows("/entities/{any_id}/history", self.history),
            shows("/entities/{any_id}/graph", self.graph),
            shows("/entities/{any_id}/stix", self.stix),
        ]

    def _page(
        self, request: Request, stored: Stored, view: str, **values: Any
    ) -> Response:
        row = rows_of(self._site, [stored])[0]
        around = self._site.browsing.references([stored.pk], (KILL_CHAIN_PHASE,))
        return self._site.page(
            request,
            f"entity_{view}.html",
            view=view,
            row=row,
            stored=stored,
            phases=around.get((stored.pk, KILL_CHAIN_PHASE), []),
            can_export=stored.family is not Family.META,
            markings=self._site.browsing.of_type("Marking-Definition", 100),
            enrichers=self._asking.enrichers(stored),
            export=self._asking.export_choices(),
            **values,
        )

    def _asked_for(self, request: Request) -> Stored | None:
        return self._objects.get(request.path_params["any_id"])

    # -- overview -----------------------------------------------------------------------------------------------------

    def overview(self, request: Request) -> Response:
        """What it is, and a little of what is around it."""
        stored = self._asked_for(request)
        if stored is None:
            return self._site.missing(request, "object")
        browsing, store = self._site.browsing, self._site.platform.store
        values = _attributes(stored)
        references = browsing.references([stored.pk], (EXTERNAL_REFERENCE,))
        groups = self._groups(stored)
        return self._page(
            request,
            stored,
            "overview",
            attributes=[(key, readable.shown(key, value)) for key, value in values],
            named=self._named(value for _, value in values),
            references=[
                (one, readable.address(one.data.get("url")))
                for one in references.get((stored.pk, EXTERNAL_REFERENCE), [])
            ],
            other_ids=stored.data.get("x_opencti_stix_ids") or [],
            groups=[(group, self._related(stored, group, PREVIEW)) for group in groups],
            contents=self._objects.targets(stored.pk, CONTENTS, PREVIEW),
            content_count=len(stored.data.get(CONTENTS) or ()),
            referring=self._referring(stored),
            files=[
                file
                for place in PLACES
                for file in store.files.within(place, 50, stored.internal_id)
            ],
        )

    def _named(self, values: Iterable[Any]) -> dict[str, Stored]:
        """Return the objects whose ids are among some values."""
        found: dict[str, Stored] = {}
        for value in values:
            for one in value if isinstance(value, list) else [value]:
                if readable.is_id(one) and len(found) < MOST_NAMED:
                    stored = self._objects.get(one)
                    if stored is not None:
                        found[one] = stored
        return found

    def _groups(self, stored: Stored) -> list[Group]:
        return self._site.browsing.groups(stored.pk)

    def _referring(self, stored: Stored) -> list[tuple[Group, list[Stored]]]:
        """Return what refers to an object by other means than relationships: containers and nested references."""
        keys = [
            key
            for key in self._objects.referring_keys(stored.pk)
            if key == CONTENTS or key not in NOT_REFERRING
        ]
        return [
            (
                group,
                self._objects.referrers(
                    stored.pk, group.key, PREVIEW, 0, [group.entity_type]
                ),
            )
            for group in self._site.browsing.groups(stored.pk, keys)
        ]

    # -- relations ----------------------------------------------------------------------------------------------------

    def relations(self, request: Request) -> Response:
        """What it is related to, one kind at a time, by pages."""
        stored = self._asked_for(request)
        if stored is None:
            return self._site.missing(request, "object")
        groups = [*self._groups(stored), *(g for g, _ in self._referring(stored))]
        contents = len(stored.data.get(CONTENTS) or ())
        if contents:
            groups.append(Group("contents", "object", contents, False))
        wanted = (
            request.query_params.get("key", ""),
            request.query_params.get("type", ""),
        )
        group = next(
            (g for g in groups if (g.key, g.entity_type) == wanted),
            groups[0] if groups else None,
        )
        after = integer(request, "after")
        found = self._related(stored, group, PAGE_SIZE + 1, after) if group else []
        return self._page(
            request,
            stored,
            "relations",
            groups=groups,
            group=group,
            related=found[:PAGE_SIZE],
            rows=rows_of(self._site, [other for _, other in found[:PAGE_SIZE]]),
            first=not after,
            following=found[PAGE_SIZE - 1][0].pk if len(found) > PAGE_SIZE else None,
        )

    def _related(
        self, stored: Stored, group: Group, limit: int, after: int = 0
    ) -> list[tuple[Stored, Stored]]:
        """Return (what refers, the object at its other end) of a group; without another end both are the same."""
        if group.key == "contents":
            keys = [pk for _, pk in self._objects.target_keys([stored.pk], CONTENTS)]
            page = self._objects.by_pks(sorted(pk for pk in keys if pk > after)[:limit])
            return [(one, one) for one in page]
        found = self._objects.referrers(
            stored.pk, group.key, limit, after, [group.entity_type]
        )
        other = OTHER_END.get(group.key)
        if other is None:
            return [(one, one) for one in found]
        ends = self._site.browsing.references([one.pk for one in found], (other,))
        return [
            (one, end) for one in found for end in ends.get((one.pk, other), [])[:1]
        ]

    # -- history ------------------------------------------------------------------------------------------------------

    def history(self, request: Request) -> Response:
        """What happened to it, the newest first."""
        stored = self._asked_for(request)
        if stored is None:
            return self._site.missing(request, "object")
        before = integer(request, "before") or None
        found = self._site.changes.of_object(stored.internal_id, before, PAGE_SIZE + 1)
        page = found[:PAGE_SIZE]
        return self._page(
            request,
            stored,
            "history",
            changes=[(change, readable.differences(change.event)) for change in page],
            works=self._works_of(page),
            first=before is None,
            earlier=page[-1].event.id if len(found) > PAGE_SIZE else None,
        )

    def _works_of(self, changes: Iterable[Change]) -> dict[str, dict[str, Any]]:
        ids = {change.work_id for change in changes if change.work_id}
        rows = [self._site.platform.store.works.get(work_id) for work_id in ids]
        return {
            work["id"]: work for work in self._site.works(row for row in rows if row)
        }

    # -- graph and raw ------------------------------------------------------------------------------------------------

    def graph(self, request: Request) -> Response:
        """It and its neighbours as a drawing."""
        stored = self._asked_for(request)
        if stored is None:
            return self._site.missing(request, "object")
        return self._page(request, stored, "graph")

    def stix(self, request: Request) -> Response:
        """It as STIX."""
        stored = self._asked_for(request)
        if stored is None:
            return self._site.missing(request, "object")
        return self._page(request, stored, "stix", raw=readable.pretty(stored.data))


def _attributes(stored: Stored) -> list[tuple[str, Any]]:
    """Return what an object has of attributes, those that its type is known for first."""
    known = [one.stix for one in attributes(stored.entity_type).values()]
    present = [key for key in stored.data if key not in NOT_LISTED]
    ordered = [key for key in known if key in present]
    ordered += [key for key in present if key not in known]
    return [(key, stored.data[key]) for key in ordered]


def path_of(stored: Stored) -> str:
    """Return the address of an object's page."""
    return f"/entities/{quote(stored.standard_id, safe='')}"

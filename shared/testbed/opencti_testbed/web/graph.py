"""What surrounds an object, as the drawing of the graph asks for it."""

from collections.abc import Iterable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from opencti_testbed.admin import json_response
from opencti_testbed.stix.attributes import (
    EXTERNAL_REFERENCE,
    KILL_CHAIN_PHASE,
    LABEL,
    ref_type,
)
from opencti_testbed.stix.types import CONTAINERS, Family
from opencti_testbed.store.browsing import Link
from opencti_testbed.store.objects import Stored
from opencti_testbed.web.entity import OTHER_END, path_of
from opencti_testbed.web.site import Site

PAGE_SIZE = 24
# Of an object with more, so many of each kind are drawn first.
OF_EACH = 6
MOST_LOOKED_AT = 2_000
BEGINNING = "beginning"
# What everything is tied to ties nothing together.
NOT_DRAWN = (
    "created_by_ref",
    "object_marking_refs",
    "x_opencti_granted_refs",
    LABEL,
    EXTERNAL_REFERENCE,
    KILL_CHAIN_PHASE,
)
JOINING = (Family.RELATIONSHIP, Family.SIGHTING)


class Graph:
    """Answers with neighbours."""

    def __init__(self, site: Site) -> None:
        """Bind to the site."""
        self._site = site

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [self._site.answers("/entities/{any_id}/neighbours", self.neighbours)]

    async def neighbours(self, request: Request) -> Response:
        """`{node, nodes, edges, after}`: a page of what an object is tied to; `after` is null on the last page.

        The first page of many holds some of each kind; those that follow go through all, so that they come again.
        """
        return await run_in_threadpool(
            self._answer,
            request.path_params["any_id"],
            request.query_params.get("after", ""),
        )

    def _answer(self, any_id: str, after: str) -> Response:
        stored = self._site.platform.store.objects.get(any_id)
        if stored is None:
            return json_response({"error": "There is no such object"}, 404)
        links = self._site.browsing.links(
            stored.pk, NOT_DRAWN, PAGE_SIZE + 1, _link(stored.pk, after)
        )
        page, last = links[:PAGE_SIZE], None
        if len(links) > PAGE_SIZE:
            last = _text(page[-1]) if after else BEGINNING
            page = page if after else self._some_of_each(stored)
        nodes, edges = self._drawn(stored, page)
        return json_response(
            {
                "node": _node(stored),
                "nodes": [_node(one) for one in nodes.values()],
                "edges": edges,
                "after": last,
            }
        )

    def _some_of_each(self, stored: Stored) -> list[Link]:
        """Return a few references of every kind, of an object that has too many: what is seldom shall be seen."""
        objects, pk = self._site.platform.store.objects, stored.pk
        outgoing: dict[str, list[Link]] = {}
        for link in self._site.browsing.links(pk, NOT_DRAWN, MOST_LOOKED_AT):
            if link.outgoing:
                outgoing.setdefault(link.key, []).append(link)
        found = [link for links in outgoing.values() for link in links[:OF_EACH]]
        keys = [key for key in objects.referring_keys(pk) if key not in NOT_DRAWN]
        for group in self._site.browsing.groups(pk, keys):
            of_group = objects.referrers(pk, group.key, OF_EACH, 0, [group.entity_type])
            found += [Link(one.pk, group.key, pk, False) for one in of_group]
        return found[: 2 * PAGE_SIZE]

    def _drawn(
        self, stored: Stored, links: Iterable[Link]
    ) -> tuple[dict[int, Stored], list[dict[str, Any]]]:
        """Return the objects and edges that references stand for; a relationship is an edge, not an object."""
        page = list(links)
        others = self._site.browsing.by_pks(
            link.target if link.outgoing else link.source for link in page
        )
        joining = [one.pk for one in others.values() if one.family in JOINING]
        ends = self._site.browsing.references(joining, OTHER_END)
        nodes: dict[int, Stored] = {stored.pk: stored}
        edges: list[dict[str, Any]] = []
        for link in page:
            other = others.get(link.target if link.outgoing else link.source)
            if other is None:
                continue
            if not link.outgoing and other.family in JOINING and link.key in OTHER_END:
                for end in ends.get((other.pk, OTHER_END[link.key]), []):
                    nodes[end.pk] = end
                    pair = (stored, end)
                    if link.key in ("target_ref", "where_sighted_refs"):
                        pair = (end, stored)
                    edges.append(_edge(other.internal_id, *pair, _kind(other), other))
            else:
                nodes[other.pk] = other
                pair = (stored, other) if link.outgoing else (other, stored)
                name = f"{link.source}-{link.key}-{link.target}"
                edges.append(_edge(name, *pair, ref_type(link.key)))
        return nodes, edges


def _kind(relation: Stored) -> str:
    sighted = relation.family is Family.SIGHTING
    return "sighted" if sighted else relation.entity_type


def _edge(
    name: str, source: Stored, target: Stored, label: str, of: Stored | None = None
) -> dict[str, Any]:
    return {
        "id": name,
        "source": source.internal_id,
        "target": target.internal_id,
        "label": label,
        "path": path_of(of) if of else None,
    }


def _node(stored: Stored) -> dict[str, Any]:
    return {
        "id": stored.internal_id,
        "name": stored.name,
        "type": stored.entity_type,
        "family": "container" if stored.entity_type in CONTAINERS else stored.family,
        "path": path_of(stored),
    }


def _text(link: Link) -> str:
    other = link.target if link.outgoing else link.source
    return f"{'out' if link.outgoing else 'in'}.{link.key}.{other}"


def _link(pk: int, text: str) -> Link | None:
    """Read where a page ends; None when it is no such place."""
    way, _, rest = text.partition(".")
    key, _, other = rest.rpartition(".")
    if way not in ("out", "in") or not (other.isascii() and other.isdigit()):
        return None
    number = int(other[:18])
    out = way == "out"
    return Link(pk if out else number, key, number if out else pk, out)

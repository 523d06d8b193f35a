"""The pages: overview, connectors, works, entities, one entity."""

import hmac
from collections.abc import Awaitable, Callable
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from opencti_testbed.admin import summary
from opencti_testbed.config import ServerOptions
from opencti_testbed.graphql.platform import Platform
from opencti_testbed.stix.attributes import (
    EXTERNAL_REFERENCE,
    KILL_CHAIN_PHASE,
    LABEL,
)
from opencti_testbed.stix.types import Family
from opencti_testbed.store.objects import Stored

PAGE_SIZE = 50
COOKIE = "testbed_token"
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
# Shown in a place of their own, or of no interest to a reader.
NOT_LISTED = frozenset(
    {
        "id",
        "type",
        "spec_version",
        "name",
        "description",
        "labels",
        "external_references",
        "kill_chain_phases",
        "object_marking_refs",
        "created_by_ref",
        "object_refs",
        "source_ref",
        "target_ref",
    }
)
ENDS = (("source_ref", "target_ref"), ("target_ref", "source_ref"))


def environment() -> Environment:
    """Return the template environment; everything is escaped, a missing name is an error."""
    templates = Environment(
        loader=PackageLoader("opencti_testbed.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["number"] = lambda n: f"{n:,}"
    templates.filters["moment"] = lambda t: str(t or "")[:19].replace("T", " ")
    return templates


class Pages:
    """Renders the pages of one platform."""

    def __init__(self, platform: Platform, options: ServerOptions) -> None:
        """Bind a platform."""
        self._platform = platform
        self._options = options
        self._templates = environment()

    def _render(self, name: str, request: Request, **values: Any) -> Response:
        text = self._templates.get_template(name).render(
            path=request.url.path, **values
        )
        return HTMLResponse(text, headers=HEADERS)

    def _works(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        names = {c["id"]: c["name"] for c in self._platform.store.connectors.all()}
        return [
            {
                **row,
                "connector_name": names.get(row["connector_id"], row["connector_id"]),
                "share": (
                    min(1.0, row["processed"] / row["expected"])
                    if row["expected"]
                    else float(row["status"] == "complete")
                ),
            }
            for row in rows
        ]

    def overview(self, request: Request) -> Response:
        """What is there and what is going on."""
        store = self._platform.store
        families = store.objects.families()
        state = summary(self._platform)
        counts = sorted(state["objects_by_type"].items(), key=lambda kv: -kv[1])
        groups: dict[str, list[tuple[str, int]]] = {}
        for entity_type, n in counts:
            groups.setdefault(families[entity_type], []).append((entity_type, n))
        return self._render(
            "overview.html",
            request,
            summary=state,
            groups=[
                (title, groups[family])
                for family, title in (
                    ("sdo", "Entities"),
                    ("sco", "Observables"),
                    ("relationship", "Relationships"),
                    ("sighting", "Sightings"),
                    ("meta", "Labels, references, markings"),
                )
                if family in groups
            ],
            connectors=store.connectors.all(),
            works=self._works(store.works.page(limit=8)),
        )

    def connectors(self, request: Request) -> Response:
        """Who is registered, with which state."""
        rows = [
            {
                **row,
                "backlog": self._platform.store.queue.backlog(row["id"]),
                "works": self._works(self._platform.store.works.page([row["id"]], 5)),
            }
            for row in self._platform.store.connectors.all()
        ]
        return self._render("connectors.html", request, connectors=rows)

    def works(self, request: Request) -> Response:
        """What was sent, the newest first."""
        offset = _integer(request, "offset")
        rows = self._platform.store.works.page(limit=PAGE_SIZE + 1, offset=offset)
        return self._render(
            "works.html",
            request,
            works=self._works(rows[:PAGE_SIZE]),
            older=offset + PAGE_SIZE if len(rows) > PAGE_SIZE else None,
        )

    def work(self, request: Request) -> Response:
        """One work with its messages, errors and counts."""
        store = self._platform.store
        row = store.works.get(request.path_params["work_id"])
        if row is None:
            return self._missing(request, "work")
        return self._render(
            "work.html",
            request,
            work=self._works([row])[0],
            messages=store.works.messages(row["id"], errors=False),
            errors=store.works.messages(row["id"], errors=True),
            counts=store.works.counts(row["id"]),
        )

    def entities(self, request: Request) -> Response:
        """Objects of a type, or all, with search."""
        objects = self._platform.store.objects
        entity_type = request.query_params.get("type", "")
        search = request.query_params.get("search", "")
        after = _integer(request, "after")
        found = objects.page(entity_type or None, search, after, PAGE_SIZE + 1)
        more = None
        if len(found) > PAGE_SIZE:
            more = urlencode(
                {
                    "type": entity_type,
                    "search": search,
                    "after": found[PAGE_SIZE - 1].pk,
                }
            )
        return self._render(
            "entities.html",
            request,
            objects=[self._row(stored) for stored in found[:PAGE_SIZE]],
            types=objects.counts(),
            entity_type=entity_type,
            search=search,
            more=more,
        )

    def _row(self, stored: Stored) -> dict[str, Any]:
        row: dict[str, Any] = {"stored": stored, "source": None, "target": None}
        if stored.family is Family.RELATIONSHIP:
            row["source"] = self._one(stored.pk, "source_ref")
            row["target"] = self._one(stored.pk, "target_ref")
        return row

    def _one(self, pk: int, key: str) -> Stored | None:
        found = self._platform.store.objects.targets(pk, key, 1)
        return found[0] if found else None

    def entity(self, request: Request) -> Response:
        """One object with everything around it."""
        objects = self._platform.store.objects
        stored = objects.get(request.path_params["any_id"])
        if stored is None:
            return self._missing(request, "object")
        data = stored.data
        return self._render(
            "entity.html",
            request,
            stored=stored,
            attributes=[
                (key, _readable(value))
                for key, value in data.items()
                if key not in NOT_LISTED
            ],
            row=self._row(stored),
            author=self._one(stored.pk, "created_by_ref"),
            markings=objects.targets(stored.pk, "object_marking_refs"),
            labels=objects.targets(stored.pk, LABEL),
            phases=objects.targets(stored.pk, KILL_CHAIN_PHASE),
            references=objects.targets(stored.pk, EXTERNAL_REFERENCE),
            contents=objects.targets(stored.pk, "object_refs", PAGE_SIZE),
            containers=objects.referrers(stored.pk, "object_refs", PAGE_SIZE),
            relations=self._relations(stored, _integer(request, "after")),
            raw=orjson.dumps(data, option=orjson.OPT_INDENT_2).decode(),
        )

    def _relations(self, stored: Stored, after: int) -> dict[str, Any]:
        """Return a page of what an object is related to, grouped by direction and kind."""
        objects = self._platform.store.objects
        groups: dict[tuple[str, str], list[tuple[Stored, Stored]]] = {}
        more = 0
        for mine, theirs in ENDS:
            found = objects.referrers(stored.pk, mine, PAGE_SIZE + 1, after)
            if len(found) > PAGE_SIZE:
                more = max(more, found[PAGE_SIZE - 1].pk)
            for relation in found[:PAGE_SIZE]:
                other = self._one(relation.pk, theirs)
                if other is not None:
                    direction = "out" if mine == "source_ref" else "in"
                    groups.setdefault((direction, relation.entity_type), []).append(
                        (relation, other)
                    )
        return {"groups": groups, "more": more or None, "after": after}

    def _missing(self, request: Request, what: str) -> Response:
        response = self._render("missing.html", request, what=what)
        response.status_code = 404
        return response

    def login_form(self, request: Request, failed: bool = False) -> Response:
        """Ask for the token."""
        response = self._render("login.html", request, failed=failed)
        response.status_code = 401
        return response

    async def login(self, request: Request) -> Response:
        """Take the token and remember it in a cookie."""
        async with request.form() as form:
            token = str(form.get("token", ""))
        if not self._is_token(token):
            return self.login_form(request, failed=True)
        response = RedirectResponse("/", 303)
        response.set_cookie(COOKIE, token, httponly=True, samesite="strict")
        return response

    def _is_token(self, token: str) -> bool:
        return hmac.compare_digest(token.encode(), self._options.token.encode())

    def may_read(self, request: Request) -> bool:
        """Return whether a visitor may read: on loopback everybody, elsewhere who has the token.

        A page of another site cannot read along under a name of its own: on loopback only its names are served.
        """
        if self._options.is_local:
            return request.url.hostname in {"127.0.0.1", "localhost", "::1"}
        return self._is_token(request.cookies.get(COOKIE, ""))


def _integer(request: Request, name: str) -> int:
    text = request.query_params.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


def _readable(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(member, str) for member in value):
        return ", ".join(value)
    if isinstance(value, dict | list):
        return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    return str(value)


def routes(platform: Platform, options: ServerOptions) -> list[BaseRoute]:
    """Return the routes of the page."""
    pages = Pages(platform, options)

    def guarded(
        page: Callable[[Request], Response],
    ) -> Callable[[Request], Awaitable[Response]]:
        async def show(request: Request) -> Response:
            if not pages.may_read(request):
                return pages.login_form(request)
            return await run_in_threadpool(page, request)

        return show

    static = Path(str(resources.files(__package__).joinpath("static")))
    return [
        Route("/", guarded(pages.overview)),
        Route("/connectors", guarded(pages.connectors)),
        Route("/works", guarded(pages.works)),
        Route("/works/{work_id:path}", guarded(pages.work)),
        Route("/entities", guarded(pages.entities)),
        Route("/entities/{any_id:path}", guarded(pages.entity)),
        Route("/login", pages.login, methods=["POST"]),
        Mount("/static", StaticFiles(directory=static)),
    ]

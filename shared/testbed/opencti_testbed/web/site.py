"""What all pages share: how they are rendered, who may see them, what happens to a form."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from opencti_testbed.admin import json_response
from opencti_testbed.config import MEBIBYTE, ServerOptions
from opencti_testbed.drafts.workspaces import DraftLocked
from opencti_testbed.files.multipart import Upload
from opencti_testbed.graphql.platform import Platform
from opencti_testbed.graphql.registry import ApiError
from opencti_testbed.ingest.worker import InvalidBundle
from opencti_testbed.lanes.asking import NotAsked
from opencti_testbed.store.browsing import Browsing
from opencti_testbed.store.changes import Changes
from opencti_testbed.store.connectors import UnknownConnector
from opencti_testbed.store.files import RefusedFile
from opencti_testbed.store.objects import Stored
from opencti_testbed.web import readable
from opencti_testbed.web.visitors import Visitors

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    # Addresses hold what people look for: other sites are not told.
    "Referrer-Policy": "same-origin",
}
NAVIGATION = (
    ("/", "Overview"),
    ("/entities", "Data"),
    ("/connectors", "Connectors"),
    ("/works", "Works"),
    ("/files", "Files"),
    ("/drafts", "Drafts"),
    ("/live", "Live"),
)
MOST_FIELDS = 2_000
Page = Callable[[Request], Response]
Deed = Callable[[Request, FormData], Response]


class Refused(ValueError):
    """What a form asks for cannot be done; the text says why."""


class Gone(ValueError):
    """What a form is about is not there."""


# What the platform says when it does not do something; each says why in words.
REFUSALS = (
    Refused,
    ApiError,
    DraftLocked,
    InvalidBundle,
    NotAsked,
    RefusedFile,
    UnknownConnector,
)


def environment() -> Environment:
    """Return the template environment; everything is escaped, a missing name is an error."""
    templates = Environment(
        loader=PackageLoader("opencti_testbed.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(
        number=lambda n: f"{n:,}",
        size=readable.size,
        moment=moment,
        words=readable.words,
        segment=lambda text: quote(str(text), safe=""),
        query=lambda values: urlencode({k: v for k, v in values.items() if v}),
    )
    templates.globals["shown"] = readable.shown
    return templates


def moment(text: Any) -> Markup:
    """Return an instant (ISO 8601, UTC) for people: to the second, nothing for nothing."""
    whole = str(text or "")
    if not whole:
        return Markup("")
    return Markup('<time datetime="{}">{}</time>').format(
        whole, whole[:19].replace("T", " ")
    )


class Site:
    """One platform's pages.

    Attributes:
        platform: what they show.
        browsing: its lists.
        changes: its journal by works and objects.
        visitors: who may see them.
    """

    def __init__(
        self, platform: Platform, options: ServerOptions, visitors: Visitors
    ) -> None:
        """Bind a platform."""
        self.platform = platform
        self.options = options
        self.visitors = visitors
        self.browsing = Browsing(platform.store.database)
        self.changes = Changes(platform.store.database)
        self._templates = environment()

    # -- answers ------------------------------------------------------------------------------------------------------

    def page(
        self, request: Request, template: str, status: int = 200, **values: Any
    ) -> Response:
        """Return a page."""
        text = self._templates.get_template(template).render(
            path=request.url.path,
            navigation=NAVIGATION,
            form_token=self.visitors.form_token,
            **values,
        )
        return HTMLResponse(text, status, headers=HEADERS)

    def missing(self, request: Request, what: str) -> Response:
        """Return the page that says that something is not there."""
        return self.page(request, "missing.html", 404, what=what)

    def refused(self, request: Request, why: str, status: int = 400) -> Response:
        """Return the page that says why something was not done."""
        return self.page(request, "refused.html", status, why=why)

    def login_form(self, request: Request, failed: bool = False) -> Response:
        """Ask for the token."""
        return self.page(request, "login.html", 401, failed=failed)

    # -- routes -------------------------------------------------------------------------------------------------------

    def shows(self, path: str, page: Page) -> Route:
        """Return the route of a page."""

        async def answer(request: Request) -> Response:
            if not self.visitors.may_read(request):
                return self.login_form(request)
            return await run_in_threadpool(page, request)

        return Route(path, answer)

    def answers(
        self, path: str, page: Callable[[Request], Awaitable[Response]]
    ) -> Route:
        """Return the route of what a page's scripts ask for."""

        async def answer(request: Request) -> Response:
            if not self.visitors.may_read(request):
                return json_response({"error": "the token is needed"}, 401)
            response = await page(request)
            response.headers.update(HEADERS)
            return response

        return Route(path, answer)

    def does(self, path: str, deed: Deed) -> Route:
        """Return the route of a form that changes something."""

        async def answer(request: Request) -> Response:
            if not self.visitors.may_read(request):
                return self.login_form(request)
            most = self.options.max_body_bytes
            length = request.headers.get("content-length", "")
            if not length.isdigit() or int(length) > most:
                return self.refused(
                    request,
                    f"Forms of more than {readable.size(most)} are not accepted.",
                    413,
                )
            async with request.form(
                max_fields=MOST_FIELDS, max_part_size=MEBIBYTE
            ) as form:
                if not self.visitors.may_act(request, form):
                    return self.refused(
                        request,
                        "This form does not come from a page of this platform as it runs now. Load the page again.",
                        403,
                    )
                taken = await _with_content(form)
            return await run_in_threadpool(self._do, deed, request, taken)

        return Route(path, answer, methods=["POST"])

    def _do(self, deed: Deed, request: Request, form: FormData) -> Response:
        try:
            return deed(request, form)
        except Gone as error:
            return self.missing(request, str(error))
        except REFUSALS as error:
            return self.refused(request, str(error))

    # -- what many pages need -----------------------------------------------------------------------------------------

    def works(self, rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return works with the names of their connectors and the share that is done."""
        names = {c["id"]: c["name"] for c in self.platform.store.connectors.all()}
        return [
            {
                **row,
                "connector_name": names.get(row["connector_id"], row["connector_id"]),
                "connector_known": row["connector_id"] in names,
                "share": (
                    min(1.0, row["processed"] / row["expected"])
                    if row["expected"]
                    else float(row["status"] == "complete")
                ),
            }
            for row in rows
        ]

    def entity(self, any_id: str) -> Stored:
        """Return an object.

        Raises:
            Refused: there is none.
        """
        stored = self.platform.store.objects.get(any_id.strip())
        if stored is None:
            raise Refused(f"There is no object with the id {any_id!r}.")
        return stored


async def _with_content(form: FormData) -> FormData:
    """Return a form with the content of its files: the rest works in a thread."""
    return FormData(
        [
            (
                name,
                (
                    Upload(  # type: ignore[misc]
                        value.filename or "",
                        (value.content_type or "").partition(";")[0].strip(),
                        await value.read(),
                    )
                    if isinstance(value, UploadFile)
                    else value
                ),
            )
            for name, value in form.multi_items()
        ]
    )


def text_of(form: FormData, name: str) -> str:
    """Return a field of a form as text; empty when it is not there."""
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""


def texts_of(form: FormData, name: str) -> tuple[str, ...]:
    """Return all texts of a field that can be there several times."""
    found = (value for value in form.getlist(name) if isinstance(value, str))
    return tuple(value.strip() for value in found if value.strip())


def integer(request: Request, name: str) -> int:
    """Return a number of the query string; 0 when it is none."""
    text = request.query_params.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


def see(path: str) -> Response:
    """Send the browser to a page after something was done."""
    return RedirectResponse(path, 303)

"""The page's routes, all together."""

from importlib import resources
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from opencti_testbed.config import ServerOptions
from opencti_testbed.graphql.platform import Platform
from opencti_testbed.streams.routes import Listeners
from opencti_testbed.web.asking import Asking
from opencti_testbed.web.connectors import Connectors
from opencti_testbed.web.data import Data
from opencti_testbed.web.drafts import Drafts
from opencti_testbed.web.entity import Entity
from opencti_testbed.web.files import Files
from opencti_testbed.web.graph import Graph
from opencti_testbed.web.live import Live
from opencti_testbed.web.site import Site, see
from opencti_testbed.web.visitors import COOKIE, Visitors
from opencti_testbed.web.works import Works


def routes(
    platform: Platform,
    options: ServerOptions,
    visitors: Visitors,
    listeners: Listeners,
) -> list[BaseRoute]:
    """Return the routes of the page."""
    site = Site(platform, options, visitors)
    asking = Asking(site)

    async def login(request: Request) -> Response:
        """Take the token and remember it in a cookie."""
        async with request.form() as form:
            token = str(form.get("token", ""))
        if not visitors.is_token(token):
            return site.login_form(request, failed=True)
        response = see("/")
        response.set_cookie(COOKIE, token, httponly=True, samesite="strict")
        return response

    static = Path(str(resources.files(__package__).joinpath("static")))
    return [
        *asking.routes(),
        *Works(site).routes(),
        *Connectors(site).routes(),
        *Data(site, asking).routes(),
        *Graph(site).routes(),
        *Entity(site, asking).routes(),
        *Files(site, asking).routes(),
        *Drafts(site).routes(),
        *Live(site, listeners).routes(),
        Route("/login", login, methods=["POST"]),
        Mount("/static", StaticFiles(directory=static)),
    ]

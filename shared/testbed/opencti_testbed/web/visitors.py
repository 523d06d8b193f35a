"""Who may see the page, and who may press its buttons."""

import hmac
import secrets
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from opencti_testbed.config import ServerOptions

COOKIE = "testbed_token"
# The field of every form that changes something; only who can read the page knows its value.
FORM_TOKEN = "form_token"


class Visitors:
    """Tells visitors from pages of other sites that act through a visitor's browser."""

    def __init__(self, options: ServerOptions) -> None:
        """Make a new token for forms: forms of an earlier start are refused."""
        self._options = options
        self.form_token = secrets.token_urlsafe(24)

    def is_token(self, token: str) -> bool:
        """Return whether this is the platform's token."""
        return hmac.compare_digest(token.encode(), self._options.token.encode())

    def may_read(self, request: Request) -> bool:
        """Return whether a visitor may read: on loopback everybody, elsewhere who has the token.

        A page of another site cannot read along under a name of its own: on loopback only its names are served.
        """
        if self._options.is_local:
            return request.url.hostname in {"127.0.0.1", "localhost", "::1"}
        return self.is_token(request.cookies.get(COOKIE, ""))

    def may_act(self, request: Request, form: Mapping[str, Any]) -> bool:
        """Return whether a form was sent from a page of this platform.

        Its token shows it. Browsers say besides where a request comes from: one of another site is refused whatever
        it knows.
        """
        sent = form.get(FORM_TOKEN)
        from_here = request.headers.get("sec-fetch-site") in (None, "same-origin")
        return (
            from_here
            and isinstance(sent, str)
            and hmac.compare_digest(sent.encode(), self.form_token.encode())
        )

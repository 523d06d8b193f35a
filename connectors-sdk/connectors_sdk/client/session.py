"""A `requests.Session` that keeps credentials at home.

Home is the origin (scheme, host, port) of the client's base URL plus hosts named as trusted. Everywhere else, whether an
API hands out an absolute URL or redirects there, a request goes without the client's credentials.
"""

import logging
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.cookies import RequestsCookieJar, get_cookie_header

from connectors_sdk.client.exceptions import ApiRedirectError
from connectors_sdk.client.redact import is_sensitive_name, register_secret, shown_url

logger = logging.getLogger("connectors_sdk.client")

_DEFAULT_PORTS = {"http": 80, "https": 443}

# Headers that say nothing about who asks. All others stay at home: an unknown header may well be a credential.
HARMLESS_HEADERS = frozenset(
    {
        "accept",
        "accept-charset",
        "accept-encoding",
        "accept-language",
        "cache-control",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "range",
        "transfer-encoding",
        "user-agent",
    }
)

Origin = tuple[str, str, int | None]


def origin(url: str) -> Origin:
    """Return scheme, host name and port of a URL, in lower case, the default port filled in."""
    try:
        parts = urlsplit(url)
        scheme = parts.scheme.lower()
        return (
            scheme,
            (parts.hostname or "").lower(),
            parts.port or _DEFAULT_PORTS.get(scheme),
        )
    except ValueError:
        return ("", "", None)


class Home:  # pylint: disable=too-few-public-methods
    """Where credentials may go.

    Args:
        base_url: The client's base URL.
        trusted_hosts: Further host names; over https only, unless the base URL is plain http itself.
    """

    def __init__(self, base_url: str, trusted_hosts: Iterable[str] = ()) -> None:
        self._base = origin(base_url)
        self._trusted = {host.lower() for host in trusted_hosts}

    def __contains__(self, url: object) -> bool:
        """Tell whether `url` is at home."""
        scheme, host, port = origin(str(url))
        if not host:
            return False
        if (scheme, host, port) == self._base:
            return True
        if (scheme, host, port) == ("https", self._base[1], 443):
            # The same host, only encrypted.
            return self._base[0] == "http" and self._base[2] == 80
        return host in self._trusted and (scheme == "https" or self._base[0] == "http")


class HomeSession(requests.Session):
    """See the module.

    Args:
        home: Where credentials may go.
        own_trust: The client has a private CA: environment variables do not replace it.
    """

    def __init__(self, home: Home, *, own_trust: bool = False) -> None:
        super().__init__()
        self._home = home
        self._own_trust = own_trust

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        """Prepare a request; one that leaves home without the session's credentials."""
        _register_secrets(request)
        if (request.url or "") in self._home:
            return super().prepare_request(request)
        with requests.Session() as guest:
            guest.trust_env = self.trust_env
            guest.headers.clear()
            guest.headers.update(harmless(self.headers))
            guest.hooks = self.hooks
            guest.cookies = _bound_to_domain(self.cookies)
            request.headers = harmless(request.headers or {})
            return guest.prepare_request(request)

    def rebuild_auth(
        self, prepared_request: requests.PreparedRequest, response: requests.Response
    ) -> None:
        """Take credentials off a redirected request that leaves home."""
        super().rebuild_auth(prepared_request, response)  # type: ignore[no-untyped-call]
        url = str(prepared_request.url)
        if url in self._home:
            return
        if prepared_request.body:
            raise ApiRedirectError(
                f"{prepared_request.method} {shown_url(str(response.url))} redirects to the foreign host "
                f"{origin(url)[1]}; it was not followed, because the request's body may hold secrets. "
                "Use the new address as base URL, or list the host as trusted."
            )
        logger.debug(
            "Redirected to %s; going there without credentials", shown_url(url)
        )
        kept = harmless(prepared_request.headers)
        # netrc entries are bound to a host, `super().rebuild_auth` has chosen the right one.
        prepared_request.headers.clear()
        prepared_request.headers.update(kept)
        jar = _bound_to_domain(self.cookies)
        if cookies := get_cookie_header(jar, prepared_request):  # type: ignore[no-untyped-call]
            prepared_request.headers["Cookie"] = cookies

    def merge_environment_settings(
        self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any
    ) -> Any:
        """Merge settings: of the call, then of the session, then of the environment.

        (`requests` would let the environment's proxies and CA bundle override those of the session.)
        """
        proxies = {**self.proxies, **(proxies or {})}
        if verify is None and self.verify is not True:
            verify = self.verify
        settings = super().merge_environment_settings(
            url, proxies, stream, verify, cert
        )
        if self._own_trust and verify in (None, True):
            settings["verify"] = True
        return settings


def harmless(headers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the headers that may go to a foreign host."""
    return {
        name: value
        for name, value in headers.items()
        if _text(name).lower() in HARMLESS_HEADERS
    }


def _text(name: str | bytes) -> str:
    return name.decode("latin-1") if isinstance(name, bytes) else name


def _register_secrets(request: requests.Request) -> None:
    for source in (request.headers, request.params):
        if isinstance(source, Mapping):
            register_secret(
                *(
                    value
                    for name, value in source.items()
                    if is_sensitive_name(_text(name))
                )
            )
    if isinstance(request.auth, tuple):
        register_secret(request.auth[-1])


def _bound_to_domain(jar: Any) -> RequestsCookieJar:
    """Return the cookies that name a domain; those without one would be sent to every host."""
    bound = RequestsCookieJar()
    for cookie in jar:
        if cookie.domain:
            bound.set_cookie(cookie)
    return bound

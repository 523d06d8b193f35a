"""The HTTP client a connector's own client derives from."""

import dataclasses
import logging
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import requests
import urllib3.exceptions

from connectors_sdk.client.body import MAX_BODY_BYTES, MAX_SECONDS, BodyReader
from connectors_sdk.client.exceptions import ApiClientError
from connectors_sdk.client.network_errors import translate
from connectors_sdk.client.paging_api import PagingApi
from connectors_sdk.client.quota import DailyQuota
from connectors_sdk.client.rate_limit import (
    DEFAULT_TIMEOUT,
    RateLimit,
    Timeout,
    Transport,
    _RateLimitAdapter,
)
from connectors_sdk.client.redact import (
    guard_http_logs,
    plain,
    register_secret,
    shown_url,
)
from connectors_sdk.client.retry import RetryPolicy
from connectors_sdk.client.session import HARMLESS_HEADERS, Home, HomeSession
from connectors_sdk.client.statuses import error_for
from connectors_sdk.client.timing import Timing
from connectors_sdk.client.tls import TrustStore
from connectors_sdk.client.transfer_api import TransferApi

logger = logging.getLogger("connectors_sdk.client")

MAX_ERROR_BYTES = 1024 * 1024


class BaseClientApi(
    TransferApi, PagingApi
):  # pylint: disable=too-many-instance-attributes  # one per setting
    """HTTP client for one source. Derive from it, give credentials through `session_headers`, call `_get` and friends.

    Example:
        class FeedClient(BaseClientApi):
            def __init__(self, base_url: str, api_key: SecretStr) -> None:
                super().__init__(base_url, rate_limit="4/minute", raise_on_limit_exceeded=False)
                self._api_key = api_key

            @property
            def session_headers(self) -> dict[str, str]:
                return {"X-Api-Key": self._api_key.get_secret_value()}

            def indicators(self) -> Iterator[list[dict[str, Any]]]:
                return self._paginate_offset("/v1/indicators", results_extractor="data")

    Args:
        base_url: Address that paths are relative to. Credentials go to its origin only.
        timeout: Seconds to wait for a connection and between two pieces of an answer, or (connect, read). There is
            always one; None means the default.
        ssl_verify: Verify certificates. A path means: trust exactly the authorities of that file or folder.
        max_retries: Further attempts after a failed one, see `RetryPolicy`.
        backoff_factor: Base of the pauses between attempts, seconds.
        rate_limit: Requests per period and host, retries included: `RateLimit(100, "minute")`, `"100/minute"`,
            `"4/minute; 500/day"`.
        raise_on_limit_exceeded: Raise `ApiRateLimitError` at the limit; False: wait for room.
        retry: Finer settings; takes the place of `max_retries` and `backoff_factor`.
        daily_quota: Budget of requests per day, remembered across restarts; `QuotaExceededError` when spent.
        proxies: Proxy for this client in place of `HTTP_PROXY`/`HTTPS_PROXY`: an URL, or URLs by scheme; "" for none.
        ca: Private authority to trust in addition: path, or PEM text.
        trusted_hosts: Further hosts that may get the credentials.
        secrets: Values to keep out of messages and logs, in addition to those of headers and parameters.
        max_body_bytes: Biggest answer that is read into memory; None for no limit.
        max_seconds: Longest time an answer may take in total, seconds.
        transport: Sends requests in place of the network, for tests; limits, retries and errors work as usual.
        timing: Clock, sleep and chance, for tests.

    Raises:
        ApiConfigurationError: A setting cannot be used.
    """

    def __init__(  # pylint: disable=too-many-arguments,too-many-locals
        self,
        base_url: str,
        *,
        timeout: Timeout | None = DEFAULT_TIMEOUT,
        ssl_verify: bool | str = True,
        max_retries: int = 3,
        backoff_factor: float = 1.0,
        rate_limit: RateLimit | str | None = None,
        raise_on_limit_exceeded: bool = True,
        retry: RetryPolicy | None = None,
        daily_quota: DailyQuota | None = None,
        proxies: str | Mapping[str, str] | None = None,
        ca: str | Path | None = None,
        trusted_hosts: Iterable[str] = (),
        secrets: Iterable[Any] = (),
        max_body_bytes: int | None = MAX_BODY_BYTES,
        max_seconds: float = MAX_SECONDS,
        transport: Transport | None = None,
        timing: Timing = Timing(),
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._timeout: Timeout = DEFAULT_TIMEOUT if timeout is None else timeout
        self._ssl_verify = ssl_verify
        self._retry = retry or RetryPolicy(max_retries, backoff_factor)
        self._max_retries = self._retry.max_retries
        self._backoff_factor = self._retry.backoff_factor
        self._rate_limit = rate_limit
        self._raise_on_limit_exceeded = raise_on_limit_exceeded
        self._daily_quota = daily_quota
        self._proxies = _proxies_by_scheme(proxies)
        self._private_ca = ca
        self._trust = TrustStore(ca)
        self._home = Home(self._base_url, trusted_hosts)
        self._body = BodyReader(max_body_bytes, max_seconds, timing)
        self._transport = transport
        self._timing = timing
        self.__session: requests.Session | None = None
        register_secret(*secrets)
        guard_http_logs()

    def __repr__(self) -> str:
        """Return class and base URL, no secrets."""
        return f"<{type(self).__name__} {shown_url(self._base_url)}>"

    def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        if self.__session is not None:
            self.__session.close()
            self.__session = None

    # --- The session ------------------------------------------------------------------------------------------------

    @property
    def session_headers(self) -> dict[str, str]:
        """Headers of every request, read once when the session is made; override to give credentials."""
        return {}

    @property
    def _session(self) -> requests.Session:
        """The session, made on first use."""
        if self.__session is None:
            self.__session = self._make_session()
        return self.__session

    def _make_session(self) -> requests.Session:
        session = HomeSession(self._home, own_trust=bool(self._private_ca))
        session.verify = self._ssl_verify
        session.proxies.update(self._proxies)
        session.headers["Accept"] = "application/json"
        for name, value in self.session_headers.items():
            session.headers[name] = plain(value)
            if name.lower() not in HARMLESS_HEADERS:
                register_secret(value)
        if self._ssl_verify is False:
            logger.warning(
                "Certificates of %s are not verified: anyone on the way can read and change what is exchanged.",
                shown_url(self._base_url),
            )
        adapter = _RateLimitAdapter(
            rate_limit=self._rate_limit,
            rate_limit_key=self._base_url,
            raise_on_limit_exceeded=self._raise_on_limit_exceeded,
            retry=dataclasses.replace(
                self._retry,
                max_retries=self._max_retries,
                backoff_factor=self._backoff_factor,
            ),
            quota=self._daily_quota,
            timeout=self._timeout,
            body=self._body,
            trust=self._trust,
            transport=self._transport,
            timing=self._timing,
        )
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        return session

    # --- Requests ---------------------------------------------------------------------------------------------------

    def _get(
        self, path: str, *, params: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> Any:
        """GET `path` and return the parsed body, see `_request`."""
        return self._request("GET", path, params=params, **kwargs)

    def _post(
        self,
        path: str,
        *,
        json: Any = None,
        data: Any = None,
        params: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """POST a JSON (`json`), form-encoded or raw (`data`) body and return the parsed answer, see `_request`."""
        return self._request(
            "POST", path, json=json, data=data, params=params, **kwargs
        )

    def _put(
        self,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """PUT a JSON body and return the parsed answer, see `_request`."""
        return self._request("PUT", path, json=json, params=params, **kwargs)

    def _patch(
        self,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """PATCH with a JSON body and return the parsed answer, see `_request`."""
        return self._request("PATCH", path, json=json, params=params, **kwargs)

    def _delete(
        self, path: str, *, params: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> Any:
        """DELETE `path` and return the parsed answer, see `_request`."""
        return self._request("DELETE", path, params=params, **kwargs)

    def _request(self, method: str, path: str, **kwargs: Any) -> Any:
        """Send a request and return the parsed body.

        Args:
            method: HTTP method.
            path: Path relative to the base URL, or an absolute URL (to a foreign host: without credentials).
            kwargs: Passed on to `requests.Session.request`.

        Returns:
            See `_parse_response`; None for 204.

        Raises:
            ApiUnauthorizedError, ApiForbiddenError, ApiNotFoundError, ApiRateLimitError, ApiServerError,
            ApiClientError: The status says so.
            ApiConnectionError, ApiTimeoutError, ApiTruncatedError, ...: No (whole) answer.
        """
        response = self._checked_request(method, path, **kwargs)
        return None if response.status_code == 204 else self._parse_response(response)

    def _checked_request(
        self, method: str, path: str, **kwargs: Any
    ) -> requests.Response:
        """Send a request and return the answer itself; raises what `_request` raises."""
        response = self._raw_request(method, path, **kwargs)
        if not response.ok:
            self._raise_for_status(response, method, path)
        return response

    def _raw_request(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        """Send a request and return the answer whatever its status.

        Override it to change every request, for instance to set a header that changes.

        Args:
            method, path, kwargs: As of `_request`.

        Raises:
            ApiConnectionError, ApiTimeoutError, ApiTruncatedError, ...: No (whole) answer. With `stream=True` the body
                is not read here.
        """
        if kwargs.get("timeout") is None:
            kwargs["timeout"] = self._timeout
        if isinstance(kwargs.get("params"), Mapping):
            kwargs["params"] = {
                name: plain(value) for name, value in kwargs["params"].items()
            }
        session = self._session
        url = path
        try:
            url = self._build_url(path)
            return session.request(method, url, **kwargs)
        except (
            requests.exceptions.RequestException,
            urllib3.exceptions.HTTPError,
            ValueError,
        ) as error:
            failure = translate(error, method, url)
        # Raised outside of the handler: its context would carry the original, unredacted text.
        raise failure

    def _raise_for_status(
        self, response: requests.Response, method: str, path: str
    ) -> None:
        """Raise the error for an answer that is not a success."""
        url = str(getattr(response, "url", None) or self._build_url(path))
        with suppress(ApiClientError):
            # Only a streamed answer is still unread. What the source says is wanted, but not whatever its size.
            self._body.limited_to(MAX_ERROR_BYTES).load(response)
        raise error_for(response, method, url, abroad=url not in self._home)

    def _parse_response(self, response: requests.Response) -> Any:
        """Return the body of a successful answer; override for other formats.

        Returns:
            By `Content-Type`: JSON parsed; `text/*` as str, None when empty; anything else as bytes; without one, JSON
            if it is, else text, None when empty.

        Raises:
            ApiJsonDecodeError: It claims to be JSON and is not.
        """
        kind = (response.headers.get("Content-Type") or "").partition(";")[0]
        kind = kind.strip().lower()
        if kind == "application/json" or kind.endswith("+json"):
            try:
                return response.json()
            except ValueError as error:
                failure = translate(error, "Answer of", self._url_of(response))
            raise failure
        if kind.startswith("text/"):
            return response.text or None
        if kind:
            return response.content
        if not response.text:
            return None
        try:
            return response.json()
        except ValueError:
            return response.text

    def _build_url(self, path: str) -> str:
        """Return the URL of a path relative to the base URL; an absolute URL is returned as it is."""
        return urljoin(self._base_url + "/", path.lstrip("/"))

    def _url_of(self, response: requests.Response) -> str:
        return str(getattr(response, "url", None) or self._base_url)


def _proxies_by_scheme(proxies: str | Mapping[str, str] | None) -> dict[str, str]:
    if proxies is None:
        return {}
    if isinstance(proxies, str):
        return {"http": proxies, "https": proxies}
    everything = proxies.get("all")
    given = {name: url for name, url in proxies.items() if name != "all"}
    if everything is not None:
        given = {"http": everything, "https": everything, **given}
    return given

"""The surface that clients of connectors rely on: names, arguments, parsing, errors."""

from datetime import datetime, timedelta, timezone
from typing import Any
from unittest.mock import MagicMock, patch

import pytest
import requests

import connectors_sdk.client as package
from connectors_sdk.client.base_client_api import BaseClientApi
from connectors_sdk.client.exceptions import (
    ApiClientError,
    ApiConfigurationError,
    ApiForbiddenError,
    ApiJsonDecodeError,
    ApiNotFoundError,
    ApiRateLimitError,
    ApiServerError,
    ApiUnauthorizedError,
)
from connectors_sdk.client.rate_limit import RateLimit, _RateLimitAdapter
from connectors_sdk.client.redact import register_secret
from connectors_sdk.testing import Canned, CannedServer


class KeyClient(BaseClientApi):
    @property
    def session_headers(self) -> dict[str, str]:
        return {"X-API-KEY": "k3y-of-a-test", "User-Agent": "tester"}


def answer(status: int = 200, **attributes: Any) -> MagicMock:
    """Return an answer as tests of connectors fake it: only what `requests.Response` has as class attributes."""
    fake = MagicMock(spec=requests.Response)
    fake.status_code = status
    fake.ok = status < 400
    fake.headers = {}
    fake.text = ""
    fake.content = b""
    for name, value in attributes.items():
        setattr(fake, name, value)
    return fake


def test_session_is_made_once_and_late() -> None:
    client: Any = KeyClient("https://api.example.com/", timeout=30, max_retries=5)
    assert client._BaseClientApi__session is None
    session = client._session
    assert session is client._session
    assert isinstance(session, requests.Session)
    assert session.headers["Accept"] == "application/json"
    assert session.headers["X-API-KEY"] == "k3y-of-a-test"
    assert session.verify is True
    assert client._base_url == "https://api.example.com"
    assert client._timeout == 30
    for scheme in ("http", "https"):
        adapter = session.get_adapter(f"{scheme}://api.example.com/x")
        assert isinstance(adapter, _RateLimitAdapter)
        assert adapter.max_retries.total == 5
        assert adapter._rate_limit_item is None
        assert adapter._raise_on_limit_exceeded is True


def test_a_subclass_may_extend_the_session() -> None:
    class Basic(BaseClientApi):
        @property
        def _session(self) -> requests.Session:
            session = super()._session
            session.auth = ("user", "password")
            return session

    assert Basic("https://api.example.com")._session.auth == ("user", "password")


def test_ssl_verify_and_limit_reach_the_session() -> None:
    client = BaseClientApi(
        "https://api.example.com",
        ssl_verify=False,
        rate_limit=RateLimit(10, "second"),
        raise_on_limit_exceeded=False,
    )
    assert client._session.verify is False
    adapter: Any = client._session.get_adapter("https://api.example.com")
    assert adapter._rate_limit_item is not None
    assert adapter._raise_on_limit_exceeded is False


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("/v1/x", "https://api.example.com/base/v1/x"),
        ("v1/x", "https://api.example.com/base/v1/x"),
        ("https://other.example/y", "https://other.example/y"),
    ],
)
def test_build_url(path: str, url: str) -> None:
    assert BaseClientApi("https://api.example.com/base/")._build_url(path) == url


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_verbs(server: CannedServer, method: str) -> None:
    server.on(method, "/items", Canned({"ok": method}))
    client = KeyClient(server.url)
    arguments: dict[str, Any] = {"params": {"q": "a b"}}
    if method in ("post", "put", "patch"):
        arguments["json"] = {"name": "x"}
    assert getattr(client, f"_{method}")("/items", **arguments) == {"ok": method}
    (request,) = server.requests
    assert request.method == method.upper()
    assert request.query == {"q": ["a b"]}
    assert request.headers["x-api-key"] == "k3y-of-a-test"
    if "json" in arguments:
        assert request.json == {"name": "x"}


def test_raw_body_and_extra_headers(server: CannedServer) -> None:
    server.on("POST", "/raw", Canned("done"))
    assert (
        BaseClientApi(server.url)._post(
            "raw", data=b"\x00\x01", headers={"X-More": "1"}
        )
        == "done"
    )
    assert server.requests[0].body == b"\x00\x01"
    assert server.requests[0].headers["x-more"] == "1"


@pytest.mark.parametrize(
    ("canned", "parsed"),
    [
        (Canned('{"a": 1}', headers={"Content-Type": "application/json"}), {"a": 1}),
        (
            Canned(
                '{"a": 1}', headers={"Content-Type": "application/json; charset=utf-8"}
            ),
            {"a": 1},
        ),
        (
            Canned(
                '{"a": 1}',
                headers={"Content-Type": "application/stix+json;version=2.1"},
            ),
            {"a": 1},
        ),
        (Canned("hello", headers={"Content-Type": "text/plain"}), "hello"),
        (Canned("", headers={"Content-Type": "text/csv"}), None),
        (Canned(b"\x00PDF", headers={"Content-Type": "application/pdf"}), b"\x00PDF"),
        (Canned('{"a": 1}', headers={"Content-Type": ""}), {"a": 1}),
        (Canned("plain", headers={"Content-Type": ""}), "plain"),
        (Canned("", headers={"Content-Type": ""}), None),
        (Canned(b"", 204), None),
    ],
)
def test_parsing(server: CannedServer, canned: Canned, parsed: Any) -> None:
    server.on("GET", "/x", canned)
    assert BaseClientApi(server.url)._get("/x") == parsed


def test_broken_json_is_a_typed_error_and_still_a_value_error(
    server: CannedServer,
) -> None:
    server.on(
        "GET", "/x", Canned("<html>", headers={"Content-Type": "application/json"})
    )
    with pytest.raises(ApiJsonDecodeError) as caught:
        BaseClientApi(server.url)._get("/x")
    assert isinstance(caught.value, (ValueError, requests.exceptions.JSONDecodeError))
    assert "not valid JSON" in str(caught.value)


def test_hooks_are_called() -> None:
    class Hooked(BaseClientApi):
        asked: tuple[str, str]

        def _raw_request(
            self, method: str, path: str, **kwargs: Any
        ) -> requests.Response:
            type(self).asked = (method, path)
            return answer(
                json=MagicMock(return_value={"data": [1]}),
                headers={"Content-Type": "application/json"},
            )

        def _parse_response(self, response: requests.Response) -> Any:
            return super()._parse_response(response)["data"]

    client = Hooked("https://api.example.com")
    assert client._get("/x") == [1]
    assert client.asked == ("GET", "/x")


def test_a_faked_session_sees_method_url_and_timeout() -> None:
    client = BaseClientApi("https://api.example.com", timeout=7)
    with patch.object(client._session, "request", return_value=answer(204)) as request:
        assert client._delete("/x") is None
    args, kwargs = request.call_args
    assert args == ("DELETE", "https://api.example.com/x")
    assert kwargs["timeout"] == 7


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, ApiClientError),
        (401, ApiUnauthorizedError),
        (403, ApiForbiddenError),
        (404, ApiNotFoundError),
        (422, ApiClientError),
        (429, ApiRateLimitError),
        (500, ApiServerError),
        (503, ApiServerError),
    ],
)
def test_statuses_become_errors(
    server: CannedServer, status: int, error: type[ApiClientError]
) -> None:
    server.on("GET", "/x", Canned({"message": "what the source says"}, status))
    client = BaseClientApi(server.url, max_retries=0)
    with pytest.raises(error) as caught:
        client._get("/x")
    assert type(caught.value) is error
    assert caught.value.status_code == status
    assert caught.value.response_body == {"message": "what the source says"}
    assert "what the source says" in str(caught.value)
    assert client._raw_request("GET", "/x").status_code == status


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (
            {"errors": [{"detail": "Paid plans\nonly.", "status": 402}]},
            "Paid plans only.",
        ),
        ({"errors": [{"detail": "one."}, "two"]}, "one.; two."),
        ({"error": {"message": "expired"}}, "expired."),
        ({"detail": [{"loc": ["query"], "msg": "missing"}]}, "missing."),
        ({"errors": "x" * 300}, f"{'x' * 200}…."),
        # Half of a secret is none of the words either.
        ({"message": "x" * 195 + " the-key-of-the-test"}, "x" * 195 + " ***."),
        ({"errors": [], "message": None, "detail": 5}, None),
        (["no object"], None),
    ],
)
def test_what_the_source_says_is_told(
    server: CannedServer, body: Any, told: str | None
) -> None:
    server.on("GET", "/x", Canned(body, 402))
    register_secret("the-key-of-the-test")
    with pytest.raises(ApiClientError) as caught:
        BaseClientApi(server.url, max_retries=0)._get("/x")
    _, _, said = str(caught.value).partition(" The source says: ")
    assert said == (told or "")


@pytest.mark.parametrize(
    ("text", "body"),
    [("", None), ("short", "short"), ("x" * 3000, "x" * 2000 + "...[truncated]")],
)
def test_error_bodies_that_are_no_json(
    server: CannedServer, text: str, body: str | None
) -> None:
    server.on("GET", "/x", Canned(text, 400))
    with pytest.raises(ApiClientError) as caught:
        BaseClientApi(server.url)._get("/x")
    assert caught.value.response_body == body


def test_error_arguments() -> None:
    error = ApiClientError("test", status_code=418, response_body={"x": 1})
    assert (str(error), error.status_code, error.response_body) == (
        "test",
        418,
        {"x": 1},
    )
    assert ApiClientError("test").status_code is None
    limited = ApiRateLimitError("limited", retry_after=60.0)
    assert (limited.status_code, limited.retry_after) == (429, 60.0)
    assert ApiRateLimitError("limited").retry_after is None
    assert ApiUnauthorizedError("no").status_code == 401
    assert ApiServerError("down", status_code=502).status_code == 502


def test_retry_after_is_read_in_both_forms() -> None:
    parse = ApiRateLimitError.parse_retry_after
    soon = datetime.now(timezone.utc) + timedelta(seconds=90)
    date = soon.strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert parse({"Retry-After": "30"}) == 30.0
    assert parse({"retry-after": "1.5"}) == 1.5
    assert parse({"Retry-After": "-3"}) == 0.0
    assert 80 < (parse({"Retry-After": date}) or 0) <= 90
    assert parse({"Retry-After": date}, now=soon.timestamp() + 100) == 0.0
    for nothing in (
        {},
        {"Retry-After": "later"},
        {"Retry-After": "nan"},
        {"Retry-After": "inf"},
    ):
        assert parse(nothing) is None


def test_rate_limit_notation() -> None:
    assert str(RateLimit(100, "minute")) == "100/minute"
    assert RateLimit(5, "day") == RateLimit(5, "day")
    with pytest.raises(AttributeError):
        RateLimit(1, "day").limit = 2  # type: ignore[misc]


def test_the_adapter_alone_limits_a_faked_transport() -> None:
    request = MagicMock(spec=requests.PreparedRequest)
    request.url = "https://api.example.com/test"
    with patch.object(
        requests.adapters.HTTPAdapter, "send", return_value=answer()
    ) as send:
        free = _RateLimitAdapter(rate_limit=None)
        free.send(request)
        free.send(request)
        assert send.call_count == 2
        for limit in (RateLimit(1, "minute"), "1/minute"):
            adapter = _RateLimitAdapter(rate_limit=limit, rate_limit_key="test")
            adapter.send(request)
            with pytest.raises(ApiRateLimitError) as caught:
                adapter.send(request)
            assert 0 < (caught.value.retry_after or 0) <= 60
        waiting = _RateLimitAdapter(
            rate_limit="1/second", rate_limit_key="test", raise_on_limit_exceeded=False
        )
        waiting.send(request)
        with patch.object(waiting, "_wait_or_raise") as wait:
            waiting.send(request)
        wait.assert_called_once()


def test_waiting_sleeps_until_the_window_has_room() -> None:
    adapter = _RateLimitAdapter(
        rate_limit="1/second", rate_limit_key="test", raise_on_limit_exceeded=False
    )
    stats = MagicMock(reset_time=1000.5)
    adapter._limiter = MagicMock()
    adapter._limiter.get_window_stats.return_value = stats
    adapter._limiter.hit.side_effect = [False, True]
    with (
        patch("connectors_sdk.client.rate_limit.time.sleep") as sleep,
        patch("connectors_sdk.client.rate_limit.time.time", return_value=1000.0),
    ):
        adapter._wait_or_raise()
    assert [call.args[0] for call in sleep.call_args_list] == [pytest.approx(0.5)] * 2


def test_every_public_name_is_there() -> None:
    for name in package.__all__:
        assert getattr(package, name) is not None
    with pytest.raises(AttributeError):
        package.no_such_name  # pylint: disable=pointless-statement


def test_no_timeout_means_the_default_not_for_ever() -> None:
    assert BaseClientApi("https://api.example.com", timeout=None)._timeout == 60
    with pytest.raises(ApiConfigurationError):
        BaseClientApi("https://api.example.com", max_retries=-1)


def test_the_representation_hides_credentials() -> None:
    client = BaseClientApi("https://user:pa55w0rd@api.example.com/v1?token=t0k3n-abc")
    assert repr(client) == "<BaseClientApi https://api.example.com/v1>"

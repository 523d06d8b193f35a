"""Credentials go home only, and turn up in no message and no log."""

import base64
import logging
import traceback
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from connectors_sdk.client.base_client_api import BaseClientApi
from connectors_sdk.client.exceptions import (
    ApiClientError,
    ApiRedirectError,
    ApiUnauthorizedError,
)
from connectors_sdk.client.redact import (
    RedactingFilter,
    Redactor,
    is_sensitive_name,
    redact,
    register_secret,
    shown_url,
)
from connectors_sdk.client.session import Home
from connectors_sdk.testing import Canned, CannedServer, Fault

KEY = "c4n4ry-k3y/with+odd=chars"


class KeyClient(BaseClientApi):
    @property
    def session_headers(self) -> dict[str, str]:
        return {
            "X-Feed-Id": KEY,
            "Authorization": f"Bearer {KEY}",
            "User-Agent": "tester",
        }


def no_credentials(headers: dict[str, str]) -> bool:
    return (
        not any(KEY in value for value in headers.values())
        and "authorization" not in headers
    )


# --- At home -----------------------------------------------------------------------------------------------------------


def test_absolute_urls_abroad_get_no_credentials(
    server: CannedServer, other_server: CannedServer, client_of: Any
) -> None:
    for one in (server, other_server):
        one.on("GET", "/x", Canned({}))
    client = client_of(server.url, KeyClient)
    client._session.params = {"api_key": KEY}
    client._session.auth = ("user", KEY)
    client._session.cookies.set("sid", KEY)
    client._get(f"{server.url}/x")
    client._get(
        f"{other_server.url}/x",
        headers={"X-Token": KEY, "Range": "bytes=0-"},
        params={"page": 1},
    )
    home, abroad = server.requests[0], other_server.requests[0]
    assert home.headers["x-feed-id"] == KEY
    assert home.query == {"api_key": [KEY]}
    assert home.headers["cookie"] == f"sid={KEY}"
    assert no_credentials(abroad.headers)
    assert abroad.query == {"page": ["1"]}
    assert abroad.headers["user-agent"] == "tester"
    assert abroad.headers["accept"] == "application/json"
    assert abroad.headers["range"] == "bytes=0-"


def test_an_override_that_adds_a_header_to_every_request_does_not_leak_it(
    other_server: CannedServer, client_of: Any
) -> None:
    class Signing(BaseClientApi):
        def _raw_request(self, method: str, path: str, **kwargs: Any) -> Any:
            return super()._raw_request(
                method, path, headers={"Authorization": f"Bearer {KEY}"}, **kwargs
            )

    other_server.on("GET", "/x", Canned({}))
    client_of("https://api.example.com", Signing)._get(f"{other_server.url}/x")
    assert no_credentials(other_server.requests[0].headers)


def test_credentials_of_a_single_call_are_the_authors_choice(
    other_server: CannedServer, client_of: Any
) -> None:
    other_server.on("POST", "/login", Canned({}))
    client_of("https://api.example.com", KeyClient)._post(
        f"{other_server.url}/login", auth=("id", "p4ssw0rd-x")
    )
    assert other_server.requests[0].headers["authorization"].startswith("Basic ")
    assert "x-feed-id" not in other_server.requests[0].headers


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirections_abroad_get_no_credentials(
    server: CannedServer, other_server: CannedServer, client_of: Any, status: int
) -> None:
    server.on(
        "GET",
        "/x",
        Canned(
            "",
            status,
            {"Location": f"{other_server.url}/y", "Set-Cookie": f"sid={KEY}"},
        ),
    )
    other_server.on("GET", "/y", Canned("", 302, {"Location": "/z"}))
    other_server.on("GET", "/z", Canned({"ok": True}))
    client = client_of(server.url, KeyClient)
    client._session.cookies.set("everywhere", KEY)
    assert client._get("/x", headers={"X-Token": KEY}) == {"ok": True}
    assert server.requests[0].headers["x-feed-id"] == KEY
    for request in other_server.requests:
        # A cookie belongs to a host name, whatever the port, and both servers share one.
        assert {"authorization", "x-feed-id", "x-token"}.isdisjoint(request.headers)
        assert "everywhere" not in request.headers.get("cookie", "")


def test_redirections_at_home_keep_credentials(
    server: CannedServer, client_of: Any
) -> None:
    server.on("GET", "/x", Canned("", 302, {"Location": "/y"}))
    server.on("GET", "/y", Canned({}))
    client_of(server.url, KeyClient)._get("/x")
    assert server.requests[1].headers["x-feed-id"] == KEY


def test_a_body_is_not_carried_abroad(
    server: CannedServer, other_server: CannedServer, client_of: Any
) -> None:
    server.on("POST", "/x", Canned("", 307, {"Location": f"{other_server.url}/y"}))
    with pytest.raises(ApiRedirectError, match="not followed"):
        client_of(server.url)._post("/x", json={"password": KEY})
    assert not other_server.requests


def test_trusted_hosts_get_credentials(
    server: CannedServer, other_server: CannedServer, client_of: Any
) -> None:
    other_server.on("GET", "/x", Canned({}))
    client = client_of(server.url, KeyClient, trusted_hosts=["127.0.0.1"])
    client._get(f"{other_server.url}/x")
    assert other_server.requests[0].headers["x-feed-id"] == KEY


@pytest.mark.parametrize(
    ("url", "at_home"),
    [
        ("https://api.example.com/x", True),
        ("https://API.example.com:443/x", True),
        ("https://cdn.example.com/x", True),
        ("http://api.example.com/x", False),
        ("http://cdn.example.com/x", False),
        ("https://api.example.com:8443/x", False),
        ("https://api.example.com.evil.example/x", False),
        ("https://api.example.com@evil.example/x", False),
        ("https://evil.example/api.example.com", False),
        ("https://api.example.com:notaport/", False),
        ("/relative", False),
        ("", False),
    ],
)
def test_home(url: str, at_home: bool) -> None:
    assert (url in Home("https://api.example.com/v1", ["cdn.example.com"])) is at_home


def test_home_may_be_upgraded_to_tls() -> None:
    assert "https://api.example.com/x" in Home("http://api.example.com")
    assert "https://api.example.com/x" not in Home("http://api.example.com:8080")


def test_a_refusal_abroad_says_that_no_credentials_were_sent(
    other_server: CannedServer, client_of: Any
) -> None:
    other_server.on("GET", "/x", Canned("", 401))
    with pytest.raises(ApiUnauthorizedError, match="trusted_hosts"):
        client_of("https://api.example.com", KeyClient)._get(f"{other_server.url}/x")


# --- In no message -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["status", "reset", "truncated", "limit"])
@pytest.mark.parametrize("level", ["DEBUG", "INFO", "ERROR"])
def test_no_secret_in_errors_and_logs(
    server: CannedServer,
    client_of: Any,
    caplog: pytest.LogCaptureFixture,
    fault: str,
    level: str,
) -> None:
    answers = {
        "status": Canned(
            {"message": f"the key {KEY} is unknown", "echo": {"api_key": KEY}}, 400
        ),
        "reset": Canned(fault=Fault.RESET),
        "truncated": Canned({}, fault=Fault.TRUNCATED),
        "limit": Canned({}),
    }
    server.on("GET", f"/{KEY}", answers[fault])
    client = client_of(
        server.url,
        KeyClient,
        rate_limit="2/minute",
        secrets=[SecretStr("0ther-s3cret")],
    )
    with caplog.at_level(level):
        with pytest.raises(ApiClientError) as caught:
            for _ in range(3):
                client._get(
                    f"/{KEY}",
                    params={"token": "t0k3n in the query", "q": "0ther-s3cret"},
                )
        logging.getLogger("connectors_sdk.client").warning("%s", caught.value)
    error = caught.value
    everything = "\n".join(
        [
            str(error),
            repr(error),
            repr(error.response_body),
            caplog.text,
            "".join(traceback.format_exception(error)),
        ]
    )
    # The lines of this test's own source are part of the traceback, so the values are looked for, not their names.
    for secret in (
        KEY,
        "t0k3n+in+the",
        "t0k3n%20in",
        "t0k3n in the query",
        "0ther-s3cret",
    ):
        shown = [
            line
            for line in everything.splitlines()
            if secret in line and "client._get(" not in line
        ]
        assert not shown


def test_secret_strings_are_accepted_where_values_are(
    server: CannedServer, client_of: Any
) -> None:
    class Hidden(BaseClientApi):
        @property
        def session_headers(self) -> Any:
            return {"X-Key": SecretStr("s3cr3t-of-header")}

    server.on("GET", "/x", Canned({}))
    client_of(server.url, Hidden)._get(
        "/x", params={"token": SecretStr("s3cr3t-of-query")}
    )
    assert server.requests[0].headers["x-key"] == "s3cr3t-of-header"
    assert server.requests[0].query == {"token": ["s3cr3t-of-query"]}
    assert redact("s3cr3t-of-header s3cr3t-of-query") == "*** ***"


def test_forms_of_a_secret() -> None:
    redactor = Redactor()
    redactor.register(
        'pa ss"w/ö',
        SecretStr("hidden-value"),
        b"bytes-value",
        None,
        "abc",
        "Bearer tok-123",
    )
    redactor.register("Basic " + base64.b64encode(b"user:basic-pass").decode())
    for shown in (
        'pa ss"w/ö',
        "pa%20ss%22w/%C3%B6",
        "pa%20ss%22w%2F%C3%B6",
        "pa+ss%22w%2F%C3%B6",
        'pa ss\\"w/\\u00f6',
        "hidden-value",
        "bytes-value",
        "tok-123",
        "basic-pass",
        base64.b64encode('pa ss"w/ö'.encode()).decode(),
    ):
        assert redactor(f"<{shown}>") == "<***>"
    # Too short to be told from ordinary words.
    assert redactor("abc") == "abc"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "GET https://u:p@host/x?api_key=1&page=2#f",
            "GET https://***@host/x?api_key=***&page=2#f",
        ),
        ("/x?page=2&access_token=abc", "/x?page=2&access_token=***"),
        ("/x?sig=abc;key=d", "/x?sig=***;key=***"),
        ("/x?keyword=abc&monkey=d&author=e", "/x?keyword=abc&monkey=d&author=e"),
        ("Authorization: Bearer abc", "Authorization: ***"),
        ("{'X-Api-Key': 'abc'}", "{'X-Api-Key': '***'}"),
    ],
)
def test_what_looks_like_a_credential(text: str, shown: str) -> None:
    assert Redactor()(text) == shown


@pytest.mark.parametrize(
    "name",
    [
        "api_key",
        "apiKey",
        "X-Api-Key",
        "token",
        "client_secret",
        "pwd",
        "X-Amz-Signature",
        "Cookie",
    ],
)
def test_sensitive_names(name: str) -> None:
    assert is_sensitive_name(name)


def test_trees_are_redacted_by_value_and_by_name() -> None:
    redactor = Redactor()
    redactor.register("canary-1")
    tree = {
        "a": ["x canary-1", 1, None],
        "password": "short",
        "token": 5,
        "n": {"k": "canary-1"},
    }
    assert redactor.tree(tree) == {
        "a": ["x ***", 1, None],
        "password": "***",
        "token": 5,
        "n": {"k": "***"},
    }


@given(st.text(min_size=4, max_size=30), st.text(max_size=20), st.text(max_size=20))
def test_a_registered_secret_never_survives(
    secret: str, before: str, after: str
) -> None:
    redactor = Redactor()
    redactor.register(secret)
    kept = secret.strip()
    if len(kept) < 4 or set(kept) <= {"*"}:
        return
    assert kept not in redactor(f"{before}{kept}{after}").replace("***", "\0")


def test_the_filter_covers_arguments_tracebacks_and_extras() -> None:
    register_secret("canary-of-filter")
    record: Any = logging.LogRecord(
        "any", logging.INFO, "f", 1, "%s and %s", ("canary-of-filter", 2), None
    )
    record.attributes = {"deep": ["canary-of-filter"]}
    try:
        raise ValueError("canary-of-filter")
    except ValueError as error:
        record.exc_info = (type(error), error, error.__traceback__)
    assert RedactingFilter().filter(record)
    # Formatters that print the exception themselves must not get it.
    assert record.exc_info is None
    assert record.getMessage() == "*** and 2"
    assert record.__dict__["attributes"] == {"deep": ["***"]}
    text = logging.Formatter().format(record)
    assert "ValueError: ***" in text
    assert "canary-of-filter" not in text.replace(
        'raise ValueError("canary-of-filter")', ""
    )


def test_shown_urls() -> None:
    assert shown_url("https://u:p@host:1/x?q=1#f") == "https://host:1/x"
    assert shown_url("http://[broken?q=1") == "http://[broken"

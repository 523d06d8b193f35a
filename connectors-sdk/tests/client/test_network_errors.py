"""Errors of the network in words, typed, and still what `requests` would have raised."""

import pickle
import socket
import ssl
from typing import Any

import pytest
import requests
import urllib3.exceptions

from connectors_sdk.client import exceptions
from connectors_sdk.client.exceptions import (
    ApiClientError,
    ApiConnectionError,
    ApiConnectTimeoutError,
    ApiContentEncodingError,
    ApiDecodeError,
    ApiJsonDecodeError,
    ApiProxyError,
    ApiRateLimitError,
    ApiRedirectError,
    ApiRequestError,
    ApiStorageError,
    ApiTimeoutError,
    ApiTlsError,
    ApiTooLargeError,
    ApiTruncatedError,
)
from connectors_sdk.client.network_errors import translate
from connectors_sdk.testing import Canned, CannedServer


@pytest.mark.parametrize(
    ("kind", "parents"),
    [
        (ApiConnectionError, [requests.exceptions.ConnectionError]),
        (ApiTlsError, [ApiConnectionError, requests.exceptions.SSLError]),
        (ApiProxyError, [ApiConnectionError, requests.exceptions.ProxyError]),
        (
            ApiTimeoutError,
            [requests.exceptions.Timeout, requests.exceptions.ReadTimeout],
        ),
        (
            ApiConnectTimeoutError,
            [
                ApiTimeoutError,
                requests.exceptions.ConnectTimeout,
                requests.exceptions.ConnectionError,
            ],
        ),
        (
            ApiTruncatedError,
            [ApiConnectionError, requests.exceptions.ChunkedEncodingError, EOFError],
        ),
        (ApiTooLargeError, [requests.exceptions.RequestException]),
        (ApiDecodeError, [requests.exceptions.RequestException, ValueError]),
        (ApiJsonDecodeError, [ApiDecodeError, requests.exceptions.JSONDecodeError]),
        (
            ApiContentEncodingError,
            [ApiDecodeError, requests.exceptions.ContentDecodingError],
        ),
        (ApiRedirectError, [requests.exceptions.TooManyRedirects]),
        (ApiRequestError, [requests.exceptions.RequestException, ValueError]),
        (ApiStorageError, [OSError]),
        (ApiRateLimitError, []),
    ],
)
def test_families(kind: type[ApiClientError], parents: list[type[Exception]]) -> None:
    error = kind("what happened")
    assert str(error) == "what happened"
    assert error.response_body is None
    assert isinstance(error, ApiClientError)
    for parent in parents:
        assert isinstance(error, parent)
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy)) == (kind, "what happened")


def test_all_names_are_there() -> None:
    for name in exceptions.__all__:
        assert issubclass(getattr(exceptions, name), ApiClientError)
    with pytest.raises(AttributeError):
        exceptions.no_such_name  # pylint: disable=pointless-statement


def test_an_unknown_host(client_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(ApiConnectionError, match="host name cannot be resolved"):
        client_of("http://api.example.com", max_retries=0)._get("/x")


def test_a_closed_port(client_of: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ApiConnectionError) as caught:
        client_of(f"http://127.0.0.1:{port}", max_retries=0)._get("/x?q=1")
    assert f"GET http://127.0.0.1:{port}/x: no connection (Connection refused)" in str(
        caught.value
    )
    assert isinstance(caught.value.request, requests.PreparedRequest)


@pytest.mark.parametrize(
    "base_url",
    ["api.example.com", "ftp://api.example.com", "http://[broken", "http://"],
)
def test_an_address_that_is_none(client_of: Any, clock: Any, base_url: str) -> None:
    with pytest.raises(ApiRequestError):
        client_of(base_url)._get("/x")
    assert not clock.slept


def test_a_header_that_is_none(server: CannedServer, client_of: Any) -> None:
    with pytest.raises(ApiRequestError) as caught:
        client_of(server.url)._get("/x", headers={"X-Key": "s3cret-with-newline\n"})
    assert "s3cret" not in str(caught.value)


def test_redirections_in_a_circle(server: CannedServer, client_of: Any) -> None:
    server.on("GET", "/x", Canned("", 302, {"Location": "/x"}))
    with pytest.raises(ApiRedirectError):
        client_of(server.url)._get("/x")


def test_damaged_compression(server: CannedServer, client_of: Any) -> None:
    server.on(
        "GET", "/x", Canned(b"this is not gzip", headers={"Content-Encoding": "gzip"})
    )
    with pytest.raises(ApiContentEncodingError):
        client_of(server.url)._get("/x")
    # It would be damaged again.
    assert len(server.requests) == 1


def test_an_answer_too_large_for_memory(server: CannedServer, client_of: Any) -> None:
    server.on("GET", "/x", Canned(b"x" * 2000))
    with pytest.raises(ApiTooLargeError, match="limit of 1000 bytes"):
        client_of(server.url, max_body_bytes=1000)._get("/x")
    assert client_of(server.url, max_body_bytes=2000)._get("/x") == b"x" * 2000
    assert len(server.requests) == 2


def test_faked_sessions_are_translated_too(
    client_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of("https://api.example.com")

    def fail(*_: Any, **__: Any) -> Any:
        raise requests.exceptions.ConnectionError(
            "boom at https://api.example.com/x?token=t0k3n-abc"
        )

    monkeypatch.setattr(client._session, "request", fail)
    with pytest.raises(ApiConnectionError) as caught:
        client._get("/x")
    assert "boom" in str(caught.value)
    assert "t0k3n-abc" not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (requests.exceptions.ReadTimeout("x"), ApiTimeoutError),
        (urllib3.exceptions.ConnectTimeoutError(None, "slow"), ApiConnectTimeoutError),
        (requests.exceptions.SSLError("x"), ApiTlsError),
        (ssl.SSLError("x"), ApiTlsError),
        (
            urllib3.exceptions.ProtocolError(
                "Connection aborted.", ConnectionResetError(104, "reset by peer")
            ),
            ApiConnectionError,
        ),
        (urllib3.exceptions.IncompleteRead(1, 2), ApiTruncatedError),
        (requests.exceptions.InvalidJSONError("x"), ApiConnectionError),
        (TimeoutError("x"), ApiTimeoutError),
        (OSError("x"), ApiConnectionError),
    ],
)
def test_every_exception_finds_its_kind(
    error: Exception, kind: type[ApiClientError]
) -> None:
    result = translate(error, "get", "https://api.example.com/x?token=t0k3n-abc")
    assert type(result) is kind
    assert str(result).startswith("GET https://api.example.com/x: ")
    assert "t0k3n" not in str(result)


def test_nothing_unredacted_hangs_on_the_error(client_of: Any) -> None:
    """Tools that report exceptions walk along causes and contexts."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ApiConnectionError) as caught:
        client_of(f"http://127.0.0.1:{port}", max_retries=1)._get(
            "/x", params={"token": "t0k3n-abc"}
        )
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None

"""Proxies and private certificate authorities."""

import ssl
from pathlib import Path
from typing import Any

import pytest
import requests

from connectors_sdk.client.base_client_api import BaseClientApi
from connectors_sdk.client.exceptions import (
    ApiConfigurationError,
    ApiConnectionError,
    ApiProxyError,
    ApiTlsError,
)
from connectors_sdk.client.tls import TrustStore
from connectors_sdk.testing import Canned, CannedServer

RAW_GOOD = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"ok":true}'
GOOD = {"ok": True}


@pytest.fixture(name="plain")
def _plain(server: CannedServer) -> CannedServer:
    server.on("GET", "/x", Canned(GOOD))
    return server


@pytest.fixture(name="tls_server")
def _tls_server(raw_server: Any, authority: Any) -> Any:
    return raw_server(RAW_GOOD, tls=authority.server_context)


# --- Certificates ------------------------------------------------------------------------------------------------------


def test_an_unknown_authority_is_refused_once(
    tls_server: Any, client_of: Any, clock: Any
) -> None:
    with pytest.raises(ApiTlsError) as caught:
        client_of(tls_server.url)._get("/x")
    assert "certificate is not trusted" in str(caught.value)
    assert isinstance(caught.value, requests.exceptions.SSLError)
    # Trying again would change nothing.
    assert not clock.slept


@pytest.mark.parametrize("form", ["path", "text", "one line", "folder"])
def test_a_private_authority(
    tls_server: Any, client_of: Any, authority: Any, form: str, tmp_path: Path
) -> None:
    (tmp_path / "corporate.crt").write_text(authority.pem)
    (tmp_path / "readme.txt").write_text("no certificate")
    ca = {
        "path": authority.path,
        "text": authority.pem,
        "one line": authority.pem.replace("\n", "\\n"),
        "folder": str(tmp_path),
    }[form]
    assert client_of(tls_server.url, ca=ca)._get("/x") == GOOD


def test_the_private_authority_is_trusted_in_addition() -> None:
    usual = {str(ca) for ca in TrustStore().context().get_ca_certs()}
    assert usual


def test_another_authority_does_not_help(
    tls_server: Any, client_of: Any, authority: Any, tmp_path: Path
) -> None:
    (tmp_path / "bundle.pem").write_text(authority.pem)
    client = client_of(tls_server.url, ssl_verify=str(tmp_path / "bundle.pem"))
    assert client._get("/x") == GOOD
    assert client_of(tls_server.url, ca="")._private_ca == ""
    with pytest.raises(ApiTlsError):
        client_of(tls_server.url, ca="")._get("/x")


def test_the_name_is_checked(
    tls_server: Any, client_of: Any, authority: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = tls_server.url.replace("127.0.0.1", "localhost.localdomain")
    monkeypatch.setattr(
        "socket.getaddrinfo",
        lambda *_, **__: [(2, 1, 6, "", ("127.0.0.1", tls_server.port))],
    )
    with pytest.raises(ApiTlsError):
        client_of(url, ca=authority.pem)._get("/x")


@pytest.mark.parametrize(
    "ca",
    [
        "/no/such/file.pem",
        "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----",
    ],
)
def test_an_authority_that_is_none_is_refused_at_once(ca: str) -> None:
    with pytest.raises(ApiConfigurationError, match="PEM"):
        BaseClientApi("https://api.example.com", ca=ca)


def test_a_file_without_a_certificate_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing here")
    with pytest.raises(ApiConfigurationError, match="PEM"):
        BaseClientApi("https://api.example.com", ca=tmp_path / "empty.pem")


def test_the_environments_bundle_is_used_unless_the_client_has_its_own(
    tls_server: Any,
    client_of: Any,
    authority: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.path))
    assert client_of(tls_server.url)._get("/x") == GOOD
    (tmp_path / "other.pem").write_text(
        Path(requests.utils.DEFAULT_CA_BUNDLE_PATH).read_text("utf-8")
    )
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "other.pem"))
    with pytest.raises(ApiTlsError):
        client_of(tls_server.url)._get("/x")
    assert client_of(tls_server.url, ca=authority.pem)._get("/x") == GOOD


def test_verification_can_be_switched_off_whatever_the_environment_says(
    tls_server: Any,
    client_of: Any,
    authority: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", requests.utils.DEFAULT_CA_BUNDLE_PATH)
    with pytest.warns(match="Unverified HTTPS request"):
        assert client_of(tls_server.url, ssl_verify=False)._get("/x") == GOOD
    assert "not verified" in caplog.text


def test_connections_share_one_context() -> None:
    trust = TrustStore()
    assert trust.context() is trust.context()
    assert trust.context().verify_mode is ssl.CERT_REQUIRED
    assert trust.context().check_hostname


# --- Proxies -----------------------------------------------------------------------------------------------------------


def test_a_clients_proxy(plain: CannedServer, client_of: Any, tunnel: Any) -> None:
    client = client_of(
        plain.url, proxies=f"http://user:pr0xy-pass@127.0.0.1:{tunnel.port}"
    )
    assert client._get("/x") == GOOD
    (asked,) = tunnel.requests
    assert asked.startswith(f"GET {plain.url}/x HTTP/1.1".encode())
    assert b"Proxy-Authorization: Basic" in asked


@pytest.mark.parametrize("own", [True, False])
def test_a_tunnel_for_tls(
    tls_server: Any,
    client_of: Any,
    tunnel: Any,
    authority: Any,
    monkeypatch: pytest.MonkeyPatch,
    own: bool,
) -> None:
    proxies = tunnel.url if own else None
    if not own:
        monkeypatch.setenv("HTTPS_PROXY", tunnel.url)
    assert (
        client_of(tls_server.url, ca=authority.pem, proxies=proxies)._get(
            "/x", headers={"X-Key": "k"}
        )
        == GOOD
    )
    (asked,) = tunnel.requests
    assert asked.startswith(f"CONNECT 127.0.0.1:{tls_server.port}".encode())
    assert b"X-Key" not in asked
    assert b"X-Key: k" in tls_server.requests[0]


def test_the_environments_proxy_and_its_exceptions(
    plain: CannedServer, client_of: Any, tunnel: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", tunnel.url)
    monkeypatch.setenv("http_proxy", tunnel.url)
    client_of(plain.url)._get("/x")
    assert len(tunnel.requests) == 1
    client_of(plain.url, proxies="")._get("/x")
    assert len(tunnel.requests) == 1
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    client_of(plain.url)._get("/x")
    assert len(tunnel.requests) == 1


@pytest.mark.parametrize("scheme", ["http", "all"])
def test_a_clients_proxy_goes_before_the_environments(
    plain: CannedServer,
    client_of: Any,
    tunnel: Any,
    monkeypatch: pytest.MonkeyPatch,
    scheme: str,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    client_of(plain.url, proxies={scheme: tunnel.url})._get("/x")
    assert len(tunnel.requests) == 1


def test_redirections_go_through_the_proxy_too(
    plain: CannedServer, client_of: Any, tunnel: Any
) -> None:
    plain.on("GET", "/first", Canned("", 302, {"Location": "/x"}))
    assert client_of(plain.url, proxies=tunnel.url)._get("/first") == GOOD
    assert len(tunnel.requests) == 2


def test_a_proxy_that_refuses(raw_server: Any, client_of: Any) -> None:
    proxy = raw_server(
        b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    )
    client = client_of(
        "https://api.example.com",
        proxies=f"http://user:pr0xy-pass@127.0.0.1:{proxy.port}",
        max_retries=1,
    )
    with pytest.raises(ApiProxyError) as caught:
        client._get("/x")
    assert isinstance(
        caught.value, (ApiConnectionError, requests.exceptions.ProxyError)
    )
    assert "407" in str(caught.value)
    assert "pr0xy-pass" not in str(caught.value)


def test_a_proxy_that_is_not_there(client_of: Any) -> None:
    with pytest.raises(ApiProxyError, match="proxy"):
        client_of(
            "https://api.example.com", proxies="http://127.0.0.1:9", max_retries=0
        )._get("/x")

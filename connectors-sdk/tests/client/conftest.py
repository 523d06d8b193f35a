"""Servers on loopback that behave, and misbehave, as told; a clock that tests set."""

import datetime
import ipaddress
import os
import select
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connectors_sdk.client.base_client_api import BaseClientApi
from connectors_sdk.client.timing import Timing
from connectors_sdk.testing import CannedServer

Script = bytes | Callable[[socket.socket, bytes, threading.Event], None]


class RawServer:
    """Answers each connection with the next script: bytes, or a function of socket, request and stop event.

    After its script a connection is closed. The last script is repeated.
    """

    def __init__(self, scripts: tuple[Script, ...], tls: ssl.SSLContext | None) -> None:
        self.scripts = list(scripts)
        self.requests: list[bytes] = []
        self._tls = tls
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._stop.set()
        # Wakes the thread that waits in `accept`.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while not self._stop.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(
                target=self._serve, args=(connection,), daemon=True
            ).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        try:
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            with connection:
                request = read_request(connection)
                if not request:
                    return
                with self._lock:
                    self.requests.append(request)
                    script = (
                        self.scripts.pop(0)
                        if len(self.scripts) > 1
                        else self.scripts[0]
                    )
                if callable(script):
                    script(connection, request, self._stop)
                else:
                    connection.sendall(script)
        except OSError:
            # The client went away, or did not trust us: what many tests are about.
            connection.close()


def read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return data
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            while len(body) < int(value):
                body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def reset(connection: socket.socket) -> None:
    """Close with RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@dataclass
class Clock:
    """Time that passes only when somebody sleeps, and dice that always show the highest number."""

    time: float = 1_700_000_000.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds

    @property
    def timing(self) -> Timing:
        return Timing(
            sleep=self.sleep,
            now=lambda: self.time,
            monotonic=lambda: self.time,
            uniform=lambda _low, high: high,
        )


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.endswith("CA_BUNDLE"):
            monkeypatch.delenv(name)


@pytest.fixture(name="clock")
def _clock() -> Clock:
    return Clock()


@pytest.fixture(name="server")
def _server() -> Iterator[CannedServer]:
    with CannedServer() as server:
        yield server


@pytest.fixture(name="other_server")
def _other_server() -> Iterator[CannedServer]:
    with CannedServer() as server:
        yield server


@pytest.fixture(name="raw_server")
def _raw_server() -> Iterator[Callable[..., RawServer]]:
    """A function that starts a server with scripts (and `tls=` context)."""
    started: list[RawServer] = []

    def start(*scripts: Script, tls: ssl.SSLContext | None = None) -> RawServer:
        started.append(RawServer(scripts, tls))
        return started[-1]

    yield start
    for server in started:
        server.close()


@pytest.fixture(name="client_of")
def _client_of(clock: Clock) -> Iterator[Callable[..., BaseClientApi]]:
    """A function that makes a client for a base URL, with the test's clock."""
    made: list[BaseClientApi] = []

    def make(
        base_url: str, kind: type[BaseClientApi] = BaseClientApi, **options: Any
    ) -> BaseClientApi:
        options.setdefault("timing", clock.timing)
        options.setdefault("timeout", 5)
        made.append(kind(base_url, **options))
        return made[-1]

    yield make
    for client in made:
        client.close()


# --- Certificates ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Authority:
    """A private certificate authority, and a server context with a certificate that it issued for 127.0.0.1."""

    pem: str
    path: Path
    server_context: ssl.SSLContext


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(
    subject: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    extension: x509.ExtensionType,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(extension, critical=True)
        .sign(issuer_key, hashes.SHA256())
    )


@pytest.fixture(name="authority", scope="session")
def _authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    folder = tmp_path_factory.mktemp("ca")
    ca_key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca = _certificate(
        "Private CA", ca_key, "Private CA", ca_key, x509.BasicConstraints(True, None)
    )
    names = x509.SubjectAlternativeName(
        [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]
    )
    server = _certificate("server", server_key, "Private CA", ca_key, names)
    pem = ca.public_bytes(serialization.Encoding.PEM)
    (folder / "ca.pem").write_bytes(pem)
    (folder / "server.pem").write_bytes(
        server.public_bytes(serialization.Encoding.PEM)
        + server_key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return Authority(pem.decode(), folder / "ca.pem", context)


# --- Proxy -------------------------------------------------------------------------------------------------------------


@pytest.fixture(name="tunnel")
def _tunnel(raw_server: Callable[..., RawServer]) -> RawServer:
    """A proxy that passes on plain requests and CONNECT tunnels; `requests` are what it was asked for."""

    def serve(connection: socket.socket, request: bytes, stop: threading.Event) -> None:
        method, target, _ = request.split(b"\r\n")[0].split(b" ")
        place = target if method == b"CONNECT" else target.split(b"/")[2]
        host, port = place.decode().split(":")
        with socket.create_connection((host, int(port)), timeout=10) as upstream:
            if method == b"CONNECT":
                connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                upstream.sendall(
                    request.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
                )
            pump(connection, upstream, stop)

    return raw_server(serve)


def pump(one: socket.socket, other: socket.socket, stop: threading.Event) -> None:
    pair = {one: other, other: one}
    while not stop.is_set():
        readable, _, _ = select.select(list(pair), [], [], 0.2)
        for source in readable:
            data = source.recv(65536)
            if not data:
                return
            pair[source].sendall(data)

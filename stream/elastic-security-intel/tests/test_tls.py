"""A private authority, and client certificates: of Elasticsearch and of Kibana."""

import datetime
import ipaddress
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from connector.elastic import Store
from connector.rules import Rules
from connector.settings import ElasticSecurityConfig
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from elasticsearch import SSLError
from standin import API_KEY, ElasticStandIn

from connectors_sdk.client import ApiTlsError

Key = ec.EllipticCurvePrivateKey


class Authority:
    """Signs certificates, and writes them into a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])
        ca = x509.BasicConstraints(ca=True, path_length=0)
        self.file = self._write(
            "authority", self._certificate("authority", self._key, ca)
        )

    def issue(self, name: str) -> tuple[Path, Path]:
        """Return the files of a certificate for 127.0.0.1, and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        address = x509.SubjectAlternativeName(
            [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        )
        certificate = self._write(name, self._certificate(name, key, address))
        file = self._folder / f"{name}.key"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return certificate, file

    def _write(self, name: str, certificate: x509.Certificate) -> Path:
        file = self._folder / f"{name}.pem"
        file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return file

    def _certificate(self, name: str, key: Key, extension: Any) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        identifier = x509.SubjectKeyIdentifier.from_public_key
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(
            self._key.public_key()
        )
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(extension, critical=name == "authority")
            .add_extension(identifier(key.public_key()), critical=False)
            .add_extension(issuer, critical=False)
            .sign(self._key, hashes.SHA256())
        )


@pytest.fixture(name="authority")
def fixture_authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture(name="encrypted")
def fixture_encrypted(authority: Authority) -> Iterator[ElasticStandIn]:
    """The stand-in with TLS, which wants a client certificate."""
    elastic = ElasticStandIn()
    elastic.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    elastic.tls.load_cert_chain(*authority.issue("server"))
    elastic.tls.load_verify_locations(authority.file)
    elastic.tls.verify_mode = ssl.CERT_OPTIONAL
    with elastic:
        yield elastic


def settings(elastic: ElasticStandIn, **options: Any) -> ElasticSecurityConfig:
    return ElasticSecurityConfig(**{"url": elastic.url, "api_key": API_KEY, **options})


def test_a_private_authority_and_a_client_certificate(
    encrypted: ElasticStandIn, authority: Authority
) -> None:
    assert encrypted.tls is not None
    encrypted.tls.verify_mode = ssl.CERT_REQUIRED
    certificate, key = authority.issue("client")
    options = settings(
        encrypted, ca_cert=authority.file, client_cert=certificate, client_key=key
    )
    assert Store(options).version() == encrypted.version
    assert not list(Rules(f"{encrypted.url}/kibana", options).ids())


def test_the_authority_of_the_environment(
    encrypted: ElasticStandIn, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.file))
    assert Store(settings(encrypted)).version() == encrypted.version
    # What is configured counts more.
    other = Authority(authority.file.parent / "other")
    with pytest.raises(SSLError):
        Store(settings(encrypted, ca_cert=other.file)).version()


def test_an_unknown_authority(encrypted: ElasticStandIn) -> None:
    options = settings(encrypted)
    with pytest.raises(SSLError):
        Store(options).version()
    with pytest.raises(ApiTlsError):
        list(Rules(f"{encrypted.url}/kibana", options).ids())


def test_nothing_is_verified(encrypted: ElasticStandIn) -> None:
    options = settings(encrypted, verify_ssl=False)
    assert Store(options).version() == encrypted.version
    assert not list(Rules(f"{encrypted.url}/kibana", options).ids())

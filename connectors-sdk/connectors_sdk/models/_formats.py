"""What a value must look like to be what it claims to be.

The checks refuse what is certainly wrong (an IPv6 address in an IPv4 model, a name with a space) and leave the value as
it is: it makes the id.
"""

import re
import warnings
from collections.abc import Callable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from connectors_sdk.models.enums import HashAlgorithm

_MAC = re.compile(
    r"(?:[0-9A-Fa-f]{2}(?P<s>[:-]))(?:[0-9A-Fa-f]{2}(?P=s)){4}[0-9A-Fa-f]{2}"
    r"|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}|[0-9A-Fa-f]{12}"
)
_IPV4 = re.compile(
    r"(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?!\Z)|\Z)){4}"
)
_NOT_IN_DOMAIN = re.compile(r"[\s\x00-\x1f\x7f/:@?#]")
_NOT_IN_URL = re.compile(r"[\x00-\x1f\x7f]|\A\s|\s\Z")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:.")
_HEX = re.compile(r"[0-9A-Fa-f]+")
_DIGITS = {
    HashAlgorithm.MD5: 32,
    HashAlgorithm.SHA1: 40,
    HashAlgorithm.SHA256: 64,
    HashAlgorithm.SHA512: 128,
    HashAlgorithm.SHA3256: 64,
    HashAlgorithm.SHA3512: 128,
}


def _ip_check(version: int, kind: type) -> Callable[[str], str]:
    def check(value: str) -> str:
        if version == 4 and _IPV4.fullmatch(value):  # the way most of them look
            return value
        try:
            network = ip_network(value, strict=False)
        except ValueError:
            network = None
        if not isinstance(network, kind):
            raise ValueError(f"Invalid IP V{version} address {value!r}")
        return value

    return check


def _check_mac(value: str) -> str:
    if not _MAC.fullmatch(value):
        raise ValueError(f"Invalid MAC address {value!r}")
    return value


def _check_domain(value: str) -> str:
    if _NOT_IN_DOMAIN.search(value) or ".." in value:
        raise ValueError(f"Invalid domain name {value!r}")
    return value


def _check_url(value: str) -> str:
    if _NOT_IN_URL.search(value):
        raise ValueError(f"Invalid URL {value!r}")
    if not _SCHEME.match(value):
        warnings.warn(
            f"URL {value!r} has no scheme, the platform may refuse it",
            UserWarning,
            stacklevel=2,
        )
    return value


_SPELLINGS = {
    re.sub("[^a-z0-9]", "", member.value.lower()): member for member in HashAlgorithm
}


def _one_spelling(hashes: Any) -> Any:
    """Return hashes under the names that STIX has for them: `sha256`, `SHA256` and `SHA-256` are one algorithm."""
    if not isinstance(hashes, Mapping):
        return hashes
    return {
        _SPELLINGS.get(re.sub("[^a-z0-9]", "", str(name).lower()), name): digest
        for name, digest in hashes.items()
    }


def _check_hashes(hashes: dict[HashAlgorithm, str]) -> dict[HashAlgorithm, str]:
    for algorithm, digest in hashes.items():
        length = _DIGITS.get(algorithm)
        if length and (len(digest) != length or not _HEX.fullmatch(digest)):
            raise ValueError(
                f"{digest!r} is no {str(algorithm)}: that has {length} hexadecimal digits"
            )
    return hashes


IPv4Text = Annotated[str, AfterValidator(_ip_check(4, IPv4Network))]
IPv6Text = Annotated[str, AfterValidator(_ip_check(6, IPv6Network))]
MACText = Annotated[str, AfterValidator(_check_mac)]
DomainText = Annotated[str, AfterValidator(_check_domain)]
URLText = Annotated[str, AfterValidator(_check_url)]
Hashes = Annotated[
    dict[HashAlgorithm, str],
    BeforeValidator(_one_spelling),
    AfterValidator(_check_hashes),
]

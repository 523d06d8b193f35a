"""Random models of every type, drawn from what their fields allow."""

import inspect
import types
from base64 import b64encode
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from urllib.parse import quote

from hypothesis import strategies as st
from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo

from connectors_sdk import models
from connectors_sdk.models import BaseIdentifiedObject, BaseObject, Reference, patterns

CONCRETE: list[type[BaseObject]] = [
    model
    for name in models.__all__
    if inspect.isclass(model := getattr(models, name))
    and issubclass(model, BaseObject)
    and not inspect.isabstract(model)
]
IDENTIFIED = [model for model in CONCRETE if issubclass(model, BaseIdentifiedObject)]

TEXT = st.text(
    st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30
).filter(lambda text: text.strip() != "")
INSTANTS = st.datetimes(
    datetime(1990, 1, 1),
    datetime(2060, 1, 1),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]),
)
_HASHES = {
    "MD5": "d41d8cd98f00b204e9800998ecf8427e",
    "SHA-1": "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "SHA-256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "SHA-512": "cf83e1357eefb8bd" * 8,
    "SHA3-256": "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a",
    "SSDEEP": "3:a:b",
}
_REFERENCED_ID = "d5a0f5fe-91b3-53f0-8b4e-d0ea0c4bd0d9"
# What a field of this name may hold, where its type does not say it.
_BY_FIELD: dict[tuple[str, str], st.SearchStrategy[Any]] = {
    ("ExternalReference", "url"): st.just("https://host.example/page?a=1#b"),
    ("EmailAddress", "value"): st.from_regex(
        r"[a-z0-9.]{1,9}a@[a-z]{3}\.example", fullmatch=True
    ).filter(lambda address: ".." not in address and address[0] != "."),
    ("Artifact", "url"): st.just("https://host.example/artifact"),
    ("Directory", "path_enc"): st.just("UTF-8"),
    ("File", "name_enc"): st.just("UTF-8"),
    ("Software", "languages"): st.just(["eng", "deu"]),
    **{
        (model, field): st.just("text/plain")
        for model, field in (
            ("Artifact", "mime_type"),
            ("File", "mime_type"),
            ("EmailMessage", "content_type"),
            ("EmailMimePart", "content_type"),
        )
    },
    ("IPV4Address", "value"): st.ip_addresses(v=4).map(str),
    ("IPV6Address", "value"): st.ip_addresses(v=6).map(str),
    ("MACAddress", "value"): st.binary(min_size=6, max_size=6).map(
        lambda octets: octets.hex(":")
    ),
    ("DomainName", "value"): st.from_regex(
        r"[a-z0-9]{1,9}(\.[a-z]{2,5}){1,2}", fullmatch=True
    ),
    ("URL", "value"): st.text("abcXYZ019-._~%20/?&='", max_size=30).map(
        lambda text: f"https://host.example/{quote(text)}"
    ),
    ("File", "magic_number_hex"): st.binary(min_size=1).map(bytes.hex),
    ("Artifact", "payload_bin"): st.binary(min_size=1).map(
        lambda raw: b64encode(raw).decode()
    ),
    ("Software", "cpe"): st.just("cpe:2.3:a:a:b:1:*:*:*:*:*:*:*"),
    ("Process", "environment_variables"): st.dictionaries(
        st.from_regex(r"[A-Z]{3,8}", fullmatch=True), TEXT, min_size=1, max_size=2
    ),
    ("EmailMessage", "additional_header_fields"): st.dictionaries(
        st.from_regex(r"X-[A-Z]{3,8}", fullmatch=True),
        st.lists(TEXT, min_size=2, max_size=3),
        min_size=1,
        max_size=2,
    ),
    ("WindowsRegistryValue", "data_type"): st.just("REG_SZ"),
    ("Indicator", "pattern"): TEXT.map(lambda t: patterns.equals("url:value", t)),
    ("Indicator", "pattern_type"): st.just("stix"),
    ("Note", "publication_date"): st.none(),
    ("BaseDomainEntity", "stix_ids"): st.just([f"malware--{_REFERENCED_ID}"]),
}
# What STIX allows a reference of this name to point at.
_REFERENCE_TYPES = {
    "resolves_to": "mac-addr",
    "belongs_to": "autonomous-system",
    "markings": "marking-definition",
    "author": "identity",
    "data_source": "data-source",
    "entities": "ipv4-addr",
    "observed_data": "observed-data",
    "where_sighted": "identity",
    "host_vm": "software",
    "operating_system": "software",
    "installed_software": "software",
    "result_of": "security-coverage",
    "parent_directory": "directory",
    "content": "artifact",
    "src_payload": "artifact",
    "dst_payload": "artifact",
    "raw_email": "artifact",
    "body_raw": "artifact",
    "encapsulates": "network-traffic",
    "encapsulated_by": "network-traffic",
    "opened_connections": "network-traffic",
    "creator_user": "user-account",
    "image": "file",
    "contains": "file",
    "parent": "process",
    "children": "process",
    "sample": "file",
    "analysis_sco": "ipv4-addr",
    "src": "ipv4-addr",
    "dst": "ipv4-addr",
    "from_": "email-addr",
    "sender": "email-addr",
    "to": "email-addr",
    "cc": "email-addr",
    "bcc": "email-addr",
}


@cache
def of(model: type[BaseModel]) -> st.SearchStrategy[Any]:
    """Return a strategy for valid instances of a model."""
    required, optional = {}, {}
    for name, field in model.model_fields.items():
        drawn = _field(model, name, field)
        (required if field.is_required() else optional)[name] = drawn
    return st.fixed_dictionaries(required, optional=optional).map(
        lambda values: model(**_made_to_fit(model.__name__, values))
    )


def _field(
    model: type[BaseModel], name: str, field: FieldInfo
) -> st.SearchStrategy[Any]:
    for owner in model.__mro__:
        if (owner.__name__, name) in _BY_FIELD:
            return _BY_FIELD[owner.__name__, name]
    if name == "hashes":
        return st.sets(st.sampled_from(sorted(_HASHES)), min_size=1).map(
            lambda names: {algorithm: _HASHES[algorithm] for algorithm in names}
        )
    low, high, least = None, None, 0
    for bound in field.metadata:
        low = getattr(bound, "ge", low)
        if getattr(bound, "gt", None) is not None:
            low = bound.gt + 1
        high = getattr(bound, "le", high)
        least = getattr(bound, "min_length", least)
    return _annotation(model.__name__, name, field.annotation, low, high, least)


def _annotation(  # pylint: disable=too-many-return-statements  # a table of types
    model: str, name: str, kind: Any, low: Any, high: Any, least: int
) -> st.SearchStrategy[Any]:
    origin = get_origin(kind)
    if origin is Annotated:
        return _annotation(model, name, get_args(kind)[0], low, high, least)
    if origin in (Union, types.UnionType):
        members = [member for member in get_args(kind) if member is not type(None)]
        if Reference in members:
            return _reference(model, name)
        return _annotation(model, name, members[0], low, high, least)
    if origin is list:
        inner = _annotation(model, name, get_args(kind)[0], None, None, 0)
        return st.lists(inner, min_size=max(least, 1), max_size=3)
    if origin is Literal:
        return st.sampled_from(get_args(kind))
    if kind is AwareDatetime:
        return INSTANTS
    if not inspect.isclass(kind):
        raise NotImplementedError(f"{model}.{name}: {kind}")
    if name == "entities":
        return of(models.IPV4Address)
    if issubclass(kind, Enum):
        return st.sampled_from(kind)
    if issubclass(kind, BaseModel):
        return of(kind)
    if kind is bool:
        return st.booleans()
    if kind is int:
        return st.integers(
            low if low is not None else 0, high if high is not None else 2**31
        )
    if kind is float:
        return st.floats(
            low if low is not None else 0, high if high is not None else 100
        )
    return {
        str: TEXT,
        bytes: st.binary(max_size=99),
        datetime: INSTANTS,
    }[kind]


def _reference(model: str, name: str) -> st.SearchStrategy[Any]:
    if name == "author":
        return st.builds(models.OrganizationAuthor, name=TEXT)
    if name == "markings":
        return st.sampled_from(
            [
                models.TLPMarking(level="amber+strict"),
                Reference(id=models.TLPMarking(level="red").id),
            ]
        )
    kind = _REFERENCE_TYPES.get(name, "malware")
    if model == "DomainName":
        kind = "ipv4-addr"
    if model == "EmailAddress":
        kind = "user-account"
    return st.just(Reference(id=f"{kind}--{_REFERENCED_ID}"))


# pylint: disable-next=too-many-branches  # a table of models
def _made_to_fit(model: str, values: dict[str, Any]) -> dict[str, Any]:
    """Mend what only the whole of an object gets wrong.

    What OpenCTI allows and STIX does not (an empty report, a city without a country) has tests of its own.
    """
    for first, last in (
        ("first_seen", "last_seen"),
        ("first_observed", "last_observed"),
        ("start_time", "stop_time"),
        ("valid_from", "valid_until"),
        ("start", "end"),
        ("analysis_started", "analysis_ended"),
    ):
        if values.get(first) and values.get(last) and values[first] >= values[last]:
            values[last] = values[first] + timedelta(seconds=1)
    if model == "ExternalReference":
        values.setdefault("url", "https://host.example/")
    if "latitude" in values or "longitude" in values:
        values = {"latitude": 48.2082, "longitude": 16.3738, **values}
    elif model in ("AdministrativeArea", "City", "Position"):
        values = {"latitude": 48.2082, "longitude": 16.3738, **values}
    if model in ("Grouping", "Note", "Opinion", "Report"):
        values.setdefault("objects", [Reference(id=f"malware--{_REFERENCED_ID}")])
    if model == "Artifact":
        if "url" in values:
            values.pop("payload_bin", None)
            values.setdefault("hashes", {"MD5": _HASHES["MD5"]})
        else:
            values.setdefault("payload_bin", "AA==")
        if "encryption_algorithm" not in values:
            values.pop("decryption_key", None)
    elif model == "EmailMessage":
        values["is_multipart"] = bool(values.get("body_multipart"))
        if values["is_multipart"]:
            values.pop("body", None)
    elif model == "EmailMimePart":
        if "body_raw" in values:
            values.pop("body", None)
        else:
            values.setdefault("body", "text")
    elif model == "WindowsRegistryValue":
        values.setdefault("name", "a name")
    elif model == "UserAccount":
        values.setdefault("user_id", "1")
    elif model == "NetworkTraffic":
        values.setdefault("src", Reference(id=f"ipv4-addr--{_REFERENCED_ID}"))
        values["is_active"] = values.get("is_active") and "end" not in values or False
    elif model == "Process":
        values.setdefault("pid", 1)
    elif model == "File":
        values.setdefault("name", "a name")
    elif model == "MalwareAnalysis":
        values.setdefault("result", "benign")
    return values

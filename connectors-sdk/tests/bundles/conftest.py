"""Little STIX objects for the tests of bundles."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

Stix = dict[str, Any]


def make(kind: str, name: str, **values: Any) -> Stix:
    """Return a dictionary of this STIX type whose id follows from type and name."""
    stix_id = f"{kind}--{uuid.uuid5(uuid.NAMESPACE_URL, f'{kind} {name}')}"
    return {
        "type": kind,
        "spec_version": "2.1",
        "id": stix_id,
        "created": "2024-01-01T00:00:00.000Z",
        "modified": "2024-01-01T00:00:00.000Z",
        "name": name,
        **values,
    }


@pytest.fixture(name="stix")
def _stix() -> Callable[..., Stix]:
    return make

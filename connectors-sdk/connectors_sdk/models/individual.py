"""A person."""

from collections.abc import Mapping
from typing import Any, ClassVar

from connectors_sdk.models._identity import BaseIdentity


class Individual(BaseIdentity):
    """A person (STIX identity of class `individual`).

    Attributes:
        contact_information: how to reach the person.
    """

    _stix_constants: ClassVar[Mapping[str, Any]] = {"identity_class": "individual"}

    contact_information: str | None = None

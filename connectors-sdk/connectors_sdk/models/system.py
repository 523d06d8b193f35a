"""A system."""

from collections.abc import Mapping
from typing import Any, ClassVar

from connectors_sdk.models._identity import BaseIdentity


class System(BaseIdentity):
    """A computer system of somebody (STIX identity of class `system`).

    Attributes:
        contact_information: how to reach who runs it.
    """

    _stix_constants: ClassVar[Mapping[str, Any]] = {"identity_class": "system"}

    contact_information: str | None = None

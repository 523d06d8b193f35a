"""A product that protects."""

from collections.abc import Mapping
from typing import Any, ClassVar

from connectors_sdk.models._identity import BaseIdentity


class SecurityPlatform(BaseIdentity):
    """A product that detects or prevents attacks (STIX identity of class `securityplatform`, OpenCTI's SecurityPlatform).

    Attributes:
        security_platform_type: kind of product, for example `EDR`.
        contact_information: how to reach who runs it.
    """

    _stix_constants: ClassVar[Mapping[str, Any]] = {
        "identity_class": "securityplatform"
    }

    security_platform_type: str | None = None
    contact_information: str | None = None

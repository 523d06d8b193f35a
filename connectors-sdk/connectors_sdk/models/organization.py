"""An organization."""

from collections.abc import Mapping
from typing import Any, ClassVar

from connectors_sdk.models._identity import BaseIdentity
from connectors_sdk.models.enums import OrganizationType


class Organization(BaseIdentity):
    """An organization (STIX identity of class `organization`).

    Attributes:
        contact_information: how to reach it.
        organization_type: what kind of organization it is.
    """

    _stix_constants: ClassVar[Mapping[str, Any]] = {"identity_class": "organization"}
    _stix_keys: ClassVar[Mapping[str, str]] = {
        "organization_type": "x_opencti_organization_type"
    }

    contact_information: str | None = None
    organization_type: OrganizationType | None = None

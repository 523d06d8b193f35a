"""An organization."""

from typing import Any, ClassVar

from connectors_sdk.models._identity import BaseIdentity
from connectors_sdk.models.enums import OrganizationType


class Organization(BaseIdentity):
    """An organization (STIX identity of class `organization`).

    Attributes:
        contact_information: how to reach it.
        organization_type: what kind of organization it is.
    """

    _identity_class: ClassVar[str] = "organization"

    contact_information: str | None = None
    organization_type: OrganizationType | None = None

    def _own_properties(self) -> dict[str, Any]:
        return {
            **super()._own_properties(),
            "contact_information": self.contact_information,
            "x_opencti_organization_type": self.organization_type,
        }

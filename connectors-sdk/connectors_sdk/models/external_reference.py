"""A pointer to something outside STIX."""

from typing import Any

from connectors_sdk.models.base_object import BaseObject


class ExternalReference(BaseObject):
    """A pointer to something outside STIX (STIX 2.1 section 2.5).

    Attributes:
        source_name: where it points, for example `mitre-attack`.
        description: what is found there.
        url: address.
        external_id: name at the source, for example `T1059`.
    """

    source_name: str
    description: str | None = None
    url: str | None = None
    external_id: str | None = None

    def to_stix2_object(self) -> Any:
        """Return the `stix2.ExternalReference`."""
        from connectors_sdk.models._stix2 import build

        return build("ExternalReference", self.to_stix_dict())

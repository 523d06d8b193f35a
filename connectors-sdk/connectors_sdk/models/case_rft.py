"""A request for takedown."""

from typing import ClassVar

from connectors_sdk.models._case import BaseCase


class CaseRft(BaseCase):
    """A request for takedown (OpenCTI's Case-Rft).

    Attributes:
        takedown_types: kinds of takedown that are asked for.
    """

    _stix_type: ClassVar[str] = "case-rft"
    _stix2_class: ClassVar[str] = "connectors_sdk.models._custom_stix2:CaseRftStix"

    takedown_types: list[str] | None = None

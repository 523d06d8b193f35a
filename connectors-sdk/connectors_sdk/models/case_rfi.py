"""A request for information."""

from typing import ClassVar

from connectors_sdk.models._case import BaseCase


class CaseRfi(BaseCase):
    """A request for information (OpenCTI's Case-Rfi).

    Attributes:
        information_types: kinds of information that are asked for.
    """

    _stix_type: ClassVar[str] = "case-rfi"
    _stix2_class: ClassVar[str] = "pycti.utils.constants:CustomObjectCaseRfi"

    information_types: list[str] | None = None

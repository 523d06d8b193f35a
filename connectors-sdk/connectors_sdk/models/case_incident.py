"""A case of incident response."""

from typing import ClassVar

from connectors_sdk.models._case import BaseCase
from connectors_sdk.models.enums import CaseIncidentResponseType


class CaseIncident(BaseCase):
    """A case of incident response (OpenCTI's Case-Incident).

    Attributes:
        response_types: kinds of response.
    """

    _stix_type: ClassVar[str] = "case-incident"
    _stix2_class: ClassVar[str] = "pycti:CustomObjectCaseIncident"

    response_types: list[CaseIncidentResponseType] | None = None

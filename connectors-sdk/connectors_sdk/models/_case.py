"""What the kinds of cases have in common."""

from abc import ABC

from pydantic import Field

from connectors_sdk.models import _ids
from connectors_sdk.models._container import Container
from connectors_sdk.models.base_object import abstract
from connectors_sdk.models.enums import CasePriority, CaseSeverity


@abstract
class BaseCase(Container, ABC):
    """A case of OpenCTI; its id comes from its name and `created`: without `created` there is one case of each name.

    Attributes:
        name: its name.
        description: what it is about.
        severity: how bad it is.
        priority: how urgent it is.
    """

    name: str = Field(min_length=1)
    description: str | None = None
    severity: CaseSeverity | None = None
    priority: CasePriority | None = None

    def _make_id(self) -> str:
        return _ids.by_name_and_created(
            self._stix_type, self.name, self._created_for_id()
        )

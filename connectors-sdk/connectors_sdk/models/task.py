"""Something to be done."""

from typing import ClassVar

from pydantic import AwareDatetime, Field

from connectors_sdk.models import _ids
from connectors_sdk.models._container import Container


class Task(Container):
    """Something to be done in a case (OpenCTI's Task); its id comes from its name and `created`.

    Attributes:
        name: its name.
        description: what to do.
        due_date: when it must be done.
    """

    _stix_type: ClassVar[str] = "task"
    _stix2_class: ClassVar[str] = "pycti:CustomObjectTask"

    name: str = Field(min_length=1)
    description: str | None = None
    due_date: AwareDatetime | None = None

    def _make_id(self) -> str:
        return _ids.by_name_and_created(
            self._stix_type, self.name, self._created_for_id()
        )

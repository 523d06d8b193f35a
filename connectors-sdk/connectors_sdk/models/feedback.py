"""What a user says about an object."""

from typing import ClassVar

from pydantic import Field

from connectors_sdk.models import _ids
from connectors_sdk.models._container import Container


class Feedback(Container):
    """What a user says about an object (OpenCTI's Feedback).

    Attributes:
        name: its name.
        description: what is known.
        rating: 0 to 5.
    """

    _stix_type: ClassVar[str] = "feedback"
    _stix2_class: ClassVar[str] = "connectors_sdk.models._custom_stix2:FeedbackStix"

    name: str = Field(min_length=1)
    description: str | None = None
    rating: int | None = Field(default=None, ge=0, le=5)

    def _make_id(self) -> str:
        return _ids.by_name(self._stix_type, self.name)

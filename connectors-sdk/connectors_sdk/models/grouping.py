"""Objects with a common context."""

from typing import ClassVar

from pydantic import Field

from connectors_sdk.models import _ids
from connectors_sdk.models._container import Container


class Grouping(Container):
    """Objects that share a context (STIX 2.1 section 4.5); its id comes from name, context and `created` if given.

    Attributes:
        name: its name.
        context: what the objects have in common, for example `suspicious-activity`.
        description: what is known.
    """

    _stix_type: ClassVar[str] = "grouping"
    _stix2_class: ClassVar[str] = "connectors_sdk.models._custom_stix2:GroupingStix"

    name: str = Field(min_length=1)
    context: str = Field(min_length=1)
    description: str | None = None

    def _make_id(self) -> str:
        return _ids.grouping(self.name, self.context, self._created_for_id())

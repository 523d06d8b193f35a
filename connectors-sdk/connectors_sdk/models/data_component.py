"""One kind of trace in a data source."""

from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import Field

from connectors_sdk.models.base_identified_entity import NamedEntity
from connectors_sdk.models.base_identified_object import BaseIdentifiedObject
from connectors_sdk.models.data_source import DataSource
from connectors_sdk.models.reference import Reference


class DataComponent(NamedEntity):
    """One kind of trace in a data source (OpenCTI's Data-Component, ATT&CK's data component).

    Attributes:
        name: its name.
        description: what it tells.
        data_source: where it is found.
    """

    _stix_type: ClassVar[str] = "data-component"
    _stix2_class: ClassVar[str] = (
        "connectors_sdk.models._custom_stix2:DataComponentStix"
    )

    name: str = Field(min_length=1)
    description: str | None = None
    data_source: DataSource | Reference | None = None

    def _own_properties(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "description": self.description,
            "data_source_ref": self.data_source.id if self.data_source else None,
        }

    def _own_references(self) -> Iterator[BaseIdentifiedObject | Reference | None]:
        yield self.data_source

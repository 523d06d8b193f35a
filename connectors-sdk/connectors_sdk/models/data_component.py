"""One kind of trace in a data source."""

from collections.abc import Mapping
from typing import ClassVar

from connectors_sdk.models.base_domain_entity import NamedEntity
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
    _stix_keys: ClassVar[Mapping[str, str]] = {
        "data_source": "data_source_ref",
    }

    description: str | None = None
    data_source: DataSource | Reference | None = None

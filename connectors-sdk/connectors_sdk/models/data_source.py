"""Where traces of an attack can be found."""

from typing import ClassVar

from connectors_sdk.models.base_domain_entity import NamedEntity
from connectors_sdk.models.enums import Platform


class DataSource(NamedEntity):
    """A source of data in which attacks leave traces (OpenCTI's Data-Source, ATT&CK's data source).

    Attributes:
        name: its name.
        description: what it is.
        mitre_platforms: where it exists.
        collection_layers: where it is collected, for example `Host`.
    """

    _stix_type: ClassVar[str] = "data-source"
    _stix2_class: ClassVar[str] = "connectors_sdk.models._custom_stix2:DataSourceStix"

    description: str | None = None
    mitre_platforms: list[Platform] | None = None
    collection_layers: list[str] | None = None

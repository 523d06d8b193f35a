"""A relationship between two objects."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import AwareDatetime

from connectors_sdk.models import _ids
from connectors_sdk.models._emission import id_instant
from connectors_sdk.models._periods import period
from connectors_sdk.models.base_domain_entity import BaseDomainEntity
from connectors_sdk.models.base_identified_entity import BaseIdentifiedEntity
from connectors_sdk.models.enums import RelationshipType
from connectors_sdk.models.reference import Reference


class Relationship(BaseDomainEntity):
    """A relationship (STIX 2.1 section 5.1); its id comes from type, ends and dates.

    Attributes:
        type: what relates the two.
        source: where it begins.
        target: where it ends.
        description: details.
        start_time: since when it is so.
        stop_time: until when.
    """

    _stix_type: ClassVar[str] = "relationship"
    _stix2_class: ClassVar[str] = "Relationship"
    _stix_keys: ClassVar[Mapping[str, str]] = {
        "type": "relationship_type",
        "source": "source_ref",
        "target": "target_ref",
    }

    type: RelationshipType
    source: BaseIdentifiedEntity | Reference
    target: BaseIdentifiedEntity | Reference
    description: str | None = None
    start_time: AwareDatetime | None = None
    stop_time: AwareDatetime | None = None

    _check_times = period("start_time", "stop_time", moment_will_do=False)

    def _make_id(self) -> str:
        return _ids.relationship(
            self.type.value,
            self.source.id,
            self.target.id,
            id_instant(self.start_time),
            id_instant(self.stop_time),
        )

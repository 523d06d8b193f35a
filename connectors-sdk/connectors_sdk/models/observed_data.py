"""What was observed."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import AwareDatetime, Field

from connectors_sdk.models import _ids
from connectors_sdk.models._periods import period
from connectors_sdk.models.associated_file import AssociatedFile
from connectors_sdk.models.base_domain_entity import BaseDomainEntity
from connectors_sdk.models.base_identified_entity import BaseIdentifiedEntity


class ObservedData(BaseDomainEntity):
    """Observables that were seen, when and how often (STIX 2.1 section 4.13).

    Its id comes from what was observed; the order in which that is given makes no difference.

    Attributes:
        first_observed: when it was seen first.
        last_observed: when it was seen last.
        number_observed: how often, 1 to 999,999,999.
        entities: what was seen.
        associated_files: files attached to it.
    """

    _stix_type: ClassVar[str] = "observed-data"
    _stix2_class: ClassVar[str] = "ObservedData"
    _stix_keys: ClassVar[Mapping[str, str]] = {
        "entities": "object_refs",
        "associated_files": "x_opencti_files",
    }

    first_observed: AwareDatetime
    last_observed: AwareDatetime
    number_observed: int = Field(gt=0, le=999_999_999)
    entities: list[BaseIdentifiedEntity] = Field(min_length=1)
    associated_files: list[AssociatedFile] | None = None

    _check_observed = period("first_observed", "last_observed")

    def _make_id(self) -> str:
        return _ids.make_id(
            self._stix_type, {"objects": sorted(entity.id for entity in self.entities)}
        )

"""A sighting."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import AwareDatetime, Field

from connectors_sdk.models import _ids
from connectors_sdk.models._emission import id_instant
from connectors_sdk.models._periods import period
from connectors_sdk.models.administrative_area import AdministrativeArea
from connectors_sdk.models.base_domain_entity import BaseDomainEntity
from connectors_sdk.models.base_identified_entity import BaseIdentifiedEntity
from connectors_sdk.models.city import City
from connectors_sdk.models.country import Country
from connectors_sdk.models.individual import Individual
from connectors_sdk.models.observed_data import ObservedData
from connectors_sdk.models.organization import Organization
from connectors_sdk.models.position import Position
from connectors_sdk.models.reference import Reference
from connectors_sdk.models.region import Region
from connectors_sdk.models.sector import Sector
from connectors_sdk.models.security_platform import SecurityPlatform
from connectors_sdk.models.system import System


class Sighting(BaseDomainEntity):
    """Something was seen somewhere (STIX 2.1 section 5.2); its id comes from what, where and when.

    Attributes:
        sighting_of: what was seen.
        where_sighted: who saw it, or where.
        observed_data: what exactly was observed.
        first_seen: when it was seen first.
        last_seen: when it was seen last.
        count: how often, up to 999,999,999.
        description: details.
        qualification: true if the sighting is a false positive; OpenCTI's `x_opencti_negative`.
    """

    _stix_type: ClassVar[str] = "sighting"
    _stix2_class: ClassVar[str] = "Sighting"
    _stix_keys: ClassVar[Mapping[str, str]] = {
        "sighting_of": "sighting_of_ref",
        "where_sighted": "where_sighted_refs",
        "observed_data": "observed_data_refs",
        "qualification": "x_opencti_negative",
    }

    description: str | None = None
    first_seen: AwareDatetime | None = None
    last_seen: AwareDatetime | None = None
    count: int | None = Field(default=None, ge=0, le=999_999_999)
    sighting_of: BaseIdentifiedEntity | Reference
    observed_data: list[ObservedData | Reference] | None = None
    where_sighted: list[
        Individual
        | Organization
        | Sector
        | System
        | SecurityPlatform
        | AdministrativeArea
        | City
        | Country
        | Region
        | Position
        | Reference
    ] = Field(min_length=1)
    qualification: bool | None = None

    _check_seen = period("first_seen", "last_seen")

    def _make_id(self) -> str:
        return _ids.sighting(
            self.sighting_of.id,
            [where.id for where in self.where_sighted],
            id_instant(self.first_seen),
            id_instant(self.last_seen),
        )

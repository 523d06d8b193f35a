"""Models of STIX domain objects and relationships."""

from abc import ABC
from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, Field

from connectors_sdk import clock
from connectors_sdk.models import _ids
from connectors_sdk.models._emission import emit, id_instant, make_plan, timestamp
from connectors_sdk.models.base_identified_entity import (
    COMMON_PLAN,
    BaseIdentifiedEntity,
)
from connectors_sdk.models.base_object import abstract, family

_COMMON_PLAN = COMMON_PLAN + make_plan(
    ("confidence", "stix_ids"), {"stix_ids": "x_opencti_stix_ids"}
)


@family(_COMMON_PLAN)
class BaseDomainEntity(BaseIdentifiedEntity, ABC):
    """A STIX domain object or relationship (STIX 2.1 sections 3.2, 4 and 5).

    Attributes:
        created: when the source made the object; now, by the SDK's clock, when absent.
        modified: when the source changed it last; `created` or now when absent, and never before `created`.
        revoked: the source no longer stands by it.
        confidence: how sure the author is, 0 to 100.
        stix_ids: further STIX ids by which the object is known, for example the source's own.
    """

    modified: AwareDatetime | None = None
    revoked: bool | None = None
    confidence: int | None = Field(default=None, ge=0, le=100)
    stix_ids: list[str] | None = None

    def _emit(self, form: dict[str, Any]) -> None:
        values = self.__dict__
        author, created, modified = (
            values["author"],
            values["created"],
            values["modified"],
        )
        if author is not None:
            form["created_by_ref"] = author.id
        if created is None:
            created = self._first_told()
        form["created"] = form["modified"] = timestamp(created)
        if modified is not None and modified > created:
            form["modified"] = timestamp(modified)
        if values["revoked"] is not None:
            form["revoked"] = values["revoked"]
        if self._stix_constants:
            form.update(self._stix_constants)
        emit(self._plan, values, form)

    def _first_told(self) -> datetime:
        """Return the instant for dates that nobody gave: now when it is first asked for, the same ever after."""
        told: datetime = self.__dict__.setdefault("_told", clock.now())
        return told

    def _created_for_id(self) -> str | None:
        return id_instant(self.created)


@abstract
class NamedEntity(BaseDomainEntity, ABC):
    """An entity whose id comes from its name alone.

    Attributes:
        name: its name.
    """

    name: str = Field(min_length=1)

    def _make_id(self) -> str:
        return _ids.by_name(self._stix_type, self.name)

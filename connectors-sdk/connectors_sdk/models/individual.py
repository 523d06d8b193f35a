"""A person."""

from typing import Any, ClassVar

from connectors_sdk.models._identity import BaseIdentity


class Individual(BaseIdentity):
    """A person (STIX identity of class `individual`).

    Attributes:
        contact_information: how to reach the person.
    """

    _identity_class: ClassVar[str] = "individual"

    contact_information: str | None = None

    def _own_properties(self) -> dict[str, Any]:
        return {
            **super()._own_properties(),
            "contact_information": self.contact_information,
        }

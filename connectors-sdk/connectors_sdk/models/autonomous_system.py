"""An autonomous system of the Internet."""

from typing import ClassVar

from connectors_sdk.models.base_observable_entity import BaseObservableEntity


class AutonomousSystem(BaseObservableEntity):
    """An autonomous system of the Internet (STIX `autonomous-system`).

    Attributes:
        number: its number.
        name: its name.
        rir: the registry that assigned the number.
    """

    _stix_type: ClassVar[str] = "autonomous-system"
    _stix2_class: ClassVar[str] = "AutonomousSystem"
    _opencti_type: ClassVar[str] = "Autonomous-System"
    _id_fields: ClassVar[tuple[str, ...]] = ("number",)

    number: int
    name: str | None = None
    rir: str | None = None

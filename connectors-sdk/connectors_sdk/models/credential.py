"""A credential."""

from typing import ClassVar

from pydantic import Field

from connectors_sdk.models.base_observable_entity import BaseObservableEntity


class Credential(BaseObservableEntity):
    """A credential (STIX `credential`).

    Attributes:
        value: the credential itself.
    """

    _stix_type: ClassVar[str] = "credential"
    _stix2_class: ClassVar[str] = "pycti:CustomObservableCredential"
    _opencti_type: ClassVar[str] = "Credential"

    value: str = Field(min_length=1)

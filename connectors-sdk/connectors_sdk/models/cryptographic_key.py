"""A cryptographic key."""

from typing import ClassVar

from pydantic import Field

from connectors_sdk.models.base_observable_entity import BaseObservableEntity


class CryptographicKey(BaseObservableEntity):
    """A cryptographic key (STIX `cryptographic-key`).

    Attributes:
        value: the key.
    """

    _stix_type: ClassVar[str] = "cryptographic-key"
    _stix2_class: ClassVar[str] = "pycti:CustomObservableCryptographicKey"
    _opencti_type: ClassVar[str] = "Cryptographic-Key"

    value: str = Field(min_length=1)

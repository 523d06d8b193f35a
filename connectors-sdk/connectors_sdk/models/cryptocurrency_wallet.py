"""A wallet of a cryptocurrency."""

from typing import ClassVar

from pydantic import Field

from connectors_sdk.models.base_observable_entity import BaseObservableEntity


class CryptocurrencyWallet(BaseObservableEntity):
    """A wallet of a cryptocurrency (STIX `cryptocurrency-wallet`).

    Attributes:
        value: its address.
    """

    _stix_type: ClassVar[str] = "cryptocurrency-wallet"
    _stix2_class: ClassVar[str] = "pycti:CustomObservableCryptocurrencyWallet"
    _opencti_type: ClassVar[str] = "Cryptocurrency-Wallet"

    value: str = Field(min_length=1)

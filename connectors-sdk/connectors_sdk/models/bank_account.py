"""An account at a bank."""

from typing import Any, ClassVar

from pydantic import Field

from connectors_sdk.models.base_observable_entity import BaseObservableEntity


class BankAccount(BaseObservableEntity):
    """An account at a bank (STIX `bank-account`).

    Attributes:
        iban: international number.
        bic: code of the bank.
        account_number: national number.
    """

    _stix_type: ClassVar[str] = "bank-account"
    _stix2_class: ClassVar[str] = "pycti:CustomObservableBankAccount"
    _opencti_type: ClassVar[str] = "Bank-Account"
    _id_fields: ClassVar[tuple[str, ...]] = ("iban",)

    iban: str = Field(min_length=1)
    bic: str | None = None
    account_number: str | None = None

    def _emit(self, form: dict[str, Any]) -> None:
        form["value"] = self.iban
        super()._emit(form)

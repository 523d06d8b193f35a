"""A payment card."""

from typing import Any, ClassVar

from pydantic import Field

from connectors_sdk.models.base_observable_entity import BaseObservableEntity


class PaymentCard(BaseObservableEntity):
    """A payment card (STIX `payment-card`).

    Attributes:
        card_number: number of the card.
        expiration_date: when it expires, as printed on it.
        cvv: its verification value.
        holder_name: whose it is.
    """

    _stix_type: ClassVar[str] = "payment-card"
    _stix2_class: ClassVar[str] = "pycti:CustomObservablePaymentCard"
    _opencti_type: ClassVar[str] = "Payment-Card"
    _id_fields: ClassVar[tuple[str, ...]] = ("card_number",)

    card_number: str = Field(min_length=1)
    expiration_date: str | None = None
    cvv: str | None = None
    holder_name: str | None = None

    def _emit(self, form: dict[str, Any]) -> None:
        form["value"] = self.card_number
        super()._emit(form)

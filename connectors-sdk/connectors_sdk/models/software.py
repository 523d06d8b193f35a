"""Software."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from connectors_sdk.models.base_observable_entity import BaseObservableEntity


class Software(BaseObservableEntity):
    """Software (STIX `software`).

    Attributes:
        name: its name.
        version: its version.
        vendor: who makes it.
        swid: its SWID tag.
        cpe: its name in the Common Platform Enumeration 2.3.
        languages: languages that it speaks, RFC 5646.
        product: name of the product in its vendor's words; OpenCTI's `x_opencti_product`.
    """

    _stix_type: ClassVar[str] = "software"
    _stix2_class: ClassVar[str] = "Software"
    _stix_keys: ClassVar[Mapping[str, str]] = {"product": "x_opencti_product"}
    _opencti_type: ClassVar[str] = "Software"
    _id_fields: ClassVar[tuple[str, ...]] = ("name", "cpe", "swid", "vendor", "version")

    name: str = Field(min_length=1)
    version: str | None = None
    vendor: str | None = None
    swid: str | None = None
    cpe: str | None = None
    languages: list[str] | None = None
    product: str | None = None

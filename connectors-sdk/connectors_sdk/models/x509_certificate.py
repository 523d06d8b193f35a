"""A certificate."""

from typing import ClassVar

from pydantic import AwareDatetime, Field

from connectors_sdk.models._formats import Hashes
from connectors_sdk.models.base_observable_entity import BaseObservableEntity


class X509Certificate(BaseObservableEntity):
    """A certificate (STIX `x509-certificate`).

    Attributes:
        is_self_signed: true if it is signed with its own key.
        hashes: digests by algorithm, in hexadecimal.
        version: version of the format.
        serial_number: its number.
        signature_algorithm: how it is signed.
        issuer: who issued it.
        subject: whom it is for.
        subject_public_key_algorithm: kind of its key.
        subject_public_key_modulus: modulus of its key.
        subject_public_key_exponent: exponent of its key.
        validity_not_before: since when it is valid.
        validity_not_after: until when.
        basic_constraints: extension basic constraints.
        name_constraints: extension name constraints.
        policy_constraints: extension policy constraints.
        key_usage: extension key usage.
        extended_key_usage: extension extended key usage.
        subject_key_identifier: extension subject key identifier.
        authority_key_identifier: extension authority key identifier.
        subject_alternative_name: extension subject alternative name.
        issuer_alternative_name: extension issuer alternative name.
        subject_directory_attributes: extension subject directory attributes.
        crl_distribution_points: extension crl distribution points.
        inhibit_any_policy: extension inhibit any policy.
        certificate_policies: extension certificate policies.
        policy_mappings: extension policy mappings.
        private_key_usage_period_not_before: since when its private key may be used.
        private_key_usage_period_not_after: until when.
    """

    _stix_type: ClassVar[str] = "x509-certificate"
    _stix2_class: ClassVar[str] = "X509Certificate"
    _opencti_type: ClassVar[str] = "X509-Certificate"
    _id_fields: ClassVar[tuple[str, ...]] = ("hashes", "serial_number")
    _pattern_fields: ClassVar[tuple[str, ...] | None] = ("hashes", "serial_number")

    is_self_signed: bool = False
    hashes: Hashes | None = Field(default=None, min_length=1)
    version: str | None = None
    serial_number: str | None = None
    signature_algorithm: str | None = None
    issuer: str | None = None
    subject: str | None = None
    subject_public_key_algorithm: str | None = None
    subject_public_key_modulus: str | None = None
    subject_public_key_exponent: int | None = None
    validity_not_before: AwareDatetime | None = None
    validity_not_after: AwareDatetime | None = None
    basic_constraints: str | None = None
    name_constraints: str | None = None
    policy_constraints: str | None = None
    key_usage: str | None = None
    extended_key_usage: str | None = None
    subject_key_identifier: str | None = None
    authority_key_identifier: str | None = None
    subject_alternative_name: str | None = None
    issuer_alternative_name: str | None = None
    subject_directory_attributes: str | None = None
    crl_distribution_points: str | None = None
    inhibit_any_policy: str | None = None
    certificate_policies: str | None = None
    policy_mappings: str | None = None
    private_key_usage_period_not_before: AwareDatetime | None = None
    private_key_usage_period_not_after: AwareDatetime | None = None

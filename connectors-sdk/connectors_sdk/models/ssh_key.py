"""A key of the secure shell."""

from typing import Any, ClassVar

from pydantic import AwareDatetime, Field

from connectors_sdk.models import _ids
from connectors_sdk.models.base_observable_entity import BaseObservableEntity


class SSHKey(BaseObservableEntity):
    """A key of the secure shell (STIX `ssh-key`).

    Attributes:
        key_type: for example `ssh-ed25519`.
        public_key: the public key.
        fingerprint_sha256: SHA-256 fingerprint.
        fingerprint_md5: MD5 fingerprint.
        key_length: bits.
        comment: comment of the key.
        expiration_date: when it expires.
    """

    _stix_type: ClassVar[str] = "ssh-key"
    _stix2_class: ClassVar[str] = "pycti.utils.constants:CustomObservableSshKey"
    _opencti_type: ClassVar[str] = "SSH-Key"
    _id_fields: ClassVar[tuple[str, ...]] = ("fingerprint_sha256",)

    key_type: str | None = None
    public_key: str | None = None
    fingerprint_sha256: str = Field(min_length=1)
    fingerprint_md5: str | None = None
    key_length: int | None = Field(default=None, gt=0)
    comment: str | None = None
    expiration_date: AwareDatetime | None = None

    def _make_id(self) -> str:
        # pycti's class knows a key by its value, which is the fingerprint.
        return _ids.make_id(self._stix_type, {"value": self.fingerprint_sha256})

    def _emit(self, form: dict[str, Any]) -> None:
        form["value"] = self.fingerprint_sha256
        super()._emit(form)

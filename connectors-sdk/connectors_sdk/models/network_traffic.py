"""Traffic between two ends."""

from collections.abc import Mapping
from typing import ClassVar, Self

from pydantic import AwareDatetime, Field, model_validator

from connectors_sdk.models._periods import period
from connectors_sdk.models.artifact import Artifact
from connectors_sdk.models.base_observable_entity import BaseObservableEntity
from connectors_sdk.models.reference import Reference


class NetworkTraffic(BaseObservableEntity):
    """Traffic between two ends (STIX `network-traffic`).

    Attributes:
        protocols: protocols, outermost first, for example `["ipv4", "tcp"]`.
        start: when it began.
        end: when it ended.
        is_active: true while it goes on; false when `end` is given.
        src: where it comes from; this or `dst` must be given.
        dst: where it goes to.
        src_port: port, 0 to 65535.
        dst_port: port, 0 to 65535.
        src_byte_count: bytes sent.
        dst_byte_count: bytes received.
        src_packets: packets sent.
        dst_packets: packets received.
        src_payload: what was sent.
        dst_payload: what was received.
        encapsulates: traffic inside of this.
        encapsulated_by: traffic around this.
    """

    _stix_type: ClassVar[str] = "network-traffic"
    _stix2_class: ClassVar[str] = "NetworkTraffic"
    _stix_keys: ClassVar[Mapping[str, str]] = {
        "src": "src_ref",
        "dst": "dst_ref",
        "src_payload": "src_payload_ref",
        "dst_payload": "dst_payload_ref",
        "encapsulates": "encapsulates_refs",
        "encapsulated_by": "encapsulated_by_ref",
    }
    _opencti_type: ClassVar[str] = "Network-Traffic"
    _id_fields: ClassVar[tuple[str, ...]] = (
        "start",
        "end",
        "src",
        "dst",
        "src_port",
        "dst_port",
        "protocols",
    )
    _pattern_fields: ClassVar[tuple[str, ...] | None] = (
        "src",
        "dst",
        "src_port",
        "dst_port",
        "protocols",
    )

    protocols: list[str] = Field(min_length=1)
    start: AwareDatetime | None = None
    end: AwareDatetime | None = None
    is_active: bool | None = None
    src: BaseObservableEntity | Reference | None = None
    dst: BaseObservableEntity | Reference | None = None
    src_port: int | None = Field(default=None, ge=0, le=65535)
    dst_port: int | None = Field(default=None, ge=0, le=65535)
    src_byte_count: int | None = Field(default=None, ge=0)
    dst_byte_count: int | None = Field(default=None, ge=0)
    src_packets: int | None = Field(default=None, ge=0)
    dst_packets: int | None = Field(default=None, ge=0)
    src_payload: Artifact | Reference | None = None
    dst_payload: Artifact | Reference | None = None
    encapsulates: "list[NetworkTraffic | Reference] | None" = None
    encapsulated_by: "NetworkTraffic | Reference | None" = None

    _check_times = period("start", "end")

    @model_validator(mode="after")
    def _check_ends(self) -> Self:
        if self.src is None and self.dst is None:
            raise ValueError("network traffic needs src or dst")
        if self.end is not None and self.is_active is not False:
            raise ValueError("network traffic that has ended needs is_active=False")
        return self

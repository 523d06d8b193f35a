"""A way of publishing."""

from typing import ClassVar

from connectors_sdk.models.base_domain_entity import NamedEntity
from connectors_sdk.models.enums import ChannelType


class Channel(NamedEntity):
    """An account or medium that publishes narratives (OpenCTI's Channel).

    Attributes:
        name: its name.
        description: what is known.
        aliases: other names.
        channel_types: kinds of channel.
    """

    _stix_type: ClassVar[str] = "channel"
    _stix2_class: ClassVar[str] = "pycti:CustomObjectChannel"

    description: str | None = None
    aliases: list[str] | None = None
    channel_types: list[ChannelType] | None = None

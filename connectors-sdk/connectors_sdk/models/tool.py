"""Legitimate software that adversaries use."""

from typing import ClassVar

from connectors_sdk.models.base_domain_entity import NamedEntity
from connectors_sdk.models.enums import ToolType
from connectors_sdk.models.kill_chain_phase import KillChainPhase


class Tool(NamedEntity):
    """Legitimate software that can be used in attacks (STIX 2.1 section 4.17).

    Attributes:
        name: its name.
        description: what it does.
        tool_types: what it is for.
        aliases: other names.
        kill_chain_phases: phases that it serves.
        tool_version: its version.
    """

    _stix_type: ClassVar[str] = "tool"
    _stix2_class: ClassVar[str] = "Tool"

    description: str | None = None
    tool_types: list[ToolType] | None = None
    aliases: list[str] | None = None
    kill_chain_phases: list[KillChainPhase] | None = None
    tool_version: str | None = None

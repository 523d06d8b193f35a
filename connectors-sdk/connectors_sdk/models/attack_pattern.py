"""A way in which adversaries attack."""

from collections.abc import Mapping
from typing import ClassVar

from connectors_sdk.models import _ids
from connectors_sdk.models.base_domain_entity import NamedEntity
from connectors_sdk.models.enums import Permission, Platform
from connectors_sdk.models.kill_chain_phase import KillChainPhase


class AttackPattern(NamedEntity):
    """A technique (STIX 2.1 section 4.1).

    Attributes:
        name: its name.
        description: what is done and why.
        aliases: other names.
        kill_chain_phases: tactics that it serves.
        mitre_id: its ATT&CK id; the object's id comes from it when present, else from the name.
        mitre_detection: how it can be detected.
        mitre_platforms: where it works.
        mitre_required_permissions: rights that it needs.
    """

    _stix_type: ClassVar[str] = "attack-pattern"
    _stix2_class: ClassVar[str] = "AttackPattern"
    _stix_keys: ClassVar[Mapping[str, str]] = {
        "mitre_id": "x_mitre_id",
        "mitre_detection": "x_mitre_detection",
        "mitre_platforms": "x_mitre_platforms",
        "mitre_required_permissions": "x_mitre_permissions_required",
    }

    description: str | None = None
    aliases: list[str] | None = None
    kill_chain_phases: list[KillChainPhase] | None = None
    mitre_id: str | None = None
    mitre_detection: str | None = None
    mitre_platforms: list[Platform] | None = None
    mitre_required_permissions: list[Permission] | None = None

    def _make_id(self) -> str:
        return _ids.by_mitre_id_or_name(self._stix_type, self.name, self.mitre_id)

"""A phase of a kill chain."""

from collections.abc import Mapping
from typing import Any, ClassVar

from connectors_sdk.models.base_object import BaseObject


class KillChainPhase(BaseObject):
    """A phase of a kill chain (STIX 2.1 section 2.6).

    Attributes:
        chain_name: the kill chain, for example `mitre-attack`.
        phase_name: the phase, for example `initial-access`.
        order: the phase's place in the chain, beginning with 0; OpenCTI's `x_opencti_order`.
    """

    _stix_keys: ClassVar[Mapping[str, str]] = {
        "chain_name": "kill_chain_name",
        "order": "x_opencti_order",
    }

    chain_name: str
    phase_name: str
    order: int | None = None

    def to_stix2_object(self) -> Any:
        """Return the `stix2.KillChainPhase`."""
        from connectors_sdk.models._stix2 import build

        return build("KillChainPhase", self.to_stix_dict())

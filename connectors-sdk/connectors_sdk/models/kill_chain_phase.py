"""A phase of a kill chain."""

from typing import Any

from connectors_sdk.models.base_object import BaseObject


class KillChainPhase(BaseObject):
    """A phase of a kill chain (STIX 2.1 section 2.6).

    Attributes:
        chain_name: the kill chain, for example `mitre-attack`.
        phase_name: the phase, for example `initial-access`.
        order: the phase's place in the chain, beginning with 0; OpenCTI's `x_opencti_order`.
    """

    chain_name: str
    phase_name: str
    order: int | None = None

    def to_stix_dict(self) -> dict[str, Any]:
        """Return the JSON-ready form."""
        form: dict[str, Any] = {
            "kill_chain_name": self.chain_name,
            "phase_name": self.phase_name,
        }
        if self.order is not None:
            form["x_opencti_order"] = self.order
        return form

    def to_stix2_object(self) -> Any:
        """Return the `stix2.KillChainPhase`."""
        from connectors_sdk.models._stix2 import build

        return build("KillChainPhase", self.to_stix_dict())

"""A person with bad intent."""

from typing import ClassVar

from connectors_sdk.models._threat_actor import BaseThreatActor


class ThreatActorIndividual(BaseThreatActor):
    """A person who acts with malicious intent (STIX threat actor, OpenCTI's Threat-Actor-Individual)."""

    _opencti_type: ClassVar[str] = "Threat-Actor-Individual"

"""A group of people with bad intent."""

from typing import ClassVar

from connectors_sdk.models._threat_actor import BaseThreatActor


class ThreatActorGroup(BaseThreatActor):
    """A group that acts with malicious intent (STIX threat actor, OpenCTI's Threat-Actor-Group)."""

    _opencti_type: ClassVar[str] = "Threat-Actor-Group"

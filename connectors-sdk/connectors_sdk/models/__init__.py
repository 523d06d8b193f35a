"""OpenCTI's entities and relationships as typed models.

A model is built from plain Python values, has a deterministic `id`, and becomes STIX 2.1 as a dictionary
(`to_stix_dict`) or as a stix2 object (`to_stix2_object`). Names are loaded when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connectors_sdk.models.attack_pattern import AttackPattern
    from connectors_sdk.models.base_author_entity import BaseAuthorEntity
    from connectors_sdk.models.base_identified_entity import BaseIdentifiedEntity
    from connectors_sdk.models.base_identified_object import BaseIdentifiedObject
    from connectors_sdk.models.base_object import BaseObject
    from connectors_sdk.models.campaign import Campaign
    from connectors_sdk.models.course_of_action import CourseOfAction
    from connectors_sdk.models.data_component import DataComponent
    from connectors_sdk.models.data_source import DataSource
    from connectors_sdk.models.external_reference import ExternalReference
    from connectors_sdk.models.individual import Individual
    from connectors_sdk.models.infrastructure import Infrastructure
    from connectors_sdk.models.intrusion_set import IntrusionSet
    from connectors_sdk.models.kill_chain_phase import KillChainPhase
    from connectors_sdk.models.malware import Malware
    from connectors_sdk.models.organization import Organization
    from connectors_sdk.models.organization_author import OrganizationAuthor
    from connectors_sdk.models.reference import Reference
    from connectors_sdk.models.relationship import Relationship
    from connectors_sdk.models.sector import Sector
    from connectors_sdk.models.statement_marking import StatementMarking
    from connectors_sdk.models.tlp_marking import TLPMarking
    from connectors_sdk.models.tool import Tool

__all__ = [
    "AttackPattern",
    "BaseAuthorEntity",
    "BaseIdentifiedEntity",
    "BaseIdentifiedObject",
    "BaseObject",
    "Campaign",
    "CourseOfAction",
    "DataComponent",
    "DataSource",
    "ExternalReference",
    "Individual",
    "Infrastructure",
    "IntrusionSet",
    "KillChainPhase",
    "Malware",
    "Organization",
    "OrganizationAuthor",
    "Reference",
    "Relationship",
    "Sector",
    "StatementMarking",
    "TLPMarking",
    "Tool",
]

# Modules whose name is not the class name in snake case.
_MODULES = {"TLPMarking": "tlp_marking"}


def _module_of(name: str) -> str:
    return _MODULES.get(name) or "".join(
        f"_{letter.lower()}" if letter.isupper() else letter for letter in name
    ).lstrip("_")


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_module_of(name)}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

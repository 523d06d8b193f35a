"""OpenCTI's entities and relationships as typed models.

A model is built from plain Python values, has a deterministic `id`, and becomes STIX 2.1 as a dictionary
(`to_stix_dict`) or as a stix2 object (`to_stix2_object`). Names are loaded when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connectors_sdk.models.administrative_area import AdministrativeArea
    from connectors_sdk.models.ai_prompt import AIPrompt
    from connectors_sdk.models.artifact import Artifact
    from connectors_sdk.models.associated_file import AssociatedFile
    from connectors_sdk.models.attack_pattern import AttackPattern
    from connectors_sdk.models.autonomous_system import AutonomousSystem
    from connectors_sdk.models.bank_account import BankAccount
    from connectors_sdk.models.base_author_entity import BaseAuthorEntity
    from connectors_sdk.models.base_domain_entity import BaseDomainEntity
    from connectors_sdk.models.base_identified_entity import BaseIdentifiedEntity
    from connectors_sdk.models.base_identified_object import BaseIdentifiedObject
    from connectors_sdk.models.base_object import BaseObject
    from connectors_sdk.models.base_observable_entity import BaseObservableEntity
    from connectors_sdk.models.campaign import Campaign
    from connectors_sdk.models.case_incident import CaseIncident
    from connectors_sdk.models.case_rfi import CaseRfi
    from connectors_sdk.models.case_rft import CaseRft
    from connectors_sdk.models.channel import Channel
    from connectors_sdk.models.city import City
    from connectors_sdk.models.country import Country
    from connectors_sdk.models.course_of_action import CourseOfAction
    from connectors_sdk.models.coverage_result import CoverageResult
    from connectors_sdk.models.credential import Credential
    from connectors_sdk.models.cryptocurrency_wallet import CryptocurrencyWallet
    from connectors_sdk.models.cryptographic_key import CryptographicKey
    from connectors_sdk.models.data_component import DataComponent
    from connectors_sdk.models.data_source import DataSource
    from connectors_sdk.models.directory import Directory
    from connectors_sdk.models.domain_name import DomainName
    from connectors_sdk.models.email_address import EmailAddress
    from connectors_sdk.models.email_message import EmailMessage
    from connectors_sdk.models.email_mime_part import EmailMimePart
    from connectors_sdk.models.email_mime_part_type import EmailMimePartType
    from connectors_sdk.models.event import Event
    from connectors_sdk.models.external_reference import ExternalReference
    from connectors_sdk.models.feedback import Feedback
    from connectors_sdk.models.file import File
    from connectors_sdk.models.grouping import Grouping
    from connectors_sdk.models.hostname import Hostname
    from connectors_sdk.models.iccid import ICCID
    from connectors_sdk.models.imei import IMEI
    from connectors_sdk.models.imsi import IMSI
    from connectors_sdk.models.incident import Incident
    from connectors_sdk.models.indicator import Indicator
    from connectors_sdk.models.individual import Individual
    from connectors_sdk.models.infrastructure import Infrastructure
    from connectors_sdk.models.intrusion_set import IntrusionSet
    from connectors_sdk.models.ipv4_address import IPV4Address
    from connectors_sdk.models.ipv6_address import IPV6Address
    from connectors_sdk.models.kill_chain_phase import KillChainPhase
    from connectors_sdk.models.language import Language
    from connectors_sdk.models.mac_address import MACAddress
    from connectors_sdk.models.malware import Malware
    from connectors_sdk.models.malware_analysis import MalwareAnalysis
    from connectors_sdk.models.media_content import MediaContent
    from connectors_sdk.models.mutex import Mutex
    from connectors_sdk.models.narrative import Narrative
    from connectors_sdk.models.network_traffic import NetworkTraffic
    from connectors_sdk.models.note import Note
    from connectors_sdk.models.observed_data import ObservedData
    from connectors_sdk.models.opinion import Opinion
    from connectors_sdk.models.organization import Organization
    from connectors_sdk.models.organization_author import OrganizationAuthor
    from connectors_sdk.models.payment_card import PaymentCard
    from connectors_sdk.models.persona import Persona
    from connectors_sdk.models.phone_number import PhoneNumber
    from connectors_sdk.models.position import Position
    from connectors_sdk.models.process import Process
    from connectors_sdk.models.reference import Reference
    from connectors_sdk.models.region import Region
    from connectors_sdk.models.relationship import Relationship
    from connectors_sdk.models.report import Report
    from connectors_sdk.models.sector import Sector
    from connectors_sdk.models.security_coverage import SecurityCoverage
    from connectors_sdk.models.security_coverage_result import SecurityCoverageResult
    from connectors_sdk.models.security_platform import SecurityPlatform
    from connectors_sdk.models.sighting import Sighting
    from connectors_sdk.models.software import Software
    from connectors_sdk.models.ssh_key import SSHKey
    from connectors_sdk.models.statement_marking import StatementMarking
    from connectors_sdk.models.system import System
    from connectors_sdk.models.task import Task
    from connectors_sdk.models.text import Text
    from connectors_sdk.models.threat_actor_group import ThreatActorGroup
    from connectors_sdk.models.threat_actor_individual import ThreatActorIndividual
    from connectors_sdk.models.tlp_marking import TLPMarking
    from connectors_sdk.models.tool import Tool
    from connectors_sdk.models.tracking_number import TrackingNumber
    from connectors_sdk.models.url import URL
    from connectors_sdk.models.user_account import UserAccount
    from connectors_sdk.models.user_agent import UserAgent
    from connectors_sdk.models.vulnerability import Vulnerability
    from connectors_sdk.models.windows_registry_key import WindowsRegistryKey
    from connectors_sdk.models.windows_registry_value import WindowsRegistryValue
    from connectors_sdk.models.windows_registry_value_type import (
        WindowsRegistryValueType,
    )
    from connectors_sdk.models.x509_certificate import X509Certificate

__all__ = [
    "AIPrompt",
    "AdministrativeArea",
    "Artifact",
    "AssociatedFile",
    "AttackPattern",
    "AutonomousSystem",
    "BankAccount",
    "BaseAuthorEntity",
    "BaseDomainEntity",
    "BaseIdentifiedEntity",
    "BaseIdentifiedObject",
    "BaseObject",
    "BaseObservableEntity",
    "Campaign",
    "CaseIncident",
    "CaseRfi",
    "CaseRft",
    "Channel",
    "City",
    "Country",
    "CourseOfAction",
    "CoverageResult",
    "Credential",
    "CryptocurrencyWallet",
    "CryptographicKey",
    "DataComponent",
    "DataSource",
    "Directory",
    "DomainName",
    "EmailAddress",
    "EmailMessage",
    "EmailMimePart",
    "EmailMimePartType",
    "Event",
    "ExternalReference",
    "Feedback",
    "File",
    "Grouping",
    "Hostname",
    "ICCID",
    "IMEI",
    "IMSI",
    "IPV4Address",
    "IPV6Address",
    "Incident",
    "Indicator",
    "Individual",
    "Infrastructure",
    "IntrusionSet",
    "KillChainPhase",
    "Language",
    "MACAddress",
    "Malware",
    "MalwareAnalysis",
    "MediaContent",
    "Mutex",
    "Narrative",
    "NetworkTraffic",
    "Note",
    "ObservedData",
    "Opinion",
    "Organization",
    "OrganizationAuthor",
    "PaymentCard",
    "Persona",
    "PhoneNumber",
    "Position",
    "Process",
    "Reference",
    "Region",
    "Relationship",
    "Report",
    "SSHKey",
    "Sector",
    "SecurityCoverage",
    "SecurityCoverageResult",
    "SecurityPlatform",
    "Sighting",
    "Software",
    "StatementMarking",
    "System",
    "TLPMarking",
    "Task",
    "Text",
    "ThreatActorGroup",
    "ThreatActorIndividual",
    "Tool",
    "TrackingNumber",
    "URL",
    "UserAccount",
    "UserAgent",
    "Vulnerability",
    "WindowsRegistryKey",
    "WindowsRegistryValue",
    "WindowsRegistryValueType",
    "X509Certificate",
]

# Modules whose name is not the class name in snake case.
_MODULES = {
    "AIPrompt": "ai_prompt",
    "ICCID": "iccid",
    "IMEI": "imei",
    "IMSI": "imsi",
    "IPV4Address": "ipv4_address",
    "IPV6Address": "ipv6_address",
    "MACAddress": "mac_address",
    "SSHKey": "ssh_key",
    "TLPMarking": "tlp_marking",
    "URL": "url",
}

# Modules that are reached as attributes of this package, whether or not somebody has imported them yet.
_SUBMODULES = frozenset({"enums", "octi", "patterns", "relationships"})


def _module_of(name: str) -> str:
    return _MODULES.get(name) or "".join(
        f"_{letter.lower()}" if letter.isupper() else letter for letter in name
    ).lstrip("_")


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return import_module(f"{__name__}.{name}")
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_module_of(name)}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

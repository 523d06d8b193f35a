"""Vocabularies of the models.

An open vocabulary takes any other text as well: a value outside of it becomes a member of its own, with a warning.
A strict one refuses it.
"""

import warnings
from enum import StrEnum
from typing import Self


class OpenEnum(StrEnum):
    """A vocabulary that also takes values that it does not list."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        warnings.warn(
            f"Value '{value}' is out of {cls.__name__} defined values.",
            UserWarning,
            stacklevel=2,
        )
        member = str.__new__(cls, value)
        # Enough of a member to be printed, compared and written.
        member._name_ = value
        member._value_ = value
        return member


class AccountType(OpenEnum):
    """Kinds of user accounts (STIX 2.1 account-type-ov)."""

    FACEBOOK = "facebook"
    LDAP = "ldap"
    NIS = "nis"
    OPENID = "openid"
    RADIUS = "radius"
    SKYPE = "skype"
    TACACS = "tacacs"
    TWITTER = "twitter"
    UNIX = "unix"
    WINDOWS_LOCAL = "windows-local"
    WINDOWS_DOMAIN = "windows-domain"


class AttackMotivation(OpenEnum):
    """Why an attack happens (STIX 2.1 attack-motivation-ov)."""

    ACCIDENTAL = "accidental"
    COERCION = "coercion"
    DOMINANCE = "dominance"
    IDEOLOGY = "ideology"
    NOTORIETY = "notoriety"
    ORGANIZATIONAL_GAIN = "organizational-gain"
    PERSONAL_GAIN = "personal-gain"
    PERSONAL_SATISFACTION = "personal-satisfaction"
    REVENGE = "revenge"
    UNPREDICTABLE = "unpredictable"


class AttackResourceLevel(OpenEnum):
    """What an attacker can muster (STIX 2.1 attack-resource-level-ov)."""

    INDIVIDUAL = "individual"
    CLUB = "club"
    CONTEST = "contest"
    TEAM = "team"
    ORGANIZATION = "organization"
    GOVERNMENT = "government"


class CasePriority(OpenEnum):
    """How urgent a case is (OpenCTI vocabulary)."""

    P1 = "P1"
    P2 = "P2"
    P3 = "P3"
    P4 = "P4"


class CaseSeverity(OpenEnum):
    """How bad a case is (OpenCTI vocabulary)."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class IncidentSeverity(OpenEnum):
    """How bad an incident is (OpenCTI vocabulary)."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class CaseIncidentResponseType(OpenEnum):
    """What an incident response is about (OpenCTI vocabulary)."""

    RANSOMWARE = "ransomware"
    DATA_LEAK = "data-leak"


class ChannelType(OpenEnum):
    """Kinds of channels (OpenCTI vocabulary)."""

    TWITTER = "Twitter"
    FACEBOOK = "Facebook"


class CvssSeverity(StrEnum):
    """Qualitative severity of a CVSS score."""

    CRITICAL = "CRITICAL"
    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"
    UNKNOWN = "Unknown"


class HashAlgorithm(OpenEnum):
    """Hash algorithms (STIX 2.1 hash-algorithm-ov)."""

    MD5 = "MD5"
    SHA1 = "SHA-1"
    SHA256 = "SHA-256"
    SHA512 = "SHA-512"
    SHA3256 = "SHA3-256"
    SHA3512 = "SHA3-512"
    SSDEEP = "SSDEEP"
    TLSH = "TLSH"


class ImplementationLanguage(OpenEnum):
    """Programming languages of malware (STIX 2.1 implementation-language-ov)."""

    APPLESCRIPT = "applescript"
    BASH = "bash"
    C = "c"
    C_PLUS_PLUS = "c++"
    C_SHARP = "c#"
    GO = "go"
    JAVA = "java"
    JAVASCRIPT = "javascript"
    LUA = "lua"
    OBJECTIVE_C = "objective-c"
    PERL = "perl"
    PHP = "php"
    POWERSHELL = "powershell"
    PYTHON = "python"
    RUBY = "ruby"
    SCALA = "scala"
    SWIFT = "swift"
    TYPESCRIPT = "typescript"
    VISUAL_BASIC = "visual-basic"
    X86_32 = "x86-32"
    X86_64 = "x86-64"


class IncidentType(OpenEnum):
    """Kinds of incidents (OpenCTI vocabulary)."""

    ALERT = "alert"
    COMPROMISE = "compromise"
    INFORMATION_SYSTEM_DISRUPTION = "information-system-disruption"
    RANSOMWARE = "ransomware"
    REPUTATION_DAMAGE = "reputation-damage"
    DATA_LEAK = "data-leak"
    TYPOSQUATTING = "typosquatting"
    PHISHING = "phishing"
    CYBERCRIME = "cybercrime"


class InfrastructureType(OpenEnum):
    """What infrastructure is used for (STIX 2.1 infrastructure-type-ov)."""

    AMPLIFICATION = "amplification"
    ANONYMIZATION = "anonymization"
    BOTNET = "botnet"
    COMMAND_AND_CONTROL = "command-and-control"
    CONTROL_SYSTEM = "control-system"
    EXFILTRATION = "exfiltration"
    FIREWALL = "firewall"
    HOSTING_MALWARE = "hosting-malware"
    HOSTING_TARGET_LISTS = "hosting-target-lists"
    PHISHING = "phishing"
    RECONNAISSANCE = "reconnaissance"
    ROUTERS_SWITCHES = "routers-switches"
    STAGING = "staging"
    WORKSTATION = "workstation"
    UNKNOWN = "unknown"


class IndustrySector(OpenEnum):
    """Sectors (STIX 2.1 industry-sector-ov)."""

    AGRICULTURE = "agriculture"
    AEROSPACE = "aerospace"
    AUTOMOTIVE = "automotive"
    CHEMICAL = "chemical"
    COMMERCIAL = "commercial"
    COMMUNICATIONS = "communications"
    CONSTRUCTION = "construction"
    DEFENSE = "defense"
    EDUCATION = "education"
    ENERGY = "energy"
    ENTERTAINMENT = "entertainment"
    FINANCIAL_SERVICES = "financial-services"
    GOVERNMENT = "government"
    EMERGENCY_SERVICES = "emergency-services"
    GOVERNMENT_LOCAL = "government-local"
    GOVERNMENT_NATIONAL = "government-national"
    GOVERNMENT_PUBLIC_SERVICES = "government-public-services"
    GOVERNMENT_REGIONAL = "government-regional"
    HEALTHCARE = "healthcare"
    HOSPITALITY_LEISURE = "hospitality-leisure"
    INFRASTRUCTURE = "infrastructure"
    DAMS = "dams"
    NUCLEAR = "nuclear"
    WATER = "water"
    INSURANCE = "insurance"
    MANUFACTURING = "manufacturing"
    MINING = "mining"
    NON_PROFIT = "non-profit"
    PHARMACEUTICALS = "pharmaceuticals"
    RETAIL = "retail"
    TECHNOLOGY = "technology"
    TELECOMMUNICATIONS = "telecommunications"
    TRANSPORTATION = "transportation"
    UTILITIES = "utilities"


class LocationType(StrEnum):
    """Kinds of locations that OpenCTI tells apart."""

    ADMINISTRATIVE_AREA = "Administrative-Area"
    CITY = "City"
    COUNTRY = "Country"
    REGION = "Region"
    POSITION = "Position"


class MalwareCapability(OpenEnum):
    """What malware can do (STIX 2.1 malware-capabilities-ov)."""

    ACCESSES_REMOTE_MACHINES = "accesses-remote-machines"
    ANTI_DEBUGGING = "anti-debugging"
    ANTI_DISASSEMBLY = "anti-disassembly"
    ANTI_EMULATION = "anti-emulation"
    ANTI_MEMORY_FORENSICS = "anti-memory-forensics"
    ANTI_SANDBOX = "anti-sandbox"
    ANTI_VM = "anti-vm"
    CAPTURES_INPUT_PERIPHERALS = "captures-input-peripherals"
    CAPTURES_OUTPUT_PERIPHERALS = "captures-output-peripherals"
    CAPTURES_SYSTEM_STATE_DATA = "captures-system-state-data"
    CLEANS_TRACES_OF_INFECTION = "cleans-traces-of-infection"
    COMMITS_FRAUD = "commits-fraud"
    COMMUNICATES_WITH_C2 = "communicates-with-c2"
    COMPROMISES_DATA_AVAILABILITY = "compromises-data-availability"
    COMPROMISES_DATA_INTEGRITY = "compromises-data-integrity"
    COMPROMISES_SYSTEM_AVAILABILITY = "compromises-system-availability"
    CONTROLS_LOCAL_MACHINE = "controls-local-machine"
    DEGRADES_SECURITY_SOFTWARE = "degrades-security-software"
    DEGRADES_SYSTEM_UPDATES = "degrades-system-updates"
    DETERMINES_C2_SERVER = "determines-c2-server"
    EMAILS_SPAM = "emails-spam"
    ESCALATES_PRIVILEGES = "escalates-privileges"
    EVADES_AV = "evades-av"
    EXFILTRATES_DATA = "exfiltrates-data"
    FINGERPRINTS_HOST = "fingerprints-host"
    HIDES_ARTIFACTS = "hides-artifacts"
    HIDES_EXECUTING_CODE = "hides-executing-code"
    INFECTS_FILES = "infects-files"
    INFECTS_REMOTE_MACHINES = "infects-remote-machines"
    INSTALLS_OTHER_COMPONENTS = "installs-other-components"
    PERSISTS_AFTER_SYSTEM_REBOOT = "persists-after-system-reboot"
    PREVENTS_ARTIFACT_ACCESS = "prevents-artifact-access"
    PREVENTS_ARTIFACT_DELETION = "prevents-artifact-deletion"
    PROBES_NETWORK_ENVIRONMENT = "probes-network-environment"
    SELF_MODIFIES = "self-modifies"
    STEALS_AUTHENTICATION_CREDENTIALS = "steals-authentication-credentials"
    VIOLATES_SYSTEM_OPERATIONAL_INTEGRITY = "violates-system-operational-integrity"


class MalwareType(OpenEnum):
    """Kinds of malware (STIX 2.1 malware-type-ov)."""

    ADWARE = "adware"
    BACKDOOR = "backdoor"
    BOT = "bot"
    BOOTKIT = "bootkit"
    DDOS = "ddos"
    DOWNLOADER = "downloader"
    DROPPER = "dropper"
    EXPLOIT_KIT = "exploit-kit"
    KEYLOGGER = "keylogger"
    RANSOMWARE = "ransomware"
    REMOTE_ACCESS_TROJAN = "remote-access-trojan"
    RESOURCE_EXPLOITATION = "resource-exploitation"
    ROGUE_SECURITY_SOFTWARE = "rogue-security-software"
    ROOTKIT = "rootkit"
    SCREEN_CAPTURE = "screen-capture"
    SPYWARE = "spyware"
    TROJAN = "trojan"
    UNKNOWN = "unknown"
    VIRUS = "virus"
    WEBSHELL = "webshell"
    WIPER = "wiper"
    WORM = "worm"


class NoteType(OpenEnum):
    """Kinds of notes (OpenCTI vocabulary)."""

    INTERNAL = "internal"
    ASSESSMENT = "assessment"
    ANALYSIS = "analysis"
    FEEDBACK = "feedback"
    EXTERNAL = "external"


class OrganizationType(OpenEnum):
    """Kinds of organizations (OpenCTI vocabulary)."""

    VENDOR = "vendor"
    PARTNER = "partner"
    CONSTITUENT = "constituent"
    CSIRT = "csirt"
    OTHER = "other"


class Permission(OpenEnum):
    """Rights that a technique needs."""

    USER = "user"
    ADMINISTRATOR = "administrator"


class Platform(OpenEnum):
    """Platforms that a technique works on."""

    WINDOWS = "windows"
    MACOS = "macos"
    LINUX = "linux"
    ANDROID = "android"


class ProcessorArchitecture(OpenEnum):
    """Processors (STIX 2.1 processor-architecture-ov)."""

    ALPHA = "alpha"
    ARM = "arm"
    IA_64 = "ia-64"
    MIPS = "mips"
    POWERPC = "powerpc"
    SPARC = "sparc"
    X86 = "x86"
    X86_64 = "x86-64"


class RelationshipType(OpenEnum):
    """Kinds of relationships that OpenCTI knows."""

    ANALYSIS_OF = "analysis-of"
    ATTRIBUTED_TO = "attributed-to"
    AUTHORED_BY = "authored-by"
    BASED_ON = "based-on"
    BEACONS_TO = "beacons-to"
    BELONGS_TO = "belongs-to"
    CHARACTERIZES = "characterizes"
    COMMUNICATES_WITH = "communicates-with"
    COMPROMISES = "compromises"
    CONSISTS_OF = "consists-of"
    CONTROLS = "controls"
    DELIVERS = "delivers"
    DEMONSTRATES = "demonstrates"
    DERIVED_FROM = "derived-from"
    DOWNLOADS = "downloads"
    DROPS = "drops"
    DUPLICATE_OF = "duplicate-of"
    DYNAMIC_ANALYSIS_OF = "dynamic-analysis-of"
    EXFILTRATES_TO = "exfiltrates-to"
    EXPLOITS = "exploits"
    HAS = "has"
    HOSTS = "hosts"
    IMPERSONATES = "impersonates"
    INDICATES = "indicates"
    INVESTIGATES = "investigates"
    LOCATED_AT = "located-at"
    MITIGATES = "mitigates"
    ORIGINATES_FROM = "originates-from"
    OWNS = "owns"
    RELATED_TO = "related-to"
    REMEDIATES = "remediates"
    RESOLVES_TO = "resolves-to"
    STATIC_ANALYSIS_OF = "static-analysis-of"
    TARGETS = "targets"
    TECHNOLOGY = "technology"
    TECHNOLOGY_FROM = "technology-from"
    TECHNOLOGY_TO = "technology-to"
    TRANSFERRED_TO = "transferred-to"
    USES = "uses"
    VARIANT_OF = "variant-of"
    AMPLIFIES = "amplifies"
    CITIZEN_OF = "citizen-of"
    COOPERATES_WITH = "cooperates-with"
    EMPLOYED_BY = "employed-by"
    HAS_COVERED = "has-covered"
    KNOWN_AS = "known-as"
    NATIONAL_OF = "national-of"
    PART_OF = "part-of"
    PARTICIPATES_IN = "participates-in"
    PUBLISHES = "publishes"
    REPORTS_TO = "reports-to"
    RESIDES_IN = "resides-in"
    SHOULD_COVER = "should-cover"
    SUBNARRATIVE_OF = "subnarrative-of"
    SUPPORTS = "supports"
    DETECTS = "detects"
    REVOKED_BY = "revoked-by"
    SUBTECHNIQUE_OF = "subtechnique-of"


class Reliability(OpenEnum):
    """How far a source can be relied on (Admiralty code)."""

    A = "A - Completely reliable"
    B = "B - Usually reliable"
    C = "C - Fairly reliable"
    D = "D - Not usually reliable"
    E = "E - Unreliable"
    F = "F - Reliability cannot be judged"


class ReportType(OpenEnum):
    """Kinds of reports (OpenCTI vocabulary)."""

    BREACH_ALERT = "breach_alert"
    FINTEL = "fintel"
    INFOREP = "inforep"
    INTELLIGENCE_SUMMARY = "intelligence_summary"
    INTERNAL_REPORT = "internal-report"
    MALWARE = "malware"
    SPOTREP = "spotrep"
    THREAT_REPORT = "threat-report"


class ThreatActorRole(OpenEnum):
    """Roles of a threat actor (STIX 2.1 threat-actor-role-ov)."""

    AGENT = "agent"
    DIRECTOR = "director"
    INDEPENDENT = "independent"
    INFRASTRUCTURE_ARCHITECT = "infrastructure-architect"
    INFRASTRUCTURE_OPERATOR = "infrastructure-operator"
    MALWARE_AUTHOR = "malware-author"
    SPONSOR = "sponsor"


class ThreatActorSophistication(OpenEnum):
    """Skill of a threat actor (STIX 2.1 threat-actor-sophistication-ov)."""

    NONE = "none"
    MINIMAL = "minimal"
    INTERMEDIATE = "intermediate"
    ADVANCED = "advanced"
    EXPERT = "expert"
    INNOVATOR = "innovator"
    STRATEGIC = "strategic"


class ThreatActorTypes(OpenEnum):
    """Kinds of threat actors (STIX 2.1 threat-actor-type-ov)."""

    ACTIVIST = "activist"
    COMPETITOR = "competitor"
    CRIME_SYNDICATE = "crime-syndicate"
    CRIMINAL = "criminal"
    HACKER = "hacker"
    INSIDER_ACCIDENTAL = "insider-accidental"
    INSIDER_DISGRUNTLED = "insider-disgruntled"
    NATION_STATE = "nation-state"
    SENSATIONALIST = "sensationalist"
    SPY = "spy"
    TERRORIST = "terrorist"
    UNKNOWN = "unknown"


class TLPLevel(StrEnum):
    """Levels of the Traffic Light Protocol."""

    CLEAR = "clear"
    WHITE = "white"
    GREEN = "green"
    AMBER = "amber"
    AMBER_STRICT = "amber+strict"
    RED = "red"


class ToolType(OpenEnum):
    """What a tool is for (STIX 2.1 tool-type-ov)."""

    DENIAL_OF_SERVICE = "denial-of-service"
    EXPLOITATION = "exploitation"
    INFORMATION_GATHERING = "information-gathering"
    NETWORK_CAPTURE = "network-capture"
    CREDENTIAL_EXPLOITATION = "credential-exploitation"
    REMOTE_ACCESS = "remote-access"
    VULNERABILITY_SCANNING = "vulnerability-scanning"
    UNKNOWN = "unknown"

"""What there is to know about STIX classes, their types and pycti's `generate_id`.

Source: the public classes of stix2 (v2.0, v2.1) and pycti; a test compares these tables with the installed packages.
"""

from dataclasses import dataclass

# pycti class -> {parameter of its generate_id: property of the object that belongs there}, in the order of parameters.
GENERATORS: dict[str, dict[str, str]] = {
    "AttackPattern": {"name": "name", "x_mitre_id": "x_mitre_id"},
    "Campaign": {"name": "name"},
    "CaseIncident": {"name": "name", "created": "created"},
    "CaseRfi": {"name": "name", "created": "created"},
    "CaseRft": {"name": "name", "created": "created"},
    "Channel": {"name": "name"},
    "CourseOfAction": {"name": "name", "x_mitre_id": "x_mitre_id"},
    "DataComponent": {"name": "name"},
    "DataSource": {"name": "name"},
    "Event": {"name": "name"},
    "Feedback": {"name": "name"},
    "Grouping": {"name": "name", "context": "context", "created": "created"},
    "Identity": {"name": "name", "identity_class": "identity_class"},
    "Incident": {"name": "name", "created": "created"},
    "Indicator": {"pattern": "pattern"},
    "Infrastructure": {"name": "name"},
    "IntrusionSet": {"name": "name"},
    "Language": {"name": "name"},
    "Location": {
        "name": "name",
        "x_opencti_location_type": "x_opencti_location_type",
        "latitude": "latitude",
        "longitude": "longitude",
    },
    "Malware": {"name": "name"},
    "MalwareAnalysis": {
        "result_name": "result_name",
        "product": "product",
        "submitted": "submitted",
    },
    # stix2 refuses OpenCTI's own TLP levels, so their true values travel as custom properties.
    "MarkingDefinition": {
        "definition_type": "x_opencti_definition_type",
        "definition": "x_opencti_definition",
    },
    "Narrative": {"name": "name"},
    "Note": {"created": "created", "content": "content", "abstract": "abstract"},
    "ObservedData": {"object_ids": "object_refs"},
    "Opinion": {"created": "created", "opinion": "opinion"},
    "Report": {"name": "name", "published": "published"},
    "SecurityCoverage": {"covered_ref": "covered_ref"},
    "SecurityCoverageResult": {
        "name": "name",
        "external_uri": "external_uri",
        "result_of_ref": "result_of_ref",
    },
    "StixCoreRelationship": {
        "relationship_type": "relationship_type",
        "source_ref": "source_ref",
        "target_ref": "target_ref",
        "start_time": "start_time",
        "stop_time": "stop_time",
    },
    "StixSightingRelationship": {
        "sighting_of_ref": "sighting_of_ref",
        "where_sighted_refs": "where_sighted_refs",
        "first_seen": "first_seen",
        "last_seen": "last_seen",
    },
    "Task": {"name": "name", "created": "created"},
    "ThreatActor": {"name": "name", "opencti_type": "x_opencti_type"},
    "ThreatActorGroup": {"name": "name"},
    "ThreatActorIndividual": {"name": "name"},
    "Tool": {"name": "name"},
    "Vulnerability": {"name": "name"},
}

# Parameters that pycti lets one leave out, and that are left out of what is suggested.
_OPTIONAL = {
    "Grouping": {"created"},
    "Location": {"latitude", "longitude"},
    "MalwareAnalysis": {"product", "submitted"},
    "Note": {"abstract"},
    "StixCoreRelationship": {"start_time", "stop_time"},
    "StixSightingRelationship": {"first_seen", "last_seen"},
}


def signature(generator: str) -> str:
    """Return how a generator is called, e.g. `pycti.Identity.generate_id(name, identity_class)`."""
    shown = [p for p in GENERATORS[generator] if p not in _OPTIONAL.get(generator, ())]
    return f"pycti.{generator}.generate_id({', '.join(shown)})"


def attribute(generator: str) -> str:
    """Return the name that pycti's API client has a generator's class under: `StixCoreRelationship` -> `stix_core_relationship`."""
    return "".join(
        f"_{letter.lower()}" if letter.isupper() else letter for letter in generator
    ).lstrip("_")


BY_ATTRIBUTE = {attribute(name): name for name in GENERATORS}


@dataclass(frozen=True)
class Kind:
    """A kind of STIX object.

    Attributes:
        name: its class, as people call it.
        stix_type: the `type` of the object; empty for a base class of stix2.
        generators: the pycti classes whose `generate_id` is right for it; empty where the id follows from the
            object's values by itself (observables).
    """

    name: str
    stix_type: str
    generators: tuple[str, ...] = ()

    @property
    def is_observable(self) -> bool:
        """True when the id is derived by the class itself."""
        return not self.generators

    @property
    def advice(self) -> str:
        """Which `generate_id` to use, in words."""
        if self.is_observable:
            return "leave the id out, it follows from the values"
        return "use id=" + " or id=".join(map(signature, self.generators))


def _kinds() -> dict[str, Kind]:
    same = (
        "AttackPattern Campaign CourseOfAction Grouping Identity Incident Indicator Infrastructure IntrusionSet Location "
        "Malware MalwareAnalysis MarkingDefinition Note ObservedData Opinion Report Tool Vulnerability"
    ).split()
    kinds = {
        name: Kind(name, attribute(name).replace("_", "-"), (name,)) for name in same
    }
    kinds["ThreatActor"] = Kind(
        "ThreatActor",
        "threat-actor",
        ("ThreatActorGroup", "ThreatActorIndividual", "ThreatActor"),
    )
    kinds["Relationship"] = Kind(
        "Relationship", "relationship", ("StixCoreRelationship",)
    )
    kinds["Sighting"] = Kind("Sighting", "sighting", ("StixSightingRelationship",))
    return kinds


def _observables() -> dict[str, Kind]:
    names = {
        "Artifact": "artifact",
        "AutonomousSystem": "autonomous-system",
        "Directory": "directory",
        "DomainName": "domain-name",
        "EmailAddress": "email-addr",
        "EmailMessage": "email-message",
        "File": "file",
        "IPv4Address": "ipv4-addr",
        "IPv6Address": "ipv6-addr",
        "MACAddress": "mac-addr",
        "Mutex": "mutex",
        "NetworkTraffic": "network-traffic",
        "Process": "process",
        "Software": "software",
        "URL": "url",
        "UserAccount": "user-account",
        "WindowsRegistryKey": "windows-registry-key",
        "X509Certificate": "x509-certificate",
    }
    return {name: Kind(name, stix_type) for name, stix_type in names.items()}


# Class of stix2 -> kind.
STIX2_CLASSES = {**_kinds(), **_observables()}

# Class of pycti -> kind.
PYCTI_CLASSES = {
    f"CustomObject{name}": Kind(f"CustomObject{name}", stix_type, (name,))
    for name, stix_type in {
        "CaseIncident": "case-incident",
        "CaseRfi": "case-rfi",
        "Channel": "channel",
        "Task": "task",
    }.items()
} | {
    f"CustomObservable{name}": Kind(f"CustomObservable{name}", stix_type)
    for name, stix_type in {
        "AIPrompt": "ai-prompt",
        "BankAccount": "bank-account",
        "Credential": "credential",
        "CryptocurrencyWallet": "cryptocurrency-wallet",
        "CryptographicKey": "cryptographic-key",
        "Hostname": "hostname",
        "ICCID": "iccid",
        "IMEI": "imei",
        "IMSI": "imsi",
        "MediaContent": "media-content",
        "PaymentCard": "payment-card",
        "Persona": "persona",
        "PhoneNumber": "phone-number",
        "SshKey": "ssh-key",
        "Text": "text",
        "TrackingNumber": "tracking-number",
        "UserAgent": "user-agent",
    }.items()
}

# Types that OpenCTI knows and that have a class in neither package, or under another name.
_MORE_TYPES = {
    "case-rft": "CaseRft",
    "data-component": "DataComponent",
    "data-source": "DataSource",
    "event": "Event",
    "feedback": "Feedback",
    "language": "Language",
    "narrative": "Narrative",
    "security-coverage": "SecurityCoverage",
    "x-mitre-data-component": "DataComponent",
    "x-mitre-data-source": "DataSource",
}
_NO_CLASS = {
    stix_type: Kind(generator, stix_type, (generator,))
    for stix_type, generator in _MORE_TYPES.items()
}

# `type` of a STIX object -> kind.
BY_TYPE = {
    kind.stix_type: kind
    for kind in (*_NO_CLASS.values(), *PYCTI_CLASSES.values(), *STIX2_CLASSES.values())
}

# What stix2's own classes derive from; a subclass of one of these has no type that is known here.
BASE_CLASSES = {"_DomainObject", "_RelationshipObject"}

# Keys that tell a STIX object from any other dictionary that has a `type` and an `id`.
STIX_KEYS = frozenset(
    {
        "spec_version",
        "created_by_ref",
        "object_marking_refs",
        "object_refs",
        "pattern_type",
        "relationship_type",
        "source_ref",
        "target_ref",
        "sighting_of_ref",
        "where_sighted_refs",
        "identity_class",
        "external_references",
        "kill_chain_phases",
        "extensions",
    }
)

# Random by nature: full names, and packages of which everything is random.
RANDOM_CALLS = frozenset(
    {
        "uuid.uuid1",
        "uuid.uuid4",
        "uuid.uuid6",
        "uuid.uuid7",
        "os.urandom",
        "secrets.token_bytes",
        "secrets.token_hex",
        "secrets.token_urlsafe",
        "secrets.randbits",
        "secrets.randbelow",
    }
)
RANDOM_PACKAGES = ("random.", "numpy.random.", "shortuuid.", "ulid.", "nanoid.")
# pycti's own way to a random id.
RANDOM_METHOD = "generate_random_stix_id"
# The time of the run: another id on every run.
CLOCK_CALLS = frozenset(
    {
        "datetime.datetime.now",
        "datetime.datetime.utcnow",
        "datetime.datetime.today",
        "datetime.now",
        "time.time",
        "time.time_ns",
        "time.monotonic",
        "time.perf_counter",
        "pendulum.now",
        "arrow.utcnow",
        "arrow.now",
        "stix2.utils.get_timestamp",
    }
)

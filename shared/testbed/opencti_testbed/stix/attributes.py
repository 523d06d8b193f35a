"""What the objects of each type have: one description for reading, for writing and for the API's schema.

An attribute is written as `name` or `name:kind`; the kinds are `text` (default), `list` (of texts), `int`, `float`,
`bool`, `date` and `json`. Where STIX calls an attribute otherwise its name there follows: `name=stix_name:kind`.

Source: what the platform's client asks for and sends, by type.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from opencti_testbed.stix.types import (
    CONTAINERS,
    IDENTITIES,
    LOCATIONS,
    META_ENTITY_TYPES,
    SCO_ENTITY_TYPES,
    SDO_ENTITY_TYPES,
    SIGHTING_TYPE,
    THREAT_ACTORS,
)

KINDS = frozenset({"text", "list", "int", "float", "bool", "date", "json"})


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of a type.

    Attributes:
        name: how the API calls it.
        kind: one of `KINDS`.
        stix: how STIX calls it.
    """

    name: str
    kind: str
    stix: str


@dataclass(frozen=True, slots=True)
class Reference:
    """A field that leads to other stored objects.

    Attributes:
        name: how the API calls it.
        key: under which key the reference is stored (`created_by_ref`, `object-label`, ...).
        many: whether there can be several.
    """

    name: str
    key: str
    many: bool


_EVERY = "created:date modified:date"
_CORE = f"{_EVERY} revoked:bool confidence:int lang x_opencti_workflow_id"
_ACTOR = (
    "name description aliases:list first_seen:date last_seen:date goals:list roles:list threat_actor_types:list"
    " sophistication resource_level primary_motivation secondary_motivations:list personal_motivations:list"
    " x_opencti_score:int"
)
_IDENTITY = (
    "name description contact_information roles:list identity_class x_opencti_aliases:list x_opencti_reliability"
    " x_opencti_score:int"
)
_LOCATION = (
    "name description latitude:float longitude:float precision:float x_opencti_aliases:list"
    " x_opencti_location_type"
)
_CASE = "name description content severity priority"
_COVERAGE = (
    "name description external_uri coverage_last_result=last_result:date coverage_valid_from=valid_from:date"
    " coverage_valid_to=valid_to:date coverage_information:json auto_enrichment_disable:bool"
)
_CVSS = " ".join(
    [
        *(
            f"x_opencti_cvss_{name}"
            for name in (
                "vector_string base_score:float base_severity attack_vector attack_complexity privileges_required"
                " user_interaction scope confidentiality_impact integrity_impact availability_impact"
                " exploit_code_maturity remediation_level report_confidence temporal_score:float"
            ).split()
        ),
        *(
            f"x_opencti_cvss_v2_{name}"
            for name in (
                "vector_string base_score:float access_vector access_complexity authentication"
                " confidentiality_impact integrity_impact availability_impact exploitability remediation_level"
                " report_confidence temporal_score:float"
            ).split()
        ),
        *(
            f"x_opencti_cvss_v4_{name}"
            for name in (
                "vector_string base_score:float base_severity attack_vector attack_complexity attack_requirements"
                " privileges_required user_interaction confidentiality_impact_v confidentiality_impact_s"
                " integrity_impact_v integrity_impact_s availability_impact_v availability_impact_s"
                " exploit_maturity"
            ).split()
        ),
    ]
)
_CERTIFICATE = (
    "is_self_signed:bool version serial_number signature_algorithm issuer subject validity_not_before:date"
    " validity_not_after:date subject_public_key_algorithm subject_public_key_modulus"
    " subject_public_key_exponent:int basic_constraints name_constraints policy_constraints key_usage"
    " extended_key_usage subject_key_identifier authority_key_identifier subject_alternative_name"
    " issuer_alternative_name subject_directory_attributes crl_distribution_points inhibit_any_policy"
    " private_key_usage_period_not_before:date private_key_usage_period_not_after:date certificate_policies"
    " policy_mappings hashes:json"
)

_SDO: dict[str, str] = {
    "Attack-Pattern": "name description aliases:list x_mitre_platforms:list x_mitre_permissions_required:list"
    " x_mitre_detection x_mitre_id",
    "Campaign": "name description aliases:list first_seen:date last_seen:date objective",
    "Case-Incident": f"{_CASE} rating:int response_types:list",
    "Case-Rfi": f"{_CASE} information_types:list",
    "Case-Rft": f"{_CASE} takedown_types:list",
    "Channel": "name description aliases:list channel_types:list",
    "Course-Of-Action": "name description x_opencti_aliases:list x_mitre_id",
    "Data-Component": "name description aliases:list",
    "Data-Source": "name description aliases:list x_mitre_platforms:list collection_layers=x_mitre_collection_layers:list",
    "Event": "name description aliases:list event_types:list start_time:date stop_time:date x_opencti_score:int",
    "Feedback": "name description rating:int content",
    "Grouping": "name description context content x_opencti_aliases:list",
    "Incident": "name description aliases:list first_seen:date last_seen:date objective incident_type severity"
    " source x_opencti_score:int",
    "Indicator": "name description pattern_type pattern_version pattern indicator_types:list valid_from:date"
    " valid_until:date x_opencti_score:int x_opencti_detection:bool x_opencti_main_observable_type"
    " x_mitre_platforms:list",
    "Infrastructure": "name description aliases:list infrastructure_types:list first_seen:date last_seen:date",
    "Intrusion-Set": "name description aliases:list first_seen:date last_seen:date goals:list resource_level"
    " primary_motivation secondary_motivations:list x_opencti_score:int",
    "Language": "name aliases:list",
    "Malware": "name description aliases:list malware_types:list is_family:bool first_seen:date last_seen:date"
    " architecture_execution_envs:list implementation_languages:list capabilities:list x_opencti_score:int",
    "Malware-Analysis": "product version configuration_version modules:list analysis_engine_version"
    " analysis_definition_version submitted:date analysis_started:date analysis_ended:date result_name result",
    "Narrative": "name description aliases:list narrative_types:list",
    "Note": "attribute_abstract=abstract content authors:list note_types:list likelihood:int",
    "Observed-Data": "first_observed:date last_observed:date number_observed:int number_seen:int"
    " max_distinct_count:int",
    "Opinion": "explanation authors:list opinion",
    "Report": "name description report_types:list published:date content x_opencti_reliability",
    "Security-Coverage": f"{_COVERAGE} periodicity duration type_affinity platforms_affinity:list"
    " tenant_name tenant_id",
    "Security-Coverage-Result": _COVERAGE,
    "Task": "name description due_date:date",
    "Tool": "name description aliases:list tool_types:list tool_version",
    "Vulnerability": f"name description x_opencti_aliases:list {_CVSS} x_opencti_ssvc_exploitation"
    " x_opencti_ssvc_automatable:bool x_opencti_ssvc_technical_impact x_opencti_cwe:list x_opencti_cisa_kev:bool"
    " x_opencti_epss_score:float x_opencti_epss_percentile:float x_opencti_score:int"
    " x_opencti_first_seen_active:date",
    **dict.fromkeys(IDENTITIES.values(), _IDENTITY),
    "Organization": f"{_IDENTITY} x_opencti_organization_type",
    "Individual": f"{_IDENTITY} x_opencti_firstname x_opencti_lastname",
    "SecurityPlatform": f"{_IDENTITY} security_platform_type",
    **dict.fromkeys(LOCATIONS, _LOCATION),
    "Position": f"{_LOCATION} street_address postal_code",
    **dict.fromkeys(THREAT_ACTORS, _ACTOR),
}
_FILE_TIMES = "ctime:date mtime:date atime:date"
_SCO: dict[str, str] = {
    **dict.fromkeys(SCO_ENTITY_TYPES, "value"),
    "Artifact": "mime_type payload_bin url encryption_algorithm decryption_key hashes:json"
    " x_opencti_additional_names:list",
    "Autonomous-System": "number:int name rir",
    "Bank-Account": "iban bic account_number",
    "Directory": f"path path_enc {_FILE_TIMES}",
    "Email-Addr": "value display_name",
    "Email-Message": "is_multipart:bool attribute_date=date:date content_type message_id subject"
    " received_lines:list body",
    "Email-Mime-Part-Type": "body content_type content_disposition",
    "Media-Content": "title content media_category url publication_date:date",
    "Mutex": "name",
    "Network-Traffic": "start:date end:date is_active:bool src_port:int dst_port:int protocols:list"
    " src_byte_count:int dst_byte_count:int src_packets:int dst_packets:int extensions:json",
    "Payment-Card": "card_number expiration_date:date cvv holder_name",
    "Persona": "persona_name persona_type",
    "Process": "is_hidden:bool pid:int created_time:date cwd command_line environment_variables:list"
    " extensions:json",
    "Software": "name cpe swid languages:list vendor version x_opencti_product",
    "SSH-Key": "key_type public_key fingerprint_sha256 fingerprint_md5 key_length:int expiration_date:date comment"
    " created:date",
    "StixFile": f"name name_enc size:int magic_number_hex mime_type {_FILE_TIMES} hashes:json extensions:json"
    " x_opencti_additional_names:list",
    "User-Account": "user_id credential account_login account_type display_name is_service_account:bool"
    " is_privileged:bool can_escalate_privs:bool is_disabled:bool account_created:date account_expires:date"
    " credential_last_changed:date account_first_login:date account_last_login:date extensions:json",
    "Windows-Registry-Key": "attribute_key=key modified_time:date number_of_subkeys:int",
    "Windows-Registry-Value-Type": "name data data_type",
    "X509-Certificate": _CERTIFICATE,
}
_META: dict[str, str] = {
    "External-Reference": "source_name description url hash external_id",
    "Kill-Chain-Phase": "kill_chain_name phase_name x_opencti_order:int",
    "Label": "value color",
    "Marking-Definition": "definition_type definition x_opencti_order:int x_opencti_color",
    "Vocabulary": "name description aliases:list category",
}
RELATIONSHIP = (
    f"{_CORE} relationship_type description start_time:date stop_time:date external_uri"
    " coverage_information:json"
)
SIGHTING = (
    f"{_CORE} description first_seen:date last_seen:date attribute_count=count:int"
    " x_opencti_negative:bool"
)

# Types whose `aliases` mean the same thing as their name, and where they keep them.
ALIASES: dict[str, str] = {
    **dict.fromkeys(
        (
            "Attack-Pattern",
            "Campaign",
            "Channel",
            "Data-Component",
            "Data-Source",
            "Event",
            "Incident",
            "Infrastructure",
            "Intrusion-Set",
            "Language",
            "Malware",
            "Narrative",
            "Tool",
            *THREAT_ACTORS,
        ),
        "aliases",
    ),
    **dict.fromkeys(
        ("Course-Of-Action", "Vulnerability", *IDENTITIES.values(), *LOCATIONS),
        "x_opencti_aliases",
    ),
}
# What many of the types' members look at: keys of references, as stored.
LABEL, EXTERNAL_REFERENCE, KILL_CHAIN_PHASE = (
    "object-label",
    "external-reference",
    "kill-chain-phase",
)
_COMMON_REFERENCES = (
    Reference("createdBy", "created_by_ref", False),
    Reference("objectMarking", "object_marking_refs", True),
    Reference("objectOrganization", "x_opencti_granted_refs", True),
    Reference("objectLabel", LABEL, True),
    Reference("externalReferences", EXTERNAL_REFERENCE, True),
)
_PHASES = Reference("killChainPhases", KILL_CHAIN_PHASE, True)
_OBJECTS = Reference("objects", "object_refs", True)
_OWN_REFERENCES: dict[str, tuple[Reference, ...]] = {
    **dict.fromkeys(CONTAINERS, (_OBJECTS,)),
    **dict.fromkeys(
        ("Attack-Pattern", "Indicator", "Infrastructure", "Tool"), (_PHASES,)
    ),
    "Malware": (_PHASES, Reference("samples", "sample_refs", True)),
    "Data-Component": (Reference("dataSource", "x_mitre_data_source_ref", False),),
    "Malware-Analysis": (
        Reference("hostVm", "host_vm_ref", False),
        Reference("operatingSystem", "operating_system_ref", False),
        Reference("installedSoftware", "installed_software_refs", True),
        Reference("analysisSample", "sample_ref", False),
        Reference("analysisSco", "analysis_sco_refs", True),
    ),
    "Security-Coverage": (Reference("objectCovered", "covered_ref", False),),
    "Security-Coverage-Result": (Reference("resultOf", "result_of_ref", False),),
    "Network-Traffic": (
        Reference("networkSrc", "src_ref", False),
        Reference("networkDst", "dst_ref", False),
    ),
}


def _parse(text: str) -> dict[str, Attribute]:
    found: dict[str, Attribute] = {}
    for word in text.split():
        left, _, kind = word.partition(":")
        name, _, stix = left.partition("=")
        assert not kind or kind in KINDS, word
        found[name] = Attribute(name, kind or "text", stix or name)
    return found


@cache
def attributes(entity_type: str) -> Mapping[str, Attribute]:
    """Return the attributes of a type by their API name; a relationship's type counts as `stix-core-relationship`."""
    if entity_type in SDO_ENTITY_TYPES:
        return _parse(f"{_SDO[entity_type]} {_CORE}")
    if entity_type in SCO_ENTITY_TYPES:
        text = "x_opencti_score:int x_opencti_description x_opencti_workflow_id"
        return _parse(f"{_SCO[entity_type]} {text}")
    if entity_type in META_ENTITY_TYPES:
        return _parse(f"{_META[entity_type]} {_EVERY}")
    return _parse(SIGHTING if entity_type == SIGHTING_TYPE else RELATIONSHIP)


@cache
def references(entity_type: str) -> Mapping[str, Reference]:
    """Return the fields of a type that lead to other objects, by their API name."""
    if entity_type in META_ENTITY_TYPES:
        return {}
    found = [*_COMMON_REFERENCES, *_OWN_REFERENCES.get(entity_type, ())]
    if entity_type not in SDO_ENTITY_TYPES | SCO_ENTITY_TYPES:
        found.append(_PHASES)
    return {reference.name: reference for reference in found}


# -- references between objects that the API names by a relationship type -----------------------------------------

# Relationship type -> key, where the rule (hyphens to underscores, `_ref` or `_refs`) does not give it.
_REF_KEYS = {
    "created-by": "created_by_ref",
    "object-marking": "object_marking_refs",
    "object-label": LABEL,
    "external-reference": EXTERNAL_REFERENCE,
    "kill-chain-phase": KILL_CHAIN_PHASE,
    "object": "object_refs",
    "granted": "x_opencti_granted_refs",
    "object-covered": "covered_ref",
    "result-of": "result_of_ref",
    "data-source": "x_mitre_data_source_ref",
    "obs_data-source": "x_mitre_data_source_ref",
}
_MANY = frozenset(
    "operating-system sample contains obs_resolves-to obs_belongs-to to cc bcc encapsulates opened-connection child"
    " body-multipart values service-dll installed-software analysis-sco".split()
)
_PREFIXED = frozenset({"resolves-to", "belongs-to", "content"})
_SINGLE_IN_ANALYSIS = frozenset({"operating-system", "sample"})


def ref_key(relationship_type: str, entity_type: str) -> str:
    """Return the key under which an object of a type keeps references of a relationship type."""
    if relationship_type in _REF_KEYS:
        return _REF_KEYS[relationship_type]
    single = (
        entity_type == "Malware-Analysis" and relationship_type in _SINGLE_IN_ANALYSIS
    )
    plain = relationship_type.removeprefix("obs_").replace("-", "_")
    many = relationship_type in _MANY or f"obs_{relationship_type}" in _MANY
    return plain + ("_refs" if many and not single else "_ref")


def ref_type(key: str) -> str:
    """Return the relationship type of a reference that is stored under a key."""
    for relationship_type, known in _REF_KEYS.items():
        if known == key:
            return relationship_type
    plain = key.removesuffix("_refs").removesuffix("_ref").replace("_", "-")
    return f"obs_{plain}" if plain in _PREFIXED else plain

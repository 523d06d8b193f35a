"""The names that connectors of the ecosystem import: every one is there, with the same fields and the same keys."""

import warnings
from importlib import import_module
from typing import Any

import pytest
from pydantic import BaseModel

import connectors_sdk
from connectors_sdk import models
from connectors_sdk.models import BaseObservableEntity, enums

# module -> names
NAMES = {
    "connectors_sdk": (
        "BaseClientApi RateLimit ApiClientError ApiForbiddenError ApiNotFoundError ApiRateLimitError ApiServerError "
        "ApiUnauthorizedError BaseConnectorSettings BaseConfigModel BaseExternalImportConnectorConfig "
        "BaseInternalEnrichmentConnectorConfig BaseInternalExportFileConnectorConfig "
        "BaseInternalImportFileConnectorConfig BaseStreamConnectorConfig ConfigError ConfigValidationError "
        "DatetimeFromIsoString ListFromString Deprecate DeprecatedField ExternalImportConnectorState "
        "ExternalImportConnector ConnectorLogger BaseDataProcessor WorkManager"
    ),
    "connectors_sdk.client.base_client_api": "BaseClientApi",
    "connectors_sdk.client.exceptions": (
        "ApiClientError ApiForbiddenError ApiNotFoundError ApiRateLimitError ApiServerError ApiUnauthorizedError"
    ),
    "connectors_sdk.client.rate_limit": "RateLimit _RateLimitAdapter",
    "connectors_sdk.connectors.external_import._work_manager": "WorkManager _Work",
    "connectors_sdk.connectors.external_import.base_data_processor": "BaseDataProcessor",
    "connectors_sdk.connectors.external_import.external_import_connector": "ExternalImportConnector",
    "connectors_sdk.connectors.external_import.logger": "ConnectorLogger",
    "connectors_sdk.exceptions.error": "DataRetrievalError UseCaseError",
    "connectors_sdk.exceptions.warning": (
        "FieldWarning ValidationWarning Recommended PermissiveLiteral PermissiveBaseModel"
    ),
    "connectors_sdk.settings.annotated_types": (
        "ListFromString DatetimeFromIsoString parse_comma_separated_list parse_iso_string"
    ),
    "connectors_sdk.settings.base_settings": (
        "BaseConnectorSettings BaseConfigModel _OpenCTIConfig _BaseConnectorConfig _SettingsLoader"
    ),
    "connectors_sdk.settings._settings_loader": "_SettingsLoader",
    "connectors_sdk.settings.deprecations": (
        "Deprecate DeprecatedField migrate_deprecated_namespace migrate_deprecated_variable"
    ),
    "connectors_sdk.settings.exceptions": "ConfigError ConfigValidationError",
    "connectors_sdk.settings.json_schema_generator": "ConnectorConfigJsonSchemaGenerator",
    "connectors_sdk.states._base_state": "BaseConnectorState _StateClient",
    "connectors_sdk.states.states": "ExternalImportConnectorState",
    "connectors_sdk.models": (
        "BaseIdentifiedObject BaseObject BaseAuthorEntity BaseIdentifiedEntity BaseObservableEntity Reference "
        "ExternalReference KillChainPhase AssociatedFile TLPMarking OrganizationAuthor AdministrativeArea City Country "
        "Region AttackPattern Campaign CaseIncident Channel CourseOfAction Incident Indicator Individual Organization "
        "Sector Infrastructure IntrusionSet Malware Note ObservedData Relationship Report Sighting ThreatActorGroup "
        "Tool Vulnerability AutonomousSystem DomainName EmailAddress File Hostname IPV4Address IPV6Address MACAddress "
        "MediaContent Software Text URL UserAccount X509Certificate"
    ),
    "connectors_sdk.models.associated_file": "AssociatedFile AssociatedFileStix",
    "connectors_sdk.models.enums": (
        "AccountType AttackMotivation AttackResourceLevel CasePriority CaseSeverity IncidentSeverity "
        "CaseIncidentResponseType ChannelType CvssSeverity HashAlgorithm ImplementationLanguage IncidentType "
        "InfrastructureType IndustrySector LocationType MalwareCapability MalwareType NoteType OrganizationType "
        "Permission Platform ProcessorArchitecture RelationshipType Reliability ReportType ThreatActorRole "
        "ThreatActorSophistication ThreatActorTypes TLPLevel ToolType"
    ),
    "connectors_sdk.models.octi": (
        "AssociatedFile AttackPattern City Country DomainName ExternalReference File Indicator Individual IntrusionSet "
        "IPV4Address IPV6Address KillChainPhase Malware Note Organization OrganizationAuthor Relationship Report "
        "Sector Software ThreatActorGroup TLPMarking URL Vulnerability BaseEntity BaseIdentifiedEntity based_on "
        "derived_from has indicates located_at related_to targets"
    ),
    "connectors_sdk.models.octi.enums": "PermissiveEnum TLPLevel MalwareType",
    "connectors_sdk.models.octi.relationships": "relationship_builder indicates",
}
COMMON = "author markings external_references labels created"
OBSERVABLE = f"{COMMON} score description associated_files create_indicator"
_CVSS = {
    "v2": "vector_string base_score access_vector access_complexity authentication confidentiality_impact "
    "integrity_impact availability_impact exploitability",
    "v3": "vector_string base_score base_severity attack_vector attack_complexity privileges_required user_interaction "
    "integrity_impact availability_impact confidentiality_impact scope exploit_code_maturity",
    "v4": "vector_string base_score base_severity attack_vector attack_complexity attack_requirements "
    "privileges_required user_interaction exploit_maturity",
}
_IMPACTS = ("confidentiality", "integrity", "availability")
CVSS = {
    f"cvss_{version}_{metric}": f"x_opencti_cvss_{'' if version == 'v3' else version + '_'}{metric}"
    for version, metrics in _CVSS.items()
    for metric in metrics.split()
} | {
    f"cvss_v4_{system}s_{impact}_impact": f"x_opencti_cvss_v4_{impact}_impact_{system}"
    for system in ("v", "s")
    for impact in _IMPACTS
}
# model -> fields besides the common ones; `!` marks what must be given, `=key` a STIX key that is not the field's name
FIELDS = {
    "ExternalReference": "source_name! description url external_id",
    "KillChainPhase": "chain_name!=kill_chain_name phase_name!",
    "AssociatedFile": "name! description content=data mime_type markings=object_marking_refs version",
    "TLPMarking": "level!",
    "AdministrativeArea": "name! description latitude longitude aliases=x_opencti_aliases",
    "City": "name! description latitude longitude aliases=x_opencti_aliases",
    "Country": "name! description aliases=x_opencti_aliases",
    "Region": "name! description aliases=x_opencti_aliases",
    "AttackPattern": "name! description aliases kill_chain_phases mitre_id=x_mitre_id "
    "mitre_detection=x_mitre_detection mitre_platforms=x_mitre_platforms "
    "mitre_required_permissions=x_mitre_permissions_required",
    "Campaign": "name! description aliases first_seen last_seen objective",
    "CaseIncident": "name! description severity priority response_types objects=object_refs",
    "Channel": "name! description aliases channel_types",
    "CourseOfAction": "name! description aliases=x_opencti_aliases mitre_id=x_mitre_id",
    "Incident": "name! description incident_type severity source first_seen last_seen objective aliases",
    "Indicator": "name! pattern! pattern_type! main_observable_type=x_opencti_main_observable_type description "
    "indicator_types platforms=x_mitre_platforms valid_from valid_until kill_chain_phases score=x_opencti_score "
    "associated_files=x_opencti_files create_observables=x_opencti_create_observables",
    "Individual": "name! description contact_information reliability=x_opencti_reliability aliases=x_opencti_aliases",
    "Organization": "name! description contact_information reliability=x_opencti_reliability "
    "aliases=x_opencti_aliases organization_type=x_opencti_organization_type",
    "Sector": "name! description sectors reliability=x_opencti_reliability aliases=x_opencti_aliases",
    "Infrastructure": "name! description aliases infrastructure_types first_seen last_seen kill_chain_phases",
    "IntrusionSet": "name! description aliases first_seen last_seen goals resource_level primary_motivation "
    "secondary_motivations",
    "Malware": "name! is_family! description aliases types=malware_types first_seen last_seen "
    "architecture_execution_envs implementation_languages kill_chain_phases capabilities",
    "Note": "content! publication_date=- abstract note_types authors objects=object_refs",
    "ObservedData": "first_observed! last_observed! number_observed! entities!=object_refs "
    "associated_files=x_opencti_files",
    "Relationship": "type!=relationship_type source!=source_ref target!=target_ref description start_time stop_time",
    "Report": "name! publication_date!=published description report_types reliability=x_opencti_reliability "
    "objects=object_refs files=x_opencti_files",
    "Sighting": "sighting_of!=sighting_of_ref where_sighted!=where_sighted_refs observed_data=observed_data_refs "
    "first_seen last_seen count description qualification=x_opencti_negative",
    "ThreatActorGroup": "name! description threat_actor_types aliases first_seen last_seen roles goals sophistication "
    "resource_level primary_motivation secondary_motivations personal_motivations",
    "Tool": "name! description tool_types aliases kill_chain_phases tool_version",
    "Vulnerability": "name! description cwe_ids=x_opencti_cwe aliases=x_opencti_aliases score=x_opencti_score "
    "epss_score=x_opencti_epss_score epss_percentile=x_opencti_epss_percentile is_cisa_kev=x_opencti_cisa_kev "
    + " ".join(f"{field}={key}" for field, key in CVSS.items()),
    "AutonomousSystem": "number! name rir",
    "DomainName": "value! resolves_to=resolves_to_refs",
    "EmailAddress": "value! display_name belongs_to=belongs_to_ref",
    "File": "hashes size name name_enc magic_number_hex mime_type ctime mtime atime "
    "additional_names=x_opencti_additional_names",
    "Hostname": "value!",
    "IPV4Address": "value! resolves_to=resolves_to_refs belongs_to=belongs_to_refs",
    "IPV6Address": "value! resolves_to=resolves_to_refs belongs_to=belongs_to_refs",
    "MACAddress": "value!",
    "MediaContent": "url! title content media_category publication_date",
    "Software": "name! version vendor swid cpe languages",
    "Text": "value!",
    "URL": "value!",
    "UserAccount": "user_id credential account_login account_type display_name is_service_account is_privileged "
    "can_escalate_privs is_disabled account_created account_expires credential_last_changed account_first_login "
    "account_last_login",
    "X509Certificate": "hashes is_self_signed serial_number signature_algorithm issuer subject "
    "subject_public_key_algorithm subject_public_key_modulus subject_public_key_exponent validity_not_before "
    "validity_not_after basic_constraints name_constraints policy_constraints key_usage extended_key_usage "
    "subject_key_identifier authority_key_identifier subject_alternative_name issuer_alternative_name "
    "subject_directory_attributes crl_distribution_points inhibit_any_policy certificate_policies policy_mappings "
    "private_key_usage_period_not_before private_key_usage_period_not_after",
}


@pytest.mark.parametrize(
    ("module", "name"),
    [(module, name) for module, names in NAMES.items() for name in names.split()],
)
def test_every_name_is_there(module: str, name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        assert hasattr(import_module(module), name)


def test_the_root_has_exactly_its_names() -> None:
    assert sorted(connectors_sdk.__all__) == sorted(NAMES["connectors_sdk"].split())


def _fields(model: str) -> list[tuple[str, str, bool]]:
    """Return (field, STIX key, required) of a model."""
    fields = []
    for text in FIELDS[model].split():
        field, _, key = text.partition("=")
        name = field.rstrip("!")
        fields.append((name, key or name, field.endswith("!")))
    return fields


@pytest.mark.parametrize("model", FIELDS)
def test_models_have_their_fields_under_their_keys(model: str) -> None:
    kind: type[BaseModel] = getattr(models, model)
    keys = {step.field: step.key for step in getattr(kind, "_plan")}
    for field, key, required in _fields(model):
        assert field in kind.model_fields, field
        assert kind.model_fields[field].is_required() == required, field
        if key not in ("-", "data") and model != "TLPMarking":
            assert keys[field] == key, field
    if issubclass(kind, BaseObservableEntity):
        assert set(OBSERVABLE.split()) <= set(kind.model_fields)
    elif issubclass(kind, models.BaseIdentifiedEntity):
        assert set(COMMON.split()) <= set(kind.model_fields)


@pytest.mark.parametrize("name", NAMES["connectors_sdk.models.enums"].split())
def test_vocabularies_are_texts(name: str) -> None:
    vocabulary: Any = getattr(enums, name)
    assert all(
        isinstance(member, str) and member == member.value for member in vocabulary
    )

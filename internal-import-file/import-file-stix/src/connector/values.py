"""What the values of properties have to be, by their names (STIX 2.1, chapters 3 to 6)."""

from collections.abc import Callable
from typing import Any

_Fits = tuple[Callable[[Any], bool], str]


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and {*map(type, value)} <= {str}


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _number(least: float, most: float | None, whole: bool = True) -> _Fits:
    def fits(value: Any) -> bool:
        return (
            isinstance(value, (int, float))
            and not isinstance(value, bool)
            and value >= least
            and (most is None or value <= most)
            and (not whole or value == int(value))
        )

    kind = "whole number" if whole else "number"
    upwards = f"is no {kind} from {least} upwards"
    return fits, upwards if most is None else f"is no {kind} from {least} to {most}"


def _all_have(*keys: str) -> Callable[[Any], bool]:
    def fits(value: Any) -> bool:
        return isinstance(value, list) and all(
            isinstance(one, dict) and one.get(key) and isinstance(one[key], str)
            for one in value
            for key in keys
        )

    return fits


def _are_references(value: Any) -> bool:
    return _all_have("source_name")(value) and all(
        {"description", "url", "external_id"} & {*one} for one in value
    )


def _each(names: str, fits: Callable[[Any], bool], words: str) -> dict[str, _Fits]:
    return dict.fromkeys(names.split(), (fits, words))


# Of every object: whether a value fits, and what is said of one that does not.
VALUES_OF_ALL: dict[str, _Fits] = {
    **_each("labels", _are_texts, "is no list of texts"),
    **_each("revoked defanged", _is_flag, "is neither true nor false"),
    **_each("spec_version", lambda value: value == "2.1", "is not '2.1'"),
    **_each(
        "external_references",
        _are_references,
        "is no list of references that each have a source_name and say what is there",
    ),
    "confidence": _number(0, 100),
}
VALUES: dict[str, _Fits] = {
    **VALUES_OF_ALL,
    **_each(
        "abstract account_login account_type administrative_area body city command_line contact_information content "
        "content_type context country credential cwd decryption_key description display_name encryption_algorithm "
        "explanation identity_class issuer key magic_number_hex message_id mime_type name objective path pattern "
        "pattern_type pattern_version postal_code primary_motivation product region relationship_type "
        "resource_level result result_name schema serial_number signature_algorithm sophistication street_address "
        "subject swid tool_version user_id value vendor version",
        _is_text,
        "is no text",
    ),
    **_each(
        "aliases architecture_execution_envs authors capabilities goals grouping_types implementation_languages "
        "indicator_types infrastructure_types malware_types modules personal_motivations protocols received_lines "
        "report_types roles secondary_motivations sectors threat_actor_types tool_types",
        _are_texts,
        "is no list of texts",
    ),
    **_each(
        "can_escalate_privs is_disabled is_family is_hidden is_active is_multipart is_privileged is_self_signed "
        "is_service_account summary",
        _is_flag,
        "is neither true nor false",
    ),
    **_each(
        "kill_chain_phases",
        _all_have("kill_chain_name", "phase_name"),
        "is no list of phases that each have a kill_chain_name and a phase_name",
    ),
    **dict.fromkeys(
        "dst_byte_count dst_packets number number_of_subkeys pid size src_byte_count src_packets".split(),
        _number(0, None),
    ),
    **dict.fromkeys(("src_port", "dst_port"), _number(0, 65535)),
    "number_observed": _number(1, 999_999_999),
    "count": _number(0, 999_999_999),
    "latitude": _number(-90, 90, whole=False),
    "longitude": _number(-180, 180, whole=False),
    "precision": _number(0, None, whole=False),
}

"""What can be configured, and what becomes of an object."""

import json
from typing import Any

import pytest
from connector import ConnectorSettings
from connector.connector import StixExporter

from connectors_sdk import ConfigValidationError
from connectors_sdk.connectors.internal_export_file import ExportRequest
from connectors_sdk.testing import make_settings
from connectors_sdk.well_known import OPENCTI_EXTENSION

REQUEST = ExportRequest.of({"export_scope": "query", "file_name": "a.json"})
OBJECT: dict[str, Any] = {
    "type": "malware",
    "id": "malware--1",
    "is_family": False,
    "description": None,
    "aliases": [],
    "confidence": 0,
    "x_opencti_score": 50,
    "kill_chain_phases": [{"phase_name": "delivery", "x_opencti_order": None}, None],
}


def test_settings() -> None:
    settings = make_settings(ConnectorSettings)
    assert settings.export_file_stix.custom_properties
    with pytest.raises(ConfigValidationError, match="CUSTOM_PROPERTIES"):
        make_settings(ConnectorSettings, {"export_file_stix": {"custom_properties": 7}})


def made(stix: dict[str, Any], **section: bool) -> dict[str, Any]:
    settings = make_settings(ConnectorSettings, {"export_file_stix": section})
    written: dict[str, Any] = json.loads(StixExporter(settings).row(stix, REQUEST))
    return written


def test_a_name_that_stix_keeps_for_itself_stands_in_the_extension() -> None:
    for kind in ("incident", "x-opencti-case-incident"):
        stix = {"type": kind, "id": f"{kind}--1", "name": "A", "severity": "high"}
        rest = {key: stix[key] for key in ("type", "id", "name")}
        own = {"extension_type": "property-extension", "severity": "high"}
        assert made(stix) == {**rest, "extensions": {OPENCTI_EXTENSION: own}}
        assert made(stix, extension=False) == stix
        assert made(stix, custom_properties=False) == rest


def test_what_importers_look_for_outside_stays_there() -> None:
    stix = {"type": "incident", "id": "incident--1", "first_seen": "2024-01-01"}
    assert made(stix) == stix
    assert made(stix, custom_properties=False) == {"type": "incident", "id": stix["id"]}
    theirs = {"type": "attack-pattern", "id": "attack-pattern--1", "x_mitre_id": "T1"}
    assert made(theirs, custom_properties=False) == theirs
    mark = {
        "type": "marking-definition",
        "id": "m--1",
        "x_opencti_definition": "PAP:RED",
    }
    assert made(mark) == mark


@pytest.mark.parametrize("custom", [True, False])
def test_nothing_stands_in_the_file_that_stix_does_not_know(custom: bool) -> None:
    section = {"custom_properties": custom, "extension": False}
    exporter = StixExporter(
        make_settings(ConnectorSettings, {"export_file_stix": section})
    )
    assert json.loads(exporter.row(OBJECT, REQUEST)) == {
        "type": "malware",
        "id": "malware--1",
        "is_family": False,
        "confidence": 0,
        "kill_chain_phases": [{"phase_name": "delivery"}],
        **({"x_opencti_score": 50} if custom else {}),
    }


def test_the_extension_holds_what_is_the_platforms_own() -> None:
    exporter = StixExporter(make_settings(ConnectorSettings))
    (phase,) = (one for one in OBJECT["kill_chain_phases"] if one)
    ordered = {**OBJECT, "kill_chain_phases": [{**phase, "x_opencti_order": 3}]}
    other = {"extension-definition--1": {"extension_type": "property-extension"}}
    assert json.loads(exporter.row({**ordered, "extensions": other}, REQUEST)) == {
        "type": "malware",
        "id": "malware--1",
        "is_family": False,
        "confidence": 0,
        "kill_chain_phases": [{"phase_name": "delivery"}],
        "extensions": {
            **other,
            OPENCTI_EXTENSION: {"extension_type": "property-extension", "score": 50},
        },
    }

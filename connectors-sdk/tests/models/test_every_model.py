"""What holds for every model, over random values: ids are pycti's and stix2's, the dictionary is the stix2 object."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import orjson
import pycti
import pytest
import stix2
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pycti.utils.opencti_stix2_utils import STIX_CYBER_OBSERVABLE_MAPPING, STIX_OBJECTS

from connectors_sdk import clock, models
from connectors_sdk.bundles import references_of
from connectors_sdk.models import (
    BaseIdentifiedObject,
    BaseObject,
    BaseObservableEntity,
    _stix2,
    patterns,
)

from .strategies import CONCRETE, IDENTIFIED, of

pytestmark = pytest.mark.filterwarnings("ignore:Value .* is out of:UserWarning")
NOW = datetime(2024, 2, 3, 4, 5, 6, 789000, tzinfo=UTC)
EXAMPLES = settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
OBSERVABLES = [m for m in IDENTIFIED if issubclass(m, BaseObservableEntity)]


def _named(stix_type: str) -> Callable[[Any], str]:
    entity = {
        "ThreatActorGroup": pycti.ThreatActorGroup,
        "ThreatActorIndividual": pycti.ThreatActorIndividual,
    }.get(stix_type) or getattr(pycti, stix_type)
    return lambda m: entity.generate_id(m.name)


def _identity(identity_class: str) -> Callable[[Any], str]:
    return lambda m: pycti.Identity.generate_id(m.name, identity_class)


def _location(kind: str) -> Callable[[Any], str]:
    return lambda m: pycti.Location.generate_id(
        m.name,
        kind,
        getattr(m, "latitude", None),
        getattr(m, "longitude", None),
    )


def _utc(instant: datetime | None) -> datetime | None:
    return None if instant is None else instant.astimezone(UTC)


def _created(entity: Any) -> Callable[[Any], str]:
    return lambda m: entity.generate_id(m.name, _utc(m.created))


PYCTI_IDS: dict[str, Callable[[Any], str]] = {
    **{
        name: _named(name)
        for name in (
            "Campaign Channel DataComponent DataSource Event Feedback Infrastructure IntrusionSet Language "
            "Malware Narrative ThreatActorGroup ThreatActorIndividual Tool Vulnerability"
        ).split()
    },
    "AttackPattern": lambda m: pycti.AttackPattern.generate_id(m.name, m.mitre_id),
    "CourseOfAction": lambda m: pycti.CourseOfAction.generate_id(m.name, m.mitre_id),
    "Individual": _identity("individual"),
    "Organization": _identity("organization"),
    "OrganizationAuthor": _identity("organization"),
    "Sector": _identity("class"),
    "SecurityPlatform": _identity("securityplatform"),
    "System": _identity("system"),
    "AdministrativeArea": _location("Administrative-Area"),
    "City": _location("City"),
    "Country": _location("Country"),
    "Position": _location("Position"),
    "Region": _location("Region"),
    "CaseIncident": _created(pycti.CaseIncident),
    "CaseRfi": _created(pycti.CaseRfi),
    "CaseRft": _created(pycti.CaseRft),
    "Incident": _created(pycti.Incident),
    "Task": _created(pycti.Task),
    "Grouping": lambda m: pycti.Grouping.generate_id(
        m.name, m.context, _utc(m.created)
    ),
    "Indicator": lambda m: pycti.Indicator.generate_id(m.pattern),
    "MalwareAnalysis": lambda m: pycti.MalwareAnalysis.generate_id(
        m.result_name, m.product, m.submitted and _utc(m.submitted).isoformat()  # type: ignore[union-attr]
    ),
    "Note": lambda m: pycti.Note.generate_id(_utc(m.created), m.content, m.abstract),
    "ObservedData": lambda m: pycti.ObservedData.generate_id(
        sorted(entity.id for entity in m.entities)
    ),
    "Opinion": lambda m: pycti.Opinion.generate_id(_utc(m.created), m.opinion),
    "Relationship": lambda m: pycti.StixCoreRelationship.generate_id(
        m.type.value, m.source.id, m.target.id, _utc(m.start_time), _utc(m.stop_time)
    ),
    "Report": lambda m: pycti.Report.generate_id(m.name, _utc(m.publication_date)),
    "SecurityCoverage": lambda m: pycti.SecurityCoverage.generate_id(m.covered.id),
    "SecurityCoverageResult": lambda m: pycti.SecurityCoverageResult.generate_id(
        m.name, m.external_uri, m.result_of.id
    ),
    "Sighting": lambda m: pycti.StixSightingRelationship.generate_id(
        m.sighting_of.id,
        [where.id for where in m.where_sighted],
        _utc(m.first_seen),
        _utc(m.last_seen),
    ),
    "StatementMarking": lambda m: pycti.MarkingDefinition.generate_id(
        "statement", m.statement
    ),
    # stix2's own constants; OpenCTI gives the two levels of TLP 2.0 these ids.
    "TLPMarking": lambda m: {
        "white": stix2.TLP_WHITE["id"],
        "clear": stix2.TLP_WHITE["id"],
        "green": stix2.TLP_GREEN["id"],
        "amber": stix2.TLP_AMBER["id"],
        "amber+strict": "marking-definition--826578e1-40ad-459f-bc73-ede076f81f37",
        "red": stix2.TLP_RED["id"],
    }[m.level],
}


def _stix2_id(model: BaseObservableEntity) -> str | None:
    """Return the id that stix2 gives an observable; None where it would be a random one."""
    form = model.to_stix_dict()
    del form["id"]
    stix = _stix2.build(model._stix2_class, form)
    # pylint: disable-next=protected-access
    if not any(key in stix for key in stix._id_contributing_properties):
        return None
    stix_id: str = stix["id"]
    return stix_id


def test_every_model_has_its_reference() -> None:
    expected = {m.__name__ for m in IDENTIFIED if m not in OBSERVABLES}
    assert set(PYCTI_IDS) == expected


# STIX gives processes random ids; ours come from all they have.
@pytest.mark.parametrize(
    "model",
    [m for m in IDENTIFIED if m is not models.Process],
    ids=lambda m: m.__name__,
)
@EXAMPLES
@given(data=st.data())
def test_ids_are_those_of_pycti_and_stix2(
    model: type[BaseIdentifiedObject], data: st.DataObject
) -> None:
    drawn = data.draw(of(model))
    if isinstance(drawn, BaseObservableEntity):
        expected = _stix2_id(drawn)
        assume(expected is not None)
    else:
        expected = PYCTI_IDS[model.__name__](drawn)
    assert drawn.id == expected


@pytest.mark.parametrize("model", CONCRETE, ids=lambda m: m.__name__)
@EXAMPLES
@given(data=st.data())
def test_the_dictionary_is_the_stix2_object(
    model: type[BaseObject], data: st.DataObject
) -> None:
    drawn = data.draw(of(model))
    with clock.frozen(NOW):
        form, stix = drawn.to_stix_dict(), drawn.to_stix2_object()
        again = drawn.to_stix_dict()
    assert orjson.dumps(form) == orjson.dumps(again)
    if model is models.Task and drawn.due_date is None:  # type: ignore[attr-defined]
        form["due_date"] = json.loads(stix.serialize())["due_date"]  # pycti's default
    if isinstance(stix, dict):  # stix2 has no class for it
        assert stix == form
    else:
        assert _in_one_spelling(json.loads(stix.serialize())) == _in_one_spelling(form)


# stix2 leaves these out.
_DEFAULTS = (("revoked", False), ("no_trigger_import", False))


def _in_one_spelling(value: Any) -> Any:
    """Return JSON with timestamps in one spelling and without default values, which stix2 leaves out."""
    if isinstance(value, dict):
        return {
            key: _in_one_spelling(item)
            for key, item in value.items()
            if (key, item) not in _DEFAULTS
        }
    if isinstance(value, list):
        return [_in_one_spelling(item) for item in value]
    if isinstance(value, str) and value[10:11] == "T" and value.endswith("Z"):
        try:
            return datetime.fromisoformat(value).isoformat()
        except ValueError:
            return value
    return value


@pytest.mark.parametrize("model", IDENTIFIED, ids=lambda m: m.__name__)
@EXAMPLES
@given(data=st.data())
def test_what_is_written_can_be_read(
    model: type[BaseIdentifiedObject], data: st.DataObject
) -> None:
    drawn = data.draw(of(model))
    form = drawn.to_stix_dict()
    assert form["type"] in STIX_OBJECTS or form["type"] == "marking-definition"
    parsed = stix2.parse(form, allow_custom=True, version="2.1")
    assert parsed["id"] == drawn.id


@pytest.mark.parametrize("model", IDENTIFIED, ids=lambda m: m.__name__)
@EXAMPLES
@given(data=st.data())
def test_a_model_knows_what_it_refers_to(
    model: type[BaseIdentifiedObject], data: st.DataObject
) -> None:
    drawn = data.draw(of(model))
    form = drawn.to_stix_dict()
    found = references_of(form)
    known = drawn.reference_ids(form)
    assert known is None or set(known) == set(found)
    # What it holds itself is a part of that; bare references are not held. It may be its own author.
    held = {other.id for other in drawn.referenced_objects()} - {drawn.id}
    assert held <= set(found)


@pytest.mark.parametrize("model", OBSERVABLES, ids=lambda m: m.__name__)
@EXAMPLES
@given(data=st.data())
def test_patterns_of_observables_are_patterns(
    model: type[BaseObservableEntity], data: st.DataObject
) -> None:
    drawn = data.draw(of(model))
    try:
        pattern = patterns.of(drawn)
    except ValueError:
        assert not list(drawn.pattern_values())
        return
    assert not pycti_refuses(pattern)
    assert models.Indicator.of(drawn).pattern == pattern


def pycti_refuses(pattern: str) -> list[str]:
    """Return what the grammar's own parser has against a pattern."""
    from stix2patterns.validator import run_validator

    errors: list[str] = run_validator(pattern, "2.1")
    return errors


def test_observables_know_their_name_in_opencti() -> None:
    known = {m._stix_type: m._opencti_type for m in OBSERVABLES}
    simple = {"simple-observable"}  # stands for any of the others, by key and value
    assert known == {
        stix_type: name
        for stix_type, name in STIX_CYBER_OBSERVABLE_MAPPING.items()
        if stix_type not in simple
    }


def test_there_is_a_model_for_whatever_pycti_ingests() -> None:
    other_names = {name for name in STIX_OBJECTS if name.startswith("x-")}
    parts = {  # these travel inside of other objects
        "label",
        "vocabulary",
        "kill-chain-phase",
        "external-reference",
        "simple-observable",
    }
    modelled = {m._stix_type for m in IDENTIFIED}
    assert modelled == set(STIX_OBJECTS) - other_names - parts


@pytest.mark.parametrize("name", models.__all__)
def test_each_model_has_a_module_of_its_own(name: str) -> None:
    model = getattr(models, name)
    module = import_module(model.__module__)
    assert getattr(module, name) is model
    assert model.__doc__

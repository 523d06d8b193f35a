"""Each entity class of the unmodified client: create, read, list, filter, update, delete.

What `opencti_testbed.compatibility` lists as supported has to work, what it lists as not supported must not.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pycti import OpenCTIApiClient

from opencti_testbed import compatibility
from opencti_testbed.compatibility import CLASSES, OPERATIONS
from opencti_testbed.process import TestbedProcess

DATE = "2024-05-01T10:00:00.000Z"
LATER = "2025-01-01T00:00:00.000Z"
Made = dict[str, Any]


@dataclass(frozen=True)
class Subject:
    """How one class is tried.

    Attributes:
        create: arguments of `create`, from a name that no other object has.
        found_by: the filter key that finds the object, and its value from the created arguments.
        key: the attribute that is updated, and the value that it gets.
        updater: the class whose `update_field` is used.
        deleter: the class whose `delete` is used; both default to the client's class for all entities.
    """

    create: Callable[[str, "World"], Made] = field(
        default=lambda name, _: {"name": name, "description": "before"}
    )
    found_by: str = "name"
    key: tuple[str, Any] = ("description", "after")
    updater: str = ""
    deleter: str = ""


# No knowledge: the client reads them by their id only.
ONLY_BY_ID = frozenset({"user", "group", "role", "stix_nested_ref_relationship"})


class World:
    """A client, and objects that others need."""

    def __init__(self, api: OpenCTIApiClient) -> None:
        self.api = api
        self.malware = api.malware.create(name="needed", is_family=True)["id"]
        self.tool = api.tool.create(name="needed")["id"]
        self.ip = api.stix_cyber_observable.create(
            observableData={"type": "ipv4-addr", "value": "192.0.2.1"}
        )["id"]
        self.domain = api.stix_cyber_observable.create(
            observableData={"type": "domain-name", "value": "needed.example"}
        )["id"]
        self.coverage = api.security_coverage.create(
            name="needed", objectCovered=self.malware
        )["id"]


def named(**more: Any) -> Callable[[str, World], Made]:
    return lambda name, _: {"name": name, "description": "before", **more}


SDO, SCO, REL = "stix_domain_object", "stix_cyber_observable", "stix_core_relationship"
SUBJECTS: dict[str, Subject] = {
    "case_incident": Subject(named(created=DATE)),
    "case_rfi": Subject(named(created=DATE)),
    "case_rft": Subject(named(created=DATE)),
    "incident": Subject(named(created=DATE)),
    "task": Subject(named(created=DATE), updater="task", deleter="task"),
    "grouping": Subject(named(context="unspecified")),
    "report": Subject(named(published=DATE)),
    "identity": Subject(named(type="Organization")),
    "location": Subject(named(type="Country")),
    "threat_actor": Subject(named(type="Threat-Actor-Group")),
    "language": Subject(lambda name, _: {"name": name}, key=("aliases", ["after"])),
    "indicator": Subject(
        lambda name, _: {
            "name": name,
            "description": "before",
            "pattern": f"[domain-name:value = '{name}.example']",
            "pattern_type": "stix",
            "x_opencti_main_observable_type": "Domain-Name",
        },
        updater="indicator",
    ),
    "malware_analysis": Subject(
        lambda name, _: {"product": "p", "result_name": name, "result": "unknown"},
        found_by="result_name",
        key=("result", "malicious"),
    ),
    "note": Subject(
        lambda name, w: {
            "content": name,
            "attribute_abstract": "before",
            "created": DATE,
            "objects": [w.malware],
        },
        found_by="content",
        key=("attribute_abstract", "after"),
    ),
    "opinion": Subject(
        lambda name, w: {
            "opinion": "agree",
            "explanation": name,
            "created": DATE,
            "objects": [w.malware],
        },
        found_by="explanation",
        key=("opinion", "disagree"),
    ),
    "observed_data": Subject(
        lambda name, w: {
            "first_observed": DATE,
            "last_observed": DATE,
            "number_observed": 7,
            "objects": [w.ip],
        },
        found_by="number_observed",
        key=("number_observed", 9),
    ),
    "security_coverage": Subject(
        lambda name, w: {
            "name": name,
            "description": "before",
            "objectCovered": w.tool,
        },
        key=("external_uri", "https://after.example/"),
    ),
    "security_coverage_result": Subject(
        lambda name, w: {
            "name": name,
            "description": "before",
            "resultOf": w.coverage,
        },
        key=("coverage_valid_from", DATE),
    ),
    "stix_cyber_observable": Subject(
        lambda name, _: {
            "observableData": {"type": "hostname", "value": f"{name}.example"}
        },
        found_by="value",
        key=("x_opencti_description", "after"),
        updater=SCO,
        deleter=SCO,
    ),
    "stix_core_relationship": Subject(
        lambda name, w: {
            "fromId": w.malware,
            "toId": w.tool,
            "relationship_type": "uses",
            "description": name,
        },
        found_by="description",
        key=("confidence", 66),
        updater=REL,
        deleter=REL,
    ),
    "stix_sighting_relationship": Subject(
        lambda name, w: {
            "fromId": w.malware,
            "toId": w.api.identity.create(type="Organization", name="sees")["id"],
            "description": name,
            "first_seen": DATE,
            "last_seen": LATER,
            "count": 2,
        },
        found_by="description",
        key=("attribute_count", 5),
        updater="stix_sighting_relationship",
        deleter="stix_sighting_relationship",
    ),
    "stix_nested_ref_relationship": Subject(
        lambda name, w: {
            "fromId": w.domain,
            "toId": w.ip,
            "relationship_type": "obs_resolves-to",
        }
    ),
    "label": Subject(
        lambda name, _: {"value": name, "color": "#111111"},
        found_by="value",
        key=("color", "#222222"),
        updater="label",
        deleter="label",
    ),
    "marking_definition": Subject(
        lambda name, _: {
            "definition_type": "PAP",
            "definition": name,
            "x_opencti_order": 1,
            "x_opencti_color": "#111111",
        },
        found_by="definition",
        key=("x_opencti_color", "#222222"),
        updater="marking_definition",
        deleter="marking_definition",
    ),
    "external_reference": Subject(
        lambda name, _: {
            "source_name": name,
            "url": f"https://{name}.example/",
            "description": "before",
        },
        found_by="source_name",
        updater="external_reference",
        deleter="external_reference",
    ),
    "kill_chain_phase": Subject(
        lambda name, _: {
            "kill_chain_name": name,
            "phase_name": "p",
            "x_opencti_order": 1,
        },
        found_by="kill_chain_name",
        key=("x_opencti_order", 2),
        updater="kill_chain_phase",
        deleter="kill_chain_phase",
    ),
    "vocabulary": Subject(
        lambda name, _: {
            "name": name,
            "description": "before",
            "category": "malware_type_ov",
        },
        key=("name", "after"),
        updater="vocabulary",
        deleter="stix",
    ),
    "user": Subject(
        lambda name, _: {
            "name": name,
            "user_email": f"{name}@example.com",
            "password": "p",
        },
        updater="user",
        deleter="user",
    ),
    "group": Subject(
        lambda name, _: {
            "name": name,
            "group_confidence_level": {"max_confidence": 50, "overrides": []},
        },
        updater="group",
        deleter="group",
    ),
    "role": Subject(
        lambda name, _: {"name": name},
        updater="role",
        deleter="role",
    ),
}
# Classes without a `create` of their own: what others made is read, changed and deleted through them.
VIEWS: dict[str, str] = {
    "stix_domain_object": "malware",
    "stix_core_object": "malware",
    "opencti_stix_object_or_stix_relationship": "malware",
    "stix": "malware",
}


@pytest.fixture(name="world", scope="module")
def fixture_world() -> Iterator[World]:
    with TestbedProcess() as platform:
        yield World(OpenCTIApiClient(platform.url, platform.token, log_level="error"))


def group(key: str, value: Any) -> dict[str, Any]:
    return {
        "mode": "and",
        "filters": [{"key": key, "values": [str(value)]}],
        "filterGroups": [],
    }


class Trial:
    """Tries the operations of one class; each one fails with an exception."""

    def __init__(self, world: World, name: str) -> None:
        self.world, self.name = world, name
        self.api = getattr(world.api, name)
        self.maker = VIEWS.get(name, name)
        self.subject = SUBJECTS.get(self.maker, Subject())
        self.made: Made = {}
        self.given: Made = {}

    def make(self, operation: str) -> Made:
        """Create the object that an operation is tried on, through the class that can."""
        unique = f"{self.name}-{operation}".replace("_", "-")
        self.given = self.subject.create(unique, self.world)
        self.made = getattr(self.world.api, self.maker).create(**self.given)
        return self.made

    def listed(self, **arguments: Any) -> list[Any]:
        found = self.api.list(**arguments)
        return list(found["entities"] if isinstance(found, dict) else found)

    def value(self) -> Any:
        given = {**self.given, **self.given.get("observableData", {})}
        return given[self.subject.found_by]

    def create(self) -> None:
        unique = f"{self.name}-created".replace("_", "-")
        made = self.api.create(**self.subject.create(unique, self.world))
        assert made["id"]

    def read(self) -> None:
        made = self.make("read")
        by_id = self.api.read(id=made["id"])
        assert by_id["id"] == made["id"]
        if "standard_id" in made and self.name not in ONLY_BY_ID:
            by_standard_id = self.api.read(id=made["standard_id"])
            assert by_standard_id["id"] == made["id"]

    def list(self) -> None:
        made = self.make("list")
        assert made["id"] in [one["id"] for one in self.listed(first=1000)]

    def filter(self) -> None:
        made = self.make("filter")
        filters = group(self.subject.found_by, self.value())
        assert [one["id"] for one in self.listed(filters=filters)] == [made["id"]]
        nothing = group(self.subject.found_by, "nobody is called this")
        assert not self.listed(filters=nothing)

    def update(self) -> None:
        made = self.make("update")
        key, value = self.subject.key
        updater = self.subject.updater or SDO
        if hasattr(self.api, "update_field"):
            updater = self.name
        change = {"key": key, "value": value}
        getattr(self.world.api, updater).update_field(id=made["id"], input=change)
        changed = self.api.read(id=made["id"])
        assert changed[key] == value

    def delete(self) -> None:
        made = self.make("delete")
        deleter = self.subject.deleter or SDO
        if hasattr(self.api, "delete"):
            deleter = self.name
        getattr(self.world.api, deleter).delete(id=made["id"])
        reader = self.api if hasattr(self.api, "read") else self.world.api.malware
        assert reader.read(id=made["id"]) is None


class SettingsTrial(Trial):
    """There is one object, which is always there."""

    def read(self) -> None:
        assert self.api.read()["platform_title"]

    def update(self) -> None:
        settings = self.api.read()["id"]
        self.api.update_field(
            id=settings, input={"key": "platform_title", "value": "T"}
        )
        assert self.api.read()["platform_title"] == "T"


class ReferenceTrial(Trial):
    """References are found by their ends."""

    def list(self) -> None:
        made = self.make("list")
        found = self.api.list(fromId=self.world.domain)
        assert [one["id"] for one in found] == [made["id"]]
        assert self.api.list(fromId=self.world.ip) == []


class LogTrial(Trial):
    """The log and its like are only read."""

    def read(self) -> None:
        assert self.api.read(id="1")["event_scope"] == "create"

    def list(self) -> None:
        found = self.listed(first=3)
        assert self.name == "audit" or len(found) == 3

    def filter(self) -> None:
        assert not self.listed(filters=group("event_scope", "nothing"))
        assert self.listed(filters=group("event_scope", "create"))


class CapabilityTrial(Trial):
    """Capabilities are part of the platform."""

    def list(self) -> None:
        assert "CONNECTORAPI" in [one["name"] for one in self.listed()]


TRIALS: dict[str, type[Trial]] = {
    "settings": SettingsTrial,
    "stix_nested_ref_relationship": ReferenceTrial,
    "log": LogTrial,
    "audit": LogTrial,
    "capability": CapabilityTrial,
}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("name", sorted(CLASSES))
def test_what_is_listed_is_so(world: World, name: str, operation: str) -> None:
    trial = TRIALS.get(name, Trial)(world, name)
    reason = CLASSES[name].get(operation)
    if reason is None:
        getattr(trial, operation)()
        return
    method = {"update": "update_field", "filter": "list"}.get(operation, operation)
    if reason == "the client has no such method":
        assert not hasattr(trial.api, method)
        return
    with pytest.raises(
        Exception
    ):  # noqa: B017 whatever it fails with, it must not work
        getattr(trial, operation)()
        pytest.fail(f"{name}.{operation} works: it is listed as not supported")


def test_no_entity_class_of_the_client_is_left_out(world: World) -> None:
    classes = {
        name
        for name, member in vars(world.api).items()
        if type(member).__module__.startswith("pycti.entities")
    }
    assert classes == set(CLASSES)


def test_the_table_is_up_to_date() -> None:
    written = Path(__file__).parents[1] / "COMPATIBILITY.md"
    assert (
        written.read_text(encoding="utf-8") == "\n".join(compatibility.lines()) + "\n"
    )

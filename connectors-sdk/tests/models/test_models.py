"""What models accept, how they compare, and what they are in STIX."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pycti
import pytest
import stix2
from pydantic import ValidationError

from connectors_sdk import clock
from connectors_sdk.models import (
    AttackPattern,
    BaseIdentifiedObject,
    Campaign,
    CourseOfAction,
    DataComponent,
    DataSource,
    ExternalReference,
    Individual,
    Infrastructure,
    IntrusionSet,
    KillChainPhase,
    Malware,
    Organization,
    OrganizationAuthor,
    Reference,
    Relationship,
    Sector,
    StatementMarking,
    TLPMarking,
    Tool,
)
from connectors_sdk.models.enums import MalwareType, TLPLevel

NOW = datetime(2024, 2, 3, 4, 5, 6, 789000, tzinfo=UTC)
AUTHOR = OrganizationAuthor(name="The author", contact_information="by mail")
COMMON: dict[str, Any] = {
    "author": AUTHOR,
    "markings": [TLPMarking(level=TLPLevel.AMBER_STRICT)],
    "external_references": [
        ExternalReference(
            source_name="feed", url="https://feed.example/1", external_id="1"
        )
    ],
    "labels": ["one", "two"],
    "created": NOW,
    "stix_ids": ["malware--70d3c10d-4ac8-4796-a776-5e15af3d9d66"],
}
PHASES = [KillChainPhase(chain_name="a chain", phase_name="a phase")]
MODELS: list[BaseIdentifiedObject] = [
    AUTHOR,
    Individual(name="A person", aliases=["P"], **COMMON),
    Organization(name="An organization", organization_type="vendor", **COMMON),
    Sector(name="A sector", sectors=["energy"], **COMMON),
    AttackPattern(
        name="A technique",
        mitre_id="T1",
        kill_chain_phases=PHASES,
        mitre_platforms=["linux"],
        **COMMON,
    ),
    Campaign(name="A campaign", first_seen=NOW, objective="money", **COMMON),
    CourseOfAction(name="A mitigation", description="do it", **COMMON),
    Infrastructure(name="Servers", infrastructure_types=["staging"], **COMMON),
    IntrusionSet(
        name="A group", goals=["money"], primary_motivation="personal-gain", **COMMON
    ),
    Malware(
        name="A family",
        is_family=True,
        types=["trojan"],
        kill_chain_phases=PHASES,
        capabilities=["anti-vm"],
        **COMMON,
    ),
    Tool(name="A tool", tool_types=["remote-access"], tool_version="1", **COMMON),
    DataSource(name="A source", collection_layers=["Host"], **COMMON),
    DataComponent(
        name="A component", data_source=DataSource(name="A source"), **COMMON
    ),
    Relationship(
        type="uses",
        source=IntrusionSet(name="A group"),
        target=Reference(id=Tool(name="A tool").id),
        start_time=NOW,
        revoked=True,
        **COMMON,
    ),
    *(TLPMarking(level=level) for level in TLPLevel),
    StatementMarking(statement="Be kind."),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda m: type(m).__name__)
def test_the_dictionary_equals_the_stix2_object(model: BaseIdentifiedObject) -> None:
    with clock.frozen(NOW):
        form, stix = model.to_stix_dict(), model.to_stix2_object()
    assert isinstance(stix, stix2.base._STIXBase)  # pylint: disable=protected-access
    assert stix["id"] == model.id == form["id"]
    assert form == json.loads(stix.serialize())


def test_output_is_reproducible_with_the_same_clock() -> None:
    def once() -> bytes:
        with clock.frozen(NOW):
            return json.dumps(
                [Tool(name="A tool", author=AUTHOR).to_stix_dict()]
            ).encode()

    assert once() == once()


def test_what_nobody_dated_is_dated_once() -> None:
    tool = Tool(name="a tool")
    first = tool.to_stix_dict()
    with clock.frozen(NOW):
        assert tool.to_stix_dict() == first
        assert tool.model_copy().to_stix_dict()["created"] == "2024-02-03T04:05:06.789Z"


def test_modified_never_lies_before_created() -> None:
    stix = Tool(name="t", created=NOW, modified=NOW.replace(year=2020)).to_stix_dict()
    assert stix["modified"] == stix["created"]


def test_what_is_referred_to_can_be_collected() -> None:
    group, tool = IntrusionSet(name="g"), Tool(name="t")
    marking = TLPMarking(level="green")
    relationship = Relationship(
        type="uses", source=group, target=tool, author=AUTHOR, markings=[marking]
    )
    assert list(relationship.referenced_objects()) == [AUTHOR, marking, group, tool]


def test_comparing_never_raises() -> None:
    tool = Tool(name="a")
    assert tool == Tool(name="a")
    assert tool != Tool(name="b")
    assert tool != IntrusionSet(name="a")
    assert tool is not None and tool != "text"
    assert tool not in [None, "text", IntrusionSet(name="a")]
    assert len({tool, Tool(name="a"), Tool(name="b")}) == 2


def test_values_outside_of_an_open_vocabulary_warn_and_can_be_printed() -> None:
    with pytest.warns(UserWarning, match="'sleeper' is out of MalwareType"):
        malware = Malware(name="m", is_family=False, types=["sleeper"])
    assert "sleeper" in repr(malware)
    assert malware.types is not None and malware.types[0].name == "sleeper"
    assert isinstance(malware.types[0], MalwareType)
    assert malware.to_stix_dict()["malware_types"] == ["sleeper"]


@pytest.mark.parametrize("level", ["RED", "TLP:RED", "purple"])
def test_a_strict_vocabulary_refuses(level: str) -> None:
    with pytest.raises(ValidationError):
        TLPMarking(level=level)  # type: ignore[arg-type]


def test_unknown_fields_and_wrong_assignments_are_refused() -> None:
    with pytest.raises(ValidationError):
        Tool(name="a", nmae="b")  # type: ignore[call-arg]
    tool = Tool(name="a")
    with pytest.raises(ValidationError):
        tool.name = ""
    with pytest.raises(ValidationError):
        Relationship(type="uses", source="malware--1", target=tool)  # type: ignore[arg-type]


def test_an_assignment_that_changes_the_id_warns() -> None:
    tool = Tool(name="a")
    before = tool.id
    with pytest.warns(UserWarning, match="The 'id' property has changed from"):
        tool.name = "b"
    assert tool.id == Tool(name="b").id != before
    tool.description = "no warning"
    assert tool.id == Tool(name="b").id


def test_dumps_hold_the_id() -> None:
    tool = Tool(name="a")
    assert tool.model_dump()["id"] == tool.id
    assert tool.properties_set == {"name"}
    assert "description" in tool.properties_unset


def test_a_subclass_that_only_makes_a_stix2_object_works() -> None:
    class Older(Tool):
        def to_stix2_object(self) -> Any:
            return stix2.v21.Tool(
                id=pycti.Tool.generate_id(self.name.upper()), name=self.name.upper()
            )

    older = Older(name="a")
    assert older.id == pycti.Tool.generate_id("A")
    assert older.to_stix_dict()["name"] == "A"


def test_building_and_writing_models_loads_neither_pycti_nor_stix2() -> None:
    program = (
        "import sys\n"
        "from connectors_sdk.models import Tool\n"
        "Tool(name='a').to_stix_dict()\n"
        "print([m for m in ('pycti', 'stix2', 'requests') if m in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"

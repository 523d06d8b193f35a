"""What may leave for third parties."""

from typing import Any

import pytest

from connectors_sdk.bundles import BundleError
from connectors_sdk.connectors.egress import (
    Decision,
    EgressGate,
    platform_definitions,
)
from connectors_sdk.models import (
    IPV4Address,
    Malware,
    Reference,
    StatementMarking,
    TLPMarking,
)
from opencti_testbed.process import TestbedProcess

TLP = ("clear", "green", "amber", "amber+strict", "red")
PAP = ("clear", "green", "amber", "red")
UNKNOWN_ID = "marking-definition--aaaaaaaa-0000-4000-8000-000000000001"
OASIS = {
    "clear": "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
    "green": "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    "amber": "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    "amber+strict": "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
    "red": "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
}


def definition(**properties: Any) -> dict[str, Any]:
    return {"type": "marking-definition", "id": UNKNOWN_ID, **properties}


def marked(*ids: str) -> dict[str, Any]:
    return {"type": "ipv4-addr", "id": "ipv4-addr--1", "object_marking_refs": [*ids]}


def entity(*definitions: dict[str, Any]) -> dict[str, Any]:
    return {
        "entity_type": "IPv4-Addr",
        "standard_id": "ipv4-addr--1",
        "objectMarking": [*definitions],
    }


def of_platform(kind: str, text: str) -> dict[str, Any]:
    return {"standard_id": UNKNOWN_ID, "definition_type": kind, "definition": text}


@pytest.mark.parametrize("limit", TLP)
@pytest.mark.parametrize("level", TLP)
def test_every_level_against_every_maximum_in_every_form(
    level: str, limit: str
) -> None:
    expected = TLP.index(level) <= TLP.index(limit)
    own = TLPMarking(level=level)
    forms: dict[str, tuple[Any, list[dict[str, Any]]]] = {
        "model": (Malware(name="a", is_family=True, markings=[own]), []),
        "observable": (IPV4Address(value="10.0.0.1", markings=[own]), []),
        "stix2": (
            Malware(name="a", is_family=True, markings=[own]).to_stix2_object(),
            [],
        ),
        "id": (marked(own.id), []),
        "id of TLP 2": (marked(OASIS[level]), []),
        "definition of TLP 1": (
            marked(UNKNOWN_ID),
            [definition(definition_type="tlp", definition={"tlp": level})],
        ),
        "definition of TLP 2": (
            marked(UNKNOWN_ID),
            [
                definition(
                    extensions={
                        "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d": {
                            "extension_type": "property-extension",
                            "tlp_2_0": level,
                        }
                    }
                )
            ],
        ),
        "level in the type": (
            marked(UNKNOWN_ID),
            [definition(definition_type=f"TLP:{level.upper()}")],
        ),
        "definition of OpenCTI": (
            marked(UNKNOWN_ID),
            [
                definition(
                    definition_type="statement",
                    definition={"statement": "custom"},
                    x_opencti_definition=f"TLP:{level.upper()}",
                )
            ],
        ),
        "entity": (entity(of_platform("TLP", f"TLP:{level.upper()}")), []),
        "granular": (
            {
                "type": "note",
                "id": "note--1",
                "granular_markings": [
                    {"marking_ref": own.id, "selectors": ["content"]}
                ],
            },
            [],
        ),
    }
    for spelling in (limit, f"TLP:{limit.upper()}", limit.replace("+", "_")):
        gate = EgressGate(spelling)
        for form, (thing, definitions) in forms.items():
            decision = gate.decide(thing, definitions=definitions)
            assert decision.allowed is expected, (form, decision)


@pytest.mark.parametrize("limit", PAP)
@pytest.mark.parametrize("level", PAP)
def test_pap_where_it_is_present(level: str, limit: str) -> None:
    gate = EgressGate("red", limit)
    expected = PAP.index(level) <= PAP.index(limit)
    text = f"PAP:{level.upper()}"
    assert gate.decide(entity(of_platform("PAP", text))).allowed is expected
    # As pycti writes it into a bundle.
    written = definition(definition_type="pap", name=text, definition={"pap": text})
    decision = gate.decide(marked(UNKNOWN_ID), definitions=[written])
    assert decision.allowed is expected
    assert gate.decide(marked()).allowed


def test_a_pap_alone_leaves_the_tlp_free() -> None:
    gate = EgressGate(None, "green")
    assert gate.decide(entity(of_platform("TLP", "TLP:RED")))
    assert gate.decide(entity()).reason == "it has no PAP marking"
    assert not gate.decide(entity(of_platform("PAP", "PAP:AMBER")))


def test_the_strictest_marking_counts() -> None:
    gate = EgressGate("amber")
    green, red = TLPMarking(level="green"), TLPMarking(level="red")
    assert gate.decide(marked(green.id))
    assert not gate.decide(marked(green.id, red.id))
    # Of one property, too.
    thing = {
        **marked(green.id),
        "granular_markings": [{"marking_ref": red.id, "selectors": ["value"]}],
    }
    assert not gate.decide(thing)
    both = entity(of_platform("TLP", "TLP:GREEN"), of_platform("TLP", "TLP:RED"))
    assert not gate.decide(both)


def test_a_definition_cannot_open_what_is_known_to_be_closed() -> None:
    red = TLPMarking(level="red")
    harmless = {
        "type": "marking-definition",
        "id": red.id,
        "definition_type": "tlp",
        "definition": {"tlp": "clear"},
    }
    assert not EgressGate("amber").decide(marked(red.id), definitions=[harmless])
    # Nor one among several of the same id.
    closed = definition(definition_type="tlp", definition={"tlp": "red"})
    opened = definition(definition_type="tlp", definition={"tlp": "clear"})
    for definitions in ([closed, opened], [opened, closed]):
        assert not EgressGate("amber").decide(
            marked(UNKNOWN_ID), definitions=definitions
        )


@pytest.mark.parametrize(
    "unreadable",
    [
        definition(definition_type="tlp", definition={"tlp": "purple"}),
        definition(definition_type="TLP", definition="TLP:AMBER+STRICTEST"),
        definition(
            definition_type="statement",
            name="TLP:EX:CHR",
            definition={"statement": "custom"},
        ),
        definition(definition_type="statement", definition={"statement": "tlp_none"}),
    ],
)
def test_tlp_like_markings_that_nobody_knows_are_refused(
    unreadable: dict[str, Any],
) -> None:
    decision = EgressGate("red").decide(marked(UNKNOWN_ID), definitions=[unreadable])
    assert not decision
    assert "no known TLP level" in decision.reason
    assert not EgressGate("red").decide(entity(unreadable))
    # Somebody who sets no maximum wants no gate.
    assert EgressGate(None).decide(marked(UNKNOWN_ID), definitions=[unreadable])


def test_ids_that_nobody_explains_are_refused() -> None:
    decision = EgressGate("red").decide(marked(UNKNOWN_ID))
    assert decision == Decision(False, f"nobody explains its marking {UNKNOWN_ID}")
    explained = EgressGate(
        "red", resolve=lambda _: of_platform("statement", "(c) Example")
    )
    assert explained.decide(marked(UNKNOWN_ID))
    refused = EgressGate("amber", resolve=lambda _: of_platform("TLP", "TLP:RED"))
    assert not refused.decide(marked(UNKNOWN_ID))


def test_other_schemes_have_no_say() -> None:
    statement = StatementMarking(statement="(c) Example")
    malware = Malware(name="a", is_family=True, markings=[statement])
    gate = EgressGate("clear", "clear")
    assert gate.decide(malware, definitions=[statement.to_stix_dict()])
    assert gate.decide(entity(of_platform("statement", "(c) Example")))


def test_unmarked_things_as_configured() -> None:
    unmarked = IPV4Address(value="10.0.0.1")
    assert EgressGate("clear").decide(unmarked)
    strict = EgressGate("red", allow_unmarked=False)
    assert not strict.decide(unmarked)
    assert not strict.decide(entity())
    assert not strict.decide(entity(of_platform("statement", "(c) Example")))
    assert strict.decide(entity(of_platform("TLP", "TLP:RED")))


def test_an_entity_whose_markings_were_not_read_is_refused() -> None:
    half_read = {"entity_type": "IPv4-Addr", "standard_id": "ipv4-addr--1"}
    assert not EgressGate("red").decide(half_read)


def test_what_is_no_stix_object_is_refused_loudly() -> None:
    with pytest.raises(BundleError):
        EgressGate("red").decide(Reference(id="x"))


@pytest.mark.parametrize("wrong", ["TLP:PINK", "", "ambar", "PAP:RED"])
def test_a_maximum_that_is_no_level(wrong: str) -> None:
    with pytest.raises(ValueError, match="no TLP level"):
        EgressGate(wrong)


def test_decisions_are_logged_without_the_value() -> None:
    lines: list[tuple[str, dict[str, Any]]] = []
    gate = EgressGate("amber", log=lambda text, meta: lines.append((text, meta)))
    secret = "203.0.113.77"
    gate.decide(IPV4Address(value=secret, markings=[TLPMarking(level="red")]))
    gate.decide({**entity(of_platform("TLP", "TLP:GREEN")), "observable_value": secret})
    assert [meta["allowed"] for _, meta in lines] == [False, True]
    assert lines[0][0] == (
        "Egress: it must not leave: TLP:RED is above the maximum TLP:AMBER"
    )
    assert lines[1][1]["type"] == "IPv4-Addr"
    assert secret not in str(lines)


def test_the_platform_explains_markings() -> None:
    """Over the wire: pycti against the testbed, which stores a marking of the connector's own."""
    pycti = pytest.importorskip("pycti")
    with TestbedProcess() as platform:
        client = pycti.OpenCTIApiClient(platform.url, platform.token, "error")
        made = client.marking_definition.create(
            definition_type="PAP", definition="PAP:RED", x_opencti_order=4
        )

        class Helper:
            api = client

        gate = EgressGate("red", "amber", resolve=platform_definitions(Helper()))
        assert not gate.decide(marked(made["standard_id"]))
        assert EgressGate("red", "red", resolve=platform_definitions(Helper())).decide(
            marked(made["standard_id"])
        )
        assert not gate.decide(marked(UNKNOWN_ID))

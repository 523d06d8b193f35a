"""What connectors ask for by queries of their own, written inside them."""

from typing import Any

import pytest


def test_statuses_of_a_type_can_be_set(client: Any) -> None:
    asked = 'query { subType(id: "Indicator") { statuses { id template { name } } } }'
    statuses = client.query(asked)["subType"]["statuses"]
    assert [one["template"]["name"] for one in statuses][:2] == ["NEW", "IN_PROGRESS"]
    chosen = statuses[1]
    indicator = client.api.indicator.create(
        name="worked on",
        pattern="[domain-name:value = 'worked-on.example']",
        pattern_type="stix",
        x_opencti_main_observable_type="Domain-Name",
        x_opencti_workflow_id=chosen["id"],
    )
    read = "query Q($id: String!) { indicator(id: $id) { status { id template { name } } } }"
    assert client.query(read, {"id": indicator["id"]})["indicator"]["status"] == chosen
    listed = client.query(
        "{ statuses { edges { node { id type order } } } statusTemplates { edges { node { name } } }"
        ' subTypes { edges { node { id workflowEnabled } } } nothing: subType(id: "Nothing") { id } }'
    )
    ids = [edge["node"]["id"] for edge in listed["statuses"]["edges"]]
    assert chosen["id"] in ids and len(ids) == len(set(ids))
    assert len(listed["statusTemplates"]["edges"]) == len(statuses)
    enabled = {
        edge["node"]["id"]
        for edge in listed["subTypes"]["edges"]
        if edge["node"]["workflowEnabled"]
    }
    assert {"Report", "Case-Incident", "Indicator"} <= enabled
    assert "Malware" not in enabled
    assert listed["nothing"] is None


def test_there_are_no_templates_of_cases_and_no_taxii_collections(
    client: Any,
) -> None:
    answer = client.query(
        '{ caseTemplates(search: "x") { edges { node { id name } } } taxiiCollection(id: "x") { filters } }'
    )
    assert answer == {"caseTemplates": {"edges": []}, "taxiiCollection": None}
    case = client.api.case_incident.create(
        name="a case", created="2026-01-01T00:00:00.000Z"
    )
    with pytest.raises(ValueError, match="no such case template: missing"):
        client.query(
            'mutation T($id: ID!) { caseSetTemplate(id: $id, caseTemplatesId: ["missing"]) { id } }',
            {"id": case["id"]},
        )


def test_relationships_that_may_be_are_listed_and_true(client: Any) -> None:
    pairs = client.query("{ schemaRelationsTypesMapping { key values } }")
    known: dict[str, list[str]] = {
        one["key"]: one["values"] for one in pairs["schemaRelationsTypesMapping"]
    }
    assert "based-on" in known["Indicator_IPv4-Addr"]
    assert "based-on" not in known["Malware_IPv4-Addr"]
    made = [client.api.malware.create(name=name)["id"] for name in ("first", "second")]

    def relate(kind: str) -> Any:
        return client.api.stix_core_relationship.create(
            fromId=made[0], toId=made[1], relationship_type=kind
        )

    assert relate("variant-of")["id"]
    assert "variant-of" in known["Malware_Malware"]
    assert "mitigates" not in known["Malware_Malware"]
    with pytest.raises(ValueError, match="not allowed"):
        relate("mitigates")


def test_vocabularies_of_a_category(client: Any) -> None:
    for name, category in (("bootkit", "malware_type_ov"), ("sticky", "note_types_ov")):
        client.api.vocabulary.create(name=name, category=category, description="")
    found = client.query(
        "{ vocabularies(category: malware_type_ov) { edges { node { name category { key } } } } }"
    )
    nodes = [edge["node"] for edge in found["vocabularies"]["edges"]]
    assert nodes == [{"name": "bootkit", "category": {"key": "malware_type_ov"}}]

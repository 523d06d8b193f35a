"""Files: importers and exporters written on pycti, over HTTP and through a broker."""

from collections.abc import Callable
from typing import Any

import pytest
import requests

from opencti_testbed.process import TestbedProcess

Make = Callable[..., Any]
IMPORT = """
mutation I($file: ID!, $connector: String, $mode: ValidationMode, $bypass: Boolean, $force: Boolean, $more: String) {
  askJobImport(fileName: $file, connectorId: $connector, validationMode: $mode, bypassValidation: $bypass,
    forceValidation: $force, configuration: $more) { id name works { id status } }
}
"""
EXPORT_ONE = """
mutation E($id: ID!, $input: StixCoreObjectExportAskInput!) {
  stixCoreObjectEdit(id: $id) { exportAsk(input: $input) { id name } }
}
"""
EXPORT_LIST = """
mutation E($input: StixDomainObjectsExportAskInput!) { stixDomainObjectsExportAsk(input: $input) { id name } }
"""
TLP_RED = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
TLP_GREEN = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"


@pytest.fixture(name="client")
def fixture_client(served: TestbedProcess, make: Any) -> Any:
    return make.client(served, "Client")


@pytest.fixture(name="importer")
def fixture_importer(connector: Make) -> Any:
    return connector(
        "internal_import_file", CONNECTOR_SCOPE="text/plain", CONNECTOR_AUTO="true"
    )


@pytest.fixture(name="exporter")
def fixture_exporter(connector: Make) -> Any:
    return connector("internal_export_file", CONNECTOR_SCOPE="application/json")


def fetch(platform: TestbedProcess, file_id: str) -> requests.Response:
    return requests.get(
        f"{platform.url}/storage/get/{file_id}",
        headers={"Authorization": f"Bearer {platform.token}"},
        timeout=10,
    )


def names(platform: TestbedProcess) -> list[str]:
    return sorted(one["name"] for one in platform.objects("Malware"))


# -- import -----------------------------------------------------------------------------------------------------------


def upload(client: Any, name: str, text: str, **more: Any) -> str:
    answer = client.api.upload_file(
        file_name=name, data=text, mime_type="text/plain", **more
    )
    file_id: str = answer["data"]["uploadImport"]["id"]
    return file_id


def test_a_file_that_arrives_is_imported_by_itself(
    served: TestbedProcess, client: Any, importer: Any
) -> None:
    importer.start()
    file_id = upload(client, "a list with spaces & signs?.txt", "one\ntwo")
    (work,) = importer.works()
    assert names(served) == ["one", "two"]
    assert [m["message"] for m in work["messages"]][-1] == "Sent 2 bundles"
    found = client.query(
        "query F($id: String!) { file(id: $id) { name works { id status } metaData { mimetype } } }",
        {"id": file_id},
    )["file"]
    assert found["name"] == "a list with spaces & signs?.txt"
    assert found["works"] == [{"id": work["id"], "status": "complete"}]


@pytest.fixture(name="asked")
def fixture_asked(client: Any, importer: Any) -> Callable[..., dict[str, Any]]:
    """Upload a text and ask the connector to import it; return the work when it is done."""
    importer.start(CONNECTOR_AUTO="false", CONNECTOR_VALIDATE_BEFORE_IMPORT="true")

    def ask(text: str, **more: Any) -> dict[str, Any]:
        file_id = upload(client, "list.txt", text)
        client.query(IMPORT, {"file": file_id, "connector": importer.id, **more})
        (done,) = importer.works()
        return dict(done)

    return ask


def test_findings_wait_in_a_draft_until_it_is_approved(
    served: TestbedProcess, client: Any, asked: Any
) -> None:
    work = asked("one\ntwo", mode="draft")
    assert names(served) == []
    (draft,) = client.query(
        "{ draftWorkspaces { edges { node { id name draft_status } } } }"
    )["draftWorkspaces"]["edges"]
    draft_id = draft["node"]["id"]
    assert work["draft_id"] == draft_id
    client.api.set_draft_id(draft_id)
    assert len(client.api.malware.list()) == 2
    client.api.set_draft_id("")
    assert client.api.malware.list() == []
    client.query(
        "mutation V($id: ID!) { draftWorkspaceValidate(id: $id) { id } }",
        {"id": draft_id},
    )
    served.wait_idle()
    assert names(served) == ["one", "two"]


def test_findings_wait_in_a_file_of_the_workbench(
    served: TestbedProcess, client: Any, asked: Any
) -> None:
    work = asked("one\ntwo", mode="workbench")
    assert names(served) == []
    assert (work["expected"], work["processed"]) == (1, 1)
    (pending,) = client.query(
        "{ pendingFiles { edges { node { id name metaData { mimetype } } } } }"
    )["pendingFiles"]["edges"]
    kept = fetch(served, pending["node"]["id"])
    assert [one["name"] for one in kept.json()["objects"]] == ["one", "two"]


def test_validation_can_be_bypassed_and_the_configuration_arrives(
    served: TestbedProcess, asked: Any
) -> None:
    work = asked("one\ntwo", bypass=True, more='{"depth": 3}')
    assert names(served) == ["one", "two"]
    assert work["messages"][-1]["message"] == 'Sent 2 bundles ({"depth": 3})'


def test_a_file_of_an_entity_is_imported_in_its_context_with_its_markings(
    served: TestbedProcess, client: Any, make: Any, importer: Any
) -> None:
    client.push([make.malware("context")])
    marking = client.api.marking_definition.create(
        definition_type="TLP", definition="TLP:RED", x_opencti_order=4
    )
    importer.start(CONNECTOR_VALIDATE_BEFORE_IMPORT="false")
    context = client.api.malware.list()[0]
    sent = client.api.stix_domain_object.add_file(
        id=context["id"],
        file_name="notes.txt",
        data="found",
        mime_type="text/plain",
        fileMarkings=[marking["id"]],
        no_trigger_import=True,
    )
    assert sent
    assert [w for w in served.works() if w["connector_id"] == importer.id] == []
    (attached,) = client.api.malware.read(id=context["id"], withFiles=True)[
        "importFiles"
    ]
    client.query(IMPORT, {"file": attached["id"], "connector": importer.id})
    (work,) = importer.works()
    assert work["error_messages"] == []
    by_name = {one["name"]: one for one in served.objects("Malware")}
    assert by_name["found"]["object_marking_refs"] == [marking["standard_id"]]
    (related,) = served.objects("related-to")
    assert related["source_ref"] == by_name["found"]["id"]
    assert related["target_ref"] == by_name["context"]["id"]


def test_what_cannot_be_imported_is_said(
    served: TestbedProcess, client: Any, connector: Make, importer: Any
) -> None:
    importer.start(CONNECTOR_AUTO="false", CONNECTOR_ONLY_CONTEXTUAL="true")
    text = upload(client, "a.txt", "one")
    answer = client.api.upload_file(
        file_name="a.pdf", data="one", mime_type="application/pdf"
    )
    pdf = answer["data"]["uploadImport"]["id"]
    for variables, words in (
        ({"file": "import/global/none.txt"}, "There is no file"),
        ({"file": text, "connector": "nobody"}, "There is no connector"),
        ({"file": text, "connector": importer.id}, "only in the context"),
        ({"file": text}, "No connector imports text/plain"),
        ({"file": pdf, "connector": importer.id}, "application/pdf is not in"),
    ):
        with pytest.raises(ValueError, match=words):
            client.query(IMPORT, variables)
    with pytest.raises(ValueError, match="wrong"):
        client.query(IMPORT, {"file": text, "mode": "wrong"})


def test_a_file_that_breaks_the_importer_ends_its_work_and_nothing_else(
    served: TestbedProcess, client: Any, importer: Any
) -> None:
    importer.start()
    upload(client, "broken.txt", "no\0text")
    upload(client, "good.txt", "one")
    broken, good = importer.works(2)
    assert "this is no text" in broken["error_messages"][0]["message"]
    assert good["error_messages"] == []


# -- export -----------------------------------------------------------------------------------------------------------


def content(make: Any) -> list[dict[str, Any]]:
    """Return two malware with a relationship, one of them marked TLP:RED."""
    red = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": TLP_RED,
        "created": "2017-01-20T00:00:00.000Z",
        "definition_type": "TLP",
        "name": "TLP:RED",
        "x_opencti_definition": "TLP:RED",
        "x_opencti_definition_type": "TLP",
        "definition": {"TLP": "TLP:RED"},
        "x_opencti_order": 4,
    }
    green = {
        **red,
        "id": TLP_GREEN,
        "name": "TLP:GREEN",
        "definition": {"TLP": "TLP:GREEN"},
        "x_opencti_definition": "TLP:GREEN",
        "x_opencti_order": 2,
    }
    plain = make.malware("plain", object_marking_refs=[TLP_GREEN])
    secret = make.malware("secret", object_marking_refs=[TLP_RED])
    return [red, green, plain, secret, make.relationship(plain, "related-to", secret)]


@pytest.fixture(name="known")
def fixture_known(client: Any, make: Any) -> dict[str, Any]:
    """The ids of what is there, by name."""
    client.push(content(make))
    malware = {one["name"]: one["id"] for one in client.api.malware.list()}
    markings = client.api.marking_definition.list()
    return malware | {one["definition"]: one["id"] for one in markings}


def objects_of(platform: TestbedProcess, file_id: str) -> list[str]:
    answer = fetch(platform, file_id)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/json")
    return sorted(
        one.get("name") or one.get("relationship_type") or one["type"]
        for one in answer.json()["objects"]
        if one["type"] != "marking-definition"
    )


def test_one_entity_simple_and_full(
    served: TestbedProcess, client: Any, exporter: Any, known: dict[str, Any]
) -> None:
    exporter.start()
    for number, (kind, expected) in enumerate(
        (("simple", ["plain"]), ("full", ["plain", "related-to", "secret"])), 1
    ):
        wanted = {
            "format": "application/json",
            "exportType": kind,
            "fileMarkings": [known["TLP:GREEN"]],
        }
        (file,) = client.query(EXPORT_ONE, {"id": known["plain"], "input": wanted})[
            "stixCoreObjectEdit"
        ]["exportAsk"]
        work = exporter.works(number)[-1]
        assert work["error_messages"] == []
        assert file["id"] == f"export/Malware/{known['plain']}/{file['name']}"
        assert file["name"].endswith(f"_{kind}.json")
        assert objects_of(served, file["id"]) == expected
        kept = client.query(
            "query F($id: String!) { file(id: $id) { objectMarking { definition } works { id } } }",
            {"id": file["id"]},
        )["file"]
        assert kept["objectMarking"] == [{"definition": "TLP:GREEN"}]
        assert kept["works"] == [{"id": work["id"]}]


def test_a_query_and_a_selection_of_it(
    served: TestbedProcess, client: Any, exporter: Any, known: dict[str, Any]
) -> None:
    exporter.start()
    listed: dict[str, Any] = {
        "format": "application/json",
        "exportType": "simple",
        "exportContext": {"entity_type": "Malware"},
        "orderBy": "name",
        "orderMode": "asc",
        "filters": {
            "mode": "and",
            "filterGroups": [],
            "filters": [{"key": "name", "values": ["plain", "secret"]}],
        },
    }
    selected = {**listed, "selectedIds": [known["secret"]]}
    for number, (wanted, expected) in enumerate(
        ((listed, ["plain", "secret"]), (selected, ["secret"])), 1
    ):
        (file,) = client.query(EXPORT_LIST, {"input": wanted})[
            "stixDomainObjectsExportAsk"
        ]
        work = exporter.works(number)[-1]
        assert work["error_messages"] == []
        assert file["id"].startswith("export/Malware/")
        assert objects_of(served, file["id"]) == expected
    listing = client.query(
        '{ stixDomainObjectsExportFiles(exportContext: {entity_type: "Malware"}) { edges { node { id } } } }'
    )["stixDomainObjectsExportFiles"]["edges"]
    assert len(listing) == 2


def test_nothing_above_the_highest_marking_is_in_the_file(
    served: TestbedProcess, client: Any, exporter: Any, known: dict[str, Any]
) -> None:
    exporter.start()
    wanted = {
        "format": "application/json",
        "exportType": "full",
        "contentMaxMarkings": [known["TLP:GREEN"]],
        "exportContext": {"entity_type": "Malware"},
    }
    (file,) = client.query(EXPORT_LIST, {"input": wanted})["stixDomainObjectsExportAsk"]
    exporter.works()
    assert "TLP:GREEN" in file["name"]
    found = objects_of(served, file["id"])
    assert "plain" in found and "secret" not in found


def test_nothing_that_the_asking_user_may_not_see_is_in_the_file(
    served: TestbedProcess, client: Any, exporter: Any, known: dict[str, Any]
) -> None:
    exporter.start()
    group = client.api.group.create(
        name="Few rights",
        group_confidence_level={"max_confidence": 100, "overrides": []},
    )
    client.api.group.add_allowed_marking(id=group["id"], marking_id=known["TLP:GREEN"])
    user = client.api.user.create(
        name="reader", user_email="reader@example.org", groups=[group["id"]]
    )
    client.api.set_applicant_id_header(user["id"])
    wanted = {
        "format": "application/json",
        "exportType": "simple",
        "exportContext": {"entity_type": "Malware"},
    }
    (file,) = client.query(EXPORT_LIST, {"input": wanted})["stixDomainObjectsExportAsk"]
    client.api.set_applicant_id_header("")
    exporter.works()
    assert objects_of(served, file["id"]) == ["plain"]


def test_what_cannot_be_exported_is_said(
    client: Any, exporter: Any, known: dict[str, Any]
) -> None:
    simple = {"format": "application/json", "exportType": "simple"}
    with pytest.raises(ValueError, match="No connector exports application/json"):
        client.query(EXPORT_ONE, {"id": known["plain"], "input": simple})
    exporter.start()
    for entity, wanted, words in (
        ("malware--1", simple, "There is no entity"),
        (known["plain"], {**simple, "format": "text/csv"}, "No connector exports"),
        (known["plain"], {**simple, "exportType": "huge"}, "none of simple, full"),
        (
            known["plain"],
            {**simple, "contentMaxMarkings": [known["plain"]]},
            "no marking definition",
        ),
    ):
        with pytest.raises(ValueError, match=words):
            client.query(EXPORT_ONE, {"id": entity, "input": wanted})

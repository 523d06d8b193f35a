"""What objects of bundles bring along, and ask for: files, deletions, merges, patches."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from opencti_testbed.process import TestbedProcess

EXTENSION = "extension-definition--ea279b3e-5c71-4632-ac08-831c66a786ba"


@pytest.fixture(name="client", scope="module")
def fixture_client(make: Any) -> Iterator[Any]:
    """One platform for all: each test uses names of its own."""
    with TestbedProcess() as platform:
        yield make.client(platform, "Operations")


def errors(client: Any, objects: list[dict[str, Any]]) -> list[str]:
    work = client.api.work.get_work(client.push(objects))
    assert work["status"] == "complete"
    return [one["message"] for one in work["errors"]]


def names(client: Any) -> set[str]:
    return {one["name"] for one in client.platform.objects("Malware")}


def extended(stix: dict[str, Any], **content: Any) -> dict[str, Any]:
    extension = {"extension_type": "property-extension", **content}
    return {**stix, "extensions": {EXTENSION: extension}}


def file(name: str, content: bytes, **more: Any) -> dict[str, Any]:
    data = base64.b64encode(content).decode()
    return {"name": name, "data": data, "mime_type": "text/plain", **more}


def test_files_of_bundles_are_kept(client: Any, make: Any) -> None:
    reference = {
        "source_name": "a source",
        "url": "https://files.example/",
        "x_opencti_files": [file("of the reference.txt", b"three")],
    }
    sent = extended(
        make.malware(
            "with files",
            x_opencti_files=[file("one.txt", b"one"), {"name": "elsewhere.txt"}],
            external_references=[reference],
        ),
        files=[file("two.txt", b"two")],
    )
    for _ in range(2):
        assert errors(client, [sent]) == []
        read = client.api.malware.read(id=sent["id"], withFiles=True)
        found = {one["name"]: one for one in read["importFiles"]}
        assert set(found) == {"one.txt", "two.txt"}
        url = f"{client.platform.url}/storage/get/{found['one.txt']['id']}"
        assert client.api.fetch_opencti_file(url) == "one"
        (kept,) = read["externalReferences"]
        assert "x_opencti_files" not in str(client.platform.objects("Malware"))
        answer = client.query(
            "query R($id: String) { externalReference(id: $id)"
            " { importFiles { edges { node { name size } } } } }",
            {"id": kept["id"]},
        )
        edges = answer["externalReference"]["importFiles"]["edges"]
        assert [one["node"]["size"] for one in edges] == [5]
    broken = make.malware("no file", x_opencti_files=[{"name": "x", "data": "%"}])
    (message,) = errors(client, [broken])
    assert "x is not Base64" in message


def test_bundles_delete_merge_and_patch(client: Any, make: Any) -> None:
    first, second, third, fourth = (make.malware(f"op {n}") for n in "abcd")
    assert errors(client, [first, second, third, fourth]) == []
    assert {"op a", "op b", "op c", "op d"} <= names(client)
    assert errors(client, [extended(first, opencti_operation="delete")]) == []
    assert errors(client, [{**second, "opencti_operation": "delete_force"}]) == []
    assert names(client).isdisjoint({"op a", "op b"})
    merged = {"merge_target_id": third["id"], "merge_source_ids": [fourth["id"]]}
    assert errors(client, [{**third, "opencti_operation": "merge", **merged}]) == []
    (kept,) = (o for o in client.platform.objects("Malware") if o["name"] == "op c")
    assert fourth["id"] in kept["x_opencti_stix_ids"]
    patch = [
        {"key": "description", "value": ["patched"]},
        {"key": "objectLabel", "value": ["a label"], "operation": "add"},
    ]
    asked = {"opencti_operation": "patch", "opencti_field_patch": patch}
    assert errors(client, [extended(third, **asked)]) == []
    (kept,) = (o for o in client.platform.objects("Malware") if o["name"] == "op c")
    assert kept["description"] == "patched" and kept["labels"] == ["a label"]


def test_other_operations_are_refused_in_words(client: Any, make: Any) -> None:
    one = make.malware("op refused")
    wrong = [
        {**one, "opencti_operation": "enroll_playbook"},
        {**make.malware("op never"), "opencti_operation": "delete"},
        {**make.malware("op merged"), "opencti_operation": "merge"},
        {**make.malware("op patched"), "opencti_operation": "patch"},
    ]
    words = " ".join(errors(client, wrong))
    for expected in (
        "'enroll_playbook' is not supported",
        "cannot be found",
        "merge without merge_source_ids",
        "patch without opencti_field_patch",
    ):
        assert expected in words
    assert "op refused" not in names(client)


def test_inferred_objects_are_left_out(client: Any, make: Any) -> None:
    inferred = [
        extended(make.malware("inferred a"), is_inferred=True),
        {**make.malware("inferred b"), "is_inferred": True},
    ]
    assert errors(client, inferred) == []
    assert names(client).isdisjoint({"inferred a", "inferred b"})


def test_a_change_takes_values_when_it_has_no_value(client: Any, make: Any) -> None:
    one = make.malware("values", description="before")
    assert errors(client, [one]) == []
    client.query(
        "mutation E($id: ID!, $input: [EditInput]!)"
        " { stixDomainObjectEdit(id: $id) { fieldPatch(input: $input) { id } } }",
        {
            "id": one["id"],
            "input": [{"key": "description", "value": None, "values": ["after"]}],
        },
    )
    assert client.api.malware.read(id=one["id"])["description"] == "after"

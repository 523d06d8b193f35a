"""Files over the wire: uploads through pycti and by hand, what is refused, what may be read."""

import json
from typing import Any

import pytest
import requests

from opencti_testbed.process import TestbedProcess

UPLOAD = "mutation U($file: Upload!) { uploadImport(file: $file) { id name size metaData { mimetype } } }"
BOUNDARY = "between-the-parts"


def send(
    platform: TestbedProcess, body: bytes, *, boundary: str = BOUNDARY, token: str = ""
) -> requests.Response:
    return requests.post(
        f"{platform.url}/graphql",
        data=body,
        headers={
            "Authorization": f"Bearer {token or platform.token}",
            "Content-Type": f"multipart/form-data; boundary={boundary}",
        },
        timeout=30,
    )


def part(name: str, content: str, more: str = "") -> str:
    return f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n{content}\r\n'


def form(
    name: str = "a.txt",
    content: str = "text",
    *,
    operations: str | None = None,
    places: str = '{"0": ["variables.file"]}',
) -> str:
    if operations is None:
        operations = json.dumps({"query": UPLOAD, "variables": {"file": None}})
    return (
        part("operations", operations)
        + part("map", places)
        + part("0", content, f'; filename="{name}"')
        + f"--{BOUNDARY}--\r\n"
    )


def get(platform: TestbedProcess, path: str, **headers: str) -> requests.Response:
    sent = {"Authorization": f"Bearer {platform.token}"} | headers
    return requests.get(f"{platform.url}{path}", headers=sent, timeout=10)


def file_ids(platform: TestbedProcess) -> list[str]:
    answer = requests.post(
        f"{platform.url}/graphql",
        json={"query": "{ importFiles { edges { node { id } } } }"},
        headers={"Authorization": f"Bearer {platform.token}"},
        timeout=10,
    ).json()
    return [edge["node"]["id"] for edge in answer["data"]["importFiles"]["edges"]]


# -- what works -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content", ["text äöü", "", "a" * 3_000_000], ids=["text", "empty", "3 MB"]
)
def test_what_is_uploaded_is_read_back(
    platform: TestbedProcess, client: Any, content: str
) -> None:
    file = client.api.upload_file(
        file_name="Größe 100% & more.txt", data=content, mime_type="text/plain"
    )["data"]["uploadImport"]
    assert file["id"] == "import/global/Größe 100% & more.txt"
    found = client.query(
        "query F($id: String!) { file(id: $id) { name size metaData { mimetype } } }",
        {"id": file["id"]},
    )["file"]
    assert found["size"] == len(content.encode())
    assert found["metaData"]["mimetype"] == "text/plain"
    assert client.api.fetch_opencti_file_by_id(file["id"], True) == content.encode()
    # A second upload replaces the first.
    client.api.upload_file(file_name=file["name"], data="new", mime_type="text/plain")
    assert client.api.fetch_opencti_file_by_id(file["id"], True) == b"new"
    assert file_ids(platform) == [file["id"]]
    client.query(
        "mutation D($id: String) { deleteImport(fileName: $id) }", {"id": file["id"]}
    )
    assert file_ids(platform) == []


def test_names_are_quoted_strings(platform: TestbedProcess) -> None:
    sent = send(platform, form('a \\"b\\"; %22.txt').encode())
    assert sent.json()["data"]["uploadImport"]["name"] == 'a "b"; %22.txt'


def test_files_that_come_with_an_entity_belong_to_it(client: Any) -> None:
    made = client.api.malware.create(
        name="m",
        is_family=True,
        files=[client.api.file("a.txt", "one"), client.api.file("b.txt", "two")],
        noTriggerImport=True,
    )
    found = client.api.malware.read(id=made["id"], withFiles=True)["importFiles"]
    assert sorted(file["name"] for file in found) == ["a.txt", "b.txt"]
    assert {
        client.api.fetch_opencti_file_by_id(file["id"], True) for file in found
    } == {
        b"one",
        b"two",
    }


def test_an_artifact_knows_the_hashes_of_its_file(client: Any) -> None:
    made = client.api.stix_cyber_observable.upload_artifact(
        file_name="sample.bin",
        data="MZ",
        mime_type="application/x-dosexec",
        # The client sends `false` when there is none, which no platform takes for a text.
        x_opencti_description="a sample",
    )
    found = client.api.stix_cyber_observable.read(id=made["id"], withFiles=True)
    hashes = {one["algorithm"]: one["hash"] for one in found["hashes"]}
    assert hashes["MD5"] == "ac6ad5d9b99757c3a878f2d275ace198"
    assert [file["name"] for file in found["importFiles"]] == ["sample.bin"]


def test_files_are_kept_when_the_platform_is_killed(
    platform: TestbedProcess, client: Any
) -> None:
    file = client.api.upload_file(file_name="a.txt", data="kept")["data"]
    platform.kill()
    platform.start()
    file_id = file["uploadImport"]["id"]
    assert client.api.fetch_opencti_file_by_id(file_id, True) == b"kept"


# -- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no form at all",
        form()[:-40],
        form().replace(BOUNDARY, "another", 1),
        form(operations="{broken"),
        form(operations="[]"),
        form(operations="{}"),
        form(places="{broken"),
        form(places='{"1": ["variables.file"]}'),
        form(places='{"0": ["nowhere.at.all"]}'),
        part("operations", "{}"),
    ],
    ids=lambda body: body[:0],
)
def test_broken_forms_are_refused_and_nothing_is_kept(
    platform: TestbedProcess, body: str
) -> None:
    answer = send(platform, body.encode())
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["message"]
    assert file_ids(platform) == []
    assert send(platform, form().encode()).json()["data"]["uploadImport"]["size"] == 4


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "..",
        "a/../../b",
        "..\\..\\windows.ini",
        "a\x00b",
        "a\x1bb",
        "x" * 300,
        " ",
    ],
)
def test_names_that_are_none_are_refused(
    platform: TestbedProcess, client: Any, name: str
) -> None:
    before = {path for path in platform.data_dir.rglob("*") if path.suffix != ".tmp"}
    with pytest.raises(ValueError, match="name of a file|Upload"):
        client.query(UPLOAD, {"file": client.api.file(name, "text")})
    # Nothing was written, neither here nor anywhere around.
    assert set(platform.data_dir.rglob("*")) <= before
    assert file_ids(platform) == []


@pytest.mark.parametrize(
    "path",
    [
        "/storage/get/../../../etc/passwd",
        "/storage/get/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/storage/get//etc/passwd",
        "/storage/get/import/global/..%2f..%2f..%2fetc%2fpasswd",
        "/storage/view/import/global/%00",
        "/storage/get/",
        "/storage/get/opencti-testbed.sqlite3",
    ],
)
def test_only_ids_of_files_are_read(platform: TestbedProcess, path: str) -> None:
    with requests.Session() as session:
        request = requests.Request(
            "GET",
            platform.url,
            headers={"Authorization": f"Bearer {platform.token}"},
        ).prepare()
        # As it is: the library would tidy the path up.
        request.url = platform.url + path
        answer = session.send(request, timeout=10)
    assert answer.status_code in (400, 404, 503)
    assert "root:" not in answer.text


def test_nobody_reads_or_uploads_without_the_token(
    platform: TestbedProcess, client: Any
) -> None:
    file = client.api.upload_file(file_name="a.txt", data="secret")["data"]
    path = f"/storage/get/{file['uploadImport']['id']}"
    assert get(platform, path).text == "secret"
    for headers in ({"Authorization": "Bearer wrong"}, {"Authorization": ""}):
        answer = get(platform, path, **headers)
        assert answer.status_code == 403 and "secret" not in answer.text
    refused = send(platform, form("b.txt").encode(), token="wrong").json()
    assert refused["errors"][0]["name"] == "AUTH_REQUIRED"
    assert len(file_ids(platform)) == 1


def test_what_could_run_in_a_browser_is_only_shown_as_text(
    platform: TestbedProcess, client: Any
) -> None:
    script = "<script>alert(1)</script>"
    for name, kind in (("a.html", "text/html"), ("a.svg", "image/svg+xml")):
        file = client.api.upload_file(file_name=name, data=script, mime_type=kind)
        file_id = file["data"]["uploadImport"]["id"]
        shown = get(platform, f"/storage/view/{file_id}")
        assert shown.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in shown.headers["content-security-policy"]
        as_text = shown.headers["content-type"].startswith("text/plain")
        assert as_text or "attachment" in shown.headers["content-disposition"]


def test_bodies_of_60_mb_are_refused_with_the_limit_and_the_connection_lives(
    platform: TestbedProcess, client: Any, make: Any
) -> None:
    objects = [make.malware("huge", description="x" * 60_000_000)]
    bundle = {"type": "bundle", "id": "bundle--1", "objects": objects}
    with pytest.raises(ValueError, match="larger than this platform accepts"):
        client.helper.send_stix2_bundle(json.dumps(bundle), no_split=True)
    with pytest.raises(ValueError, match="larger than this platform accepts"):
        client.api.upload_file(file_name="huge.txt", data="x" * 60_000_000)
    assert file_ids(platform) == []
    # Below the limit it goes through, in one piece.
    objects = [make.malware("big", description="x" * 45_000_000)]
    client.push(objects)
    (stored,) = platform.objects("Malware")
    assert len(stored["description"]) == 45_000_000

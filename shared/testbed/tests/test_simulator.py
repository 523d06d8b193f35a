"""A simulated source, asked over HTTP as a connector would."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from opencti_testbed.simulator import Simulator
from opencti_testbed.simulator.description import WrongDescription, load_description

DESCRIPTION = """
title: Example feed
auth:
  header: {name: X-Api-Key, value: s3cret}
routes:
  - path: /pages
    file: items.json
    records: data.items
    pagination: {style: page, param: page, size_param: per_page, size: 3, total_field: data.total}
  - path: /offsets
    file: items.json
    records: data.items
    pagination: {style: offset, param: skip, size_param: limit, size: 4}
  - path: /cursors
    file: items.json
    records: data.items
    pagination: {style: cursor, param: after, size: 3, next_field: meta.next}
  - path: /links
    file: list.json
    pagination: {style: link, size: 2}
  - path: /feed
    file: items.json
    conditional: true
  - path: /things/{name}
    file: things/{name}.json
  - path: /flaky
    body: {fine: true}
    first:
      - {status: 503, times: 2}
      - {status: 429, retry_after: 1}
      - {trouble: reset}
      - {body: "{\\"fine\\": true, \\"more\\": [1, 2, 3]}", trouble: malformed}
      - {body: "a longer text that is cut", trouble: truncated}
  - path: /slow
    body: at last
    latency: 0.4
  - path: /search
    method: POST
    body: {found: 1}
  - path: /open
    auth: false
    body: hello
  - path: /filtered
    query: {kind: malware}
    body: [malware]
"""
ITEMS = [{"id": number} for number in range(10)]
KEY = {"X-Api-Key": "s3cret"}


@pytest.fixture(name="folder")
def fixture_folder(tmp_path: Path) -> Path:
    (tmp_path / "source.yml").write_text(DESCRIPTION, encoding="utf-8")
    (tmp_path / "items.json").write_text(json.dumps({"data": {"items": ITEMS}}))
    (tmp_path / "list.json").write_text(json.dumps(ITEMS[:5]))
    (tmp_path / "things").mkdir()
    (tmp_path / "things" / "one.json").write_text('{"name": "one"}')
    (tmp_path.parent / "secret.json").write_text('{"secret": true}')
    return tmp_path


@pytest.fixture(name="source")
def fixture_source(folder: Path) -> Iterator[Simulator]:
    with Simulator(folder) as source:
        yield source


def get(source: Simulator, path: str, **more: Any) -> requests.Response:
    headers = {**KEY, **more.pop("headers", {})}
    return requests.get(f"{source.url}{path}", headers=headers, timeout=5, **more)


def ids(records: list[dict[str, int]]) -> list[int]:
    return [record["id"] for record in records]


def test_page_numbers(source: Simulator) -> None:
    first = get(source, "/pages").json()["data"]
    assert (ids(first["items"]), first["total"]) == ([0, 1, 2], 10)
    third = get(source, "/pages", params={"page": 3, "per_page": 4}).json()["data"]
    assert ids(third["items"]) == [8, 9]
    assert get(source, "/pages", params={"page": 9}).json()["data"]["items"] == []
    wrong = get(source, "/pages", params={"page": "two"})
    assert (wrong.status_code, wrong.json()["error"]) == (400, "'two' is no number")


def test_offsets(source: Simulator) -> None:
    answer = get(source, "/offsets", params={"skip": 8, "limit": 5}).json()
    assert ids(answer["data"]["items"]) == [8, 9]


def test_cursors(source: Simulator) -> None:
    seen, after = [], ""
    while after is not None:
        body = get(source, "/cursors", params={"after": after}).json()
        seen += ids(body["data"]["items"])
        after = body["meta"]["next"]
    assert seen == list(range(10))
    assert get(source, "/cursors", params={"after": "x"}).status_code == 400


def test_links(source: Simulator) -> None:
    seen, url = [], f"{source.url}/links"
    while url:
        response = requests.get(url, headers=KEY, timeout=5)
        seen += ids(response.json())
        url = response.links.get("next", {}).get("url", "")
    assert seen == list(range(5))


def test_only_if_it_changed(source: Simulator, folder: Path) -> None:
    first = get(source, "/feed")
    etag, modified = first.headers["ETag"], first.headers["Last-Modified"]
    for known in ({"If-None-Match": etag}, {"If-Modified-Since": modified}):
        again = get(source, "/feed", headers=known)
        assert (again.status_code, again.content) == (304, b"")
    (folder / "items.json").write_text("{}")
    assert get(source, "/feed", headers={"If-None-Match": etag}).status_code == 200


def test_who_is_not_known_stays_outside(source: Simulator) -> None:
    assert requests.get(f"{source.url}/pages", timeout=5).status_code == 401
    wrong = get(source, "/pages", headers={"X-Api-Key": "guess"})
    assert wrong.status_code == 401
    assert requests.get(f"{source.url}/open", timeout=5).text == "hello"


@pytest.mark.parametrize(
    ("auth", "how"),
    [
        ("bearer: t0ken", {"headers": {"Authorization": "Bearer t0ken"}}),
        ("basic: {user: u, password: p}", {"auth": ("u", "p")}),
        ("query: {name: key, value: k}", {"params": {"key": "k"}}),
    ],
)
def test_ways_to_be_known(tmp_path: Path, auth: str, how: dict[str, Any]) -> None:
    text = f"auth:\n  {auth}\nroutes:\n  - {{path: /a, body: fine}}\n"
    (tmp_path / "source.yml").write_text(text)
    with Simulator(tmp_path) as source:
        assert requests.get(f"{source.url}/a", timeout=5).status_code == 401
        assert requests.get(f"{source.url}/a", timeout=5, **how).text == "fine"


def test_a_sequence_of_troubles_and_then_the_answer(source: Simulator) -> None:
    assert [get(source, "/flaky").status_code for _ in range(2)] == [503, 503]
    limited = get(source, "/flaky")
    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "1")
    with pytest.raises(requests.ConnectionError):
        get(source, "/flaky")
    with pytest.raises(requests.exceptions.JSONDecodeError):
        get(source, "/flaky").json()
    with pytest.raises(requests.RequestException):
        get(source, "/flaky")
    assert get(source, "/flaky").json() == {"fine": True}
    requests.delete(f"{source.url}/_simulator/requests", timeout=5)
    assert get(source, "/flaky").status_code == 503


def test_too_many_requests(tmp_path: Path) -> None:
    (tmp_path / "source.yml").write_text(
        "rate_limit: {requests: 2, seconds: 0.5}\nroutes:\n  - {path: /a, body: x}\n"
    )
    with Simulator(tmp_path) as source:
        answers = [requests.get(f"{source.url}/a", timeout=5) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[2].headers["Retry-After"] == "1"
        time.sleep(0.6)
        assert requests.get(f"{source.url}/a", timeout=5).ok


def test_latency_methods_names_and_queries(source: Simulator) -> None:
    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{source.url}/slow", headers=KEY, timeout=0.2)
    found = requests.post(f"{source.url}/search", headers=KEY, json={"q": 1}, timeout=5)
    assert found.json() == {"found": 1}
    assert get(source, "/things/one").json() == {"name": "one"}
    assert get(source, "/filtered", params={"kind": "malware"}).json() == ["malware"]
    nowhere = get(source, "/filtered")
    assert nowhere.status_code == 404
    assert "GET /pages" in nowhere.json()["known"]
    log = requests.get(f"{source.url}/_simulator/requests", timeout=5).json()
    (search,) = [entry for entry in log if entry["path"] == "/search"]
    assert json.loads(search["body"]) == {"q": 1}
    assert (search["method"], search["status"]) == ("POST", 200)


@pytest.mark.parametrize("name", ["..%2f..%2fsecret", "%2e%2e%2fsecret", "nothing"])
def test_nobody_gets_out_of_the_folder(source: Simulator, name: str) -> None:
    answer = get(source, f"/things/{name}")
    assert answer.status_code in (404, 500)
    assert "true" not in answer.text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("routes: []", "routes"),
        ("routes:\n  - {path: a}", "routes.0.path"),
        ("routes:\n  - {path: /a, fiel: x}", "routes.0.fiel"),
        ("routes:\n  - {path: /a, file: missing.json}", "is no file of the folder"),
        ("routes:\n  - {path: /a, file: ../secret.json}", "is no file of the folder"),
        ("auth: {bearer: a, query: {name: a, value: b}}\nroutes: []", "one of bearer"),
        ("routes: [", "is no YAML"),
    ],
)
def test_what_is_wrong_with_a_description_is_said(
    tmp_path: Path, text: str, words: str
) -> None:
    (tmp_path.parent / "secret.json").write_text("{}")
    (tmp_path / "source.yml").write_text(text)
    with pytest.raises(WrongDescription, match=words):
        load_description(tmp_path)


def test_the_command(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    command = [sys.executable, "-m", "opencti_testbed", "source"]
    with subprocess.Popen(
        [*command, str(folder), "--port", "0"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("Example feed ready: http://127.0.0.1:")
        url = line.split()[3]
        assert requests.get(f"{url}/open", timeout=5).text == "hello"
        process.terminate()
    empty = tmp_path_factory.mktemp("empty")
    done = subprocess.run(
        [*command, str(empty)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "source.yml: No such file" in done.stderr
    assert "Traceback" not in done.stderr

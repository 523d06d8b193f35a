"""The page over HTTP: what it shows, how it pages, whom it lets in."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
import requests

from opencti_testbed.process import TestbedProcess

Make = Callable[..., dict[str, Any]]
LOOPBACK = "127.0.0.1"


def get(stage: Any, path: str, **headers: str) -> requests.Response:
    return requests.get(stage.url + path, headers=headers, timeout=30)


def text(stage: Any, path: str) -> str:
    """Return what a page says, without its tags."""
    answer = get(stage, path)
    assert answer.status_code == 200, answer.text
    return said(answer)


def said(answer: requests.Response) -> str:
    main = answer.text.partition("<main")[2]
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", main)))


def token_of(stage: Any) -> str:
    """Return the token of the page's forms."""
    found = re.search(r'name="form_token" value="([^"]+)"', get(stage, "/files").text)
    assert found
    return found.group(1)


def send(stage: Any, path: str, form: Any, **more: Any) -> requests.Response:
    return requests.post(
        stage.url + path, data=form, timeout=30, allow_redirects=False, **more
    )


def rows(stage: Any, path: str) -> list[str]:
    """Return the names of a list's objects in their order."""
    page = get(stage, path)
    assert page.status_code == 200, page.text
    cells = re.findall(r'<td class="main">(.*?)</td>', page.text, re.DOTALL)
    return [
        unescape(re.sub(r"\s+", " ", re.sub("<[^>]*>", "", cell))).strip()
        for cell in cells
    ]


def following(stage: Any, path: str) -> str | None:
    found = re.search(r'rel="next" href="([^"]+)"', get(stage, path).text)
    return unescape(found.group(1)) if found else None


# -- what is shown ----------------------------------------------------------------------------------------------------


def test_the_overview_counts_and_links(stage: Any) -> None:
    page = get(stage, "/")
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    words = said(page)
    for expected in ("1 rejected", "IPv4-Addr 70", "communicates-with 70", "Seed run"):
        assert expected in words


def test_a_work_tells_what_it_did(stage: Any) -> None:
    first, second = (quote(stage.works[name]) for name in ("first", "second"))
    words = text(stage, f"/works/{first}")
    assert "missing reference: target_ref tool--" in words
    assert re.search(r"IPv4-Addr 70 ", words) and "1 rejected" in words
    # Each work has its own changes, by kind and by pages.
    created = text(stage, f"/works/{first}?show=create")
    assert "Acme Research Organization" in created and "More changes" in created
    assert "None of this kind" in text(stage, f"/works/{first}?show=delete")
    words = text(stage, f"/works/{second}?show=update")
    assert "WinterWolf Malware" in words and "198.51.100" not in words
    assert "+ top" in words and "A loader. Seen since 2022." in words
    assert "3 left alone" in words and "1 changed" in words
    assert "WinterWolf" not in text(stage, f"/works/{second}?show=create")


def test_the_changes_of_a_work_are_paged_without_gap(stage: Any) -> None:
    path: str | None = f"/works/{quote(stage.works['first'])}"
    assert path
    seen: list[str] = []
    address = path
    while path:
        page = get(stage, path).text
        seen += re.findall(r'class="grow"><a href="/entities/([^"]+)"', page)
        more = re.search(r'rel="next" href="([^"]+)"', page)
        path = address + unescape(more.group(1)).partition("#")[0] if more else None
    work = next(
        one for one in stage.platform.works() if one["id"] == stage.works["first"]
    )
    created = sum(by["created"] for by in work["counts"].values())
    # Labels, references and phases are made along with what has them.
    core = [one for one in seen if not one.startswith(("label", "external", "kill"))]
    assert len(core) == len(set(core)) == created


def test_what_is_changed_through_the_api_is_no_works_change(
    stage: Any, make: Any, make_stix: Make
) -> None:
    stage.push(make_stix("malware", "edited", name="Edited", is_family=True))
    (found,) = [m for m in stage.platform.objects("Malware") if m["name"] == "Edited"]
    client = make.client(stage.platform, "Editor")
    client.api.stix_domain_object.update_field(
        id=found["id"], input={"key": "description", "value": "by hand"}
    )
    words = text(stage, f"/entities/{found['id']}/history")
    update, create = words.index("update through the API"), words.index("create by")
    assert update < words.index("+ by hand") < create


def test_an_entity_shows_everything_around_it(stage: Any) -> None:
    words = text(stage, f"/entities/{stage.ids['WinterWolf']}")
    for expected in (
        "TLP:AMBER",
        "loader",
        "mitre-attack: execution",
        "Author Acme Research",
        "trojan",
        "Is family yes",
        "First seen 2024-03-05 10:20:30",
        "communicates-with → 70",
        "← indicates 5",
        "in Report 1",
        "https://example.org/wolf?a=1&b=2",
        f"Standard id {stage.ids['WinterWolf']}",
    ):
        assert expected in words, expected
    words = text(stage, f"/entities/{stage.ids['invoice.docm']}")
    assert "Hashes MD5 d41d8cd98f00b204e9800998ecf8427e" in words
    words = text(stage, f"/entities/{stage.ids['C2 198.51.100.1']}")
    assert "[ipv4-addr:value = '198.51.100.1']" in words and "sighted at → 1" in words


def test_relations_are_paged_by_kind(stage: Any) -> None:
    path = f"/entities/{stage.ids['WinterWolf']}/relations"
    first = rows(stage, f"{path}?key=source_ref&type=communicates-with")
    more = following(stage, f"{path}?key=source_ref&type=communicates-with")
    assert more
    second = rows(stage, path + more)
    assert sorted(first + second) == sorted(f"198.51.100.{n}" for n in range(1, 71))
    assert rows(stage, f"{path}?key=target_ref&type=uses") == ["Snow Group"]
    assert "By mail." in text(stage, f"{path}?key=target_ref&type=uses")
    report = f"/entities/{stage.ids['WinterWolf in the wild']}/relations"
    assert "Snow Group" in rows(stage, f"{report}?key=contents&type=object")


def test_the_neighbours_of_an_object(stage: Any) -> None:
    path = f"/entities/{stage.ids['WinterWolf']}/neighbours"
    found = get(stage, path).json()
    assert found["node"]["name"] == "WinterWolf"
    kinds = {edge["label"] for edge in found["edges"]}
    # Of an object with many there are some of each kind first.
    assert kinds >= {"uses", "communicates-with", "indicates", "drops", "variant-of"}
    names, after, pages = {one["name"] for one in found["nodes"]}, found["after"], 1
    while after:
        page = get(stage, f"{path}?after={after}").json()
        names |= {one["name"] for one in page["nodes"]}
        after, pages = page["after"], pages + 1
    assert names >= {f"198.51.100.{n}" for n in range(1, 71)} and pages > 3
    used = next(e for e in found["edges"] if e["label"] == "uses")
    group = next(n["id"] for n in found["nodes"] if n["name"] == "Snow Group")
    assert (used["source"], used["target"]) == (group, found["node"]["id"])
    assert get(stage, "/entities/malware--0/neighbours").status_code == 404
    assert get(stage, f"{path}?after=out.x.y").status_code == 200


# -- the data browser -------------------------------------------------------------------------------------------------


def test_lists_by_kind_and_type(stage: Any) -> None:
    words = text(stage, "/entities")
    assert re.search(r"Observables 71 ", words)
    assert "198.51.100.9" not in rows(stage, "/entities")
    assert "invoice.docm" in rows(stage, "/entities?kind=observables")
    assert "Snow Group uses WinterWolf" in rows(stage, "/entities?type=uses")
    assert rows(stage, "/entities?type=Report") == ["WinterWolf in the wild"]
    assert rows(stage, "/entities?type=None&kind=entities")


@pytest.mark.parametrize("order", ["newest", "oldest", "changed", "name", "score"])
@pytest.mark.parametrize("chosen", ["type=IPv4-Addr", "kind=observables&score_from=1"])
def test_pages_in_each_order_show_each_object_once(
    stage: Any, order: str, chosen: str
) -> None:
    path: str | None = f"/entities?{chosen}&order={order}"
    names: list[str] = []
    while path:
        names += rows(stage, path)
        path = following(stage, path)
    wanted = [f"198.51.100.{n}" for n in range(1, 71)]
    assert sorted(names) == sorted(wanted)
    if order == "score":
        assert names == wanted[::-1]
    if order == "oldest":
        assert names == wanted
    if order == "name":
        assert names == sorted(wanted)


@pytest.mark.parametrize(
    ("chosen", "names"),
    [
        ("search=winter+wild", ["WinterWolf in the wild"]),
        ("search=wolf+loader", ["WinterWolf"]),
        ("label=top", ["WinterWolf"]),
        ("label=loader&type=Malware", ["WinterWolf"]),
        ("kind=observables&score_from=69", ["198.51.100.70", "198.51.100.69"]),
        ("kind=observables&score_to=1", ["198.51.100.1"]),
        ("kind=relationships&search=snow", ["Snow Group uses WinterWolf"]),
        ("search=999%25", []),
        ("search=%25%25", []),
        ("label=none", []),
    ],
)
def test_filters(stage: Any, chosen: str, names: list[str]) -> None:
    assert rows(stage, f"/entities?{chosen}") == names


def test_filters_by_marking_author_and_work(stage: Any) -> None:
    amber = "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"
    assert rows(stage, f"/entities?kind=entities&marking={amber}") == ["WinterWolf"]
    author = stage.ids["Acme Research"]
    found = rows(stage, f"/entities?type=Indicator&author={author}")
    assert len(found) == 5
    created = rows(stage, f"/entities?work={quote(stage.works['second'])}")
    assert created == ["top"]  # the label; everything else was there
    created = rows(stage, f"/entities?kind=entities&work={quote(stage.works['first'])}")
    assert "WinterWolf" in created and "<img src=x onerror=alert(1)>" not in created
    wolf = stage.ids["WinterWolf"]
    joined = rows(stage, f"/entities?of={wolf}&type=indicates")
    assert len(joined) == 5


def test_who_looks_for_an_id_comes_to_its_object(stage: Any) -> None:
    wolf = stage.ids["WinterWolf"]
    page = get(stage, f"/entities?search={wolf}")
    assert page.url == f"{stage.url}/entities/{wolf}"


def test_addresses_that_mean_nothing_are_answered(stage: Any) -> None:
    for query in (
        "after=x",
        'after=["a"]',
        'after=["a","b"]',
        "after=[{},1]",
        "after=[1,99999999999999999999]",
        "order=nothing",
        "score_from=-1",
        "score_from=x",
        "kind=x&type=y",
        "search=%00",
        "search=%22%22%22",
        "search=" + quote("' OR 1=1 --"),
        "label=" + quote('") --'),
    ):
        assert get(stage, f"/entities?{query}").status_code == 200, query
    for path in (
        "/entities/malware--0",
        "/entities/malware--0/graph",
        "/entities/malware--0/history",
        "/works/none",
        "/connectors/none",
        "/drafts/none",
        "/drafts/none/changes",
        "/files/one?id=none",
        "/static/../config.py",
    ):
        assert get(stage, path).status_code == 404, path
    wolf = f"/entities/{stage.ids['WinterWolf']}"
    for path in ("/relations?key=x&type=y&after=z", "/history?before=x"):
        assert get(stage, wolf + path).status_code == 200, path
    assert get(stage, "/live/events?from=x").status_code == 400


# -- files ------------------------------------------------------------------------------------------------------------


def upload(stage: Any, name: str, content: bytes, **more: str) -> requests.Response:
    return send(
        stage,
        "/files/upload",
        {"form_token": token_of(stage), **more},
        files={"file": (name, content, "text/plain")},
    )


def test_files_are_kept_shown_and_given_back(stage: Any) -> None:
    name = "a b & <b>c?#%41.txt"
    answer = upload(stage, name, b"hello")
    assert answer.status_code == 303
    page = get(stage, answer.headers["location"])
    assert "&lt;b&gt;c" in page.text and "<b>c" not in page.text
    found = re.search(r'href="(/storage/get/[^"]+)"', page.text)
    assert found
    content = get(stage, unescape(found.group(1)), **{"Sec-Fetch-Site": "same-origin"})
    assert content.content == b"hello"
    assert "attachment" in content.headers["content-disposition"]
    assert unescape(name) in text(stage, "/files")
    file_id = unquote(answer.headers["location"].partition("id=")[2].replace("+", " "))
    form = {"form_token": token_of(stage), "file": file_id}
    assert send(stage, "/files/delete", form).status_code == 303
    assert "a b &" not in text(stage, "/files")
    assert send(stage, "/files/delete", form).status_code == 400


def test_a_file_of_an_entity_is_on_its_page(stage: Any) -> None:
    upload(stage, "of-wolf.txt", b"x", entity=stage.ids["WinterWolf"])
    assert "of-wolf.txt" in text(stage, f"/entities/{stage.ids['WinterWolf']}")


@pytest.mark.parametrize("name", ["../../etc/passwd", "..\\x", "a\nb", "x" * 300])
def test_names_that_climb_out_are_refused(stage: Any, name: str) -> None:
    boundary = "b"
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="form_token"\r\n\r\n{token_of(stage)}\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name.replace(chr(10), "%0A")}"\r\n'
        f"Content-Type: text/plain\r\n\r\nx\r\n--{boundary}--\r\n"
    )
    answer = send(
        stage,
        "/files/upload",
        body.encode(),
        headers={"Content-Type": f"multipart/form-data; boundary={boundary}"},
    )
    if "\n" in name:
        # Browsers write a line break of a name as %0A: it is a name like any other then.
        assert answer.status_code == 303
    else:
        assert answer.status_code == 400
        assert "Not done" in answer.text


def test_forms_that_are_broken_or_too_large_are_refused(tmp_path: Path) -> None:
    with TestbedProcess(tmp_path, options=("--max-body-mb", "0.125")) as platform:
        answer = upload(platform, "large.txt", b"x" * 200_000)
        assert answer.status_code == 413 and "128.0 KB" in answer.text
        answer = send(
            platform,
            "/files/upload",
            b"--b\r\nContent-Disposition: form-data; name",
            headers={"Content-Type": "multipart/form-data; boundary=b"},
        )
        assert answer.status_code == 400 or "Load the page again" in answer.text
        assert get(platform, "/files").status_code == 200


# -- who may do what --------------------------------------------------------------------------------------------------

DEEDS = [
    "/enrichments",
    "/imports",
    "/exports",
    "/files/upload",
    "/files/delete",
    "/connectors/x/reset",
    "/drafts/x/approve",
    "/drafts/x/delete",
]


@pytest.mark.parametrize("path", DEEDS)
def test_a_form_of_another_site_is_refused(stage: Any, path: str) -> None:
    assert send(stage, path, {"entity": "x"}).status_code == 403
    assert send(stage, path, {"form_token": "guess"}).status_code == 403
    right = {"form_token": token_of(stage)}
    for site in ("cross-site", "same-site", "none"):
        headers = {"Sec-Fetch-Site": site}
        assert send(stage, path, right, headers=headers).status_code == 403
    # With the token, from the page: now it is only what is asked for that is wrong.
    headers = {"Sec-Fetch-Site": "same-origin"}
    assert send(stage, path, right, headers=headers).status_code in (400, 404)
    assert get(stage, path).status_code in (404, 405)


def test_a_page_of_another_name_must_show_the_token(stage: Any) -> None:
    wolf = stage.ids["WinterWolf"]
    for path in ("/", "/entities", f"/entities/{wolf}", f"/entities/{wolf}/neighbours"):
        page = get(stage, path, Host="evil.example")
        assert page.status_code == 401 and "WinterWolf" not in page.text
    answer = get(stage, "/live/events", Host="evil.example")
    assert answer.status_code == 401
    form = {"form_token": token_of(stage)}
    headers = {"Host": "evil.example"}
    assert send(stage, "/exports", form, headers=headers).status_code == 401


def test_on_other_addresses_the_page_asks_for_the_token(tmp_path: Path) -> None:
    options = ("--host", "0.0.0.0")
    with TestbedProcess(tmp_path, token="my-own", options=options) as platform:
        url = platform.url.replace("0.0.0.0", LOOPBACK)
        with requests.Session() as session:
            for path in ("/", "/entities", "/live/events", "/files"):
                assert session.get(url + path, timeout=30).status_code == 401
            wrong = session.post(f"{url}/login", {"token": "guess"}, timeout=30)
            assert wrong.status_code == 401 and "not the token" in wrong.text
            assert "my-own" not in wrong.text
            assert session.post(f"{url}/exports", {}, timeout=30).status_code == 401
            right = session.post(f"{url}/login", {"token": "my-own"}, timeout=30)
            assert right.status_code == 200 and "objects" in right.text


# -- what a connector's folder says -----------------------------------------------------------------------------------


def test_settings_come_from_the_connectors_folder(make: Any, tmp_path: Path) -> None:
    metadata = tmp_path / "tiny" / "__metadata__"
    metadata.mkdir(parents=True)
    metadata.joinpath("connector_config_schema.json").write_text(
        '{"type": "object", "required": ["TINY_KEY"], "properties": {'
        '"TINY_KEY": {"type": "string", "format": "password", "description": "The <b>key</b>."},'
        '"TINY_LIMIT": {"type": "integer", "default": 7},'
        '"TINY_LEVEL": {"enum": ["low", "high"]}}}'
    )
    metadata.joinpath("connector_manifest.json").write_text(
        '{"title": "Tiny", "short_description": "Does little.", "verified": false}'
    )
    with TestbedProcess() as first:
        connector_id = make.client(first, "Tiny").helper.connect_id
    options = ("--connector", f"{connector_id}={tmp_path / 'tiny'}")
    with TestbedProcess(options=options) as platform:
        make.client(platform, "Tiny")
        page = get(platform, f"/connectors/{connector_id}")
        words = said(page)
        assert "TINY_KEY required string (password)" in words
        assert "The <b>key</b>." in words and "<b>key</b>" not in page.text
        assert "TINY_LIMIT integer 7" in words and "low | high" in words
        assert "Does little." in words and "Verified no" in words
        metadata.joinpath("connector_config_schema.json").write_text("{broken")
        words = text(platform, f"/connectors/{connector_id}")
        assert "has no configuration schema" in words


def test_a_run_tells_the_page_where_the_connectors_folder_is(tmp_path: Path) -> None:
    """The connector looks at its own page while it runs: there are its settings."""
    folder = tmp_path / "tiny"
    (folder / "src").mkdir(parents=True)
    (folder / "__metadata__").mkdir()
    (folder / "__metadata__" / "connector_config_schema.json").write_text(
        '{"properties": {"TINY_LIMIT": {"type": "integer"}}}'
    )
    (folder / "src" / "main.py").write_text(
        "import os, sys, urllib.request\n"
        "from pycti import OpenCTIConnectorHelper\n"
        'helper = OpenCTIConnectorHelper({"connector": {"type": "EXTERNAL_IMPORT", "name": "Tiny", "scope": "x"}})\n'
        'address = os.environ["OPENCTI_URL"] + "/connectors/" + helper.connect_id\n'
        'sys.exit(0 if b"TINY_LIMIT" in urllib.request.urlopen(address).read() else 3)\n'
    )
    summary = tmp_path / "summary.json"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "opencti_testbed", "run", str(folder)),
            *("--once", "--embedded", "--exit", "--summary", str(summary)),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    # Nothing arrived, which is no success; but the connector ended well: it has seen its page.
    assert "nothing arrived" in done.stdout, done.stdout + done.stderr
    assert json.loads(summary.read_text())["runs"][0]["exit_code"] == 0


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    options = ("--connector", f"some-id={tmp_path / 'none'}")
    with pytest.raises(RuntimeError, match="ID=FOLDER"):
        TestbedProcess(tmp_path / "data", options=options).start()


def test_without_a_folder_it_says_so(stage: Any, connectors: dict[str, Any]) -> None:
    path = f"/connectors/{connectors['external_import'].id}"
    words = text(stage, path)
    assert "not told over the wire" in words and "EXTERNAL_IMPORT" in words

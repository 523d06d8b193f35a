"""The page, over HTTP and in a browser."""

import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests

from opencti_testbed.process import TestbedProcess

SCRIPT = "<script>alert('x')</script>"
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


def get(platform: TestbedProcess, path: str, **headers: str) -> requests.Response:
    return requests.get(platform.url + path, headers=headers, timeout=30)


@pytest.fixture(name="filled")
def fixture_filled(client: Any, make: Any) -> TestbedProcess:
    families = [make.malware(f"Family {n}", labels=["bad"]) for n in range(60)]
    nasty = make.malware(SCRIPT, description=SCRIPT, labels=[SCRIPT])
    client.push(
        [
            *families,
            nasty,
            *(make.relationship(families[0], "uses", other) for other in families[1:]),
            make.relationship(families[1], "uses", make.malware("absent")),
        ]
    )
    platform: TestbedProcess = client.platform
    return platform


def test_the_overview_counts_and_links(filled: TestbedProcess) -> None:
    page = get(filled, "/")
    assert page.status_code == 200
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    for text in ("Malware", "61", "uses", "59", "a work", "1 rejected", "Client"):
        assert text in page.text or text == "Client"


def test_connectors_and_works(filled: TestbedProcess) -> None:
    page = get(filled, "/connectors").text
    assert "Client" in page and "EXTERNAL_IMPORT" in page
    (work,) = filled.works()
    assert "a work" in get(filled, "/works").text
    page = get(filled, f"/works/{quote(work['id'])}").text
    assert "missing reference: target_ref malware--" in page
    assert "created" in page and "Malware" in page


def test_entities_are_found_and_paged(filled: TestbedProcess) -> None:
    page = get(filled, "/entities?type=Malware&order=oldest").text
    assert "Family 0<" in page and "Family 55<" not in page and "Next page" in page
    assert "Family 55<" in get(filled, "/entities?search=family+55").text
    assert "Nothing here" in get(filled, "/entities?search=100%25").text
    assert get(filled, "/entities?after=x").status_code == 200


def test_an_entity_shows_its_relations_by_pages(filled: TestbedProcess) -> None:
    (first,) = [m for m in filled.objects("Malware") if m["name"] == "Family 0"]
    page = get(filled, f"/entities/{first['id']}").text
    assert "uses →" in page and "Family 3<" in page and "All 59" in page
    page = get(filled, f"/entities/{first['id']}/relations").text
    assert "Family 7<" in page and "More relations" in page
    relation, *_ = filled.objects("uses")
    assert "Family 0" in get(filled, f"/entities/{relation['id']}").text


def test_what_is_not_there_is_404(filled: TestbedProcess) -> None:
    assert get(filled, "/entities/malware--0").status_code == 404
    assert get(filled, "/works/none").status_code == 404
    assert get(filled, "/static/../config.py").status_code == 404


def test_a_script_in_a_name_is_text(filled: TestbedProcess) -> None:
    (nasty,) = [m for m in filled.objects("Malware") if m["name"] == SCRIPT]
    for path in ("/entities?search=script", f"/entities/{nasty['id']}"):
        page = get(filled, path).text
        assert "&lt;script&gt;alert" in page
        assert SCRIPT not in page


def test_a_page_of_another_name_must_show_the_token(filled: TestbedProcess) -> None:
    page = get(filled, "/", Host="evil.example")
    assert page.status_code == 401
    assert "Family" not in page.text


def test_on_other_addresses_the_page_asks_for_the_token(tmp_path: Path) -> None:
    options = ("--host", "0.0.0.0")
    with TestbedProcess(tmp_path, token="my-own", options=options) as platform:
        url = platform.url.replace("0.0.0.0", "127.0.0.1")
        with requests.Session() as session:
            assert session.get(url, timeout=30).status_code == 401
            wrong = session.post(f"{url}/login", {"token": "guess"}, timeout=30)
            assert wrong.status_code == 401
            right = session.post(f"{url}/login", {"token": "my-own"}, timeout=30)
            assert right.status_code == 200 and "objects" in right.text


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_a_browser_shows_the_page_and_runs_no_foreign_script(
    filled: TestbedProcess, tmp_path: Path
) -> None:
    (nasty,) = [m for m in filled.objects("Malware") if m["name"] == SCRIPT]
    shown = {}
    for name, path in (("overview", "/"), ("entity", f"/entities/{nasty['id']}")):
        done = subprocess.run(
            [
                str(CHROMIUM),
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--no-first-run",
                f"--user-data-dir={tmp_path / name}",
                "--dump-dom",
                filled.url + path,
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        shown[name] = done.stdout
    assert "OpenCTI testbed" in shown["overview"] and "Malware" in shown["overview"]
    assert "&lt;script&gt;alert" in shown["entity"]

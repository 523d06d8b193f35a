"""What is started from the page, in a real browser, with connectors written on pycti."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

pytestmark = pytest.mark.browser
WAITED_FOR = 'main [data-refresh="work"]'


@pytest.fixture(name="hand", autouse=True)
def fixture_hand(browser: Any, connectors: dict[str, Any]) -> Any:
    """The browser; connectors are there."""
    return browser


def open_panel(hand: Any, title: str) -> None:
    hand.run(
        f"[...document.querySelectorAll('details.panel > summary')].find(s => s.innerText.startsWith({title!r})).id = 'panel'"
    )
    hand.click("#panel")


def ended(hand: Any) -> str:
    """Wait on a work's page until it is complete, as somebody who looks at it; return what it says."""
    hand.wait(f"document.querySelector('{WAITED_FOR}').innerText.includes('complete')")
    hand.wait(
        f"document.querySelector('{WAITED_FOR}').innerText.includes('Connector done')"
    )
    return " ".join(hand.text("main").split())


def notes(stage: Any) -> list[str]:
    return [note["content"] for note in stage.platform.objects("Note")]


# -- enrichment -------------------------------------------------------------------------------------------------------


def test_an_entity_is_enriched(stage: Any, hand: Any) -> None:
    wolf = stage.ids["WinterWolf"]
    hand.open(stage.path("WinterWolf"))
    open_panel(hand, "Enrich")
    assert "Minimal internal_enrichment" in hand.text("details[open]")
    hand.click("details[open] form button", leads_on=True)
    words = ended(hand)
    assert "Enrichment (" in words and "Sent " in words
    assert f"Enriched {wolf} (Malware)" in notes(stage)
    # What came of it is on the work's page, and on the entity's.
    hand.wait("!!document.querySelector('main .figures')")
    hand.open(hand.run("location.href"))
    assert "Note" in hand.text(".changes")
    hand.open(stage.path("WinterWolf"))
    assert "in Note" in hand.text("main")


def test_only_what_is_in_scope_can_be_asked(stage: Any, hand: Any) -> None:
    hand.open(stage.path("Snow Group"))
    open_panel(hand, "Enrich")
    words = hand.text("details[open]")
    assert "No enrichment connector with Threat-Actor-Group in its scope" in words
    assert "as the step of a playbook" in words


def test_an_entity_is_enriched_as_the_step_of_a_playbook(
    stage: Any, hand: Any, make_stix: Callable[..., Any]
) -> None:
    stage.push(make_stix("malware", "played", name="Played", is_family=True))
    (played,) = [m for m in stage.platform.objects("Malware") if m["name"] == "Played"]
    hand.open(f"{stage.url}/entities/{played['id']}")
    open_panel(hand, "Enrich")
    hand.click("details[open] form:nth-of-type(2) button", leads_on=True)
    words = ended_step(hand)
    assert "Given: 1 objects" in words and "Given back: 2 objects" in words
    assert f"Enriched {played['id']} (Malware)" in notes(stage)


def ended_step(hand: Any) -> str:
    hand.wait("document.querySelector('main').innerText.includes('Given back')")
    return " ".join(hand.text("main").split())


# -- import -----------------------------------------------------------------------------------------------------------


def upload(stage: Any, hand: Any, tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    hand.open(f"{stage.url}/files")
    hand.choose_file("input[type=file]", path)
    hand.click("main form button", leads_on=True)
    assert hand.text("h1") == name


def malware(stage: Any) -> set[str]:
    return {one["name"] for one in stage.platform.objects("Malware")}


def test_a_file_is_imported_into_a_draft_which_is_approved(
    stage: Any, hand: Any, tmp_path: Path
) -> None:
    upload(stage, hand, tmp_path, "drafted.txt", "Drafted one\nDrafted two")
    hand.click("form[action='/imports'] button", leads_on=True)
    words = ended(hand)
    assert "Import drafted.txt" in words and "drafted.txt" in words
    assert "Drafted one" not in malware(stage)
    hand.open(f"{stage.url}/drafts")
    assert "open" in hand.text("main tbody tr")
    hand.click("main tbody tr a", leads_on=True)
    hand.click("main .actions a.button", leads_on=True)
    words = hand.text("main")
    assert "Drafted one" in words and "Drafted two" in words
    hand.click("main .path a:nth-of-type(2)", leads_on=True)
    hand.click("form[action$='/approve'] button", leads_on=True)
    assert "Draft validation" in ended(hand)
    stage.platform.wait_idle()
    assert {"Drafted one", "Drafted two"} <= malware(stage)
    hand.open(f"{stage.url}/drafts")
    assert "validated" in hand.text("main tbody tr")


def test_a_draft_is_thrown_away(stage: Any, hand: Any, tmp_path: Path) -> None:
    upload(stage, hand, tmp_path, "thrown.txt", "Thrown one")
    hand.click("form[action='/imports'] button", leads_on=True)
    ended(hand)
    hand.open(f"{stage.url}/drafts")
    hand.click("main tbody tr a", leads_on=True)
    name = hand.text("h1")
    hand.click("form[action$='/delete'] button", leads_on=True)
    assert any("Throw away" in one for one in hand.dialogs)
    assert hand.run("location.pathname") == "/drafts"
    assert name.partition(" ")[0] not in hand.text("main") or "thrown" not in hand.text(
        "main"
    )
    assert "Thrown one" not in malware(stage)


def test_findings_wait_in_the_workbench(stage: Any, hand: Any, tmp_path: Path) -> None:
    upload(stage, hand, tmp_path, "bench.txt", "Bench one\nBench two")
    hand.click("input[value=workbench]")
    hand.click("form[action='/imports'] button", leads_on=True)
    ended(hand)
    assert "Bench one" not in malware(stage)
    hand.open(f"{stage.url}/files")
    pending = "[...document.querySelectorAll('main a')].find(a => a.innerText === 'bench.txt.json')"
    hand.wait(f"!!{pending}")
    hand.goes_on(f"{pending}.click()")
    words = hand.text("main")
    assert "waiting for validation" in words
    assert "Bench one" in words and "Bench two" in words and "2 objects" in words


def test_a_file_is_imported_at_once_in_the_context_of_an_entity(
    stage: Any, hand: Any, tmp_path: Path
) -> None:
    upload(stage, hand, tmp_path, "context.txt", "Context one")
    hand.run("document.querySelector('input[name=entity]').focus()")
    hand.type("snow group")
    hand.click("input[name=bypass]")
    hand.click("form[action='/imports'] button", leads_on=True)
    ended(hand)
    stage.platform.wait_idle()
    assert "Context one" in malware(stage)
    hand.open(stage.path("Snow Group", "/relations?key=target_ref&type=related-to"))
    assert "Context one" in hand.text("main table")


def test_a_context_that_is_not_there_is_said(
    stage: Any, hand: Any, tmp_path: Path
) -> None:
    upload(stage, hand, tmp_path, "nowhere.txt", "x")
    hand.run("document.querySelector('input[name=entity]').focus()")
    hand.type("Nobody <b>at</b> all")
    hand.click("form[action='/imports'] button", leads_on=True)
    assert "No object is called 'Nobody <b>at</b> all'" in hand.text("[role=alert]")


def test_a_file_is_attached_to_an_entity(stage: Any, hand: Any, tmp_path: Path) -> None:
    path = tmp_path / "<img src=x onerror=alert(1)>.txt"
    path.write_text("text")
    hand.open(stage.path("Snow Group"))
    open_panel(hand, "Attach a file")
    hand.choose_file("details[open] input[type=file]", path)
    hand.run(
        "document.querySelector('details[open] select[name=marking]').selectedIndex = 1"
    )
    hand.click("details[open] form button", leads_on=True)
    words = hand.text("main")
    assert path.name in words and "Snow Group" in words and "TLP:" in words
    hand.open(stage.path("Snow Group"))
    assert path.name in hand.text(".files")
    assert not hand.dialogs


# -- export -----------------------------------------------------------------------------------------------------------


def exported(stage: Any, hand: Any) -> list[dict[str, Any]]:
    """Wait on a work's page for its file, download it as the browser does, return its objects."""
    ended(hand)
    hand.wait("!!document.querySelector('main dd a[href^=\"/files/one\"]')")
    hand.click('main dd a[href^="/files/one"]', leads_on=True)
    assert "TLP" in hand.text("h1") or ".json" in hand.text("h1")
    text = hand.run(
        "fetch(document.querySelector('.actions a[download]').href).then(r => r.text())"
    )
    objects: list[dict[str, Any]] = json.loads(text)["objects"]
    return objects


def named(objects: list[dict[str, Any]], kind: str) -> list[str]:
    return sorted(
        str(o.get("name") or o.get("value")) for o in objects if o["type"] == kind
    )


def test_one_entity_is_exported_with_what_is_around_it(stage: Any, hand: Any) -> None:
    hand.open(stage.path("Snow Group"))
    open_panel(hand, "Export")
    hand.click("details[open] input[value=full]")
    hand.click("details[open] form button", leads_on=True)
    objects = exported(stage, hand)
    assert named(objects, "threat-actor") == ["Snow Group"]
    assert any(o["type"] == "relationship" for o in objects)
    hand.open(f"{stage.url}/files")
    assert "Threat-Actor-Group-Snow Group_full.json" in hand.text("main")


def test_a_selection_is_exported(stage: Any, hand: Any) -> None:
    hand.open(f"{stage.url}/entities?type=IPv4-Addr&order=oldest")
    hand.click("tbody tr:nth-child(1) input[type=checkbox]")
    hand.click("tbody tr:nth-child(3) input[type=checkbox]")
    hand.click("#export > summary")
    assert hand.text("[data-selected]") == "2"
    assert hand.run(
        "document.querySelector('input[name=scope][value=selection]').checked"
    )
    hand.click("#export button", leads_on=True)
    objects = exported(stage, hand)
    ids = {stage.ids["198.51.100.1"], stage.ids["198.51.100.3"]}
    assert {o["id"] for o in objects if o["type"] == "ipv4-addr"} == ids


def test_the_whole_list_is_exported_as_it_is_filtered(stage: Any, hand: Any) -> None:
    hand.open(f"{stage.url}/entities?kind=observables&score_from=60&score_to=62")
    hand.click("#export > summary")
    hand.click("#export button", leads_on=True)
    objects = exported(stage, hand)
    found = named(objects, "ipv4-addr")
    assert found == ["198.51.100.60", "198.51.100.61", "198.51.100.62"]


def test_nothing_above_the_chosen_marking_is_in_the_file(stage: Any, hand: Any) -> None:
    hand.open(f"{stage.url}/entities?type=Malware&search=winterwolf")
    hand.click("#export > summary")
    hand.run(
        "const s = document.querySelector('#export select[name=max_marking]');"
        "s.value = [...s.options].find(o => o.text === 'TLP:GREEN').value"
    )
    hand.click("#export button", leads_on=True)
    words = ended(hand)
    assert "TLP:GREEN" in words
    hand.wait("!!document.querySelector('main dd a[href^=\"/files/one\"]')")
    assert "WinterWolf" not in named(exported(stage, hand), "malware")


def test_a_list_that_filters_cannot_say_is_exported_by_its_ids(
    stage: Any, hand: Any
) -> None:
    work = quote(stage.works["second"])
    hand.open(
        f"{stage.url}/entities?kind=entities&work={quote(stage.works['first'])}&search=snow"
    )
    assert work not in hand.run("location.href")
    hand.click("#export > summary")
    hand.click("#export button", leads_on=True)
    objects = exported(stage, hand)
    assert named(objects, "threat-actor") == ["Snow Group"]
    assert not named(objects, "malware")


def test_everything_on_a_page_is_selected_at_once(stage: Any, hand: Any) -> None:
    hand.open(f"{stage.url}/entities?type=Indicator")
    hand.run("document.querySelector('#export').open = true")
    hand.click("[data-all]")
    assert hand.text("[data-selected]") == "5"
    hand.click("tbody tr:nth-child(2) input[type=checkbox]")
    assert hand.text("[data-selected]") == "4"
    assert hand.run("document.querySelector('[data-all]').indeterminate")
    hand.run("document.querySelector('[data-all]').click()")
    hand.run("document.querySelector('[data-all]').click()")
    assert hand.text("[data-selected]") == "0"
    assert hand.run("document.querySelector('input[name=scope][value=list]').checked")


# -- connectors -------------------------------------------------------------------------------------------------------


def test_a_connectors_state_is_reset_as_the_platform_does_it(
    stage: Any, hand: Any, make: Any
) -> None:
    client = make.client(stage.platform, "Stateful")
    client.helper.set_state({"cursor": 41})
    client.helper.force_ping()
    hand.open(f"{stage.url}/connectors/{client.helper.connect_id}")
    assert '"cursor": 41' in hand.text("#state")
    hand.click("#state button", leads_on=True)
    assert any("Forget the state" in one for one in hand.dialogs)
    words = hand.text("#state")
    assert "cursor" not in words and "next ping" in words
    # The old state that comes with the next ping is dropped, and the connector is told that there is none.
    old = json.dumps({"cursor": 41})
    told = client.api.connector.ping(client.helper.connect_id, old, None)
    assert not told["connector_state"]
    hand.open(f"{stage.url}/connectors/{client.helper.connect_id}")
    assert "next ping" not in hand.text("#state")


def test_a_connectors_queue_and_what_it_registered(
    stage: Any, hand: Any, make: Any, connectors: dict[str, Any]
) -> None:
    hand.open(f"{stage.url}/connectors")
    row = hand.text("main table")
    for expected in ("INTERNAL_ENRICHMENT", "text/plain", "active", "0 objects"):
        assert expected in row
    enricher = connectors["internal_enrichment"].id
    hand.open(f"{stage.url}/connectors/{enricher}")
    words = " ".join(hand.text("main").split())
    for expected in (
        "Scope Malware, IPv4-Addr",
        "Playbook compatible yes",
        "Listen callback uri http",
    ):
        assert expected in words, expected
    # What waits is counted, and told with the threshold of the connector.
    client = make.client(stage.platform, "Waiting")
    fault = stage.platform.order_fault("pause-worker")
    try:
        work = client.api.work.initiate_work(client.helper.connect_id, "waits")
        bundle = {
            "type": "bundle",
            "id": "bundle--1",
            "objects": [make.malware(f"w{n}") for n in range(7)],
        }
        client.helper.send_stix2_bundle(json.dumps(bundle), work_id=work, no_split=True)
        hand.open(f"{stage.url}/connectors/{client.helper.connect_id}")
        words = " ".join(hand.text("main").split())
        assert "To be ingested 7 objects in 1 bundles" in words
        assert "0 of 7" in words
    finally:
        assert fault and stage.platform.lift_faults() == 1
    # The page follows: what waited is ingested.
    hand.wait("document.querySelector('main').innerText.includes('7 of 7')")
    stage.platform.wait_idle()

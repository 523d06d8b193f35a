"""The page in a real browser: on a laptop and a phone, light and dark, with the keyboard, with hostile content."""

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

pytestmark = pytest.mark.browser
SIZES = {"laptop": (1280, 800), "phone": (390, 844)}
HOSTILE = "<img src=x onerror=alert(1)>"
SCRIPT = "</script><script>alert(2)</script>"
# The newest event of the tail.
FIRST = "document.querySelector('[data-events] > li:not([hidden]) .grow')?.innerText"
# Whatever of this is found has become markup.
TRACES = """
[...document.querySelectorAll("main img, main script, [onerror], [onmouseover], [onfocus]")].map((e) => e.outerHTML)
  .concat([...document.querySelectorAll("a[href], form[action]")].map((e) => e.href || e.action)
    .filter((address) => !/^https?:/.test(address)))
"""


@pytest.fixture(name="pages", scope="module")
def fixture_pages(stage: Any, connectors: dict[str, Any]) -> list[str]:
    """Every kind of page there is, most of them with hostile content."""
    hostile = f"/entities/{stage.ids[HOSTILE]}"
    wolf = f"/entities/{stage.ids['WinterWolf']}"
    importer = connectors["external_import"].id
    file = "import/global/<img src=x onerror=alert(1)>.txt"
    stage.platform.wait_idle()
    return [
        "/",
        "/entities",
        "/entities?kind=all",
        f"/entities?kind=relationships&search={quote(HOSTILE)}",
        f"/entities?label={quote(HOSTILE)}&order=name",
        hostile,
        f"{hostile}/relations",
        f"{hostile}/graph",
        f"{hostile}/history",
        f"{hostile}/stix",
        wolf,
        f"{wolf}/relations?key=target_ref&type=variant-of",
        f"{wolf}/graph",
        f"{wolf}/history",
        f"/entities/{stage.ids['C2 198.51.100.1']}",
        f"/entities/{stage.ids['invoice.docm']}",
        f"/entities/{stage.ids['WinterWolf in the wild']}",
        "/works",
        f"/works/{quote(stage.works['first'])}",
        f"/works/{quote(stage.works['hostile'])}",
        f"/works/{quote(stage.works['second'])}",
        "/connectors",
        f"/connectors/{importer}",
        "/files",
        f"/files/one?id={quote(file)}",
        "/drafts",
        "/live",
        "/entities/none",
    ]


@pytest.fixture(name="hostile_file", scope="module", autouse=True)
def fixture_hostile_file(stage: Any, make: Any) -> None:
    client = make.client(stage.platform, "Uploader")
    client.api.upload_file(
        file_name=f"{HOSTILE}.txt", data="text", mime_type="text/plain"
    )


@pytest.fixture(name="look")
def fixture_look(chromium: Any) -> Iterator[Any]:
    """Open a page and wait until its scripts have shown what they show."""

    def look(url: str) -> None:
        chromium.open(url)
        if "/graph" in url and chromium.run("!!document.querySelector('[data-graph]')"):
            chromium.wait("'settled' in document.querySelector('.graph').dataset")
        if url.endswith("/live"):
            chromium.wait("document.querySelector('[data-events]').children.length > 5")

    yield look


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_every_page_fits_can_be_read_and_runs_nothing_foreign(
    stage: Any, chromium: Any, look: Any, pages: list[str], size: str, theme: str
) -> None:
    chromium.begin(SIZES[size], theme)
    for path in pages:
        look(stage.url + path)
        # Everything that can be opened, too.
        chromium.run(
            "for (const one of document.querySelectorAll('details')) one.open = true"
        )
        time.sleep(0.05)
        where = f"{path} on a {theme} {size}"
        width = chromium.run("document.documentElement.scrollWidth")
        assert width <= SIZES[size][0], f"{where} is {width} wide"
        assert not chromium.sticks_out(), f"{where}: {chromium.sticks_out()}"
        assert not chromium.faint(), f"{where}: {chromium.faint()}"
        assert not chromium.nameless(), f"{where}: {chromium.nameless()}"
        assert not chromium.run(TRACES), f"{where}: {chromium.run(TRACES)}"
        assert chromium.run("document.querySelectorAll('h1').length") == 1, where
    assert not chromium.dialogs
    elsewhere = [u for u in chromium.requests if not u.startswith(stage.url)]
    assert not elsewhere
    # What is not there is said so on the console; nothing else is.
    assert [c for c in chromium.complaints if "404" not in c] == []


def test_hostile_names_are_text(stage: Any, browser: Any, look: Any) -> None:
    path = f"{stage.url}/entities/{stage.ids[HOSTILE]}"
    look(path)
    words = browser.text("main")
    for expected in (
        HOSTILE,
        SCRIPT,
        "javascript:alert(3)",
        "data:text/html,<script>alert(6)</script>",
        "\" onmouseover=alert(4) x=\"' onfocus=alert(5) autofocus '",
    ):
        assert expected in words, expected
    links = browser.run(
        "[...document.querySelectorAll('.references a')].map(a => a.href)"
    )
    assert len(links) == 1 and links[0].startswith("https://example.org/")
    assert browser.run("document.querySelector('.references a').rel").startswith(
        "noopener"
    )
    assert browser.run("document.title").startswith(HOSTILE)
    look(f"{path}/graph")
    assert HOSTILE[:20] in browser.run(
        "document.querySelector('.graph svg').textContent"
    )
    browser.open(f"{stage.url}/live")
    stage.push({**stage.hostile, "description": f"again {SCRIPT}"})
    browser.wait(f"{FIRST} === {f'{HOSTILE} Malware'!r}")
    browser.click("[data-events] > li summary .badge")
    browser.wait("!!document.querySelector('[data-events] > li pre')")
    assert SCRIPT in browser.text("[data-events] > li .differences")
    assert not browser.dialogs and not browser.run(TRACES)


def test_a_script_that_came_in_would_not_run(stage: Any, browser: Any) -> None:
    """The second wall: even where escaping failed, the page's policy runs no inline script."""
    browser.open(stage.url)
    browser.run(
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=alert(1)>')"
    )
    browser.run(
        "document.body.append(Object.assign(document.createElement('script'), { textContent: 'alert(2)' }))"
    )
    browser.wait("document.images[document.images.length - 1].complete")
    assert not browser.dialogs
    assert any("Content Security Policy" in one for one in browser.complaints)


# -- palette and motion -----------------------------------------------------------------------------------------------

BACKGROUND = "getComputedStyle(document.body).backgroundColor"


def test_the_palette_follows_the_system_or_the_switch(
    stage: Any, chromium: Any
) -> None:
    chromium.begin(theme="dark")
    chromium.open(stage.url)
    dark = chromium.run(BACKGROUND)
    chromium.click("[data-theme-switch]")
    light = chromium.run(BACKGROUND)
    assert light != dark and "Light" in chromium.text("[data-theme-switch]")
    # The choice holds on other pages, and is there before anything is drawn.
    chromium.open(f"{stage.url}/entities")
    assert chromium.run(BACKGROUND) == light
    chromium.click("[data-theme-switch]")
    assert chromium.run(BACKGROUND) == dark
    chromium.click("[data-theme-switch]")
    assert "Auto" in chromium.text("[data-theme-switch]")
    assert chromium.run(BACKGROUND) == dark


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_motion_only_for_those_who_like_it(
    stage: Any, chromium: Any, motion: str
) -> None:
    chromium.begin(motion=motion)
    chromium.open(stage.path("WinterWolf", "/graph"))
    chromium.wait("'settled' in document.querySelector('.graph').dataset")
    chromium.run(
        "window.moves = 0; new MutationObserver(() => { window.moves += 1; })"
        ".observe(document.querySelector('.graph .node'), { attributeFilter: ['transform'] })"
    )
    chromium.click(".graph-panel button")
    chromium.wait(
        "Number.parseInt(document.querySelector('[data-status]').innerText) > 30"
    )
    chromium.wait(
        "'settled' in document.querySelector('.graph').dataset && window.moves > 0"
    )
    moves = chromium.run("window.moves")
    assert moves > 5 if motion == "no-preference" else moves <= 2


# -- keyboard ---------------------------------------------------------------------------------------------------------

FOCUSED = "document.activeElement?.outerHTML.slice(0, 90) ?? ''"


def test_skip_link_and_search_key(stage: Any, browser: Any) -> None:
    browser.open(stage.url)
    browser.press("Tab")
    assert "Skip to content" in browser.run(FOCUSED)
    box = browser.run("document.activeElement.getBoundingClientRect().left")
    assert box >= 0, "the skip link is not seen"
    browser.press("Enter")
    assert browser.run("document.activeElement.id") == "content"
    browser.press("/")
    assert browser.run("document.activeElement.id") == "search"
    browser.type("winter")
    # In a field it is a character like any other.
    browser.press("/")
    assert browser.run("document.activeElement.value") == "winter/"
    browser.press("Enter", leads_on=True)
    assert "WinterWolf in the wild" in browser.text("main")


@pytest.mark.parametrize(
    "view", ["", "/relations", "/graph", "/history", "/stix", None]
)
def test_everything_is_reached_with_the_keyboard_and_nothing_holds_it(
    stage: Any, browser: Any, view: str | None
) -> None:
    browser.open(
        f"{stage.url}/live" if view is None else stage.path("WinterWolf", view)
    )
    if view == "/graph":
        browser.wait("'settled' in document.querySelector('.graph').dataset")
    if view is None:
        browser.click("[data-pause]")
        browser.run("document.activeElement.blur()")
    wanted = browser.run("""(() => {
            const all = [...document.querySelectorAll("a[href], button, input, select, summary, [tabindex='0']")];
            const radios = new Set();
            window.wanted = all.filter((one) => {
                if (one.disabled || one.tabIndex < 0 || !one.checkVisibility()) return false;
                if (one.type !== "radio") return true;
                // Of radio buttons one is a stop, the others are reached with arrows.
                const known = radios.has(one.name);
                radios.add(one.name);
                return !known;
            });
            window.seen = new Set();
            return window.wanted.length;
        })()""")
    unseen = []
    for _ in range(wanted + 5):
        browser.press("Tab")
        ring = browser.run("""(() => {
                const one = document.activeElement;
                window.seen.add(one);
                const shape = one.querySelector?.(":scope > .shape");
                const style = getComputedStyle(one);
                return one === document.body || style.outlineStyle !== "none"
                    || (shape && getComputedStyle(shape).strokeWidth === "4px");
            })()""")
        if not ring:
            unseen.append(browser.run(FOCUSED))
    missed = browser.run(
        "window.wanted.filter((one) => !window.seen.has(one)).map((one) => one.outerHTML.slice(0, 90))"
    )
    assert not missed
    assert not unseen, "the focus is not seen"


def test_panels_close_with_escape_and_give_the_focus_back(
    stage: Any, browser: Any
) -> None:
    browser.open(stage.path("WinterWolf"))
    browser.click("details.panel:nth-of-type(3) > summary")
    browser.run("document.querySelector('details.panel[open] select').focus()")
    browser.press("Escape")
    assert not browser.run("document.querySelector('details.panel[open]')")
    assert "Attach a file" in browser.run("document.activeElement.innerText")


# -- the graph --------------------------------------------------------------------------------------------------------

NODES = "document.querySelectorAll('.graph .node').length"
SELECTED = "document.querySelector('.graph .node.selected title').textContent"


@pytest.fixture(name="graph")
def fixture_graph(stage: Any, browser: Any) -> Any:
    browser.open(stage.path("WinterWolf in the wild", "/graph"))
    browser.wait("'settled' in document.querySelector('.graph').dataset")
    return browser


def node(name: str) -> str:
    """Return a script for the element of a node."""
    return f"[...document.querySelectorAll('.graph .node')].find(n => n.querySelector('title').textContent.startsWith({name!r}))"


def test_a_click_expands(graph: Any) -> None:
    assert graph.run(NODES) == 8
    graph.run(f"{node('WinterWolf (')}.id = 'wolf'")
    graph.click("#wolf .shape")
    # Of an object with many neighbours some of each kind come first, the others page by page.
    graph.wait(f"{NODES} === 16")
    assert graph.run(SELECTED) == "WinterWolf (Malware)"
    for _ in range(4):
        graph.wait("!!document.querySelector('.graph-panel button')")
        before = graph.run(NODES)
        graph.click(".graph-panel button")
        graph.wait(
            f"{NODES} > {before} || !document.querySelector('.graph-panel button')"
        )
    assert graph.run(NODES) == 80
    assert not graph.run("!!document.querySelector('.graph-panel button')")
    assert "communicates-with → 198.51.100.1" in " ".join(
        graph.text("[data-panel]").split()
    )
    graph.click(".graph-panel h3 a", leads_on=True)
    assert graph.text("h1") == "WinterWolf"


def test_the_graph_is_worked_with_keys(graph: Any) -> None:
    graph.run("document.querySelector('.graph .node.root').focus()")
    assert graph.run(SELECTED).startswith("WinterWolf in the wild")
    seen = set()
    for key in ("ArrowLeft", "ArrowUp", "ArrowRight", "ArrowRight", "ArrowDown"):
        graph.press(key)
        seen.add(graph.run(SELECTED))
    assert len(seen) >= 3
    assert (
        graph.run("document.querySelectorAll('.graph .node[tabindex=\"0\"]').length")
        == 1
    )
    graph.run(f"{node('Snow Group')}.focus()")
    before = graph.run(NODES)
    graph.press("Enter")
    graph.wait(
        "document.querySelector('.graph .node.selected').ariaLabel.includes('all shown')"
    )
    assert graph.run(NODES) == before
    scale = "document.querySelector('.graph svg > g').transform.baseVal.consolidate().matrix.a"
    first = graph.run(scale)
    graph.press("+")
    assert graph.run(scale) > first
    graph.press("0")
    assert graph.run(scale) == pytest.approx(first)


def test_the_graph_is_moved_and_zoomed_with_the_mouse(graph: Any) -> None:
    where = "document.querySelector('.graph svg > g').transform.baseVal.consolidate().matrix"
    before = graph.run(f"[{where}.e, {where}.f]")
    x, y = graph.place(".graph svg")
    corner = graph.run(
        "(() => { const b = document.querySelector('.graph svg').getBoundingClientRect(); return [b.x + 12, b.y + 12]; })()"
    )
    graph.drag((corner[0], corner[1]), (corner[0] + 60, corner[1] + 30))
    after = graph.run(f"[{where}.e, {where}.f]")
    assert [after[0] - before[0], after[1] - before[1]] == pytest.approx([60, 30])
    # Who only reads the page scrolls over the drawing; who holds Ctrl zooms.
    graph.tell(
        "Input.dispatchMouseEvent",
        type="mouseWheel",
        x=x,
        y=y,
        deltaX=0,
        deltaY=-200,
        modifiers=2,
    )
    graph.wait(f"{where}.a > {graph.run(f'{where}.a')} || {where}.a > 1.31")
    graph.click("[data-zoom=fit]")
    assert graph.run(f"[{where}.e, {where}.f]") == pytest.approx(before)


def test_the_graph_as_text(graph: Any) -> None:
    graph.click(".graph-text > summary")
    words = graph.text("[data-text]")
    assert "WinterWolf in the wild — object → Snow Group" in words
    assert graph.run("document.querySelectorAll('[data-text] li').length") == 7
    label = graph.run(f"{node('Snow Group')}.ariaLabel")
    assert label == "Snow Group, Threat-Actor-Group, 1 relations here, not expanded"


# -- the live tail ----------------------------------------------------------------------------------------------------


def test_the_tail_shows_what_happens(stage: Any, browser: Any, make_stix: Any) -> None:
    one = make_stix("malware", "live", name="Live one", is_family=True, labels=["a"])
    browser.open(f"{stage.url}/live")
    browser.wait("document.querySelectorAll('[data-events] > li').length > 5")
    stage.push(one)
    browser.wait(f"{FIRST} === 'Live one Malware'")
    # A change is unfolded: what came, what went.
    stage.push({**one, "description": "now with words", "labels": ["a", "b"]})
    browser.wait("document.querySelector('[data-events] > li').dataset.of === 'update'")
    browser.click("[data-events] > li summary .badge")
    browser.wait("!!document.querySelector('[data-events] > li pre')")
    words = " ".join(browser.text("[data-events] > li .differences").split())
    assert "description + now with words" in words and "labels + b" in words
    assert "− " not in words
    browser.click("[data-events] > li:nth-child(2) summary .badge")
    browser.wait("!!document.querySelector('[data-events] > li:nth-child(2) pre')")
    assert '"name": "Live one"' in browser.text("[data-events] > li:nth-child(2) pre")


def test_the_tail_pauses_and_misses_nothing(
    stage: Any, browser: Any, make_stix: Any
) -> None:
    browser.open(f"{stage.url}/live")
    browser.wait("document.querySelectorAll('[data-events] > li').length > 5")
    browser.click("[data-pause]")
    assert browser.run("document.querySelector('[data-pause]').ariaPressed") == "true"
    first = browser.run(FIRST)
    stage.push(*(make_stix("tool", f"p{n}", name=f"Paused {n}") for n in range(3)))
    time.sleep(1)
    assert browser.run(FIRST) == first
    browser.click("[data-pause]")
    browser.wait(f"{FIRST} === 'Paused 2 Tool'")
    shown = browser.run(
        "[...document.querySelectorAll('[data-events] .grow')].map(e => e.innerText)"
    )
    assert shown[:3] == ["Paused 2 Tool", "Paused 1 Tool", "Paused 0 Tool"]
    assert shown.count("Paused 1 Tool") == 1


def test_the_tail_is_filtered_by_type_and_kind(
    stage: Any, browser: Any, make_stix: Any
) -> None:
    tool = make_stix("tool", "filter", name="Filtered tool")
    campaign = make_stix("campaign", "filter", name="Filtered campaign")
    browser.open(f"{stage.url}/live")
    browser.run(
        "const type = document.querySelector('[data-type]'); type.value = 'Tool'; type.dispatchEvent(new Event('change'))"
    )
    stage.push(tool, campaign)
    browser.wait(f"{FIRST} === 'Filtered tool Tool'")
    stage.push({**tool, "description": "x"})
    browser.wait("document.querySelector('[data-events] > li').dataset.of === 'update'")
    browser.click("[data-kind=update]")
    assert browser.run("document.querySelector('[data-events] > li').hidden")
    assert browser.run(FIRST) == "Filtered tool Tool"
    assert "campaign" not in browser.text("[data-events]")


def test_pages_that_are_being_worked_on_stay_up_to_date(
    stage: Any, browser: Any, make_stix: Any
) -> None:
    browser.open(f"{stage.url}/works")
    stage.push(make_stix("tool", "late", name="Late"))
    newest = stage.platform.works()[0]["id"]
    browser.wait(f"!!document.querySelector('main a[href=\"/works/{quote(newest)}\"]')")

"""A real browser, driven over the protocol of its developer tools; and a platform with something to look at."""

import base64
import json
import os
import shutil
import subprocess
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests

from opencti_testbed.process import TestbedProcess

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
PATIENCE = 30.0
LAPTOP, PHONE = (1280, 800), (390, 844)
KEYS = {
    "Tab": 9,
    "Enter": 13,
    "Escape": 27,
    "ArrowLeft": 37,
    "ArrowUp": 38,
    "ArrowRight": 39,
    "ArrowDown": 40,
}


# Of each text that can be seen: its colour against the nearest background behind it.
CONTRAST = """
(() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (let up = element; up; up = up.parentElement) {
      const found = rgba(getComputedStyle(up).backgroundColor);
      if (found[3] > 250) return found;
    }
    return [255, 255, 255, 255];
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const bad = new Set();
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.textContent.trim() || !element.checkVisibility() || element.closest("svg, .unseen, option")) continue;
    const style = getComputedStyle(element);
    const [a, b] = [light(rgba(style.color)), light(behind(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (contrast < (isLarge ? 3 : 4.5)) bad.add(`${contrast.toFixed(2)} ${texts.currentNode.textContent.trim().slice(0, 60)}`);
  }
  return [...bad];
})()
"""


class Browser:
    """A headless Chromium with one page at a time, over the pipe of its developer tools: no port, no further library.

    What the page writes to its console and what it throws is kept in `complaints`; dialogs are answered with yes and
    kept in `dialogs`.
    """

    def __init__(self, folder: Path) -> None:
        down_read, down_write = os.pipe()
        up_read, up_write = os.pipe()

        def plug() -> None:
            # The browser reads from 3 and writes to 4, whatever numbers the pipes have here.
            os.dup2(down_read, 63)
            os.dup2(up_write, 64)
            os.dup2(63, 3)
            os.dup2(64, 4)

        self._process = subprocess.Popen(  # pylint: disable=consider-using-with,subprocess-popen-preexec-fn
            [
                str(CHROMIUM),
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--no-first-run",
                "--hide-scrollbars",
                "--remote-debugging-pipe",
                f"--user-data-dir={folder}",
                "about:blank",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=plug,
            close_fds=False,
        )
        os.close(down_read)
        os.close(up_write)
        self._to = os.fdopen(down_write, "wb", buffering=0)
        self._from = up_read
        os.set_blocking(self._from, False)
        self._bytes = bytearray()
        self._number = 0
        self._answers: dict[int, dict[str, Any]] = {}
        self._events: deque[dict[str, Any]] = deque()
        self._session: str | None = None
        self._context: str | None = None
        self.complaints: list[str] = []
        self.dialogs: list[str] = []
        self.requests: list[str] = []

    # -- the protocol -------------------------------------------------------------------------------------------------

    def _read(self, until: float) -> None:
        """Take in what the browser says; wait for something at most until a moment."""
        while True:
            try:
                chunk = os.read(self._from, 1 << 20)
            except BlockingIOError:
                assert time.monotonic() < until, "the browser says nothing"
                time.sleep(0.005)
                continue
            assert chunk, "the browser has gone"
            self._bytes += chunk
            *whole, rest = bytes(self._bytes).split(b"\0")
            self._bytes = bytearray(rest)
            for text in whole:
                self._take(json.loads(text))
            if whole:
                return

    def _take(self, message: dict[str, Any]) -> None:
        if "id" in message:
            self._answers[message["id"]] = message
            return
        method, told = message.get("method"), message.get("params", {})
        if method == "Runtime.consoleAPICalled" and told["type"] in ("error", "assert"):
            self.complaints.append(json.dumps(told["args"]))
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(told["exceptionDetails"]))
        elif method == "Log.entryAdded" and told["entry"]["level"] == "error":
            self.complaints.append(told["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])
        elif method == "Page.javascriptDialogOpening":
            self.dialogs.append(told["message"])
            self._send("Page.handleJavaScriptDialog", {"accept": True})
        else:
            self._events.append(message)

    def _send(self, method: str, parameters: dict[str, Any]) -> int:
        self._number += 1
        message: dict[str, Any] = {
            "id": self._number,
            "method": method,
            "params": parameters,
        }
        if self._session and not method.startswith("Target."):
            message["sessionId"] = self._session
        self._to.write(json.dumps(message).encode() + b"\0")
        return self._number

    def tell(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and return its answer."""
        number, until = self._send(method, parameters), time.monotonic() + PATIENCE
        while number not in self._answers:
            self._read(until)
        answer = self._answers.pop(number)
        assert "error" not in answer, f"{method}: {answer['error']}"
        result: dict[str, Any] = answer["result"]
        return result

    # -- pages --------------------------------------------------------------------------------------------------------

    def begin(
        self,
        size: tuple[int, int] = LAPTOP,
        theme: str = "light",
        motion: str = "reduce",
    ) -> None:
        """Open a new page without memory of earlier ones."""
        if self._context:
            self.tell("Target.disposeBrowserContext", browserContextId=self._context)
        self._session = None
        self._context = self.tell("Target.createBrowserContext")["browserContextId"]
        target = self.tell(
            "Target.createTarget", url="about:blank", browserContextId=self._context
        )["targetId"]
        self._session = self.tell(
            "Target.attachToTarget", targetId=target, flatten=True
        )["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "DOM"):
            self.tell(f"{domain}.enable")
        width, height = size
        self.tell(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        self.tell(
            "Emulation.setEmulatedMedia",
            features=[
                {"name": "prefers-color-scheme", "value": theme},
                {"name": "prefers-reduced-motion", "value": motion},
            ],
        )
        self.complaints.clear()
        self.dialogs.clear()
        self.requests.clear()

    def open(self, url: str) -> None:
        """Go to an address and wait until the page is loaded."""
        self._loading(lambda: self.tell("Page.navigate", url=url))

    def _loading(self, deed: Any) -> None:
        self._events.clear()
        deed()
        until = time.monotonic() + PATIENCE
        while not any(e["method"] == "Page.loadEventFired" for e in self._events):
            self._read(until)

    def run(self, script: str) -> Any:
        """Return what a script evaluates to; a promise is awaited."""
        answer = self.tell(
            "Runtime.evaluate",
            expression=script,
            awaitPromise=True,
            returnByValue=True,
            userGesture=True,
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, script: str) -> Any:
        """Return what a script evaluates to as soon as that is true."""
        until = time.monotonic() + PATIENCE
        while not (found := self.run(script)):
            assert time.monotonic() < until, f"never so: {script}\n{self.text()}"
            time.sleep(0.03)
        return found

    def text(self, selector: str = "body") -> str:
        """Return what can be read of a part of the page."""
        found = self.run(f"document.querySelector({json.dumps(selector)})?.innerText")
        return str(found or "")

    def goes_on(self, deed: str) -> None:
        """Run a script that leads to another page, and wait for that page."""
        self._loading(lambda: self.run(deed))

    # -- hands --------------------------------------------------------------------------------------------------------

    def place(self, selector: str) -> tuple[float, float]:
        """Return where the middle of an element is on the screen, after it was scrolled there."""
        box = self.wait(f"""(() => {{
                const found = document.querySelector({json.dumps(selector)});
                if (!found) return null;
                found.scrollIntoView({{ block: "center", behavior: "instant" }});
                const box = found.getBoundingClientRect();
                return [box.x + box.width / 2, box.y + box.height / 2];
            }})()""")
        return float(box[0]), float(box[1])

    def click(self, selector: str, leads_on: bool = False) -> None:
        """Click an element as a hand does; wait for the next page if it leads there."""
        x, y = self.place(selector)

        def press() -> None:
            for kind in ("mousePressed", "mouseReleased"):
                self.tell(
                    "Input.dispatchMouseEvent",
                    type=kind,
                    x=x,
                    y=y,
                    button="left",
                    clickCount=1,
                )

        (self._loading if leads_on else _at_once)(press)

    def drag(self, begin: tuple[float, float], end: tuple[float, float]) -> None:
        """Move the mouse with its button pressed."""
        x, y = begin
        self._mouse("mousePressed", x, y)
        for part in range(1, 6):
            share = part / 5
            self._mouse(
                "mouseMoved", x + (end[0] - x) * share, y + (end[1] - y) * share
            )
        self._mouse("mouseReleased", *end)

    def _mouse(self, kind: str, x: float, y: float) -> None:
        self.tell(
            "Input.dispatchMouseEvent",
            type=kind,
            x=x,
            y=y,
            button="left",
            buttons=1,
            clickCount=1,
        )

    def press(self, key: str, leads_on: bool = False) -> None:
        """Press a key: one of KEYS, or a character."""
        code = KEYS.get(key, 0)
        named: dict[str, Any] = {"key": key, "windowsVirtualKeyCode": code}
        text = {"Enter": "\r"}.get(key, "" if code else key)

        def strike() -> None:
            down = "keyDown" if text else "rawKeyDown"
            self.tell("Input.dispatchKeyEvent", type=down, text=text, **named)
            self.tell("Input.dispatchKeyEvent", type="keyUp", **named)

        (self._loading if leads_on else _at_once)(strike)

    def type(self, text: str) -> None:
        """Write into what has the focus."""
        self.tell("Input.insertText", text=text)

    def choose_file(self, selector: str, path: Path) -> None:
        """Choose a file in a form."""
        root = self.tell("DOM.getDocument")["root"]["nodeId"]
        node = self.tell("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.tell("DOM.setFileInputFiles", nodeId=node, files=[str(path)])

    # -- eyes ---------------------------------------------------------------------------------------------------------

    def picture(self, path: Path, whole: bool = False) -> None:
        """Write what is seen as a PNG; `whole` goes on below the lower edge of the screen."""
        answer = self.tell(
            "Page.captureScreenshot", format="png", captureBeyondViewport=whole
        )
        path.write_bytes(base64.b64decode(answer["data"]))

    def sticks_out(self) -> list[str]:
        """Return the elements that are wider than the screen, where nothing scrolls them."""
        found: list[str] = self.run(
            """[...document.body.querySelectorAll("*")].filter((one) => {
                const box = one.getBoundingClientRect();
                if (!box.width || box.right <= innerWidth + 1) return false;
                for (let up = one.parentElement; up; up = up.parentElement) {
                    if (["auto", "scroll", "hidden"].includes(getComputedStyle(up).overflowX)) return false;
                }
                return !one.closest(".skip, svg");
            }).map((one) => one.outerHTML.slice(0, 200))"""
        )
        return found

    def faint(self) -> list[str]:
        """Return the texts that stand out from what is behind them less than WCAG 2.2 (1.4.3, AA) demands."""
        found: list[str] = self.run(CONTRAST)
        return found

    def nameless(self) -> list[str]:
        """Return the controls of which a screen reader could say nothing."""
        speaking = {"button", "link", "textbox", "searchbox", "combobox", "checkbox"}
        speaking |= {"radio", "spinbutton", "DisclosureTriangle", "progressbar"}
        self.tell("Accessibility.enable")
        nodes = self.tell("Accessibility.getFullAXTree")["nodes"]
        return [
            node["role"]["value"]
            for node in nodes
            if not node.get("ignored")
            and node["role"]["value"] in speaking
            and not str(node.get("name", {}).get("value") or "").strip()
        ]

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        self._to.close()
        os.close(self._from)


def _at_once(deed: Callable[[], None]) -> None:
    deed()


@pytest.fixture(name="chromium", scope="session")
def fixture_chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    browser = Browser(tmp_path_factory.mktemp("browser"))
    yield browser
    browser.close()


@pytest.fixture(name="browser")
def fixture_browser(chromium: Browser) -> Browser:
    """The browser with a new page on a laptop."""
    chromium.begin()
    return chromium


# -- something to look at ---------------------------------------------------------------------------------------------

NAMESPACE = uuid.UUID("0f6f4d6e-8f0b-4c57-9f0e-6a2f6f1f3c55")
WHEN = "2024-03-05T10:20:30.000Z"
AMBER = "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"
RED = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
GREEN = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"
IMAGE = "<img src=x onerror=alert(1)>"
SCRIPT = "</script><script>alert(2)</script>"
ADDRESS = "javascript:alert(3)"
QUOTED = "\" onmouseover=alert(4) x=\"' onfocus=alert(5) autofocus '"


def stix(kind: str, key: str, **members: Any) -> dict[str, Any]:
    """Return a STIX object with an id that follows from its key."""
    return {
        "type": kind,
        "spec_version": "2.1",
        "id": f"{kind}--{uuid.uuid5(NAMESPACE, kind + key)}",
        "created": WHEN,
        "modified": WHEN,
        **members,
    }


def join(
    source: dict[str, Any], kind: str, target: dict[str, Any], **members: Any
) -> dict[str, Any]:
    """Return a relationship."""
    return stix(
        "relationship",
        source["id"] + kind + target["id"],
        relationship_type=kind,
        source_ref=source["id"],
        target_ref=target["id"],
        **members,
    )


class Stage:
    """A platform with content of all kinds, some of it hostile, and connectors that can be asked."""

    def __init__(self, platform: TestbedProcess) -> None:
        self.platform = platform
        self.url = platform.url
        author = stix(
            "identity", "acme", name="Acme Research", identity_class="organization"
        )
        wolf = stix(
            "malware",
            "wolf",
            name="WinterWolf",
            is_family=True,
            malware_types=["trojan", "downloader"],
            aliases=["Wolf Loader"],
            description="A loader.\n\nSeen since 2022.",
            first_seen=WHEN,
            labels=["loader", "mail"],
            created_by_ref=author["id"],
            object_marking_refs=[AMBER],
            kill_chain_phases=[
                {"kill_chain_name": "mitre-attack", "phase_name": "execution"}
            ],
            external_references=[
                {"source_name": "paper", "url": "https://example.org/wolf?a=1&b=2"}
            ],
        )
        group = stix("threat-actor", "snow", name="Snow Group", labels=["mail"])
        addresses = [
            {
                "type": "ipv4-addr",
                "spec_version": "2.1",
                "id": f"ipv4-addr--{uuid.uuid5(NAMESPACE, str(number))}",
                "value": f"198.51.100.{number}",
                "x_opencti_score": number,
                "object_marking_refs": [GREEN],
            }
            for number in range(1, 71)
        ]
        indicators = [
            stix(
                "indicator",
                one["value"],
                name=f"C2 {one['value']}",
                pattern_type="stix",
                pattern=f"[ipv4-addr:value = '{one['value']}']",
                valid_from=WHEN,
                x_opencti_score=80,
                created_by_ref=author["id"],
            )
            for one in addresses[:5]
        ]
        document = {
            "type": "file",
            "spec_version": "2.1",
            "id": f"file--{uuid.uuid5(NAMESPACE, 'file')}",
            "name": "invoice.docm",
            "size": 48211,
            "hashes": {"MD5": "d41d8cd98f00b204e9800998ecf8427e"},
        }
        report = stix(
            "report",
            "report",
            name="WinterWolf in the wild",
            published=WHEN,
            object_refs=[wolf["id"], group["id"], *(one["id"] for one in indicators)],
        )
        sighting = stix(
            "sighting",
            "seen",
            sighting_of_ref=indicators[0]["id"],
            where_sighted_refs=[author["id"]],
            count=4,
        )
        self.hostile = stix(
            "malware",
            "hostile",
            name=IMAGE,
            is_family=False,
            description=SCRIPT,
            aliases=[QUOTED, SCRIPT],
            labels=[IMAGE, ADDRESS],
            external_references=[
                {"source_name": IMAGE, "url": ADDRESS},
                {
                    "source_name": SCRIPT,
                    "url": "data:text/html,<script>alert(6)</script>",
                },
                {"source_name": QUOTED, "url": f"https://example.org/{QUOTED}"},
            ],
        )
        hostile_author = stix(
            "identity", "hostile", name=QUOTED, identity_class="organization"
        )
        self.hostile["created_by_ref"] = hostile_author["id"]
        self.works = {
            "first": self.push(
                author,
                wolf,
                group,
                *addresses,
                *indicators,
                document,
                report,
                sighting,
                join(group, "uses", wolf, description="By mail.", start_time=WHEN),
                *(join(wolf, "communicates-with", one) for one in addresses),
                *(join(one, "indicates", wolf) for one in indicators),
                join(wolf, "drops", document),
                join(wolf, "uses", stix("tool", "absent", name="absent")),
            ),
            "hostile": self.push(
                hostile_author,
                self.hostile,
                join(self.hostile, "variant-of", wolf, description=SCRIPT),
            ),
            "second": self.push(
                {**wolf, "labels": ["loader", "top"], "description": "A loader."},
                *addresses[:3],
            ),
        }
        known = {
            one.get("name") or one.get("value"): one["id"]
            for one in platform.objects()
            if one["type"] != "label"
        }
        self.ids: dict[str, str] = {str(name): one for name, one in known.items()}

    def ask(self, method: str, path: str, **more: Any) -> Any:
        """Return an answer of the testbed's own API."""
        response = requests.request(
            method,
            f"{self.url}/testbed/{path}",
            headers={"Authorization": f"Bearer {self.platform.token}"},
            timeout=60,
            **more,
        )
        response.raise_for_status()
        return response.json()

    def push(self, *objects: dict[str, Any]) -> str:
        """Put objects in, wait until they are ingested, return the id of the work."""
        bundle = {"type": "bundle", "id": "bundle--1", "objects": list(objects)}
        work: str = self.ask("POST", "bundles", json=bundle)["work"]
        self.platform.wait_idle()
        return work

    def path(self, name: str, view: str = "") -> str:
        """Return the address of an object's page."""
        return f"{self.url}/entities/{self.ids[name]}{view}"


@pytest.fixture(name="stage", scope="module")
def fixture_stage() -> Iterator[Stage]:
    with TestbedProcess() as platform:
        yield Stage(platform)


@pytest.fixture(name="connectors", scope="module")
def fixture_connectors(stage: Stage, make: Any) -> Iterator[dict[str, Any]]:
    """Connectors of the types that can be asked, and an importer that has run, all written on pycti."""
    wanted: dict[str, dict[str, str]] = {
        "internal_enrichment": {"CONNECTOR_SCOPE": "Malware,IPv4-Addr"},
        "internal_import_file": {
            "CONNECTOR_SCOPE": "text/plain",
            "CONNECTOR_VALIDATE_BEFORE_IMPORT": "true",
        },
        "internal_export_file": {"CONNECTOR_SCOPE": "application/json"},
    }
    with ExitStack() as stack:
        made = {}
        for program, settings in wanted.items():
            made[program] = make.connector(stage.platform, program, "api", **settings)
            stack.callback(made[program].kill)
            made[program].start()
        importer = make.connector(stage.platform, "external_import", "api", AMOUNT="3")
        assert importer.run(CONNECTOR_NAME=IMAGE) == 0
        made["external_import"] = importer
        stage.platform.wait_idle()
        yield made


@pytest.fixture(name="make_stix", scope="session")
def fixture_make_stix() -> Callable[..., dict[str, Any]]:
    """The maker of STIX objects, for tests that cannot import this file."""
    return stix

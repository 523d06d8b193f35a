"""A real browser, driven over the protocol of its developer tools."""

import base64
import json
import os
import shutil
import subprocess
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

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

        self._loading(press) if leads_on else press()

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

        self._loading(strike) if leads_on else strike()

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

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        self._to.close()
        os.close(self._from)


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

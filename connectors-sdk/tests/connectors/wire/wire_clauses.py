"""The clauses of the behaviour specification that the runtime of external imports keeps, one watcher for each.

A watcher runs a connector as a process, over the real wire, and raises `Violation` when the clause is not kept. It is
tried on a good connector (test_clauses.py), and on connectors that violate the clause (test_clauses_broken.py): those it
must notice.
"""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import requests
import stix2

from connectors_sdk.testing import Canned, CannedServer, Fault, RecordedRequest
from opencti_testbed.process import TestbedProcess

# The types are those of this folder's conftest.py, which cannot be imported by name.
Workshop = Any
Feed = Any
Connector = Any

CANARY = "canary-source-key"


class Violation(AssertionError):
    """A clause is not kept."""


def demand(condition: object, words: str) -> None:
    if not condition:
        raise Violation(words)


def five_seconds() -> float:
    """Return how many seconds stand for the five of clause G1: more where merely loading pycti takes long just now."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "import pycti"], timeout=60, check=True)
    return max(5.0, 4 * (time.monotonic() - began))


class Bench:
    """One connector with its surroundings."""

    def __init__(
        self,
        feeders: Workshop,
        platform: TestbedProcess,
        feed: Feed,
        folder: Path,
        port: int,
    ) -> None:
        self.feeders = feeders
        self.platform = platform
        self.feed = feed
        self.folder = folder
        self.port = port
        self.broken: str | None = None
        self._first: Connector | None = None

    def connector(self, **overrides: str | None) -> Connector:
        """Return a process of the connector, always under the same id."""
        if self._first is None:
            self._first = self.feeders.connector("feed", BROKEN=self.broken)
        other = self._first.again()
        for name, value in overrides.items():
            if value is None:
                other.environment.pop(name, None)
            else:
                other.environment[name] = value
        return other

    def run(self, **overrides: str | None) -> Connector:
        """Run the connector to its end and let the platform digest it."""
        connector = self.connector(**overrides)
        connector.run()
        self.platform.wait_idle()
        return connector

    def good_run(self, **overrides: str | None) -> Connector:
        """Run the connector to its good end."""
        connector = self.run(**overrides)
        demand(connector.process.returncode == 0, f"no good run: {connector.output}")
        return connector

    def publish(self, count: int, first: int = 0, **values: Any) -> None:
        for number in range(first, first + count):
            self.feed.publish(number, **values)

    @property
    def names(self) -> set[str]:
        return {stix["name"] for stix in self.platform.objects("Malware")}

    @property
    def state(self) -> dict[str, Any]:
        (connector,) = self.platform.connectors()
        state: dict[str, Any] = json.loads(connector["state"] or "{}") or {}
        return state

    @property
    def closed_works(self) -> list[dict[str, Any]]:
        works = self.platform.works()
        demand({w["status"] for w in works} <= {"complete"}, "a work stays open")
        return works


# -- general ---------------------------------------------------------------------------------------------------------


def g1(bench: Bench) -> None:
    wrong = bench.connector(
        SOURCE_URL=None, CONNECTOR_DURATION_PERIOD="often", CONNECTOR_SCOP="x"
    )
    limit = five_seconds()
    began = time.monotonic()
    code = wrong.run()
    took = time.monotonic() - began
    demand("Traceback" not in wrong.output, "a traceback")
    demand(code == 2, f"exit code {code}")
    demand(took < limit, f"too slow: {took:.1f} s")
    for name in (
        "SOURCE_URL (source.url)",
        "CONNECTOR_DURATION_PERIOD (connector.duration_period)",
        "expected",
        "CONNECTOR_SCOPE (connector.scope)",
    ):
        demand(name in wrong.output, f"{name} is not named")
    demand(CANARY not in wrong.output, "a secret")


def g2(bench: Bench) -> None:
    away = bench.connector(
        OPENCTI_URL=f"http://127.0.0.1:{bench.port}", CONNECTOR_PLATFORM_TIMEOUT="PT6S"
    )
    code = away.run()
    demand(code == 1, f"exit code {code}")
    demand("nothing listens there" in away.output, "the cause is not named")
    demand(away.output.count("Trying again in") > 2, "it did not try again")
    demand("Giving up after 6 s" in away.output, "the end is not told")
    token = bench.connector(OPENCTI_TOKEN="wrong", CONNECTOR_PLATFORM_TIMEOUT="0")
    demand(token.run() == 1, "exit code")
    demand("refuses the token" in token.output, "the refused token is not named")
    other = bench.connector(
        OPENCTI_URL=bench.feed.server.url, CONNECTOR_PLATFORM_TIMEOUT="0"
    )
    demand(other.run() == 1, "exit code")
    demand("not an OpenCTI API" in other.output, "the wrong address is not named")


def g3(bench: Bench) -> None:
    connector = bench.good_run(CONNECTOR_SCOPE="malware,tool")
    (found,) = bench.platform.connectors()
    demand(found["id"] == connector.environment["CONNECTOR_ID"], "another id")
    demand(found["name"] == "Wire", "another name")
    demand(found["type"] == "EXTERNAL_IMPORT", "another type")
    demand(found["scope"] == ["malware", "tool"], f"another scope: {found['scope']}")
    derived = [bench.good_run(CONNECTOR_ID=None) for _ in range(2)]
    ids = {c["id"] for c in bench.platform.connectors()}
    demand(len(ids) == 2, "the derived id is not stable")
    (derived_id,) = ids - {found["id"]}
    demand(derived_id in derived[0].output, "the derived id is not printed")


def g4(bench: Bench) -> None:
    bench.publish(20)
    bench.publish(1, 99, name=CANARY + "x", text=None)
    for level in ("debug", "error"):
        outputs = [bench.run(CONNECTOR_LOG_LEVEL=level).output]
        bench.feed.key = "changed"
        outputs.append(bench.run(CONNECTOR_LOG_LEVEL=level).output)
        bench.feed.key = CANARY
        for output in outputs:
            # The source's own data may hold anything: what it sent is not looked at here.
            demand(
                CANARY not in output.replace(CANARY + "x", ""), "a secret in the output"
            )
            demand(bench.platform.token not in output, "the token in the output")
    told = json.dumps([bench.platform.works(), bench.platform.connectors()])
    demand(CANARY not in told, "a secret on the platform")


def g5(bench: Bench) -> None:
    bench.publish(60)
    for number in (signal.SIGTERM, signal.SIGINT):
        bench.feed.hold(4)
        connector = bench.connector().start()
        demand(bench.feed.reached.wait(30), "it never got there")
        began = time.monotonic()
        connector.process.send_signal(number)
        try:
            connector.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            connector.process.kill()
            connector.wait()
            raise Violation("it does not end") from None
        took = time.monotonic() - began
        connector.wait()
        demand(
            connector.process.returncode == 0, f"code {connector.process.returncode}"
        )
        demand(took < 10, "it takes too long to end")
        bench.feed.release()
        bench.platform.wait_idle()
        work = bench.closed_works[0]
        demand(not work["error_messages"], "a stop is no error")
        demand(bench.state.get("cursor"), "no checkpoint was left")
        demand(bench.state.get("last_run") is None, "the run counts as a good one")
    bench.good_run()
    demand(len(bench.names) == 60, "something is missing")


def g6(bench: Bench) -> None:
    page = f"http://127.0.0.1:{bench.port}"

    def health() -> dict[str, Any]:
        answer = requests.get(f"{page}/health", timeout=10)
        report: dict[str, Any] = answer.json()
        return {**report, "code": answer.status_code}

    def until(condition: Callable[[dict[str, Any]], object], words: str) -> None:
        deadline = time.monotonic() + 30
        report = {}
        while time.monotonic() < deadline:
            try:
                report = health()
            except requests.RequestException:
                time.sleep(0.05)
                continue
            if condition(report):
                return
            time.sleep(0.05)
        raise Violation(f"health never said {words}: {report}")

    bench.publish(5)
    bench.platform.stop()
    once = {"CONNECTOR_RUN_AND_TERMINATE": "false", "CONNECTOR_DURATION_PERIOD": "PT2S"}
    connector = bench.connector(CONNECTOR_HEALTH_PORT=str(bench.port), **once).start()
    until(
        lambda r: r["code"] == 503 and "platform is away" in str(r.get("reasons")),
        "that the platform is away",
    )
    bench.platform.start()
    until(lambda r: r["code"] == 200 and r.get("last_success"), "that all is well")
    bench.feed.key = "changed"
    until(lambda r: "401" in str(r.get("last_error")), "what went wrong")
    text = json.dumps(health())
    demand(CANARY not in text, "a secret on the health page")
    until(
        lambda r: r["code"] == 503 and not r["fresh"], "that nothing went well lately"
    )
    metrics = requests.get(f"{page}/metrics", timeout=10).text
    demand('opencti_connector_work_total{outcome="failed"}' in metrics, "no metrics")
    bench.feed.key = CANARY
    until(lambda r: r["code"] == 200, "that all is well again")
    connector.process.terminate()
    demand(connector.wait() == 0, "exit code")
    bench.good_run()
    try:
        requests.get(page, timeout=2)
    except requests.RequestException:
        return
    raise Violation("health is offered although no port is set")


def g7(bench: Bench) -> None:
    """Names that exist nowhere: only who goes through the proxy gets anywhere."""
    bench.publish(5)

    def forward(request: RecordedRequest) -> Canned:
        answer = requests.post(
            f"{bench.platform.url}/graphql",
            data=request.body,
            headers={
                name: request.headers[name]
                for name in ("authorization", "content-type")
                if name in request.headers
            },
            timeout=30,
        )
        return Canned(
            answer.content, answer.status_code, {"Content-Type": "application/json"}
        )

    with CannedServer() as platform_proxy:
        platform_proxy.on("POST", "/graphql", forward)
        through = bench.run(
            OPENCTI_URL="http://platform.invalid",
            HTTP_PROXY=platform_proxy.url,
            NO_PROXY="127.0.0.1",
            CONNECTOR_PLATFORM_TIMEOUT="0",
        )
        demand(through.process.returncode == 0, "the platform's proxy is not used")
    bench.publish(5, 5)
    source = bench.run(
        SOURCE_URL="http://feed.invalid",
        HTTP_PROXY=bench.feed.server.url,
        NO_PROXY="127.0.0.1",
    )
    demand(source.process.returncode == 0, "the source's proxy is not used")
    demand(len(bench.names) == 10, "something is missing")


def g8(bench: Bench) -> None:
    bench.publish(5)

    def ends(words: str) -> Connector:
        connector = bench.connector(SOURCE_TIMEOUT="0.5").start()
        try:
            connector.process.wait(timeout=25)
        except subprocess.TimeoutExpired:
            connector.process.kill()
            connector.wait()
            raise Violation(words) from None
        connector.wait()
        return connector

    good = bench.feed.server
    good.on("GET", "/feed", Canned(fault=Fault.HANG))
    hangs = ends("it waits for a source that does not answer")
    demand(hangs.process.returncode == 1, "a source that does not answer is no failure")
    good.on("GET", "/feed", Canned({"families": bench.feed.records}))
    repeats = ends("it reads the same page for ever")
    demand(
        repeats.process.returncode == 1, "a source that repeats itself is no failure"
    )


def g9(bench: Bench) -> None:
    bench.publish(25)
    log = bench.folder / "connects"
    bench.good_run(AUDIT=str(log))
    allowed = {
        url.rsplit(":", 1)[1] for url in (bench.platform.url, bench.feed.server.url)
    }
    lines = log.read_text("utf-8").splitlines()
    demand(lines, "nothing was recorded")
    for line in lines:
        fine = any(f"('127.0.0.1', {port})" == line for port in allowed)
        demand(fine, f"it connects to {line}")


def g10(bench: Bench) -> None:
    bench.publish(12)
    bench.publish(1, 50, name=None)
    output = bench.good_run(CONNECTOR_LOG_LEVEL="info").output
    lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    summaries = [line for line in lines if line["message"].startswith("Run finished")]
    demand(len(summaries) == 1, "there is no summary")
    message = summaries[0]["message"]
    for words in (
        "read 13",
        "sent 14 objects in 1 bundles",
        "skipped 0",
        "quarantined 1",
        "errors 0",
        "took ",
        "next run none",
    ):
        demand(words in message, f"the summary lacks {words!r}: {message}")
    demand(summaries[0].get("run_id"), "the line does not name its run")
    sent = [line for line in lines if line.get("work_id")]
    demand(sent, "no line names its work")
    again = bench.good_run(CONNECTOR_LOG_LEVEL="info").output
    demand("skipped 1 (known already: 1)" in again, "the summary does not say why")


# -- external import -------------------------------------------------------------------------------------------------


def e1(bench: Bench) -> None:
    bench.publish(25)
    bench.good_run()
    (work,) = bench.closed_works
    demand("successfully" in work["messages"][-1]["message"], "no good end")
    bench.publish(40, 25)
    page = 0

    def fails(request: RecordedRequest) -> Canned:
        nonlocal page
        page += 1
        if page > 3:
            return Canned({"error": "no"}, 403)
        answer: Canned = bench.feed._feed(request)
        return answer

    bench.feed.server.on("GET", "/feed", fails)
    failed = bench.run()
    demand(failed.process.returncode == 1, "a failed run is none")
    work = bench.closed_works[0]
    demand(work["error_messages"], "the failure is not shown")
    demand("403" in work["error_messages"][0]["message"], "no reason in words")


def e2(bench: Bench) -> None:
    bench.publish(45)
    folder = bench.folder / "bundles"
    folder.mkdir()
    bench.good_run(
        CONNECTOR_SEND_TO_DIRECTORY="true", CONNECTOR_SEND_TO_DIRECTORY_PATH=str(folder)
    )
    demand(bench.platform.summary()["rejected"] == 0, "objects are rejected")
    files = list(folder.glob("*.json"))
    demand(files, "nothing was sent")
    for file in files:
        content = json.loads(file.read_text("utf-8"))["bundle"]
        bundle = json.loads(content) if isinstance(content, str) else content
        inside = {stix["id"] for stix in bundle["objects"]}
        for stix in bundle["objects"]:
            refs = [v for k, v in stix.items() if k.endswith("_ref")]
            refs += [r for k, v in stix.items() if k.endswith("_refs") for r in v]
            demand(set(refs) <= inside, f"{stix['id']} refers to what is not there")
            stix2.parse(stix, allow_custom=True)
            if stix["type"] == "malware":
                demand(stix.get("created_by_ref"), f"{stix['name']} has no author")
                demand(stix.get("object_marking_refs"), "an object has no marking")


def e3(bench: Bench) -> None:
    bench.publish(25)
    bench.good_run()
    before, created = bench.platform.fingerprint(), bench.platform.summary()["created"]
    demand(len(bench.names) == 25, "something is missing")
    (connector,) = bench.platform.connectors()
    requests.post(
        f"{bench.platform.url}/testbed/connectors/{connector['id']}/reset",
        headers={"Authorization": f"Bearer {bench.platform.token}"},
        timeout=10,
    ).raise_for_status()
    asked = len(bench.feed.asked)
    bench.good_run()
    demand(len(bench.feed.asked) - asked == asked, "the second run did not read it all")
    demand(bench.platform.summary()["created"] == created, "there are new objects")
    demand(bench.platform.fingerprint() == before, "the content is another")


def e4(bench: Bench) -> None:
    bench.publish(25)
    bench.good_run()
    newest = datetime.fromisoformat(bench.feed.records[-1]["at"])
    # 24 has the last second for itself; now two more get the same.
    bench.publish(2, 100, second=24 // 3)
    bench.publish(3, 102)
    asked = len(bench.feed.asked)
    bench.good_run()
    since = {moment for moment, _ in bench.feed.asked[asked:]}
    demand(len(since) == 1, "the second run asked for several times")
    demand(min(since) >= newest - timedelta(seconds=2), "it asks for what it had")
    demand(len(bench.names) == 30, "what has the same time is lost")


def e5(bench: Bench) -> None:
    bench.publish(60)
    for page in (1, 3, 6):
        bench.feed.hold(page)
        connector = bench.connector().start()
        demand(bench.feed.reached.wait(30), "it never got there")
        connector.process.kill()
        connector.wait()
        bench.feed.release()
    bench.good_run()
    demand(len(bench.names) == 60, f"{60 - len(bench.names)} are lost")
    demand(bench.platform.summary()["rejected"] == 0, "objects are rejected")
    demand(bench.closed_works, "there are no works")


def e6(bench: Bench) -> None:
    bench.publish(15)
    bench.publish(1, 50, name=None)
    bench.publish(15, 60)
    connector = bench.run()
    demand(connector.process.returncode == 0, "one bad record fails the run")
    demand(len(bench.names) == 30, "good records are missing")
    kept = bench.folder / "data" / "quarantine.jsonl"
    demand(kept.exists(), "the bad record is gone")
    (record,) = [json.loads(line) for line in kept.read_text("utf-8").splitlines()]
    demand(record["raw"] == bench.feed.records[15], "the raw record is not kept")
    demand("name" in record["reason"], "the reason is not told")
    words = bench.closed_works[0]["messages"][-1]["message"]
    demand("1 set aside" in words, "the work does not count it")
    asked = len(bench.feed.asked)
    bench.good_run()
    newest = datetime.fromisoformat(bench.feed.records[-1]["at"])
    demand(
        min(s for s, _ in bench.feed.asked[asked:]) >= newest - timedelta(seconds=2),
        "the cursor stands still",
    )


FAULTS = {
    "429 with a time": Canned(status=429, headers={"Retry-After": "1"}),
    "429": Canned(status=429),
    "500": Canned(status=500),
    "503": Canned(status=503),
    "reset": Canned(fault=Fault.RESET),
    "truncated": Canned(b'{"families": [', fault=Fault.TRUNCATED),
    "wrong type": Canned("<html>Sign in</html>", headers={"Content-Type": "text/html"}),
    "half a document": Canned(
        b'{"families": [', headers={"Content-Type": "application/json"}
    ),
}


def e7(bench: Bench) -> None:
    server = bench.feed.server
    good = bench.feed._feed
    bench.publish(5)
    bench.good_run()
    before = bench.state
    bench.publish(20, 5)
    for name, fault in FAULTS.items():
        # The first page comes, the second does not.
        server.on("GET", "/feed", good, fault)
        asked = len(bench.feed.asked)
        failed = bench.connector().start()
        try:
            failed.process.wait(timeout=45)
        except subprocess.TimeoutExpired:
            failed.process.kill()
            failed.wait()
            raise Violation(f"{name}: it never gives up") from None
        failed.wait()
        demand(failed.process.returncode == 1, f"{name}: a failed run is none")
        demand(len(bench.feed.asked) - asked <= 6, f"{name}: it storms the source")
        demand(
            bench.state.get("last_run") == before["last_run"],
            f"{name}: the state says that the run was good",
        )
    server.on("GET", "/feed", good, FAULTS["500"], good)
    bench.good_run()
    demand(len(bench.names) == 25, "the next run does not recover everything")


def peak(connector: Connector) -> int:
    """Run a connector and return the most memory that it had resident, in KB."""
    status = Path(f"/proc/{connector.start().process.pid}/status")
    most = 0
    while connector.process.poll() is None:
        try:
            lines = status.read_text("ascii").splitlines()
        except OSError:
            break
        found = [line for line in lines if line.startswith("VmHWM:")]
        most = max(most, *(int(line.split()[1]) for line in found), 0)
        time.sleep(0.02)
    demand(connector.wait() == 0, f"no good run: {connector.output}")
    return most


def e8(bench: Bench) -> None:
    # Few records with much text: memory is what counts.
    bench.feed.PAGE = 20
    text = {"text": "x" * 60_000}
    bench.publish(100, **text)
    small = peak(bench.connector(BUNDLE="10"))
    bench.publish(1_000, 100, **text)
    large = peak(bench.connector(BUNDLE="10"))
    demand(
        large <= 1.3 * small, f"{small} KB become {large} KB with ten times the feed"
    )


def e9(bench: Bench) -> None:
    bench.publish(75)
    folder = bench.folder / "bundles"
    folder.mkdir()
    bench.good_run(
        CONNECTOR_SEND_TO_DIRECTORY="true", CONNECTOR_SEND_TO_DIRECTORY_PATH=str(folder)
    )
    for file in folder.glob("*.json"):
        content = json.loads(file.read_text("utf-8"))["bundle"]
        bundle = json.loads(content) if isinstance(content, str) else content
        size = len(bundle["objects"])
        demand(size <= 20, f"a bundle of {size} objects")
    demand(len(bench.names) == 75, "something is missing")


def e10(bench: Bench) -> None:
    bench.publish(25)
    bench.platform.order_fault("fill-queue", amount=10**9)
    connector = bench.connector(CONNECTOR_LOG_LEVEL="info").start()
    # pycti needs some seconds to load; then it must hold back at its very first run.
    deadline = time.monotonic() + 30
    while not bench.platform.connectors():
        demand(time.monotonic() < deadline, "it never registers")
        time.sleep(0.05)
    time.sleep(5)
    demand(not bench.names, "it sends although the queue is full")
    bench.platform.lift_faults()
    demand(connector.wait() == 0, f"no good run: {connector.output}")
    bench.platform.wait_idle()
    demand("over the threshold" in connector.output, "it does not say that it waits")
    demand(len(bench.names) == 25, "something is missing")


def e11(bench: Bench) -> None:
    bench.good_run()
    demand(not bench.platform.works(), "a work for nothing")
    demand(bench.state.get("last_run"), "the run is not remembered")


def e12(bench: Bench) -> None:
    bench.publish(5)
    demand(bench.run().process.returncode == 0, "a good run")
    bench.feed.key = "changed"
    demand(bench.run().process.returncode == 1, "a failed run counts as good")


def e13(bench: Bench) -> None:
    bench.feed.key = "changed"
    failed = bench.run()
    demand(len(bench.feed.server.requests) == 1, "it tries again and again")
    demand(failed.process.returncode == 1, "a failed run is none")
    errors = [
        json.loads(line)["message"]
        for line in failed.output.splitlines()
        if '"ERROR"' in line
    ]
    demand(len(errors) == 1 and "401" in errors[0], f"no clear message: {errors}")


WATCHERS: dict[str, Callable[[Bench], None]] = {
    watcher.__name__: watcher
    for watcher in (
        *(g1, g2, g3, g4, g5, g6, g7, g8, g9, g10),
        *(e1, e2, e3, e4, e5, e6, e7, e8, e9, e10, e11, e12, e13),
    )
}

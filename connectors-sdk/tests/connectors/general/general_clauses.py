"""The general clauses of the behaviour specification, one watcher for each, over connectors that work on request or follow
a stream.

A watcher raises `Violation` when the clause is not kept. It is tried on good connectors of each type, and on ones whose
runtime was broken on purpose (programs/run.py).
"""

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from listening_support import (
    PROGRAMS,
    SECRET,
    Kit,
    Lane,
    Process,
    Violation,
    complaints,
    expect,
    until,
)
from own_ports import free_port

from connectors_sdk.models import IPV4Address, Malware
from connectors_sdk.testing import Canned, RecordedRequest

RUN = str(Path(__file__).parent / "programs" / "run")
STREAM = Path(__file__).parent.parent / "stream" / "programs" / "connector.py"
DAY = "2024-01-01T00:00:00Z"
# What is broken on purpose is not waited for that long.
SHORT = 10.0


class Bench:
    """Connectors of one type with their surroundings."""

    def __init__(
        self, lane: Lane, subject: "Subject", folder: Path, broken: str = ""
    ) -> None:
        self.lane = lane
        self.source = lane.source
        self.subject = subject
        self.folder = folder
        self.word = uuid.uuid4().hex[:12]
        self._broken = broken
        # Speaks to the platform, and starts nothing.
        self.kit = Kit(lane, subject.name, "", "")
        lane.patience = SHORT if broken else lane.patience
        self._made: list[Process] = []

    def start(self, *, ready: bool = True, **overrides: str | None) -> Process:
        """Start a connector; wait until the platform knows it, unless it shall not get that far."""
        environment = self.lane.environment(
            "",
            **{
                "PROGRAM": str(self.subject.program),
                "BREAKS": self._broken or None,
                "CONNECTOR_NAME": "General",
                "CONNECTOR_SCOPE": self.scope,
                **self.subject.environment(self),
                **overrides,
            },
        )
        if "CONNECTOR_ID" in overrides:
            # Its own to find: an empty value is none.
            environment["CONNECTOR_ID"] = overrides["CONNECTOR_ID"] or ""
        made = Process(RUN, environment)
        self._made.append(made)
        if ready:
            self.kit.await_registration(made)
        return made

    def ends(self, patience: float = 60, **overrides: str | None) -> Process:
        """Start a connector that is to end by itself; return it when it has."""
        made = self.start(ready=False, **overrides)
        try:
            made.process.wait(patience)
        except subprocess.TimeoutExpired:
            raise Violation("it does not end") from None
        return made

    def works(self, connector: Process) -> None:
        """Let a connector do something and await its good end."""
        self.subject.job(self, connector)

    @property
    def scope(self) -> str:
        return self.subject.scope.format(word=self.word)

    def discard(self) -> None:
        self.source.release()
        for made in self._made:
            made.discard()


@dataclass(frozen=True)
class Subject:
    """A type of connectors.

    Attributes:
        name: its name.
        type: its name on the platform.
        program: a connector of the type.
        scope: what it declares; `{word}` is something that no other connector has.
        missing: a setting that it needs, in both spellings.
        job: lets a connector do something.
        failure: lets it fail at something; returns a word of the reason.
        summary: what the log says about the job.
        environment: settings of its own, made from the bench.
        source: the setting that says where its source or target is, if that has one.
    """

    name: str
    type: str
    program: Path
    scope: str
    missing: tuple[str, str]
    job: Callable[[Bench, Process], None]
    failure: Callable[[Bench, Process], str]
    summary: tuple[str, ...]
    environment: Callable[[Bench], dict[str, str]] = lambda _: {}
    source: str | None = None

    def __str__(self) -> str:
        return self.name


# -- what the types do -----------------------------------------------------------------------------------------------


def address(bench: Bench) -> IPV4Address:
    """Return an address that no other test has."""
    a, b, c = (int(bench.word[i : i + 2], 16) for i in (0, 2, 4))
    return IPV4Address(value=f"10.{a}.{b}.{c}")


def good(bench: Bench, work_id: str) -> None:
    work = bench.lane.finished(work_id)
    expect(not work["in_error"], f"the job is done: {complaints(work)}")


def enrich(bench: Bench, connector: Process) -> None:
    entity = address(bench)
    bench.source.knows(entity.value, {"asn": 64500})
    bench.lane.seed(entity)
    good(bench, bench.kit.enrich(entity.id, connector))


def enrich_in_vain(bench: Bench, connector: Process) -> str:
    entity = IPV4Address(value=f"192.0.2.{int(bench.word[:2], 16)}")
    bench.source.knows(entity.value, Canned("no", status=401))
    bench.lane.seed(entity)
    bench.lane.finished(bench.kit.enrich(entity.id, connector))
    return "401"


def import_file(bench: Bench, connector: Process) -> None:
    name = f"{uuid.uuid4()}.txt"
    file_id = bench.lane.upload(name, address(bench).value.encode(), "text/plain")
    good(bench, bench.kit.imports(file_id, connector))


def import_in_vain(bench: Bench, connector: Process) -> str:
    file_id = bench.lane.upload(f"{uuid.uuid4()}.txt", b"", "text/plain")
    bench.lane.finished(bench.kit.imports(file_id, connector))
    return "it is empty"


def export(bench: Bench, connector: Process, name: str) -> str:
    """Ask for a file about a malware; return the work's id."""
    bench.lane.seed(Malware(name=name, is_family=True, created=DAY))
    _, work_id = bench.kit.exports(
        format=connector.environment["CONNECTOR_SCOPE"],
        exportContext={"entity_type": "Malware"},
        filters={
            "mode": "and",
            "filterGroups": [],
            "filters": [{"key": "name", "values": [name]}],
        },
    )
    return work_id


def export_well(bench: Bench, connector: Process) -> None:
    good(bench, export(bench, connector, bench.word))


def export_in_vain(bench: Bench, connector: Process) -> str:
    # Of such a name no row can be made; the reason holds a secret.
    bench.lane.finished(export(bench, connector, f"leak-{bench.word}"))
    return "No row could be made"


def target(bench: Bench) -> dict[str, str]:
    """Let the source take what a stream connector writes."""

    def bulk(request: RecordedRequest) -> Canned:
        return Canned([{"status": 200} for _ in request.body.splitlines()])

    bench.source.server.on("POST", "/bulk", bulk)
    return {
        "TARGET_URL": bench.source.url,
        "TARGET_API_KEY": SECRET,
        "CONNECTOR_LIVE_STREAM_ID": "live",
        "CONNECTOR_BATCH_PERIOD": "PT0.2S",
        "CONNECTOR_DELIVERY_ATTEMPTS": "3",
    }


def follow(bench: Bench, _: Process) -> None:
    bench.lane.seed(Malware(name=bench.word, is_family=True, created=DAY))

    def arrived() -> bool:
        sent = bench.source.server.requests_to("/bulk")
        return any(bench.word.encode() in request.body for request in sent)

    until(arrived, "the job is done", bench.lane.patience)


def follow_in_vain(bench: Bench, _: Process) -> str:
    bench.source.server.on("POST", "/bulk", Canned("no", status=503))
    bench.lane.seed(Malware(name=f"{bench.word}-2", is_family=True, created=DAY))
    return "503"


OF_A_REQUEST = ("good, read 1, ", "skipped 0", "quarantined 0", "errors 0", "took ")
SUBJECTS = (
    Subject(
        "enrichment",
        "INTERNAL_ENRICHMENT",
        PROGRAMS / "enricher.py",
        "IPv4-Addr",
        ("SOURCE_URL", "source.url"),
        enrich,
        enrich_in_vain,
        ("Enrichment of ", "sent 5 objects in 1 bundles", *OF_A_REQUEST),
        source="SOURCE_URL",
    ),
    Subject(
        "file import",
        "INTERNAL_IMPORT_FILE",
        PROGRAMS / "importer.py",
        "text/plain",
        ("SOURCE_URL", "source.url"),
        import_file,
        import_in_vain,
        ("Import of ", "sent 1 objects in 1 bundles", *OF_A_REQUEST),
    ),
    Subject(
        "file export",
        "INTERNAL_EXPORT_FILE",
        PROGRAMS / "exporter.py",
        "text/x-{word}",
        ("OPENCTI_TOKEN", "opencti.token"),
        export_well,
        export_in_vain,
        ("Export of ", *OF_A_REQUEST),
    ),
    Subject(
        "stream",
        "STREAM",
        STREAM,
        "malware",
        ("TARGET_URL", "target.url"),
        follow,
        follow_in_vain,
        ("Stream: written ", " batches, skipped ", "set aside 0, in "),
        environment=target,
        source="TARGET_URL",
    ),
)

# -- the clauses -----------------------------------------------------------------------------------------------------


def five_seconds() -> float:
    """Return how many seconds stand for the five of clause G1: more where merely loading pycti takes long just now."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "import pycti"], timeout=60, check=True)
    return max(5.0, 4 * (time.monotonic() - began))


def g1(bench: Bench) -> None:
    variable, key = bench.subject.missing
    limit = five_seconds()
    began = time.monotonic()
    wrong = bench.ends(
        **{variable: None}, CONNECTOR_LOG_LEVEL="loud", CONNECTOR_SCOP="x"
    )
    took = time.monotonic() - began
    expect("Traceback" not in wrong.output, "a traceback")
    expect(wrong.process.returncode == 2, f"exit code {wrong.process.returncode}")
    expect(took < limit, f"too slow: {took:.1f} s")
    for name in (
        f"{variable} ({key})",
        "CONNECTOR_LOG_LEVEL (connector.log_level)",
        "expected",
        "CONNECTOR_SCOPE (connector.scope)",
    ):
        expect(name in wrong.output, f"{name} is not named: {wrong.output}")
    expect(SECRET not in wrong.output, "a secret")


def g2(bench: Bench) -> None:
    away = bench.ends(
        OPENCTI_URL=f"http://127.0.0.1:{free_port()}", CONNECTOR_PLATFORM_TIMEOUT="PT4S"
    )
    expect(away.process.returncode == 1, f"exit code {away.process.returncode}")
    expect("nothing listens there" in away.output, "the cause is not named")
    expect(away.output.count("Trying again in") > 1, "it did not try again")
    expect("Giving up after 4 s" in away.output, "the end is not told")
    token = bench.ends(OPENCTI_TOKEN="wrong", CONNECTOR_PLATFORM_TIMEOUT="0")
    expect(token.process.returncode == 1, "exit code")
    expect("refuses the token" in token.output, "the refused token is not named")
    other = bench.ends(OPENCTI_URL=bench.source.url, CONNECTOR_PLATFORM_TIMEOUT="0")
    expect(other.process.returncode == 1, "exit code")
    expect("not an OpenCTI API" in other.output, "the wrong address is not named")


def g3(bench: Bench) -> None:
    connector = bench.start(CONNECTOR_AUTO="true")
    found = _registered(bench, connector.id)
    expect(found["name"] == "General", f"another name: {found['name']}")
    expect(found["type"] == bench.subject.type, f"another type: {found['type']}")
    expect(found["scope"] == [bench.scope], f"another scope: {found['scope']}")
    expect(found["auto"] is True, f"another flag: {found['auto']}")
    connector.stop()
    name = f"General {bench.word}"
    words = "CONNECTOR_ID is not set: using "
    printed = []
    for _ in range(2):
        derived = bench.start(ready=False, CONNECTOR_ID=None, CONNECTOR_NAME=name)
        until(lambda one=derived: words in one.output, "the derived id is printed")
        printed.append(derived.output.partition(words)[2].partition(",")[0])
        until(lambda: _ids(bench, name), "it registers", bench.lane.patience)
        derived.stop()
    expect(printed[0] == printed[1], f"the derived id is not stable: {printed}")
    expect(_ids(bench, name) == printed[:1], "it registers with another one")


def _registered(bench: Bench, connector_id: str) -> dict[str, Any]:
    found: dict[str, Any] = next(
        one for one in bench.lane.platform.connectors() if one["id"] == connector_id
    )
    return found


def _ids(bench: Bench, name: str) -> list[str]:
    connectors = bench.lane.platform.connectors()
    return [one["id"] for one in connectors if one["name"] == name]


def g5(bench: Bench) -> None:
    """SIGTERM is heard whichever thread the system hands it to. What becomes of work under way, each type's tests look at."""
    stopped = bench.ends(STOP_ELSEWHERE="true", patience=15)
    code = stopped.process.returncode
    expect(code == 0, f"exit code {code}")
    expect("Stopping took too long" not in stopped.output, "it had to be ended")


def g6(bench: Bench) -> None:
    port = str(free_port())
    page = f"http://127.0.0.1:{port}"
    report: dict[str, Any] = {}

    def says(condition: Callable[[dict[str, Any]], object]) -> Callable[[], bool]:
        def look() -> bool:
            try:
                answer = requests.get(f"{page}/health", timeout=10)
            except requests.RequestException:
                return False
            report.clear()
            report.update(answer.json(), code=answer.status_code)
            return bool(condition(report))

        return look

    def demand(condition: Callable[[dict[str, Any]], object], words: str) -> None:
        try:
            until(says(condition), words, bench.lane.patience)
        except Violation:
            raise Violation(f"health never said {words}: {report}") from None

    away = bench.start(
        ready=False,
        OPENCTI_URL=f"http://127.0.0.1:{free_port()}",
        CONNECTOR_HEALTH_PORT=port,
    )
    demand(
        lambda r: r["code"] == 503 and "platform is away" in str(r.get("reasons")),
        "that the platform is away",
    )
    expect(away.stop() == 0, "exit code")
    connector = bench.start(CONNECTOR_HEALTH_PORT=port)
    bench.works(connector)
    demand(lambda r: r["code"] == 200 and r.get("last_success"), "that all is well")
    word = bench.subject.failure(bench, connector)
    demand(
        lambda r: word in str([r.get("last_error"), r.get("reasons")]),
        f"what went wrong ({word})",
    )
    expect(SECRET not in json.dumps(report), "a secret on the health page")
    metrics = requests.get(f"{page}/metrics", timeout=10).text
    expect('opencti_connector_work_total{outcome="good"}' in metrics, "no metrics")
    expect(SECRET not in metrics, "a secret among the metrics")
    expect(connector.stop() == 0, "exit code")
    bench.start()
    try:
        requests.get(page, timeout=2)
    except requests.RequestException:
        return
    raise Violation("health is offered although no port is set")


def g7(bench: Bench) -> None:
    """Names that exist nowhere: only who goes through the proxy gets anywhere."""
    if bench.subject.source is not None:
        own = {bench.subject.source: "http://source.invalid"}
        connector = bench.start(
            **own, HTTP_PROXY=bench.source.url, NO_PROXY="127.0.0.1"
        )
        try:
            bench.works(connector)
        except Violation as error:
            raise Violation(f"the source's proxy is not used: {error}") from None
        connector.stop()
    bench.word = uuid.uuid4().hex[:12]
    through = bench.start(
        ready=False,
        OPENCTI_URL="http://platform.invalid",
        HTTP_PROXY=bench.lane.platform.url,
        NO_PROXY="127.0.0.1",
        CONNECTOR_PLATFORM_TIMEOUT="PT5S",
    )
    try:
        bench.kit.await_registration(through)
        bench.works(through)
    except (Violation, RuntimeError) as error:
        raise Violation(f"the platform's proxy is not used: {error}") from None


def g9(bench: Bench) -> None:
    log = bench.folder / "connects"
    connector = bench.start(AUDIT=str(log))
    bench.works(connector)
    connector.stop()
    urls = (bench.lane.platform.url, bench.source.url)
    allowed = {f"('127.0.0.1', {url.rsplit(':', 1)[1]})" for url in urls}
    lines = log.read_text("utf-8").splitlines()
    expect(lines, "nothing was recorded")
    for line in lines:
        expect(line in allowed, f"it connects to {line}")


def g10(bench: Bench) -> None:
    connector = bench.start(CONNECTOR_LOG_LEVEL="info")
    bench.works(connector)
    expect(connector.stop() == 0, "exit code")
    lines = [
        json.loads(line)
        for line in connector.output.splitlines()
        if line.startswith("{")
    ]
    first, *others = bench.subject.summary
    told = [line for line in lines if first in line["message"]]
    summaries = [line for line in told if "skipped" in line["message"]]
    expect(summaries, f"no summary: {connector.output}")
    message = summaries[-1]["message"]
    for words in others:
        expect(words in message, f"the summary lacks {words!r}: {message}")
    if bench.subject.type != "STREAM":
        expect(summaries[-1].get("run_id"), "the line does not name its run")


WATCHERS: dict[str, Callable[[Bench], None]] = {
    "g1": g1,
    "g2": g2,
    "g3": g3,
    "g5": g5,
    "g6": g6,
    "g7": g7,
    "g9": g9,
    "g10": g10,
}

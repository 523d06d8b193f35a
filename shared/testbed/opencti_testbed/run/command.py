"""The command `testbed run`."""

import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, NoReturn

import requests
import typer
from rich.console import Console

from opencti_testbed.content.commands import seed as seed_platform
from opencti_testbed.process import PlatformDidNotStart, TestbedProcess
from opencti_testbed.run import report
from opencti_testbed.run.connector import (
    ConnectorProcess,
    Ended,
    connector_id,
    environment,
    main_file,
)
from opencti_testbed.run.progress import Progress
from opencti_testbed.run.wishes import NotAsked, Wishes

POLL_SECONDS = 0.25
INGEST_PATIENCE_SECONDS = 600.0
# How a connector ends that is asked to: by itself, or by the signal.
ENDED_WELL = {0, 128 + signal.SIGINT, 128 + signal.SIGTERM}
INTERRUPTED = 130
# Options that mean nothing to a platform elsewhere.
EMBEDDED_ONLY = {
    "runs": "--runs",
    "data": "--data",
    "seed": "--seed",
    "amqp": "--amqp",
    "summary": "--summary",
    "enrich": "--enrich",
    "import_": "--import",
    "export": "--export",
    "exit_after": "--exit",
}


class Interrupted(Exception):
    """Somebody wants everything to stop."""


# Each argument is an option of the command line.
# pylint: disable-next=too-many-arguments,too-many-positional-arguments,too-many-locals
def run(
    context: typer.Context,
    folder: Annotated[
        Path, typer.Argument(help="The connector's folder, e.g. external-import/mitre.")
    ],
    once: Annotated[
        bool,
        typer.Option(
            help="One run, then end (else the connector's own schedule decides)."
        ),
    ] = False,
    runs: Annotated[int, typer.Option(min=1, help="Repeat the run; needs --once.")] = 1,
    env: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE", help="Set a variable of the connector; repeatable."
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the platform's data; kept. Default: a temporary one."
        ),
    ] = None,
    seed: Annotated[
        list[Path] | None,
        typer.Option(
            help="STIX file that the embedded platform holds before the connector starts; repeatable."
        ),
    ] = None,
    enrich: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ENTITY",
            help="Ask the connector to enrich an entity, by id or name, and end when that is done; repeatable.",
        ),
    ] = None,
    import_: Annotated[
        list[Path] | None,
        typer.Option(
            "--import",
            metavar="FILE",
            help="Ask the connector to import a file, and end when that is done; repeatable.",
        ),
    ] = None,
    export: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MIME",
            help="Ask the connector to export everything in a MIME type, and end when that is done; repeatable.",
        ),
    ] = None,
    amqp: Annotated[
        str | None,
        typer.Option(
            envvar="TESTBED_AMQP",
            help="RabbitMQ broker between platform and connector (amqp://...). Default: HTTP alone.",
        ),
    ] = None,
    summary: Annotated[
        Path | None, typer.Option(help="Write what arrived to this JSON file.")
    ] = None,
    embedded: Annotated[
        bool,
        typer.Option(
            help="Use the embedded platform although OPENCTI_URL and OPENCTI_TOKEN are set."
        ),
    ] = False,
    python: Annotated[
        str, typer.Option(help="Interpreter that runs the connector.")
    ] = sys.executable,
    exit_after: Annotated[
        bool,
        typer.Option(
            "--exit",
            envvar="DEMO_EXIT",
            help="End after the last run instead of keeping the page up.",
        ),
    ] = False,
) -> None:
    """Run a connector against the embedded platform and show what arrived.

    Ctrl-C stops the connector and shows what arrived until then.

    Exit code: 0 when the connector ended well, an importer created something and nothing was rejected or failed, 1
    otherwise, 2 for wrong usage, 130 when a run that would have ended by itself was stopped.
    """
    console = Console(highlight=False)
    try:
        main = main_file(folder)
        extra = _pairs(env or [])
    except ValueError as error:
        console.print(str(error), style="red")
        raise typer.Exit(2) from error
    if runs > 1 and not once:
        console.print("--runs needs --once", style="red")
        raise typer.Exit(2)
    for number in (signal.SIGTERM, signal.SIGINT):
        # Also where SIGINT is ignored at the start, as in the background of a shell.
        signal.signal(number, _interrupt)
    try:
        url, token = os.environ.get("OPENCTI_URL"), os.environ.get("OPENCTI_TOKEN")
        if url and token and not embedded:
            useless = _given(context, EMBEDDED_ONLY)
            if useless:
                console.print(
                    f"{', '.join(useless)}: for the embedded platform only, and OPENCTI_URL names another; unset it"
                    " or say --embedded",
                    style="red",
                )
                raise typer.Exit(2)
            _run_elsewhere(console, main, folder, python, extra, once)
        else:
            code = _Watched(
                console=console,
                main=main,
                folder=folder.resolve(),
                python=python,
                extra=extra,
                once=once,
                amqp=amqp,
                seeds=seed or [],
                wishes=Wishes(
                    tuple(enrich or ()), tuple(import_ or ()), tuple(export or ())
                ),
            ).run(runs, data, summary, console.is_terminal and not exit_after)
    except PlatformDidNotStart as error:
        console.print(str(error), style="red", markup=False)
        code = 1
    except Interrupted:
        console.print("stopped")
        code = INTERRUPTED
    raise typer.Exit(code)


def _interrupt(_: int, __: FrameType | None) -> None:
    raise Interrupted


def _given(context: typer.Context, options: Mapping[str, str]) -> list[str]:
    """Return which options stand on the command line."""
    sources = {name: context.get_parameter_source(name) for name in options}
    return [
        options[name]
        for name, source in sources.items()
        if source is not None and source.name == "COMMANDLINE"
    ]


def _pairs(texts: list[str]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        key, separator, value = text.partition("=")
        if not separator or not key:
            raise ValueError(f"--env wants KEY=VALUE, not {text!r}")
        pairs[key] = value
    return pairs


def _run_elsewhere(
    console: Console,
    main: Path,
    folder: Path,
    python: str,
    extra: dict[str, str],
    once: bool,
) -> NoReturn:
    """Run against the platform of OPENCTI_URL: the connector takes this process's place."""
    console.print(f"Running {folder} against {os.environ['OPENCTI_URL']}")
    variables = {**os.environ, **extra}
    if once:
        variables["CONNECTOR_RUN_AND_TERMINATE"] = "true"
    sys.stdout.flush()
    os.chdir(main.parent)
    os.execve(python, [python, main.name], variables)


@dataclass(frozen=True, kw_only=True)
class _Watched:
    """A connector and the embedded platform, both watched."""

    console: Console
    main: Path
    folder: Path
    python: str
    extra: dict[str, str]
    once: bool
    amqp: str | None
    seeds: list[Path]
    wishes: Wishes

    def run(
        self, runs: int, data: Path | None, summary_file: Path | None, keep: bool
    ) -> int:
        """Do everything; return the exit code."""
        with ExitStack() as stack:
            folder = data or Path(
                stack.enter_context(tempfile.TemporaryDirectory(prefix="testbed-run-"))
            )
            folder.mkdir(parents=True, exist_ok=True)
            known_as = connector_id(self.folder, self.extra)
            options = ["--connector", f"{known_as}={self.folder}"]
            if self.amqp:
                options += ["--amqp", self.amqp]
            platform = stack.enter_context(
                TestbedProcess(folder, options=tuple(options))
            )
            if self.amqp and data is None:
                # What nobody will come back to is not left at the broker either.
                stack.callback(_leave_broker, platform)
            seeded = _seed(platform, self.seeds)
            log = folder / f"{self.folder.name}.log"
            self.console.print(f"Platform   {platform.url}")
            self.console.print(f"Connector  {self.folder} (log: {log})", soft_wrap=True)
            done: list[report.Run] = []
            while len(done) < runs and not (done and done[-1].interrupted):
                name = f"run {len(done) + 1} of {runs}" if runs > 1 else "run"
                done.append(self._one(platform, known_as, log, name))
            state = platform.summary()
            summary = report.summary_json(done, state)
            report.print_report(self.console, summary, state, platform.errors())
            report.print_works(self.console, done[-1].asked_works)
            if summary_file:
                report.write_summary(summary_file, summary)
                self.console.print(f"Summary    {summary_file}")
            verdict = self._verdict(
                done[-1],
                _type_of(platform, known_as),
                state["rejected"],
                state["created"] - seeded,
            )
            if verdict:
                self.console.print(verdict, style="red")
            if done[-1].interrupted:
                return INTERRUPTED if self._ends_by_itself else bool(verdict)
            if keep:
                self._stay(platform)
            return 1 if verdict else 0

    @property
    def _ends_by_itself(self) -> bool:
        return self.once or bool(self.wishes)

    def _one(
        self, platform: TestbedProcess, known_as: str, log: Path, name: str
    ) -> report.Run:
        before = platform.summary()
        known = {work["id"] for work in platform.works()}
        started_at, started = datetime.now(UTC), time.monotonic()
        watch = _Watch(platform, known_as, self.wishes)
        connector = ConnectorProcess(
            self.python,
            self.main,
            environment(
                self.folder,
                platform,
                self.extra,
                once=self.once,
                transport="amqp" if self.amqp else "api",
            ),
            log,
        )
        try:
            with Progress(
                self.console, f"{self.folder.name}: {name} begins"
            ) as progress:
                ended = watch.until_it_ends(connector, progress)
                _until_ingested(platform, progress)
        finally:
            connector.stop()
        after = platform.summary()
        if watch.refusal:
            self.console.print(watch.refusal, style="red", markup=False)
        if not watch.ended_well(ended):
            self.console.print(
                f"The connector ended with exit code {ended.exit_code}. Its last words:",
                style="red",
            )
            for line in list(connector.last_words)[-12:]:
                self.console.print(f"  {line}", markup=False)
        return report.Run(
            started_at.isoformat(timespec="seconds"),
            ended,
            time.monotonic() - started,
            {outcome: after[outcome] - before[outcome] for outcome in report.OUTCOMES},
            [work for work in platform.works() if work["id"] not in known],
            ended_well=watch.ended_well(ended),
            interrupted=watch.interrupted,
            asked=tuple(watch.asked or ()),
        )

    def _verdict(
        self, last: report.Run, kind: str | None, rejected: int, created: int
    ) -> str:
        """Return in a sentence why the run was no success; empty when it was one."""
        if not last.ended_well:
            return f"Failed: the connector ended with exit code {last.ended.exit_code}."
        if last.interrupted and self._ends_by_itself:
            return "Stopped before the run was over."
        if kind is None:
            return "Failed: the connector did not register."
        if rejected:
            return f"Failed: the platform rejected {rejected:,} objects."
        if self.wishes and not last.asked:
            return "Failed: the connector was asked for nothing."
        for work in last.asked_works:
            if work["error_messages"] or work["status"] != "complete":
                return f"Failed: {work['name']} did not succeed."
        if kind == "EXTERNAL_IMPORT" and not created:
            return "Failed: nothing arrived."
        return ""

    def _stay(self, platform: TestbedProcess) -> None:
        self.console.print(
            f"\nLook at it: [bold]{platform.url}[/bold]   (Ctrl-C stops the platform)"
        )
        try:
            while platform.is_running:
                time.sleep(0.5)
        except Interrupted:
            self.console.print("stopped")


def _leave_broker(platform: TestbedProcess) -> None:
    """Have the platform forget its connectors, and with them their queues."""
    if not platform.is_running:
        return
    try:
        for connector in platform.connectors():
            requests.post(
                f"{platform.url}/graphql",
                json={
                    "query": "mutation D($id: ID!) { deleteConnector(id: $id) }",
                    "variables": {"id": connector["id"]},
                },
                headers={"Authorization": f"Bearer {platform.token}"},
                timeout=10,
            )
    except requests.RequestException:
        # The platform is gone before its time.
        pass


@dataclass
class _Watch:
    """One run of the connector, watched until it ends.

    Attributes:
        asked: ids of the works that it was asked for; None before it was asked.
        refusal: why it could not be asked.
        interrupted: whether somebody stopped it.
    """

    platform: TestbedProcess
    known_as: str
    wishes: Wishes
    asked: list[str] | None = None
    refusal: str = ""
    interrupted: bool = False

    def __post_init__(self) -> None:
        self._before = self._registered_at()

    def until_it_ends(self, connector: ConnectorProcess, progress: Progress) -> Ended:
        """Return when it has ended: by itself, because it has done what it was asked for, or because somebody wants it."""
        try:
            while (ended := connector.poll()) is None and not self._is_done():
                progress.warn(connector.new_warnings())
                progress.show(
                    _summary(self.platform), connector.last_message(), "running"
                )
                time.sleep(POLL_SECONDS)
        except Interrupted:
            self.interrupted, ended = True, None
        ended = ended or connector.stop()
        progress.warn(connector.new_warnings())
        return ended

    def ended_well(self, ended: Ended) -> bool:
        """Whether it ended as it should; a connector that was stopped says so in its exit code."""
        was_stopped = self.interrupted or self.asked is not None
        return ended.exit_code in ENDED_WELL if was_stopped else ended.exit_code == 0

    def _is_done(self) -> bool:
        if not self.wishes:
            return False
        try:
            if self.asked is None:
                if self._registered_at() == self._before:
                    return False
                self.asked = []
                self.asked = self.wishes.ask(self.platform, self.known_as)
            works = self.platform.works()
        except NotAsked as error:
            self.refusal = str(error)
            return True
        except requests.RequestException:
            return False
        # A work may be complete before the connector has had its last word.
        return all(
            work["status"] == "complete" and work["processed_time"]
            for work in works
            if work["id"] in self.asked
        )

    def _registered_at(self) -> str | None:
        try:
            known = self.platform.connectors()
        except requests.RequestException:
            return None
        found = (one["updated_at"] for one in known if one["id"] == self.known_as)
        return next(found, None)


def _until_ingested(platform: TestbedProcess, progress: Progress) -> None:
    """Return when all that the connector sent is ingested; what a broker still holds counts as well."""
    waiting = threading.Thread(target=_wait, args=(platform,), daemon=True)
    waiting.start()
    while waiting.is_alive():
        progress.show(_summary(platform), "", "ingesting")
        waiting.join(POLL_SECONDS)


def _wait(platform: TestbedProcess) -> None:
    try:
        platform.wait_idle(INGEST_PATIENCE_SECONDS)
    except requests.RequestException:
        pass  # the report shows what arrived and what waits


def _type_of(platform: TestbedProcess, registered_id: str) -> str | None:
    """Return what kind of connector registered; None when none did."""
    known = platform.connectors()
    return next((one["type"] for one in known if one["id"] == registered_id), None)


def _seed(platform: TestbedProcess, files: list[Path]) -> int:
    """Put files into the platform; return how many objects they created."""
    if not files:
        return 0
    before: int = platform.summary()["created"]
    seed_platform(files, platform.url, platform.token)
    created: int = platform.summary()["created"]
    return created - before


def _summary(platform: TestbedProcess) -> dict[str, Any] | None:
    try:
        return platform.summary()
    except requests.RequestException:
        return None

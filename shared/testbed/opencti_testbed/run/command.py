"""The command `testbed run`."""

import os
import signal
import sys
import tempfile
import time
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
from opencti_testbed.process import TestbedProcess
from opencti_testbed.run import report
from opencti_testbed.run.connector import (
    ConnectorProcess,
    Ended,
    connector_id,
    environment,
    main_file,
)
from opencti_testbed.run.progress import Progress

POLL_SECONDS = 0.25
INGEST_PATIENCE_SECONDS = 600.0


class Interrupted(Exception):
    """Somebody wants everything to stop."""


# Each argument is an option of the command line.
def run(  # pylint: disable=too-many-arguments,too-many-positional-arguments
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

    Exit code: 0 when the connector ended well and nothing was rejected, 1 otherwise, 2 for wrong usage.
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
            ).run(runs, data, summary, console.is_terminal and not exit_after)
    except Interrupted:
        console.print("stopped")
        code = 130
    raise typer.Exit(code)


def _interrupt(_: int, __: FrameType | None) -> None:
    raise Interrupted


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
            seeded = _seed(platform, self.seeds)
            log = folder / f"{self.folder.name}.log"
            self.console.print(f"Platform   {platform.url}")
            self.console.print(f"Connector  {self.folder} (log: {log})")
            done = [
                self._one(
                    platform, log, f"run {number} of {runs}" if runs > 1 else "run"
                )
                for number in range(1, runs + 1)
            ]
            state = platform.summary()
            summary = report.summary_json(done, state)
            report.print_report(self.console, summary, state, platform.errors())
            if summary_file:
                report.write_summary(summary_file, summary)
                self.console.print(f"Summary    {summary_file}")
            verdict = self._verdict(
                done[-1].ended, state["rejected"], state["created"] - seeded
            )
            if verdict:
                self.console.print(verdict, style="red")
            if keep:
                self._stay(platform)
            return 1 if verdict else 0

    def _one(self, platform: TestbedProcess, log: Path, name: str) -> report.Run:
        before = platform.summary()
        known = {work["id"] for work in platform.works()}
        started_at, started = datetime.now(UTC), time.monotonic()
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
            ended = self._watch(platform, connector, name)
        finally:
            connector.stop()
        after = platform.summary()
        if ended.exit_code:
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
        )

    def _watch(
        self, platform: TestbedProcess, connector: ConnectorProcess, name: str
    ) -> Ended:
        with Progress(self.console, f"{self.folder.name}: {name} begins") as progress:
            while True:
                ended = connector.poll()
                last = connector.last_words[-1] if connector.last_words else ""
                progress.show(_summary(platform), last, "importing")
                if ended:
                    break
                time.sleep(POLL_SECONDS)
            until = time.monotonic() + INGEST_PATIENCE_SECONDS
            while time.monotonic() < until:
                state = _summary(platform)
                progress.show(state, "", "ingesting")
                if state and not any(state["queue"].values()):
                    break
                time.sleep(POLL_SECONDS)
        return ended

    @staticmethod
    def _verdict(ended: Ended, rejected: int, created: int) -> str:
        """Return in a sentence why the run was no success; empty when it was one."""
        if ended.exit_code:
            return f"Failed: the connector ended with exit code {ended.exit_code}."
        if rejected:
            return f"Failed: the platform rejected {rejected:,} objects."
        if not created:
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

"""Connectors that do one request each, one after the other, and what that took."""

import argparse
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

import psutil
import requests

from opencti_testbed.process import TestbedProcess

PATIENCE = 3600.0
MEGA = 1_000_000
_LOOK_EVERY = 0.02


class Measured(NamedTuple):
    """What a request took: rows, seconds on the clock, seconds of CPU, bytes at the peak (children included)."""

    rows: int
    seconds: float
    cpu: float
    peak: int


def query(platform: TestbedProcess, text: str, **variables: Any) -> Any:
    """Return the data of an answer of the platform.

    Raises:
        SystemExit: it answers with an error.
    """
    answer = requests.post(
        f"{platform.url}/graphql",
        json={"query": text, "variables": variables},
        headers={"Authorization": f"Bearer {platform.token}"},
        timeout=60,
    ).json()
    if answer.get("errors"):
        raise SystemExit(str(answer["errors"]))
    return answer["data"]


def measure(
    platform: TestbedProcess,
    command: list[str],
    rows: int,
    settings: Mapping[str, str],
    ask: Callable[[str], Any],
) -> Measured:
    """Start a connector, ask it for something, and wait until it has closed the work.

    Args:
        platform: where it registers; it listens over HTTP.
        command: arguments of the interpreter that start it.
        rows: of which the request consists.
        settings: further variables.
        ask: makes the request; called with the connector's id.

    Raises:
        SystemExit: it failed, or took longer than an hour.
    """
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    connector_id = str(uuid.uuid4())
    environment = {
        **os.environ,
        "OPENCTI_URL": platform.url,
        "OPENCTI_TOKEN": platform.token,
        "CONNECTOR_ID": connector_id,
        "CONNECTOR_NAME": "Benchmark",
        "CONNECTOR_LOG_LEVEL": "error",
        "CONNECTOR_QUEUE_PROTOCOL": "api",
        "CONNECTOR_LISTEN_PROTOCOL": "API",
        "CONNECTOR_LISTEN_PROTOCOL_API_PORT": str(port),
        "CONNECTOR_LISTEN_PROTOCOL_API_URI": f"http://127.0.0.1:{port}",
        **settings,
    }
    with subprocess.Popen([sys.executable, *command], env=environment) as process:
        try:
            seen = psutil.Process(process.pid)
            _wait_for(lambda: _listens(port), process)
            before, began = _cpu(seen), time.monotonic()
            ask(connector_id)
            peak = 0

            def closed() -> bool:
                nonlocal peak
                peak = max(peak, _memory(seen))
                return bool(_work(platform, connector_id)["processed_time"])

            _wait_for(closed, process)
            seconds, cpu = time.monotonic() - began, _cpu(seen) - before
        finally:
            process.terminate()
    work = _work(platform, connector_id)
    if work["error_messages"]:
        raise SystemExit(str(work["error_messages"][:3]))
    return Measured(rows, seconds, cpu, peak)


# What a benchmark says of its contestants.
# pylint: disable-next=too-many-arguments
def hold(
    description: str | None,
    programs: Mapping[str, Callable[[], None]],
    names: Mapping[str, str],
    race: Callable[[str, int], Measured],
    *,
    size: int,
    what: str,
) -> None:
    """Be a benchmark's command line: measure the contestants and print, or be one of them.

    Args:
        description: the module's.
        programs: for each contestant what it runs in its own process.
        names: what they are called in the table.
        race: measures a contestant at a size.
        size: the size unless another is asked for.
        what: what the size counts.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=size, help=what)
    parser.add_argument(
        "--peer-size", type=int, default=size, help=f"{what} for the others, at most"
    )
    parser.add_argument("--contestant", choices=names, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contestant:
        programs[options.contestant]()
        return
    peer = min(options.size, options.peer_size)
    sizes = {name: options.size if name == "runtime" else peer for name in names}
    show({names[name]: race(name, size) for name, size in sizes.items()})


def show(results: Mapping[str, Measured]) -> None:
    """Print a table; ratios are to the first row."""
    print(
        f"{'':22}{'rows':>8}{'rows/s':>9}{'ratio':>7}{'CPU us/row':>12}{'ratio':>7}{'peak MB':>9}{'ratio':>7}"
    )
    base = next(iter(results.values()))
    for name, one in results.items():
        rate, cost = one.rows / one.seconds, one.cpu / one.rows
        print(
            f"{name:22}{one.rows:>8}{rate:>9.0f}{rate / (base.rows / base.seconds):>7.2f}{cost * 1e6:>12.0f}"
            f"{cost / (base.cpu / base.rows):>7.2f}{one.peak / MEGA:>9.0f}{one.peak / base.peak:>7.2f}"
        )


def _wait_for(condition: Callable[[], bool], process: "subprocess.Popen[Any]") -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"The connector is no help: {process.poll()}")
        time.sleep(_LOOK_EVERY)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _work(platform: TestbedProcess, connector_id: str) -> dict[str, Any]:
    works = (w for w in platform.works() if w["connector_id"] == connector_id)
    return next(works, {"processed_time": None})


def _memory(process: psutil.Process) -> int:
    total = 0
    with suppress(psutil.NoSuchProcess):
        for one in (process, *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                total += one.memory_info().rss
    return total


def _cpu(process: psutil.Process) -> float:
    """Return seconds of CPU, of children that have ended too."""
    times = process.cpu_times()
    return float(sum(times[:4]))

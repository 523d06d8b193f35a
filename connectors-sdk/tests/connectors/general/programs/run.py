"""Runs a connector's program (PROGRAM): watched (AUDIT), stopped (STOP_ELSEWHERE), or broken in one thing (BREAKS).

What is broken is named after the clause that it violates.
"""

import os
import runpy
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Any


def audit(path: str) -> None:
    """Write every address that the process connects to into a file."""
    file = open(path, "a", encoding="utf-8")  # pylint: disable=consider-using-with

    def hook(event: str, arguments: Any) -> None:
        if event == "socket.connect":
            print(arguments[1], file=file, flush=True)

    sys.addaudithook(hook)


def stop_elsewhere() -> None:
    """Deliver SIGTERM to a thread that is not the main one, which so is not woken by it."""
    from connectors_sdk.connectors.base_connector import BaseConnector

    usual = BaseConnector.open

    def opened(self: Any) -> None:
        usual(self)
        threading.Timer(
            2, lambda: signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
        ).start()

    BaseConnector.open = opened  # type: ignore[method-assign]


def g1_traceback() -> None:
    """Ends with the traceback of a wrong configuration."""
    import connectors_sdk.connectors

    def run(build: Any) -> None:
        build().start()

    connectors_sdk.connectors.run_connector = run  # type: ignore[assignment]


def g2_impatient() -> None:
    """Gives up at the first attempt, without a cause."""
    from connectors_sdk.connectors import _startup, base_connector

    def connect(*_: Any) -> Any:
        raise _startup.PlatformUnavailableError("no")

    base_connector.connect = connect


def g3_renamed() -> None:
    """Registers with another scope than the declared one."""
    from connectors_sdk.settings.base_settings import BaseConnectorSettings

    usual = BaseConnectorSettings.to_helper_config

    def to_helper_config(self: Any) -> dict[str, Any]:
        config = usual(self)
        config["connector"]["scope"] = os.environ["CONNECTOR_SCOPE"] = "everything"
        return config

    BaseConnectorSettings.to_helper_config = to_helper_config  # type: ignore[method-assign]


def g5_asleep() -> None:
    """Waits for its listener without ever looking up."""
    from connectors_sdk.connectors import _listening

    _listening.Listener.listen = lambda self: (self.start(), self.join())  # type: ignore[assignment,method-assign]


def g6_rosy() -> None:
    """Is always well."""
    from connectors_sdk.connectors import health

    def report(_: Any) -> dict[str, Any]:
        return {"status": "ok", "alive": True, "ready": True, "fresh": True}

    health.Health.report = report  # type: ignore[method-assign]


def g7_direct() -> None:
    """Knows no proxies."""
    import requests

    usual = requests.Session.__init__

    def init(self: Any) -> None:
        usual(self)
        self.trust_env = False

    requests.Session.__init__ = init  # type: ignore[method-assign]


def g9_chatty() -> None:
    """Talks to somebody else."""
    from connectors_sdk.connectors.base_connector import BaseConnector

    usual = BaseConnector.open

    def opened(self: Any) -> None:
        usual(self)
        with socket.socket() as other:
            other.connect_ex(("127.0.0.9", 9))

    BaseConnector.open = opened  # type: ignore[method-assign]


def g10_mute() -> None:
    """Says nothing about what it did."""
    from connectors_sdk.connectors import listening_connector
    from connectors_sdk.connectors.stream._report import StreamReport

    listening_connector._summary = lambda *_: "Done."
    StreamReport.summary = lambda _: "Done."  # type: ignore[method-assign]


if __name__ == "__main__":
    if os.environ.get("AUDIT"):
        audit(os.environ["AUDIT"])
    if os.environ.get("STOP_ELSEWHERE"):
        stop_elsewhere()
    if os.environ.get("BREAKS"):
        globals()[os.environ["BREAKS"]]()
    program = os.environ["PROGRAM"]
    sys.path.insert(0, str(Path(program).parent))
    sys.argv[0] = program
    runpy.run_path(program, run_name="__main__")

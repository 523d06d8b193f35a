"""The simulated source as a server: in a thread for tests, in the foreground for people."""

import socket
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import uvicorn

from opencti_testbed.faults.middleware import ResettableProtocol
from opencti_testbed.simulator.app import Source, create_app
from opencti_testbed.simulator.description import load_description

START_SECONDS = 10.0


class Simulator:
    """A source on loopback.

    A context manager that serves in a thread; `serve()` serves in the foreground.
    """

    def __init__(self, folder: Path, *, host: str = "127.0.0.1", port: int = 0) -> None:
        """Read the description of a folder.

        Args:
            folder: holds `source.yml` and the files it names.
            host: address to listen on.
            port: TCP port; 0 takes a free one.

        Raises:
            WrongDescription: the description cannot be used.
        """
        self.folder = folder
        self.source = Source(folder, load_description(folder))
        self._host = host
        self._port = port
        self._server = uvicorn.Server(
            uvicorn.Config(
                create_app(self.source),
                http=ResettableProtocol,
                log_level="warning",
                access_log=False,
                timeout_graceful_shutdown=1,
            )
        )
        self._thread: threading.Thread | None = None
        self.url = ""

    def _listen(self) -> socket.socket:
        listener = socket.create_server((self._host, self._port))
        self.url = f"http://{self._host}:{listener.getsockname()[1]}"
        return listener

    def serve(self) -> None:
        """Serve until SIGINT or SIGTERM; prints the address first.

        Raises:
            OSError: the address cannot be listened on.
        """
        listener = self._listen()
        print(
            f"{self.source.description.title} ready: {self.url} (Ctrl-C stops it)",
            flush=True,
        )
        self._server.run(sockets=[listener])

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The requests so far, oldest first: method, path, query, headers, body, status."""
        return self.source.log()

    def __enter__(self) -> Self:
        listener = self._listen()
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, daemon=True
        )
        self._thread.start()
        until = time.monotonic() + START_SECONDS
        while not self._server.started:
            if time.monotonic() > until:
                raise RuntimeError("The simulated source did not start")
            time.sleep(0.01)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(timeout=10)

"""A connection that is slow or breaks off, between a client and any server."""

import socket
import threading
import time
from collections import deque
from types import TracebackType
from typing import Self

_CHUNK = 65_536


class TcpProxy:
    """Passes bytes between its port and a server, later or only for a while.

    A context manager; the port is `port` on 127.0.0.1.

    Attributes:
        connections: how many connections there were.
    """

    def __init__(
        self,
        address: tuple[str, int],
        *,
        latency: float = 0.0,
        cut_after: int | None = None,
        cuts: int = 1,
    ) -> None:
        """Say where bytes go, and what is wrong with the way.

        Args:
            address: host and port of the server.
            latency: seconds that bytes take in each direction; order and throughput stay.
            cut_after: a connection is reset as soon as the client has sent so many bytes; None: never.
            cuts: so many connections are reset, later ones live.
        """
        self._address = address
        self._latency = latency
        self._cut_after = cut_after
        self._cuts = cuts
        self.connections = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._closing = False

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing = True
        # Closing alone would leave the thread that accepts with the last connection to come.
        self._close(self._server)
        for one in list(self._open):
            self._close(one)

    def _accept(self) -> None:
        while not self._closing:
            try:
                near, _ = self._server.accept()
                far = socket.create_connection(self._address)
            except OSError:
                continue
            self.connections += 1
            for one in (near, far):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._open.add(one)
            limit = self._cut_after if self.connections <= self._cuts else None
            self._pass(near, far, limit)
            self._pass(far, near, None)

    def _pass(
        self, source: socket.socket, sink: socket.socket, limit: int | None
    ) -> None:
        # (when it is due, bytes); None at the end.
        held: deque[tuple[float, bytes]] = deque()
        more = threading.Semaphore(0)

        def read() -> None:
            total = 0
            try:
                while data := source.recv(_CHUNK):
                    total += len(data)
                    if limit is not None and total >= limit:
                        break
                    held.append((time.monotonic() + self._latency, data))
                    more.release()
            except OSError:
                pass
            held.append((0.0, b""))
            more.release()

        def write() -> None:
            while True:
                # pylint: disable-next=consider-using-with  # it counts what is held
                more.acquire()
                due, data = held.popleft()
                if not data:
                    break
                time.sleep(max(due - time.monotonic(), 0))
                try:
                    sink.sendall(data)
                except OSError:
                    break
            self._close(source)
            self._close(sink)

        threading.Thread(target=read, daemon=True).start()
        threading.Thread(target=write, daemon=True).start()

    def _close(self, one: socket.socket) -> None:
        self._open.discard(one)
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        one.close()

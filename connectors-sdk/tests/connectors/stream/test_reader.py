"""Reading a stream over a real socket: what breaks, what is silent, what is no stream at all."""

import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connectors_sdk.connectors.stream._frames import Frame
from connectors_sdk.connectors.stream._reader import StreamReader, StreamRequest

PATIENCE = 20.0
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nConnection: close\r\n\r\n"


class Connection:
    """One connection of a listener, as the platform sees it."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        head = b""
        while b"\r\n\r\n" not in head:
            head += sock.recv(4096)
        self.request, *lines = head.decode().split("\r\n")
        pairs = (line.partition(": ") for line in lines if line)
        self.headers = {name.lower(): value for name, _, value in pairs}

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def chunk(self, data: bytes) -> None:
        self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def event(self, number: int, size: int = 10) -> None:
        self.chunk(frame(number, size))

    def reset(self) -> None:
        # With this option, closing sends a reset.
        self._socket.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        self.close()

    def close(self) -> None:
        self._socket.close()


def frame(number: int, size: int = 10) -> bytes:
    return f"id: {number}-0\nevent: create\ndata: {'x' * size}\n\n".encode()


class Platform:
    """Handles each connection with the next of some functions, the last one for all further."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}/stream/live"
        self.connections: list[Connection] = []
        self.times: list[float] = []
        self.scripts: list[Callable[[Connection], None]] = []
        self._over = threading.Event()

    def start(self, *scripts: Callable[[Connection], None]) -> None:
        self.scripts = list(scripts)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                sock, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._handle, args=(sock,), daemon=True).start()

    def _handle(self, sock: socket.socket) -> None:
        connection = Connection(sock)
        self.times.append(time.monotonic())
        self.connections.append(connection)
        number = min(len(self.connections), len(self.scripts)) - 1
        try:
            self.scripts[number](connection)
        except OSError:
            pass

    def hold(self, _: Connection) -> None:
        """Keep the connection open and say nothing."""
        self._over.wait(PATIENCE)

    def close(self) -> None:
        self._over.set()
        self._server.close()


@pytest.fixture(name="platform")
def _platform() -> Iterator[Platform]:
    platform = Platform()
    yield platform
    platform.close()


@pytest.fixture(name="read")
def _read(platform: Platform) -> Iterator[Callable[..., StreamReader]]:
    readers = []

    def start(timeout: float = 5.0, **more: Any) -> StreamReader:
        request = StreamRequest(platform.url, {"x-token": "t"}, None, {}, timeout)
        reader = StreamReader(request, "0-0", told.append, **more)
        reader.start()
        readers.append(reader)
        return reader

    told: list[str | None] = []
    start.told = told  # type: ignore[attr-defined]
    yield start
    for reader in readers:
        reader.stop()
        reader.join(PATIENCE)
        assert not reader.is_alive()


def taken(reader: StreamReader, count: int) -> list[Frame]:
    frames: list[Frame] = []
    deadline = time.monotonic() + PATIENCE
    while len(frames) < count:
        assert time.monotonic() < deadline, f"{len(frames)} of {count} only"
        frames += reader.take(0.2)
    return frames


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def ids(frames: list[Frame]) -> list[str]:
    return [frame.id for frame in frames]


def test_a_reset_in_the_middle_of_a_frame(platform: Platform, read: Any) -> None:
    def first(connection: Connection) -> None:
        connection.send(CHUNKED)
        connection.event(1)
        connection.event(2)
        # The listener has what came before the reset.
        until(lambda: len(frames) == 2)
        connection.chunk(frame(3)[:-5])
        connection.reset()

    def second(connection: Connection) -> None:
        connection.send(CHUNKED)
        connection.event(3)
        platform.hold(connection)

    frames: list[Frame] = []
    platform.start(first, second)
    reader = read()
    deadline = time.monotonic() + PATIENCE
    while len(frames) < 3 and time.monotonic() < deadline:
        frames += reader.take(0.1)
    assert ids(frames) == ["1-0", "2-0", "3-0"]
    assert [c.headers["last-event-id"] for c in platform.connections] == ["0-0", "2-0"]
    assert platform.connections[0].headers["x-token"] == "t"
    problem = read.told[1]
    assert read.told == [None, problem, None]
    assert problem.startswith("the stream broke: ")


@pytest.mark.parametrize("head", [CHUNKED, PLAIN])
def test_silence(platform: Platform, read: Any, head: bytes) -> None:
    def silent(connection: Connection) -> None:
        connection.send(head)
        data = frame(len(platform.connections))
        if head is CHUNKED:
            connection.chunk(data)
        else:
            connection.send(data)
        platform.hold(connection)

    platform.start(silent)
    reader = read(timeout=0.3)
    assert ids(taken(reader, 2)) == ["1-0", "2-0"]
    assert read.told[1].startswith("the stream was silent for 0.3 s")


def test_the_platform_ends_the_stream(platform: Platform, read: Any) -> None:
    def brief(connection: Connection) -> None:
        connection.send(CHUNKED)
        connection.chunk(b"retry: 50\nevent: connected\ndata: {}\n\n")
        connection.event(len(platform.connections))
        connection.send(b"0\r\n\r\n")
        connection.close()

    platform.start(brief)
    reader = read()
    frames = taken(reader, 8)
    assert [f.id for f in frames if f.id][:4] == ["1-0", "2-0", "3-0", "4-0"]
    assert "the platform has ended the stream; connecting again in 0.05 s" in read.told


def test_pauses_grow_while_nothing_comes(platform: Platform, read: Any) -> None:
    def refuse(connection: Connection) -> None:
        connection.send(
            b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
        )
        connection.close()

    platform.start(refuse)
    read()
    until(lambda: len(platform.times) >= 4)
    gaps = [b - a for a, b in zip(platform.times, platform.times[1:], strict=False)]
    assert gaps[0] >= 0.4 and gaps[1] >= 0.9 and gaps[2] >= 1.9
    assert read.told[0].startswith("the platform is not available at the moment")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", "is stopped"),
        (b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", "refuses the live stream"),
        (
            b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n",
            "not an OpenCTI API",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi",
            "no live stream .it sends text/html",
        ),
        (b"\r\n\r\n", ""),
    ],
)
def test_what_is_no_stream(
    platform: Platform, read: Any, answer: bytes, words: str
) -> None:
    def refuse(connection: Connection) -> None:
        connection.send(answer)
        connection.close()

    def stream(connection: Connection) -> None:
        connection.send(CHUNKED)
        connection.event(1)
        platform.hold(connection)

    platform.start(refuse, stream)
    assert ids(taken(read(), 1)) == ["1-0"]
    assert re.search(words, read.told[0])


def test_nobody_is_there(read: Any, platform: Platform) -> None:
    platform.close()
    read()
    until(lambda: bool(read.told))
    assert read.told[0].startswith("the connection was refused")


def test_no_more_is_read_ahead_than_allowed(platform: Platform, read: Any) -> None:
    sent: list[int] = []

    def flood(connection: Connection) -> None:
        connection.send(CHUNKED)
        for number in range(1, 20_001):
            connection.event(number, 10_000)
            sent.append(number)
        platform.hold(connection)

    platform.start(flood)
    reader = read(read_ahead=100_000)
    time.sleep(1)
    # What is more is in the buffers of the network: some megabytes.
    assert len(sent) < 3_000
    frames = taken(reader, 20_000)
    assert ids(frames) == [f"{number}-0" for number in range(1, 20_001)]


def test_stopping_wakes_a_reader_that_waits(platform: Platform, read: Any) -> None:
    def stream(connection: Connection) -> None:
        connection.send(CHUNKED)
        connection.event(1)
        platform.hold(connection)

    platform.start(stream)
    reader = read(timeout=PATIENCE)
    taken(reader, 1)
    reader.stop()
    reader.join(5)
    assert not reader.is_alive()


def test_stopping_wakes_a_reader_that_cannot_put(platform: Platform, read: Any) -> None:
    def flood(connection: Connection) -> None:
        connection.send(CHUNKED)
        for number in range(1, 2_001):
            connection.event(number, 10_000)

    platform.start(flood)
    reader = read(read_ahead=10)
    time.sleep(0.3)
    reader.stop()
    reader.join(5)
    assert not reader.is_alive()

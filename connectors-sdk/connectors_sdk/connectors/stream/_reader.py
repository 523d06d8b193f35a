"""Reading the live stream: connects, notices silence, connects again, and goes on where it stood.

Not pycti's `listen_stream`: that ends the process on any failure, moves the position with every heartbeat, past events
that no target has accepted yet, and prints to stdout. See `docs/decisions`.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

import requests
from urllib3.exceptions import HTTPError

from connectors_sdk.connectors._causes import describe, describe_status
from connectors_sdk.connectors.stream._frames import Frame, FrameParser

_CONNECT_TIMEOUT = 10.0
_PIECE = 64 * 1024
_LONGEST_PAUSE = 30.0
# When the platform does not say how long to wait before connecting again, seconds.
_FIRST_PAUSE = 0.5
_LEAST_PAUSE = 0.05
# Read ahead of what the target accepts, bytes.
_READ_AHEAD = 32 * 1024 * 1024


@dataclass(frozen=True)
class StreamRequest:
    """What the platform is asked for.

    Attributes:
        url: of the stream.
        headers: with the token and the wishes.
        recover_until: the date up to which objects are told as they are.
        options: `verify`, `cert` and `proxies` as `requests` takes them.
        timeout: seconds of silence after which the connection counts as broken.
    """

    url: str
    headers: Mapping[str, str]
    recover_until: str | None
    options: Mapping[str, Any]
    timeout: float


class _Buffer:
    """Hands frames from one thread to another; holds a limited number of bytes."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._frames: deque[Frame] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._closed = False

    def put(self, frames: list[Frame]) -> None:
        """Add frames; wait while there is no room."""
        size = sum(len(frame.data) for frame in frames)
        with self._changed:
            self._changed.wait_for(lambda: self._bytes < self._most or self._closed)
            self._frames.extend(frames)
            self._bytes += size
            self._changed.notify_all()

    def take(self, timeout: float) -> list[Frame]:
        """Return what is there, after at most so many seconds."""
        with self._changed:
            if not self._frames:
                self._changed.wait_for(lambda: self._frames or self._closed, timeout)
            taken = list(self._frames)
            self._frames.clear()
            self._bytes = 0
            self._changed.notify_all()
        return taken

    def close(self) -> None:
        """Let whoever waits go on."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class StreamReader(threading.Thread):
    """Reads until it is stopped. Frames come out of `take`, in their order."""

    def __init__(
        self,
        request: StreamRequest,
        position: str,
        tell: Callable[[str | None], None],
        read_ahead: int = _READ_AHEAD,
    ) -> None:
        """Prepare to read.

        Args:
            request: what the platform is asked for.
            position: the last event that is known.
            tell: called from the reading thread with a problem in words, or with None when there is none any longer.
            read_ahead: about how many bytes are read ahead of `take`.
        """
        super().__init__(name="stream-reader", daemon=True)
        self._request = request
        self._position = position
        self._tell = tell
        self._buffer = _Buffer(read_ahead)
        self._stopped = threading.Event()
        self._response: requests.Response | None = None
        self._pause = self._first_pause = _FIRST_PAUSE
        self._is_well = False

    def take(self, timeout: float) -> list[Frame]:
        """Return the frames that have come; wait at most `timeout` seconds for the first."""
        return self._buffer.take(timeout)

    def stop(self) -> None:
        """Let the thread end soon; nothing is handed out any longer."""
        self._stopped.set()
        self._buffer.close()
        response = self._response
        if response is not None:
            try:
                # Wakes the thread out of its waiting for the network.
                response.raw.shutdown()
            except (ValueError, RuntimeError, OSError):
                pass

    def run(self) -> None:
        """Read; on any failure pause and go on after the last event that came."""
        with requests.Session() as session:
            while not self._stopped.is_set():
                problem = self._attempt(session)
                if self._stopped.is_set():
                    return
                self._is_well = False
                self._tell(f"{problem}; connecting again in {self._pause:.3g} s")
                self._stopped.wait(self._pause)
                self._pause = min(2 * self._pause, _LONGEST_PAUSE)

    def _attempt(self, session: requests.Session) -> str:
        """Connect and read until that ends; return why it ended."""
        request = self._request
        try:
            response = session.get(
                request.url,
                params=(
                    {"recover": request.recover_until} if request.recover_until else {}
                ),
                headers={**request.headers, "Last-Event-ID": self._position},
                stream=True,
                timeout=(_CONNECT_TIMEOUT, request.timeout),
                allow_redirects=False,
                **request.options,
            )
        except (requests.RequestException, OSError) as error:
            return describe(error)
        with response:
            problem = _refusal(response)
            if problem:
                return problem
            self._response = response
            try:
                self._read(response)
            except (HTTPError, HTTPException, requests.RequestException) as error:
                return self._broken(error)
            except (OSError, ValueError) as error:
                # `ValueError`: closed from outside while being read.
                return self._broken(error)
            finally:
                self._response = None
        return "the platform has ended the stream"

    def _broken(self, error: Exception) -> str:
        if "timed out" in str(error).lower():
            return f"the stream was silent for {self._request.timeout:.3g} s"
        return f"the stream broke: {describe(error)}"

    def _read(self, response: requests.Response) -> None:
        parser = FrameParser()
        for piece in _pieces(response):
            if self._stopped.is_set():
                return
            frames = parser.feed(piece)
            if not frames:
                continue
            for frame in frames:
                if frame.retry is not None:
                    self._first_pause = max(frame.retry / 1000, _LEAST_PAUSE)
                if frame.id:
                    # A frame that says where it stands is the proof that the stream works.
                    self._position = frame.id
                    self._pause = self._first_pause
                    if not self._is_well:
                        self._is_well = True
                        self._tell(None)
            self._buffer.put(frames)


def _pieces(response: requests.Response) -> Iterator[bytes]:
    """Yield the body as it comes, waiting for no more than the next byte."""
    raw = response.raw
    if raw.chunked:
        # Three times as fast as `read1`.
        yield from raw.stream(_PIECE, decode_content=True)
        return
    while piece := raw.read1(_PIECE, decode_content=True):
        yield piece


def _refusal(response: requests.Response) -> str | None:
    """Return why an answer is no stream, None when it is one."""
    status = response.status_code
    if status == 410:
        return "the live stream is stopped on the platform (HTTP 410)"
    if status in (401, 403):
        return f"the platform refuses the live stream: unknown, or not for this token (HTTP {status})"
    kind = response.headers.get("Content-Type", "")
    if status == 200 and not kind.startswith("text/event-stream"):
        return f"what answers is no live stream (it sends {kind or 'something'})"
    return describe_status(status)

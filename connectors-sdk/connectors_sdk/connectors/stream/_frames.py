"""Server-sent events: bytes in, frames out.

Source: HTML standard, section 9.2.6 (interpreting an event stream).
"""

from typing import NamedTuple


class Frame(NamedTuple):
    """One frame.

    Attributes:
        event: its kind; `message` when it names none.
        id: its id, empty when it has none.
        data: its lines of data.
        retry: how long to wait before connecting again, milliseconds; None when it does not say.
    """

    event: str
    id: str
    data: bytes
    retry: int | None = None


class FrameParser:
    """Cuts a body into frames, however the network cuts it into pieces."""

    def __init__(self) -> None:
        """Begin before the first frame."""
        # What came since the last complete frame. Joined once: a frame may be as large as a report with 100,000
        # references, and come in pieces of some kilobytes.
        self._parts: list[bytes] = []
        self._last = b""

    def feed(self, piece: bytes) -> list[Frame]:
        """Take the next piece of the body; return the frames that it completes."""
        ended_a_line = self._last in (b"\n", b"\r")
        if self._last == b"\r" and piece.startswith(b"\n"):
            # The other half of a line's end.
            piece = piece[1:]
            self._last = b"\n"
        if not piece:
            return []
        self._last = piece[-1:]
        if b"\r" in piece:
            piece = piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        self._parts.append(piece)
        if b"\n\n" not in piece and not (ended_a_line and piece.startswith(b"\n")):
            return []
        *blocks, rest = b"".join(self._parts).split(b"\n\n")
        self._parts = [rest]
        return [frame for frame in map(_frame, blocks) if frame is not None]


def _frame(block: bytes) -> Frame | None:
    """Read the lines of a frame; None when it holds only comments."""
    event = event_id = ""
    data: bytes | None = None
    retry = None
    found = False
    for line in block.split(b"\n"):
        name, _, value = line.partition(b":")
        if value[:1] == b" ":
            value = value[1:]
        if name == b"data":
            data = value if data is None else data + b"\n" + value
        elif name == b"event":
            event = value.decode("utf-8", "replace")
        elif name == b"id":
            # The standard ignores ids that hold a NUL.
            event_id = "" if b"\0" in value else value.decode("utf-8", "replace")
        elif name == b"retry":
            retry = int(value) if value.isdigit() else None
        else:
            continue
        found = True
    return Frame(event or "message", event_id, data or b"", retry) if found else None

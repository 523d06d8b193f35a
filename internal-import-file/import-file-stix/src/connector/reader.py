"""From a file of any size to the raw objects in it, one at a time: a bundle, a list or a single object, gzip or not."""

import gzip
import sys
import zlib
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import ijson
import orjson

from connectors_sdk.connectors.internal_import_file import UnreadableFile

MEGA = 1_000_000
_BOM = b"\xef\xbb\xbf"
_BLANK = b" \t\r\n"
# What is not in a bundle is read as a whole.
_MOST_ALONE = 64 * MEGA
_KINDS = {
    b"\x1f\x8b": "packed twice",
    b"PK\x03\x04": "a zip archive",
    b"BZh": "packed with bzip2",
    b"\xfd7zXZ": "packed with xz",
    b"%PDF": "a PDF document",
    b"\xff\xfe": "text in UTF-16, which JSON is not",
    b"\xfe\xff": "text in UTF-16, which JSON is not",
    b"<": "XML or HTML; STIX 1 has to be converted to STIX 2.1 first",
}
_DEEPEST = 500
# The time for a long text grows with the square of the parts in which it comes.
_PART = 1 << 18
_NO_BRACKETS = bytes(one for one in range(256) if one not in b"[]{}")
_LARGEST_FLOAT = Decimal(sys.float_info.max)
_INTEGERS = (-(2**63), 2**64 - 1)
_DAMAGED = (ijson.JSONError, EOFError, OSError, zlib.error, UnicodeDecodeError)

_NO_LIST = "the objects of its bundle are no list"
_LINES = "it has one object per line; a list or a bundle of them is wanted"


class _Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes:
        """Return at most so many bytes."""


class _Nesting:
    """Knows how deep JSON is nested: the time that it takes to parse it grows with the square of that."""

    def __init__(self) -> None:
        self._depth = 0
        self._in_string = False
        self._rest = b""

    def follow(self, content: bytes) -> None:
        """Take the next part. Raises: UnreadableFile, when it goes deeper than it may."""
        content = self._rest + content
        cut = len(content) - len(content.rstrip(b"\\"))
        # Half an escape at the end belongs to the next part.
        self._rest = content[-1:] if cut % 2 else b""
        content = content[:-1] if cut % 2 else content
        parts = content.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')
        outside = b"".join(parts[self._in_string :: 2])
        self._in_string ^= len(parts) % 2 == 0
        brackets = outside.translate(None, _NO_BRACKETS)
        for _ in range(_DEEPEST):
            shorter = brackets.replace(b"[]", b"").replace(b"{}", b"")
            if len(shorter) == len(brackets):
                break
            brackets = shorter
        opened = brackets.count(b"[") + brackets.count(b"{")
        if self._depth + opened > _DEEPEST:
            raise UnreadableFile(f"it is nested more than {_DEEPEST} levels deep")
        self._depth += 2 * opened - len(brackets)


class _Limited:
    """Reads no more than so many bytes: what is packed may be a thousand times bigger than the file."""

    def __init__(
        self, stream: _Readable, most_mb: int, left: int, start: bytes
    ) -> None:
        self._stream, self._left, self.start = stream, left, start
        self._words = f"unpacked it is bigger than the limit of {most_mb} MB"
        self._nesting = _Nesting()

    def read(self, size: int = -1, /) -> bytes:
        """See `io.RawIOBase`. Raises: UnreadableFile, beyond the limit."""
        if not size:
            return b""
        if self.start:
            content, self.start = self.start, b""
        else:
            content = self._stream.read(size)
            self._left -= len(content)
        if self._left < 0:
            raise UnreadableFile(self._words)
        self._nesting.follow(content)
        return content


def objects_of(path: Path, most_mb: int) -> Iterator[Any]:
    """Yield what stands in a file where STIX objects belong; what it is has yet to be looked at.

    Args:
        path: of the file.
        most_mb: how big it may be when it is unpacked.

    Raises:
        UnreadableFile: it is something else, or damaged, with the reason.
    """
    count = 0
    try:
        with path.open("rb") as file:
            kind = _kind(_opened(file, most_mb))
            file.seek(0)
            prefix = {"list": "item", "bundle": "objects.item"}.get(kind, "")
            most = most_mb if prefix else min(most_mb, _MOST_ALONE // MEGA)
            stream = _opened(file, most)
            for one in ijson.items(stream, prefix, buf_size=_PART):
                count += 1
                yield from _unbundled(one)
            if kind == "bundle" and not count:
                file.seek(0)
                _check_empty(_opened(file, most))
    except _DAMAGED as error:
        if _is_lines(path, most_mb):
            raise UnreadableFile(_LINES) from error
        where = f" after {count} objects" if count else ""
        raise UnreadableFile(
            f"it is damaged or cut off{where}: {_words(error)}"
        ) from error


def _check_empty(stream: _Limited) -> None:
    for prefix, event, _ in ijson.parse(stream, buf_size=_PART):
        if prefix == "objects" and event not in ("start_array", "end_array", "null"):
            raise UnreadableFile(_NO_LIST)


def _is_lines(path: Path, most_mb: int) -> bool:
    """Whether the first line of a file is an object of its own, and the second begins another."""
    try:
        with path.open("rb") as file:
            first, _, rest = _opened(file, most_mb).start.partition(b"\n")
        return isinstance(orjson.loads(first), dict) and rest.lstrip()[:1] == b"{"
    except (UnreadableFile, ValueError, *_DAMAGED):
        return False


def _words(error: Exception) -> str:
    """Return what the parser says, without the part of the file that it quotes."""
    first = error.args[0] if error.args else ""
    # So it is where the part has bytes that are no text.
    text = first.decode(errors="replace") if isinstance(first, bytes) else str(error)
    return (text.strip().splitlines() or [type(error).__name__])[0]


def plain_numbers(value: Any) -> str:
    """Make floats of the numbers that the reader gave exactly; return why they cannot be written, empty when they can.

    Args:
        value: what stood in the file; changed in place.
    """
    too_big = None
    holders = [value]
    while holders:
        holder = holders.pop()
        if isinstance(holder, dict):
            pairs: Iterable[tuple[Any, Any]] = holder.items()
        elif isinstance(holder, list):
            pairs = enumerate(holder)
        else:
            continue
        for key, one in pairs:
            kind = type(one)
            if kind is dict or kind is list:
                holders.append(one)
            elif kind is Decimal and abs(one) <= _LARGEST_FLOAT:
                holder[key] = float(one)
            elif kind is Decimal or (
                kind is int and not _INTEGERS[0] <= one <= _INTEGERS[1]
            ):
                too_big = key
    return "" if too_big is None else f"{too_big} is a number that is too big"


def _unbundled(one: Any) -> Iterator[Any]:
    """Yield an object, or those of a bundle in a list."""
    if not isinstance(one, dict) or one.get("type") != "bundle":
        yield one
        return
    found = one.get("objects")
    if found is not None and not isinstance(found, list):
        raise UnreadableFile(_NO_LIST)
    yield from found or ()


def _opened(file: BinaryIO, most_mb: int) -> _Limited:
    """Return the unpacked content, from the first character that is not blank."""
    packed = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    stream: Any = gzip.GzipFile(fileobj=file) if packed else file
    start, most = b"", most_mb * MEGA
    while not start:
        content = stream.read(65536)
        most -= len(content)
        if not content:
            raise UnreadableFile("there is nothing in it")
        start = content.removeprefix(_BOM).lstrip(_BLANK)
    return _Limited(stream, most_mb, most, start)


def _kind(stream: _Limited) -> str:
    """Return what JSON a file is: `list`, `bundle`, or a `single` object."""
    start = stream.start
    for magic, words in _KINDS.items():
        if start.startswith(magic):
            raise UnreadableFile(f"it is {words}")
    if start.startswith(b"["):
        return "list"
    if not start.startswith(b"{"):
        raise UnreadableFile("it is no JSON")
    # A STIX 2.0 observation has `objects` as well: the type decides, or else that they are a list.
    for prefix, event, value in ijson.parse(stream, buf_size=_PART):
        if prefix == "type":
            return "bundle" if value == "bundle" else "single"
        if prefix == "objects" and event == "start_array":
            return "bundle"
    return "single"


def described(one: Any) -> str:
    """Return what something is that is no STIX, as far as that can be told."""
    if isinstance(one, dict) and isinstance(one.get("Event"), dict):
        return "it is a MISP event; MISP exports STIX 2.1 as well"
    keys = ", ".join(map(repr, list(one)[:5])) if isinstance(one, dict) else ""
    return f"it is JSON{' with ' if keys else ''}{keys}, but holds no STIX objects"

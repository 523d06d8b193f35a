"""Read records out of bodies bigger than memory: JSON arrays, JSON lines, CSV.

At no time is more held than a piece of 64 KiB and the records in it.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import ijson
import orjson

from connectors_sdk.client.download import (
    MAX_DOWNLOAD_BYTES,
    DownloadedFile,
    open_file,
)
from connectors_sdk.client.exceptions import (
    ApiDecodeError,
    ApiJsonDecodeError,
    ApiTooLargeError,
    ApiTruncatedError,
)
from connectors_sdk.client.unpack import CHUNK_BYTES, ChunkReader

MAX_LINE_BYTES = 64 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"

Source = DownloadedFile | Path | BinaryIO | Iterable[bytes]


@dataclass(frozen=True)
class BadRecord:
    """A record that cannot be read.

    Args:
        line: Number of its (first) line, from 1.
        raw: The record as it came.
        reason: Why it cannot be read.
    """

    line: int
    raw: str
    reason: str


@dataclass(frozen=True)
class StreamOptions:
    """How the client reads a body record by record.

    Args:
        spool: Download the body to a temporary file first. A download that breaks off can be started again, and the
            source's connection is not held open while records are worked on. False: read the connection directly;
            records are there sooner, but a connection that breaks is an error in the middle.
        max_bytes: Biggest body accepted, packed and unpacked; None for no limit.
        directory: Where to put the temporary file; None: the system's place for such files.
    """

    spool: bool = True
    max_bytes: int | None = MAX_DOWNLOAD_BYTES
    directory: Path | None = None


OnBad = Callable[[BadRecord], None] | None


def chunks_of(source: Source) -> Iterator[bytes]:
    """Yield a source in pieces: a download, a file (unpacked when gzip), a binary stream, or pieces."""
    if isinstance(source, DownloadedFile):
        yield from source.chunks()
    elif isinstance(source, Path):
        with open_file(source) as stream:
            yield from chunks_of(stream)
    elif isinstance(source, io.IOBase) or hasattr(source, "read"):
        while piece := source.read(CHUNK_BYTES):
            yield piece
    else:
        yield from filter(None, source)


def _without_bom(chunks: Iterator[bytes]) -> Iterator[bytes]:
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= len(_BOM):
            break
    if head := head.removeprefix(_BOM):
        yield head
    yield from chunks


# --- JSON arrays -------------------------------------------------------------------------------------------------------


def iter_json_array(
    source: Source, path: str = "", *, decimals: bool = False
) -> Iterator[Any]:
    """Yield the items of an array inside a JSON document, one by one.

    Args:
        source: See `chunks_of`.
        path: Where the array is: keys joined by dots (`data.items`); "" when the document is the array.
        decimals: Return numbers with a fraction as `Decimal`. Without, they are floats, and a number beyond 64 bits is
            an error.

    Raises:
        ApiDecodeError: There is no array at `path`.
        ApiJsonDecodeError: The document is not valid JSON. Items before the fault have been yielded.
        ApiTruncatedError: The document ends before it is complete.
    """
    items = ijson.sendable_list()
    parser = ijson.items_coro(
        items, f"{path}.item" if path else "item", use_float=not decimals
    )
    search: _ArraySearch | None = _ArraySearch(path)
    try:
        for chunk in _without_bom(chunks_of(source)):
            if search is not None and search.finds(chunk):
                search = None
            parser.send(chunk)
            yield from items
            items.clear()
    except ijson.JSONError as error:
        reason = _first_line(error)
        failure: ApiDecodeError | ApiTruncatedError = ApiJsonDecodeError(
            f"The document is not valid JSON ({reason}). "
            "Check the address: a login page or a proxy may have answered."
        )
    else:
        try:
            parser.close()
            if search is None:
                return
            failure = search.failure()
        except ijson.JSONError:
            failure = ApiTruncatedError(
                "The JSON document ends before it is complete. Get it again."
            )
    raise failure


class _ArraySearch:
    """Tells whether a document has an array at a path; the item parser alone would be silent about its absence."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._events = ijson.sendable_list()
        self._parser = ijson.parse_coro(self._events)
        self._found = ""

    def finds(self, chunk: bytes) -> bool:
        """Read on; return whether the array (or null in its place) was met."""
        self._parser.send(chunk)
        for prefix, event, _ in self._events:
            if prefix == self._path and event in ("start_array", "null"):
                return True
            if prefix == self._path and not event.startswith(("end", "map_key")):
                self._found = event.removeprefix("start_")
        self._events.clear()
        return False

    def failure(self) -> ApiDecodeError:
        """Return the error for a document without the array."""
        place = f"under {self._path!r}" if self._path else "at the top"
        found = {"map": "an object", "": "nothing"}.get(self._found, f"a {self._found}")
        return ApiDecodeError(
            f"The JSON document has no array {place}, but {found}. "
            "Check the address, and whether the source has changed its format."
        )


def _first_line(error: Exception) -> str:
    text = error.args[0] if error.args else ""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    # Further lines quote the document.
    return str(text).strip().partition("\n")[0]


# --- JSON lines --------------------------------------------------------------------------------------------------------


def iter_json_lines(
    source: Source, *, on_bad: OnBad = None, max_line_bytes: int = MAX_LINE_BYTES
) -> Iterator[Any]:
    """Yield the values of a document with one JSON value per line; empty lines are skipped.

    Args:
        source: See `chunks_of`.
        on_bad: Gets each line that is not JSON, and the rest goes on; None: the first one is an error.
        max_line_bytes: Longest line accepted.

    Raises:
        ApiJsonDecodeError: A line is not JSON.
        ApiTruncatedError: The last line breaks off.
        ApiTooLargeError: A line is longer than `max_line_bytes`.
    """
    for number, line, whole in _lines(source, max_line_bytes):
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            reason = error.msg
        else:
            yield value
            continue
        if not whole:
            raise ApiTruncatedError(
                f"The document breaks off in line {number}. Get it again."
            )
        _bad_record(
            BadRecord(number, line.decode("utf-8", "replace"), reason),
            on_bad,
            ApiJsonDecodeError,
        )


def _lines(source: Source, max_line_bytes: int) -> Iterator[tuple[int, bytes, bool]]:
    """Yield the number of each non-empty line, the line, and whether it is terminated."""
    number = 0
    rest: list[bytes] = []
    size = 0
    for chunk in _without_bom(chunks_of(source)):
        *lines, tail = chunk.split(b"\n")
        for line in lines:
            number += 1
            text = b"".join([*rest, line]).strip()
            rest, size = [], 0
            if text:
                yield number, text, True
        rest.append(tail)
        size += len(tail)
        if size > max_line_bytes:
            raise ApiTooLargeError(
                f"Line {number + 1} is longer than the limit of {max_line_bytes} bytes. "
                "Check that the document has one value per line."
            )
    text = b"".join(rest).strip()
    if text:
        yield number + 1, text, False


def _bad_record(record: BadRecord, on_bad: OnBad, error: type[ApiDecodeError]) -> None:
    if on_bad is None:
        raise error(
            f"Line {record.line} cannot be read: {record.reason}. "
            "Tell the source, or set such records aside (`on_bad`)."
        )
    on_bad(record)


# --- CSV ---------------------------------------------------------------------------------------------------------------


def iter_csv(
    source: Source,
    *,
    fieldnames: Sequence[str] | None = None,
    comment: str | None = "#",
    encoding: str = "utf-8",
    on_bad: OnBad = None,
    max_field_chars: int = 16 * 1024 * 1024,
    **dialect: Any,
) -> Iterator[dict[str, str]]:
    """Yield the rows of a CSV document as dictionaries; empty lines are skipped.

    Args:
        source: See `chunks_of`.
        fieldnames: Names of the columns; None: the first row names them.
        comment: Lines that begin with it are skipped; None: there are none.
        encoding: Of the text; a byte order mark is skipped.
        on_bad: Gets each row that has another number of columns, broken quotes or undecodable bytes, and the rest goes
            on; None: the first one is an error.
        max_field_chars: Longest field accepted.
        dialect: Passed on to `csv.reader` (`delimiter`, `quotechar`, `skipinitialspace`, ...).

    Raises:
        ApiDecodeError: A row is bad.
        ApiTruncatedError: The document ends inside a quoted field.
    """
    # A setting of the whole process, so it is only ever raised.
    csv.field_size_limit(max(csv.field_size_limit(), max_field_chars))
    names = list(fieldnames) if fieldnames is not None else None
    with io.BufferedReader(
        ChunkReader(_without_bom(chunks_of(source))), CHUNK_BYTES
    ) as stream:
        # Undecodable bytes become lone surrogates, by which the row they are in is recognised.
        text = io.TextIOWrapper(stream, encoding, errors="surrogateescape", newline="")
        lines = _CsvLines(text, comment, dialect.get("quotechar", '"'))
        rows = csv.reader(lines, strict=True, **dialect)
        while True:
            lines.begin_record()
            reason = ""
            row: list[str] = []
            try:
                row = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                if lines.exhausted:
                    raise ApiTruncatedError(
                        f"The CSV document ends inside a quoted field that begins in line {lines.first}. Get it again."
                    ) from None
                reason = str(error)
            if not reason and not row:
                continue
            reason = reason or lines.undecodable()
            if not reason and names is None:
                names = row
                continue
            if not reason and len(row) != len(names or ()):
                reason = f"it has {len(row)} columns instead of {len(names or ())}"
            if reason:
                _bad_record(
                    BadRecord(lines.first, lines.raw(), reason), on_bad, ApiDecodeError
                )
            else:
                yield dict(zip(names or (), row, strict=True))


class _CsvLines:
    """The lines of a CSV text without comments, and those of the present record."""

    def __init__(
        self, text: Iterable[str], comment: str | None, quote: str | None
    ) -> None:
        self._lines = iter(text)
        self._comment = comment
        self._quote = quote
        self._number = 0
        self._record: list[str] = []
        self.exhausted = False
        self.first = 1

    def begin_record(self) -> None:
        """Forget the lines of the former record."""
        self._record = []
        self.first = self._number + 1

    def __iter__(self) -> "_CsvLines":
        return self

    def __next__(self) -> str:
        """Return the next line that is data."""
        for line in self._lines:
            self._number += 1
            # A line that goes on with a record (a quoted line break) is data whatever it begins with.
            if not self._record:
                self.first = self._number
                if self._comment and line.startswith(self._comment):
                    continue
            self._record.append(line)
            return line
        self.exhausted = True
        raise StopIteration

    def raw(self) -> str:
        """Return the lines of the present record as they came."""
        text = "".join(self._record).rstrip("\r\n")
        return text.encode("utf-8", "replace").decode("utf-8")

    def undecodable(self) -> str:
        """Return what is wrong with the encoding of the present record, or ""."""
        for line in self._record:
            if not line.isascii():
                try:
                    line.encode("utf-8")
                except UnicodeEncodeError:
                    return "it holds bytes that are not text in the document's encoding"
        return ""

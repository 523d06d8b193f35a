"""Records that could not be processed: set aside on disk with the reason, to be looked at and replayed.

Used by all types: bad records of imports, dead letters of streams, invalid objects of files.

The file holds one JSON document a line; of several lines with the same id the last one counts. Setting a record aside
appends a line, so that a killed process loses nothing that was set aside. The connector and the command line may use it
at the same time: a lock file keeps them apart.
"""

import fcntl
import hashlib
import json
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple

import orjson

from connectors_sdk import clock
from connectors_sdk.connectors._private_files import make_private

_FILE = "quarantine.jsonl"
_LONGEST_REASON = 2000
# The file is rewritten when this many lines more than needed have gathered.
_SLACK = 1000

# Why a record is forgotten: there are too many, they are too big together, or it is too old.
Limit = Literal["count", "size", "age"]


@dataclass(frozen=True, slots=True)
class QuarantinedRecord:
    """One record that was set aside.

    Attributes:
        id: of the record: the same content set aside for the same purpose has the same id.
        kind: what it is: `record` of a source, `event` of a stream, `object` of a file.
        mapper: what could not process it.
        reason: why not, in words, without secrets.
        raw: the record, JSON-ready.
        first: when it was set aside first, ISO 8601.
        last: when it was set aside last.
        times: how often it was set aside.
        details: what else helps to understand or replay it, JSON-ready.
    """

    id: str
    kind: str
    mapper: str
    reason: str
    raw: Any
    first: str
    last: str
    times: int = 1
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of a replay: ids of records that went through now, and of those that did not, with the reason."""

    done: tuple[str, ...]
    failed: dict[str, str]


class _Line(NamedTuple):
    """Where a record stands in the file, and what is needed of it without reading it."""

    offset: int
    length: int
    first: str
    last: str
    times: int


class Quarantine:
    """The records of one connector that were set aside. Only where they stand is kept in memory.

    Attributes:
        redact: takes secrets out of reasons.
        dropped: how many records were forgotten since this object was made, by the limit because of which.
        on_dropped: told of each limit because of which records were just forgotten.
    """

    def __init__(
        self,
        folder: Path,
        *,
        max_records: int = 10_000,
        max_age: timedelta = timedelta(days=30),
        max_bytes: int = 500_000_000,
    ) -> None:
        """Bind a folder; it is made when the first record is set aside.

        Args:
            folder: where the file is kept.
            max_records: how many records are kept; the oldest go first.
            max_age: how long a record is kept after it was set aside last.
            max_bytes: how big the file may be; the oldest records go first.
        """
        self.redact: Callable[[str], str] = str
        self.dropped: Counter[Limit] = Counter()
        self.on_dropped: Callable[[Limit], None] = lambda limit: None
        self.max_records = max_records
        self._file = folder / _FILE
        self._max_age = max_age
        self._max_bytes = max_bytes
        self._index: dict[str, _Line] = {}
        # Inode and size of the file that the index stands for, and how many lines it has.
        self._seen = (0, 0)
        self._lines = 0

    def add(
        self,
        raw: Any,
        reason: str,
        *,
        mapper: str = "",
        kind: str = "record",
        **details: Any,
    ) -> QuarantinedRecord:
        """Set a record aside. Safe when the process is killed right after.

        Args:
            raw: the record as it came: anything that has a JSON form, a pydantic model, bytes, or an object of which
                its text is kept.
            reason: why it could not be processed, in words.
            mapper: what could not process it; needed for a replay.
            kind: what it is, see `QuarantinedRecord`.
            details: what else helps.

        Raises:
            OSError: the disk does not take it.
        """
        plain = orjson.loads(encode_raw(raw))
        content = encode_raw([kind, mapper, plain])
        record_id = hashlib.blake2b(content, digest_size=8).hexdigest()
        extra = orjson.loads(encode_raw(details))
        with self._locked():
            self._catch_up()
            record = self._dated(
                QuarantinedRecord(
                    record_id,
                    kind,
                    mapper,
                    self._words(reason),
                    plain,
                    first="",
                    last="",
                    details=extra,
                )
            )
            self._append(record)
            if (
                len(self._index) > self.max_records
                or self._lines > len(self._index) + _SLACK
                or self._seen[1] > self._max_bytes
            ):
                self._rewrite()
        return record

    def records(self) -> Iterator[QuarantinedRecord]:
        """Yield what is set aside, the oldest first. What is too old is forgotten here.

        Raises:
            OSError: the file cannot be read.
        """
        if not self._file.exists():
            return
        with self._locked():
            self._catch_up()
            if self._beyond_limits():
                self._rewrite()
            lines = list(self._index.values())
            # A file that is rewritten later stays readable as it was.
            # pylint: disable-next=consider-using-with
            file = open(self._file, "rb")
        with file:
            for line in lines:
                yield _decode(_read(file, line))

    def find(self, prefix: str) -> list[QuarantinedRecord]:
        """Return the records whose id begins so."""
        return [r for r in self.records() if r.id.startswith(prefix)]

    def remove(self, *record_ids: str) -> int:
        """Forget records; return how many there were."""
        if not self._file.exists():
            return 0
        with self._locked():
            self._catch_up()
            gone = [self._index.pop(record_id, None) for record_id in record_ids]
            if any(gone):
                self._rewrite()
        return sum(line is not None for line in gone)

    def replay(
        self,
        handle: Callable[[QuarantinedRecord], None],
        *record_ids: str,
    ) -> Replayed:
        """Process records again; those that go through are forgotten, the others stay with their new reason.

        Args:
            handle: processes a record: returns when that is done for good, raises when it cannot be done.
            record_ids: which records; by default all.
        """
        done: list[str] = []
        failed: dict[str, str] = {}
        for record in self.records():
            if record_ids and record.id not in record_ids:
                continue
            try:
                handle(record)
            # A record is here because of an error of any kind; another one must not keep the next from its turn.
            except Exception as error:  # pylint: disable=broad-exception-caught
                failed[record.id] = self._words(str(error) or repr(error))
                self._keep(replace(record, reason=failed[record.id]))
            else:
                done.append(record.id)
        self.remove(*done)
        return Replayed(tuple(done), failed)

    def __len__(self) -> int:
        if not self._file.exists():
            return 0
        with self._locked():
            self._catch_up()
            return len(self._index)

    def _words(self, reason: str) -> str:
        return " ".join(self.redact(reason).split())[:_LONGEST_REASON]

    def _dated(self, record: QuarantinedRecord) -> QuarantinedRecord:
        now = clock.now().isoformat(timespec="seconds")
        known = self._index.get(record.id)
        if known is None:
            return replace(record, first=now, last=now, times=1)
        return replace(record, first=known.first, last=now, times=known.times + 1)

    def _keep(self, record: QuarantinedRecord) -> None:
        with self._locked():
            self._catch_up()
            if record.id in self._index:
                self._append(self._dated(record))

    # -- the file ------------------------------------------------------------------------------------------------

    @contextmanager
    def _locked(self) -> Iterator[None]:
        guard = self._file.with_suffix(".lock")
        make_private(guard)
        with open(guard, "a", encoding="utf-8") as lock:
            before = self.dropped.copy()
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        # Whoever is told may ask how many there are: not before the file is free.
        for limit in self.dropped - before:
            self.on_dropped(limit)

    def _catch_up(self) -> None:
        """Bring the index up to what the file says: another process may have written."""
        try:
            status = os.stat(self._file)
        except FileNotFoundError:
            self._index, self._lines, self._seen = {}, 0, (0, 0)
            return
        inode, position = self._seen
        if inode != status.st_ino or position > status.st_size:
            self._index, self._lines, position = {}, 0, 0
        if position < status.st_size:
            with open(self._file, "rb") as file:
                file.seek(position)
                for line in file:
                    self._take(line, position)
                    position += len(line)
        self._seen = (status.st_ino, position)

    def _take(self, line: bytes, offset: int) -> None:
        self._lines += 1
        try:
            record = _decode(line)
        except (ValueError, TypeError, AttributeError):
            return  # the last line of a process that was killed while it wrote
        self._index.pop(record.id, None)
        self._index[record.id] = _Line(
            offset, len(line), record.first, record.last, record.times
        )

    def _append(self, record: QuarantinedRecord) -> None:
        line = encode_raw(asdict(record)) + b"\n"
        mode = os.O_RDWR | os.O_APPEND | os.O_CREAT
        with os.fdopen(os.open(self._file, mode, 0o600), "ab+") as file:
            end = file.seek(0, os.SEEK_END)
            if end:
                file.seek(end - 1)
                if file.read(1) != b"\n":  # half a line of a process that was killed
                    line = b"\n" + line
            file.write(line)
            file.flush()
            # Soon the source's position moves on, durably: what was set aside before has to be as durable.
            os.fsync(file.fileno())
        self._catch_up()

    def _beyond_limits(self) -> dict[str, Limit]:
        """Return what is too old or too much, and which of that it is."""
        oldest = (clock.now() - self._max_age).isoformat(timespec="seconds")
        beyond: dict[str, Limit] = {}
        kept = size = 0
        for record_id, line in reversed(self._index.items()):
            if line.last < oldest:
                beyond[record_id] = "age"
                continue
            size += line.length
            if kept >= self.max_records:
                beyond[record_id] = "count"
            elif kept and size > self._max_bytes:  # one stays, however big
                beyond[record_id] = "size"
            else:
                kept += 1
        return beyond

    def _rewrite(self) -> None:
        beyond = self._beyond_limits()
        kept = [line for name, line in self._index.items() if name not in beyond]
        descriptor, name = tempfile.mkstemp(dir=self._file.parent, prefix=f"{_FILE}.")
        try:
            with os.fdopen(descriptor, "wb") as new, open(self._file, "rb") as old:
                new.writelines(_read(old, line) for line in kept)
                new.flush()
                os.fsync(new.fileno())
            os.replace(name, self._file)
        except OSError:
            os.unlink(name)
            raise
        self.dropped.update(beyond.values())
        self._seen = (0, 0)
        self._catch_up()


def _read(file: BinaryIO, line: _Line) -> bytes:
    file.seek(line.offset)
    return file.read(line.length)


def _decode(line: bytes) -> QuarantinedRecord:
    content = orjson.loads(line)
    names = {f.name for f in fields(QuarantinedRecord)}
    return QuarantinedRecord(**{k: v for k, v in content.items() if k in names})


def encode_raw(value: Any) -> bytes:
    """Return a raw record as JSON: whatever has an obvious JSON form in that, anything else as its text.

    Half a character, which JSON can escape and UTF-8 cannot write, becomes the replacement character.
    """
    try:
        return orjson.dumps(value, default=_plain, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:
        text = json.dumps(value, default=_plain, ensure_ascii=False, skipkeys=True)
        whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return whole.encode()


def _plain(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).decode(errors="replace")
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    return str(value)

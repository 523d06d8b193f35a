"""Stops work before the container's memory is used up: with a sentence, where the kernel would use a hammer."""

import ctypes
import gc
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")
_STATUS = Path("/proc/self/status")
# Version 1 says "no limit" with a number close to 2^63.
_NO_LIMIT = 1 << 60
_INTERVAL = 0.25
# So long work may go on after it was told to stop, e.g. to close what is open, until it is told again.
_AGAIN = 10.0
MEGA = 1_000_000


class MemoryLimitError(BaseException):
    """Work was stopped because the memory is nearly used up.

    No `Exception`, like `KeyboardInterrupt`: it comes up anywhere, and code that outlives whatever goes wrong with a record
    must not outlive this.
    """

    def __init__(self, used: int = 0, limit: int = 0) -> None:
        figures = (
            f": {used // MEGA} MB of {limit // MEGA} MB are in use" if limit else ""
        )
        super().__init__(
            f"stopped before the memory ran out{figures}; give the container more memory, or let the connector hold "
            "less at once (pages instead of lists)"
        )


class MemoryFuse:
    """Watches the memory while work is under way.

    A container's limit bounds what the container uses, as its control group tells (versions 1 and 2; of the use, what
    the kernel can take back at any time does not count). A limit that is given bounds what the process itself uses:
    what else lives in the container is not its concern.

    Attributes:
        limit: the smaller of the two in bytes; None: there is none, and nothing is watched.
    """

    def __init__(
        self, limit: int | None = None, *, share: float = 0.9, root: Path = _CGROUP
    ) -> None:
        """Find out about the limit.

        Args:
            limit: in bytes, of this process; None: only that of the container counts, if there is one.
            share: of a limit that may be used.
            root: where control groups are found.
        """
        self._root = root
        container = container_limit(root)
        self._own_limit, self._container_limit = limit, container
        limits = [number for number in (limit, container) if number]
        self.limit = min(limits) if limits else None
        self._share = share
        # Whether the work under way was told to stop.
        self._told = threading.Event()

    @property
    def used(self) -> int:
        """Bytes in use now, of the limit that is nearest."""
        return self._fullest()[0]

    @property
    def is_blown(self) -> bool:
        """Whether more is in use than may be."""
        used, limit = self._fullest()
        return bool(limit) and used > self._share * limit

    def _fullest(self) -> tuple[int, int]:
        """Return use and limit where the use is nearest to its limit; a limit of 0: there is none."""
        own = process_memory()
        bounds = []
        if self._own_limit:
            bounds.append((own, self._own_limit))
        if self._container_limit:
            used = container_use(self._root) or 0
            bounds.append((max(used, own), self._container_limit))
        return max(bounds, key=lambda bound: bound[0] / bound[1], default=(own, 0))

    def _error(self) -> MemoryLimitError:
        return MemoryLimitError(*self._fullest())

    def check(self) -> None:
        """Make sure that the work under way was not told to stop: whoever writes the code may catch anything.

        To be called where the work would count as done: before something is sent, and before the state is saved.

        Raises:
            MemoryLimitError: it was, and goes on nevertheless.
        """
        if self._told.is_set():
            raise self._error()

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Watch over the work that this thread does inside the block.

        Raises:
            MemoryLimitError: in this thread, wherever it is (a call into C is waited for), when too much is in use; again
                when that is not heard; and at the latest at the end of the block.
        """
        if self.limit is None:
            yield
            return
        over = threading.Event()
        watcher = threading.Thread(
            target=self._watch,
            args=(threading.get_ident(), over),
            name="memory",
            daemon=True,
        )
        watcher.start()
        stopped: MemoryLimitError | None = None
        self._told.clear()
        try:
            try:
                yield
            finally:
                over.set()
                watcher.join()
        # Whatever the work made of it; only who ends the process ends it.
        # pylint: disable-next=broad-exception-caught
        except (Exception, MemoryLimitError) as error:
            over.set()
            if isinstance(error, Exception) and not self._told.is_set():
                raise
            stopped = self._error()
            # What the work held is still held by the frames of the traceback.
            traceback.clear_frames(error.__traceback__)
        if self._told.is_set():
            self._told.clear()
            stopped = stopped or self._error()
        if stopped is not None:
            gc.collect()
            raise stopped

    def _watch(self, thread: int, over: threading.Event) -> None:
        pause = _INTERVAL
        while not over.wait(pause):
            if not self.is_blown:
                continue
            gc.collect()
            if self.is_blown and not over.is_set():
                self._told.set()
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(thread), ctypes.py_object(MemoryLimitError)
                )
                pause = _AGAIN


def container_limit(root: Path = _CGROUP) -> int | None:
    """Return the container's memory limit in bytes, None when there is none or nobody knows."""
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        text = _read(root / name)
        if text is not None:
            return int(text) if text.isdigit() and int(text) < _NO_LIMIT else None
    return None


def container_use(root: Path = _CGROUP) -> int | None:
    """Return the bytes that the container uses and cannot give back, None when nobody knows."""
    for folder, name, inactive in (
        (root, "memory.current", "inactive_file"),
        (root / "memory", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        text = _read(folder / name)
        if text is not None and text.isdigit():
            stat = (_read(folder / "memory.stat") or "").splitlines()
            pairs = dict(line.split() for line in stat if len(line.split()) == 2)
            return max(int(text) - int(pairs.get(inactive, 0)), 0)
    return None


def process_memory() -> int:
    """Return the bytes that this process has resident; 0 where that cannot be told."""
    for line in (_read(_STATUS) or "").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None

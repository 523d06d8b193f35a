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
MEGA = 1_000_000


class MemoryLimitError(Exception):
    """Work was stopped because the memory is nearly used up."""

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

    In a container the limit and the use are the container's, as its control group tells (versions 1 and 2; of the
    use, what the kernel can take back at any time does not count); elsewhere the use is the process's own.

    Attributes:
        limit: in bytes; None: there is none, and nothing is watched.
    """

    def __init__(
        self, limit: int | None = None, *, share: float = 0.9, root: Path = _CGROUP
    ) -> None:
        """Find out about the limit.

        Args:
            limit: in bytes; None: that of the container, if there is one.
            share: of the limit that may be used.
            root: where control groups are found.
        """
        self._root = root
        container = container_limit(root)
        limits = [number for number in (limit, container) if number]
        self.limit = min(limits) if limits else None
        self._share = share

    @property
    def used(self) -> int:
        """Bytes in use now."""
        own = process_memory()
        return max(container_use(self._root) or 0, own)

    @property
    def is_blown(self) -> bool:
        """Whether more is in use than may be."""
        return self.limit is not None and self.used > self._share * self.limit

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Watch over the work that this thread does inside the block.

        Raises:
            MemoryLimitError: in this thread, wherever it is (a call into C is waited for), when too much is in use.
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
        used = 0
        try:
            yield
        except MemoryLimitError as error:
            used = self.used
            # What the work held is still held by the frames of the traceback.
            traceback.clear_frames(error.__traceback__)
        finally:
            over.set()
            watcher.join()
        if used:
            gc.collect()
            raise MemoryLimitError(used, self.limit)

    def _watch(self, thread: int, over: threading.Event) -> None:
        while not over.wait(_INTERVAL):
            if not self.is_blown:
                continue
            gc.collect()
            if self.is_blown and not over.is_set():
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(thread), ctypes.py_object(MemoryLimitError)
                )
                return


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

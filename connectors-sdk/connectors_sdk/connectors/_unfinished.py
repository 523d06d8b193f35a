"""Requests that were acknowledged before they were done, on disk until they are.

A broker takes back what is not acknowledged for too long, so a long request has to be acknowledged early; from then on
only this file knows of it. Several processes may share the folder: each request is locked by whoever works on it, and
the kernel takes the lock away when that one ends, however it ends.
"""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

_SUFFIX = ".json"


class Unfinished:
    """The requests below one folder; it is made when the first is kept. A process holds one at a time."""

    def __init__(self, folder: Path) -> None:
        """Bind a folder."""
        self._folder = folder
        # The file of the request that this process works on: open, as that holds the lock.
        self._held: tuple[Path, int] | None = None

    def keep(self, key: str, body: bytes) -> None:
        """Write a request down, durably, and hold it.

        Args:
            key: its name, fit for a file.
            body: the request.

        Raises:
            OSError: the disk does not take it.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._folder / f"{key}{_SUFFIX}"
        # Nobody takes it for a request before it is complete and held.
        new = path.with_suffix(f".{os.getpid()}")
        handle = os.open(new, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with os.fdopen(os.dup(handle), "wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            os.replace(new, path)
            self._save_names()
        except OSError:
            os.close(handle)
            new.unlink(missing_ok=True)
            raise
        self._held = path, handle

    def left(self) -> Iterator[tuple[str, bytes]]:
        """Yield key and body of each request that nobody works on, the oldest first; it is held until `forget`."""
        if not self._folder.is_dir():
            return
        found = [path for path in self._folder.iterdir() if path.suffix == _SUFFIX]
        for path in sorted(found, key=_age):
            try:
                handle = os.open(path, os.O_RDWR)
            except FileNotFoundError:
                continue  # it was done meanwhile
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # Whoever held it may have done it before the lock was free.
                ours = path.exists() and os.path.samestat(
                    os.stat(path), os.fstat(handle)
                )
            except OSError:
                ours = False
            if not ours:
                os.close(handle)
                continue
            self._held = path, handle
            yield path.stem, path.read_bytes()

    def forget(self) -> None:
        """Forget the request that is held, if there is one: it is done."""
        if self._held is None:
            return
        (path, handle), self._held = self._held, None
        path.unlink(missing_ok=True)
        os.close(handle)

    def _save_names(self) -> None:
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0

"""Files that nobody but the connector's own user reads: what sources, targets and platform say may be confidential."""

import os
from pathlib import Path

_OF_OTHERS = 0o077


def make_private(file: Path) -> None:
    """Make a file, and its folder, when it is not there; take it from others when a former release let them read it.

    An SQLite database gives its own mode to the files that it makes beside it.

    Raises:
        OSError: the folder cannot be written to.
    """
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Not opened when it is there: closing a file gives up the locks that SQLite holds on it in this process.
    if not file.exists():
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
    for one in (file, *(file.with_name(file.name + end) for end in ("-wal", "-shm"))):
        try:
            mode = one.stat().st_mode
            if mode & _OF_OTHERS:
                one.chmod(mode & ~_OF_OTHERS)
        except (FileNotFoundError, PermissionError):
            pass  # not there (any more), or of another user, who decides

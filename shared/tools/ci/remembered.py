"""Which checks found nothing in what, so that they need not look at it again.

A verdict is remembered under a digest of all that it depends on: the files, the configuration, the versions of the tools. Only
good verdicts are remembered, in a file of one digest a line below `build/`, which `make clean` removes.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

# When there are twice as many, the older half is forgotten.
KEPT = 5000


def digest(*parts: str | bytes) -> str:
    """Return a short digest of texts, which differs when any of them does."""
    sums = hashlib.blake2b(digest_size=16)
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        sums.update(len(content).to_bytes(8, "big") + content)
    return sums.hexdigest()


class Remembered:
    """Good verdicts of earlier runs.

    Attributes:
        file: Where they are kept; need not be there yet.
    """

    def __init__(self, file: Path) -> None:
        """Read what is remembered."""
        self.file = file
        lines = file.read_text("ascii").split() if file.is_file() else []
        if len(lines) > 2 * KEPT:
            lines = lines[-KEPT:]
            file.write_text("".join(f"{line}\n" for line in lines), "ascii")
        self._known = set(lines)

    def __contains__(self, key: str) -> bool:
        """Tell whether a verdict was good."""
        return key in self._known

    def add(self, keys: Iterable[str]) -> None:
        """Remember good verdicts, also for runs that go on meanwhile."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a", encoding="ascii") as file:
            file.writelines(f"{key}\n" for key in keys)

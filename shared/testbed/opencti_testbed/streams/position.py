"""Where a listener stands in a stream: the id of the last event that it has seen."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

_TEXT = re.compile(r"([0-9]{1,15})(?:-([0-9]{1,18}))?")
# The last instant that can be written as a date: the end of the year 9999.
_LAST_MS = 253_402_300_799_999


@dataclass(frozen=True, order=True)
class Position:
    """The id of an event, `<milliseconds>-<number>`.

    Attributes:
        ms: when the change was made, milliseconds since 1970.
        number: its number in the journal; 0 stands for a mere date.
    """

    ms: int = 0
    number: int = 0

    @classmethod
    def parse(cls, text: str | None) -> "Position":
        """Read an id; nothing, `0-0` and a bare number of milliseconds are positions as well.

        Raises:
            ValueError: the text is no position.
        """
        if not text:
            return cls()
        found = _TEXT.fullmatch(text)
        if found is None or int(found.group(1)) > _LAST_MS:
            raise ValueError(f"{text[:40]!r} is no position of a stream")
        return cls(int(found.group(1)), int(found.group(2) or 0))

    @classmethod
    def of(cls, at: str, number: int) -> "Position":
        """Return the position of a change made at an ISO 8601 instant."""
        return cls(milliseconds(at), number)

    @property
    def at(self) -> str:
        """The instant as `YYYY-MM-DDTHH:MM:SS.mmmZ`."""
        instant = datetime.fromtimestamp(self.ms / 1000, UTC)
        return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def __str__(self) -> str:
        return f"{self.ms}-{self.number}"


def milliseconds(at: str) -> int:
    """Return an ISO 8601 instant (UTC when it names no zone) as milliseconds since 1970.

    Raises:
        ValueError: the text is no instant.
    """
    instant = datetime.fromisoformat(at)
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    return round(instant.timestamp() * 1000)

"""Cursors: how far a connector has got at its source. Declared as fields of the state:

    class State(ExternalImportConnectorState):
        alerts: TimeCursor = TimeCursor(overlap=timedelta(minutes=10))
        reports: TokenCursor = TokenCursor()

A cursor may be moved ahead as records are handled: what a killed run leaves is the state of the last checkpoint.
"""

import hashlib
from abc import ABC
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PrivateAttr

from connectors_sdk import clock


class Cursor(BaseModel, ABC):
    """How far a connector has got. What an author configures stays what the code says; the rest is remembered."""

    model_config = ConfigDict(validate_assignment=True)

    def restore(self, remembered: Any) -> None:
        """Take over what was remembered, in place. None and fields that do not exist any more are passed over.

        Raises:
            pydantic.ValidationError: a value does not fit.
            TypeError: something else than a cursor's content is remembered under its name.
        """
        if remembered is None:
            return
        if not isinstance(remembered, Mapping):
            raise TypeError(
                f"a {type(self).__name__} cannot go on from {remembered!r}: reset the state, or rename the field"
            )
        for name, field in type(self).model_fields.items():
            if not field.exclude and name in remembered:
                setattr(self, name, remembered[name])
        self._start_over()

    def _start_over(self) -> None:
        """Forget what is known of a pass over the source that was cut off."""


class TokenCursor(Cursor):
    """An opaque token that the source gives out.

    Attributes:
        token: what to send to go on; None at the beginning.
    """

    token: str | None = None


class PageCursor(Cursor):
    """A number of a page, or an offset.

    Attributes:
        page: the next one to read; None at the beginning.
    """

    page: int | None = None


class EtagCursor(Cursor):
    """What a source recognises a version of a resource by, for sources that are read as a whole.

    Attributes:
        etag: the `ETag` header, quotes included.
        last_modified: the `Last-Modified` header.
        digest: SHA-256 (hex) of the content, for sources that know neither header.
    """

    etag: str | None = None
    last_modified: str | None = None
    digest: str | None = None

    def headers(self) -> dict[str, str]:
        """Return the request headers that ask for the resource only if it changed."""
        pairs = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in pairs.items() if value}

    def take(self, headers: Mapping[str, str], digest: str | None = None) -> None:
        """Remember the version that an answer's headers tell of (and the digest of its content)."""
        self.etag = headers.get("ETag") or None
        self.last_modified = headers.get("Last-Modified") or None
        self.digest = digest


class TimeCursor(Cursor):
    """The source's own time of its records (publication or modification).

    Ask the source for what is **at or after** `since()`, and pass over what is not `is_new`: so records with equal
    times are neither lost nor sent twice, wherever a run was cut off.

    Attributes:
        position: the time up to which everything was handled; None at the beginning.
        seen: records at or after `position - overlap` that were handled: a digest of time and key, and the time.
        overlap: how far before the position to ask again, for sources where records appear late. Configured.
        in_order: the source gives the oldest first. If not, the position only moves when everything was read
            (`finish`). Configured.
        max_seen: of more records in the overlap the oldest are forgotten: they would be sent again. Configured.
    """

    position: AwareDatetime | None = None
    seen: dict[str, AwareDatetime] = Field(default_factory=dict)
    overlap: timedelta = Field(default=timedelta(0), ge=timedelta(0), exclude=True)
    in_order: bool = Field(default=True, exclude=True)
    max_seen: int = Field(default=2000, ge=1, exclude=True)

    _SLACK: ClassVar[int] = 256
    _FUTURE: ClassVar[timedelta] = timedelta(days=1)
    _ahead: datetime | None = PrivateAttr(default=None)
    # The position at the beginning of the pass over the source, the latest record of the pass, and whether one came
    # after a later one.
    _base: datetime | None = PrivateAttr(default=None)
    _latest: datetime | None = PrivateAttr(default=None)
    _disordered: bool = PrivateAttr(default=False)
    _under_way: bool = PrivateAttr(default=False)
    _crowded: int = PrivateAttr(default=256)

    def since(self, start: datetime | timedelta) -> datetime:
        """Return the time at or after which to ask for records.

        Args:
            start: where to begin when there is no position yet: a time, or how long ago.
        """
        if self.position is None:
            return clock.now() - start if isinstance(start, timedelta) else start
        return self.position - self.overlap

    def is_new(self, moment: datetime, key: Any) -> bool:
        """Whether a record was not handled yet.

        Args:
            moment: its time, timezone-aware.
            key: what tells it from others of the same time, e.g. its id.
        """
        self._begin()
        if self._base is not None and moment < self._base - self.overlap:
            return False
        return _digest(moment, key) not in self.seen

    def note(self, moment: datetime, key: Any) -> None:
        """Note that a record was handled; arguments as of `is_new`."""
        # Validation of the whole dictionary for each record would cost time in proportion to its square.
        self.seen[_digest(moment, key)] = moment
        if moment > clock.now() + self._FUTURE:
            # A mistake of the source. Whoever believed it would ask for nothing any more.
            return
        self._begin()
        if self.in_order and not self._disordered:
            if self._latest is not None and moment < self._latest - self.overlap:
                # The newest come first: the position moves when everything was read, and not before.
                self._disordered = True
                self._ahead, self.position = self._latest, self._base
        self._latest = max(moment, self._latest or moment)
        if not self.in_order or self._disordered:
            self._ahead = max(moment, self._ahead or moment)
        elif self.position is None or moment > self.position:
            self.position = moment
        if len(self.seen) > self._crowded:
            self._prune()

    def finish(self) -> None:
        """Note that the source was read to its end."""
        if self._ahead is not None:
            self.position = max(self._ahead, self.position or self._ahead)
        self._start_over()
        self._prune()

    def _start_over(self) -> None:
        self._ahead = self._base = self._latest = None
        self._disordered = self._under_way = False

    def _begin(self) -> None:
        """Remember where the pass began, at its first record."""
        if not self._under_way:
            self._under_way = True
            self._base = self.position

    def _prune(self) -> None:
        """Forget what cannot be asked for again, and what is too much."""
        kept = list(self.seen.items())
        if self.position is not None:
            # What the pass may still come to is not forgotten before its end.
            start = self._base if self._disordered else self.position
            oldest = (start or self.position) - self.overlap
            kept = [item for item in kept if item[1] >= oldest]
        if len(kept) > self.max_seen:
            kept = sorted(kept, key=lambda item: item[1])[-self.max_seen :]
        self.seen = dict(kept)
        self._crowded = len(kept) + self._SLACK


def _digest(moment: datetime, key: Any) -> str:
    text = f"{moment.timestamp()}\n{key}"
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()

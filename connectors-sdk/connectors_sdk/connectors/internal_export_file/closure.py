"""A bundle is closed: nothing in it refers to what is not there."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO

import orjson

from connectors_sdk.connectors.internal_export_file.stix_content import (
    StixContent,
    may_be_left_out,
    platform_id,
    references_of,
    without,
)


class Closure:
    """Yields the STIX objects of entities and what they refer to, until nothing is missing.

    Attributes:
        left_out: how many objects are not valid without what is not there.
    """

    def __init__(
        self,
        content: StixContent,
        by_stix_ids: Callable[[Iterable[str]], Iterator[dict[str, Any]]],
        waiting: BinaryIO,
        check_size: Callable[[BinaryIO], None],
    ) -> None:
        """Bind what is needed.

        Args:
            content: makes STIX objects of entities.
            by_stix_ids: finds entities by their STIX ids, as far as they may stand in the file.
            waiting: an empty file for what cannot be told yet whether it comes into the bundle.
            check_size: raises when that becomes too big.
        """
        self._content = content
        self._by_stix_ids = by_stix_ids
        self._waiting = waiting
        self._check_size = check_size
        # A number for each id is all that is remembered.
        self._there: set[int] = set()
        self._gone = content.gone
        self.left_out = 0

    def of(self, entities: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Yield the objects, each once.

        Args:
            entities: as the platform's API gives them, read as they are consumed; changed.
        """
        missing: dict[str, None] = {}
        asked: set[int] = set()
        while True:
            for stix in self._content.of(entities):
                key = hash(stix["id"])
                if key in self._there:
                    continue
                mentioned = references_of(stix)
                if self._gone:
                    lost = {one for one in mentioned if hash(one) in self._gone}
                    mentioned -= lost
                    left = without(stix, lost)
                    if left is None:
                        self._leave_out(key)
                        continue
                    stix = left
                self._there.add(key)
                missing.update(
                    (one, None) for one in mentioned if hash(one) not in self._there
                )
                if not any(map(may_be_left_out, mentioned)):
                    yield stix
                else:
                    self._waiting.write(orjson.dumps(stix) + b"\n")
                    self._check_size(self._waiting)
            wanted = [
                one
                for one in missing
                if hash(one) not in self._there and hash(one) not in asked
            ]
            if not wanted:
                break
            # Whatever comes of it: it is asked for once.
            asked.update(map(hash, wanted))
            missing.clear()
            entities = self._by_stix_ids(map(platform_id, wanted))
        self._gone |= asked - self._there
        self.left_out += self._content.incomplete
        yield from self._settled()

    def _settled(self) -> Iterator[dict[str, Any]]:
        """Yield what waited, as far as it is whole without what is gone."""
        before = 0
        while before != len(self._gone):
            before = len(self._gone)
            for key, stix in self._waited():
                if stix is None:
                    self._leave_out(key)
        yield from (stix for _, stix in self._waited() if stix is not None)

    def _leave_out(self, key: int) -> None:
        self.left_out += key not in self._gone
        self._gone.add(key)

    def _waited(self) -> Iterator[tuple[int, dict[str, Any] | None]]:
        """Yield what waited and is not gone, without what is gone: None where that cannot be."""
        self._waiting.seek(0)
        for line in self._waiting:
            stix = orjson.loads(line)
            key = hash(stix["id"])
            if key not in self._gone:
                mentioned = references_of(stix)
                yield key, without(
                    stix, {i for i in mentioned if hash(i) in self._gone}
                )

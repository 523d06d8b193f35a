"""One finished piece: a STIX 2.1 bundle as bytes."""

import hashlib
import uuid
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import orjson

# The namespace of every deterministic id in OpenCTI.
_NAMESPACE = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")
_ID_LENGTH = len("bundle--") + 36


class Bundle:
    """A closed set of STIX objects, dependencies first.

    The objects are kept as the JSON bytes that go over the wire, so a piece costs little more memory than its text.

    Attributes:
        ids: STIX ids of the objects, in the order in which they stand.
        external: ids that objects of this piece refer to although they are not in it: the platform is believed to
            have them. Empty for a closed bundle.
        oversized: the piece is bigger than the bounds, because something and all it needs did not fit.
    """

    def __init__(
        self,
        members: Sequence[tuple[str, bytes]],
        *,
        external: Sequence[str] = (),
        oversized: bool = False,
    ) -> None:
        """Take `(id, JSON bytes)` of each object, in order."""
        self.ids = tuple(stix_id for stix_id, _ in members)
        self.external = tuple(external)
        self.oversized = oversized
        self._members = [data for _, data in members]

    @cached_property
    def id(self) -> str:
        """The bundle's id: UUIDv5 over its content, so the same content gets the same id on every run."""
        digest = hashlib.sha256(self._content())
        return f"bundle--{uuid.uuid5(_NAMESPACE, digest.hexdigest())}"

    def _content(self) -> bytes:
        return b",".join(self._members)

    @property
    def members(self) -> Iterator[tuple[str, bytes]]:
        """`(id, JSON bytes)` of each object, in order."""
        return zip(self.ids, self._members, strict=True)

    @property
    def objects(self) -> list[dict[str, Any]]:
        """The objects as dictionaries, parsed anew on each access."""
        return [orjson.loads(data) for data in self._members]

    @property
    def size(self) -> int:
        """Number of bytes of `to_bytes()`."""
        return bundle_size(len(self._members), sum(map(len, self._members)))

    def to_bytes(self) -> bytes:
        """Return the bundle as compact UTF-8 JSON."""
        return b"".join((_head(self.id), self._content(), _TAIL))

    def to_json(self) -> str:
        """Return the bundle as JSON text."""
        return self.to_bytes().decode()

    def __len__(self) -> int:
        return len(self._members)

    def __repr__(self) -> str:
        return f"Bundle({len(self)} objects, {self.size} bytes)"


# No `spec_version`: STIX 2.1 has none on bundles, and its readers take a bundle that has one for STIX 2.0.
def _head(bundle_id: str) -> bytes:
    return f'{{"type":"bundle","id":"{bundle_id}","objects":['.encode()


_TAIL = b"]}"
_FRAME = len(_head("x" * _ID_LENGTH)) + len(_TAIL)


def bundle_size(count: int, content: int) -> int:
    """Return the exact size in bytes of a bundle of `count` objects that have `content` bytes together."""
    return _FRAME + content + max(count - 1, 0)

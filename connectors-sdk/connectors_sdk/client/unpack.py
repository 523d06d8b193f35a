"""Unpack gzip on the way, with the client's errors and a bound: a small file may unpack to terabytes."""

import io
import zlib
from collections.abc import Iterator

from connectors_sdk.client.exceptions import (
    ApiContentEncodingError,
    ApiTooLargeError,
    ApiTruncatedError,
)

CHUNK_BYTES = 64 * 1024
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_FORMAT = 16 + zlib.MAX_WBITS


def unpacked(
    chunks: Iterator[bytes], what: str, max_bytes: int | None = None
) -> Iterator[bytes]:
    """Yield the content of a gzip stream, recognised by its first bytes; any other stream is passed through.

    Args:
        chunks: The stream in pieces.
        what: Its name, for messages.
        max_bytes: Bound for what it unpacks to; None for none.

    Raises:
        ApiTruncatedError: It ends before it is complete.
        ApiContentEncodingError: It is damaged.
        ApiTooLargeError: It unpacks to more than `max_bytes`.
    """
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= len(_GZIP_MAGIC):
            break
    if not head.startswith(_GZIP_MAGIC):
        if head:
            yield head
        yield from chunks
        return
    size = 0
    for piece in _inflated(head, chunks, what):
        size += len(piece)
        if max_bytes is not None and size > max_bytes:
            raise ApiTooLargeError(
                f"{what} unpacks to more than the limit of {max_bytes} bytes. Raise the limit if that is right."
            )
        yield piece


def _inflated(head: bytes, chunks: Iterator[bytes], what: str) -> Iterator[bytes]:
    decoder = zlib.decompressobj(_GZIP_FORMAT)
    data = head
    while True:
        try:
            piece = decoder.decompress(data, CHUNK_BYTES)
        except zlib.error as error:
            raise ApiContentEncodingError(
                f"{what} is a damaged gzip file ({error}). Get it again."
            ) from None
        if piece:
            yield piece
        if decoder.eof:
            # A gzip file may consist of several members; zeros after the last one are padding.
            data = decoder.unused_data.lstrip(b"\0") or next(chunks, b"").lstrip(b"\0")
            if not data:
                return
            decoder = zlib.decompressobj(_GZIP_FORMAT)
            continue
        data = decoder.unconsumed_tail
        if not data and not piece:
            data = next(chunks, b"")
            if not data:
                raise ApiTruncatedError(
                    f"{what} is a gzip file that ends before it is complete. Get it again."
                )


class ChunkReader(io.RawIOBase):
    """A readable stream made of pieces."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        super().__init__()
        self._chunks = chunks
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        """Fill `buffer` with what is there."""
        while not self._rest:
            try:
                self._rest = memoryview(next(self._chunks))
            except StopIteration:
                return 0
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def close(self) -> None:
        """Let go of the source of the pieces."""
        close = getattr(self._chunks, "close", None)
        if close is not None and not self.closed:
            close()
        super().close()

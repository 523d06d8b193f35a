"""Bodies bigger than memory: written to a temporary file while they arrive."""

import hashlib
import io
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, cast

import requests

from connectors_sdk.client.body import BodyReader
from connectors_sdk.client.conditional import Validators
from connectors_sdk.client.exceptions import ApiClientError, ApiStorageError
from connectors_sdk.client.unpack import CHUNK_BYTES, ChunkReader, unpacked

MAX_DOWNLOAD_BYTES = 4 * 1024**3


class DownloadedFile:
    """A downloaded body on disk. A context manager: leaving it deletes the file.

    Attributes:
        path: Where it is.
        size: Its size in bytes.
        sha256: SHA-256 of its bytes, hex.
        content_type: `Content-Type` of the answer, or "".
        url: Where it came from in the end, after redirections.
        validators: To ask with next time whether it changed.
        max_bytes: Bound for its size, for what a gzip file unpacks to as well.
    """

    def __init__(
        self,
        path: Path,
        *,
        size: int,
        sha256: str,
        content_type: str = "",
        url: str = "",
        validators: Validators = Validators(),
        max_bytes: int | None = MAX_DOWNLOAD_BYTES,
    ) -> None:
        self.path = path
        self.size = size
        self.sha256 = sha256
        self.content_type = content_type
        self.url = url
        self.validators = validators
        self.max_bytes = max_bytes

    def __enter__(self) -> "DownloadedFile":
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Delete the file."""
        self.close()

    def close(self) -> None:
        """Delete the file; again is harmless."""
        self.path.unlink(missing_ok=True)

    def __repr__(self) -> str:
        """Return path and size."""
        return f"<{type(self).__name__} {self.path} ({self.size} bytes)>"

    def open(self) -> BinaryIO:
        """Open for reading, from the start; a gzip file (recognised by its content) is unpacked on the way.

        Returns:
            A buffered binary stream. Reading raises `ApiTruncatedError`, `ApiContentEncodingError` or
            `ApiTooLargeError` for a damaged or oversized gzip file.
        """
        return open_file(self.path, self.max_bytes)

    def chunks(self) -> Iterator[bytes]:
        """Yield the (unpacked) content in pieces."""
        with self.open() as stream:
            while piece := stream.read(CHUNK_BYTES):
                yield piece


def open_file(path: Path, max_bytes: int | None = None) -> BinaryIO:
    """Open a file of this machine for reading, unpacking gzip.

    Args:
        path: The file.
        max_bytes: Bound for what it unpacks to; None for none.

    Returns:
        A buffered binary stream, see `DownloadedFile.open`.

    Raises:
        ApiStorageError: It cannot be opened.
    """
    try:
        stream = path.open("rb")
    except OSError as error:
        raise ApiStorageError(
            f"{path} cannot be read ({error.strerror}). Check the path and the permissions."
        ) from error
    chunks = unpacked(_chunks(stream), str(path), max_bytes)
    return cast(BinaryIO, io.BufferedReader(ChunkReader(chunks), CHUNK_BYTES))


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    with stream:
        while piece := stream.read(CHUNK_BYTES):
            yield piece


class FileSink:  # pylint: disable=too-few-public-methods
    """Writes the body of an answer to a temporary file; called once per attempt, the last file stays.

    Args:
        reader: How to read bodies, and its limits.
        directory: Where to put the file; None: the system's place for temporary files (`TMPDIR`).
    """

    def __init__(self, reader: BodyReader, directory: Path | None = None) -> None:
        self._reader = reader
        self._directory = directory
        self.file: DownloadedFile | None = None

    def __call__(self, response: requests.Response) -> None:
        """Read the body of `response` into a new file, deleting it again when that fails."""
        self.file = None
        digest = hashlib.sha256()
        size = 0
        path: Path | None = None
        try:
            handle, name = tempfile.mkstemp(prefix="connector-", dir=self._directory)
            path = Path(name)
            with os.fdopen(handle, "wb") as target:
                for piece in self._reader.chunks(response):
                    digest.update(piece)
                    size += target.write(piece)
        except BaseException as error:
            if path is not None:
                path.unlink(missing_ok=True)
            # The network's errors are kinds of OSError as well, and typed already.
            if isinstance(error, OSError) and not isinstance(error, ApiClientError):
                raise ApiStorageError(
                    f"The download cannot be written to {self._directory or tempfile.gettempdir()} "
                    f"({error.strerror}). Make room, or name another folder (TMPDIR)."
                ) from error
            raise
        self.file = DownloadedFile(
            path,
            size=size,
            sha256=digest.hexdigest(),
            content_type=response.headers.get("Content-Type") or "",
            url=str(getattr(response, "url", None) or ""),
            validators=Validators.of(response.headers),
            max_bytes=self._reader.max_bytes,
        )

"""Fetches a collection from a URL or a file, only when it has changed."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mitre_client.collection import Collection

from connectors_sdk import BaseClientApi
from connectors_sdk.client import DownloadedFile, Validators, iter_json_array
from connectors_sdk.client.download import open_file
from connectors_sdk.states import EtagCursor

HASH_CHUNK = 1024 * 1024


def local_path(location: str) -> Path | None:
    """Return the path that a location names (`/a/b.json`, `file:///a/b.json`), or None for a URL."""
    parts = urlsplit(location)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    # One letter before a colon is a Windows drive.
    if len(parts.scheme) > 1:
        return None
    return Path(location).expanduser()


class CollectionClient(BaseClientApi):
    """Reads ATT&CK collections.

    Source: https://github.com/mitre-attack/attack-stix-data (one STIX 2.1 bundle per domain).
    """

    def __init__(self) -> None:
        """Build a client; locations are absolute."""
        super().__init__("", timeout=60)

    @contextmanager
    def fetch(self, location: str, known: EtagCursor) -> Iterator[Collection | None]:
        """Give a collection, or None when it is the known one.

        Args:
            location: URL, path or `file://` URL; gzip files are unpacked.
            known: the version that was imported last; it becomes the one that is given.

        Raises:
            ApiClientError: the source does not give it; the message says why.
            CollectionError: what it gives is no collection.
        """
        path = local_path(location)
        if path is not None:
            digest = _digest(path)
            if digest == known.digest:
                yield None
                return
            known.take({}, digest)
            with _read(path) as collection:
                yield collection
            return
        validators = Validators(known.etag, known.last_modified)
        result = self._download_if_changed(location, validators)
        if result.file is None:
            yield None
            return
        with result.file as file:
            if file.sha256 == known.digest:
                # The source does not know conditional requests, but nothing changed.
                yield None
                return
            known.etag = file.validators.etag
            known.last_modified = file.validators.last_modified
            known.digest = file.sha256
            with _read(file) as collection:
                yield collection


@contextmanager
def _read(file: Path | DownloadedFile) -> Iterator[Collection]:
    with Collection() as collection:
        collection.read(iter_json_array(file, "objects"))
        yield collection


def _digest(path: Path) -> str:
    """Return the SHA-256 (hex) of a file's content, unpacked."""
    digest = hashlib.sha256()
    with open_file(path) as stream:
        while chunk := stream.read(HASH_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()

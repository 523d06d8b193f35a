"""Fetches a collection from a URL or a file, only when it has changed."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from connectors_sdk import BaseClientApi
from connectors_sdk.client import Validators, iter_json_array
from connectors_sdk.client.download import open_file

HASH_CHUNK = 1024 * 1024


@dataclass(frozen=True)
class Fetched:
    """A collection that is new.

    Attributes:
        objects: its STIX objects, read as they are asked for.
        validators: what the source recognises this version by, as kept in the state.
        digest: SHA-256 (hex) of the file.
    """

    objects: Iterator[Any]
    validators: dict[str, str]
    digest: str


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
    def fetch(
        self, location: str, known: dict[str, str], known_digest: str | None
    ) -> Iterator[Fetched | None]:
        """Give the collection, or None when it is the known one.

        Args:
            location: URL, path or `file://` URL; gzip files are unpacked.
            known: validators of the version that was imported last.
            known_digest: digest of the version that was imported last.

        Raises:
            ApiClientError: the source does not give it; the message says why.
        """
        path = local_path(location)
        if path is not None:
            digest = _digest(path)
            yield (
                None
                if digest == known_digest
                else Fetched(iter_json_array(path, "objects"), {}, digest)
            )
            return
        result = self._download_if_changed(location, Validators.from_dict(known))
        if result.not_modified or result.file is None:
            yield None
            return
        with result.file as file:
            if file.sha256 == known_digest:
                # The source does not know conditional requests, but nothing changed.
                yield None
                return
            yield Fetched(
                iter_json_array(file, "objects"),
                result.validators.to_dict(),
                file.sha256,
            )


def _digest(path: Path) -> str:
    """Return the SHA-256 (hex) of a file's content, unpacked."""
    digest = hashlib.sha256()
    with open_file(path) as stream:
        while chunk := stream.read(HASH_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()

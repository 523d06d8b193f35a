"""Ask only for what changed: `ETag` / `If-None-Match`, `Last-Modified` / `If-Modified-Since` (RFC 9110, section 13)."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from connectors_sdk.client.exceptions import ApiClientError

if TYPE_CHECKING:
    import requests

    from connectors_sdk.client.download import DownloadedFile


@dataclass(frozen=True)
class Validators:
    """What a source said to recognise a version of a resource by.

    Args:
        etag: The `ETag` header, quotes included.
        last_modified: The `Last-Modified` header.
    """

    etag: str | None = None
    last_modified: str | None = None

    def __bool__(self) -> bool:
        """Tell whether there is anything to ask with."""
        return bool(self.etag or self.last_modified)

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> "Validators":
        """Read the validators from the headers of an answer."""
        return cls(headers.get("ETag") or None, headers.get("Last-Modified") or None)

    @classmethod
    def from_dict(cls, stored: Mapping[str, str] | None) -> "Validators":
        """Restore from `to_dict`; None and unknown keys are accepted."""
        stored = stored or {}
        return cls(stored.get("etag"), stored.get("last_modified"))

    def to_dict(self) -> dict[str, str]:
        """Return the validators that are there, ready for a connector's state."""
        return {name: value for name, value in asdict(self).items() if value}

    def headers(self) -> dict[str, str]:
        """Return the request headers that ask for the resource only if it changed."""
        headers = {}
        if self.etag:
            headers["If-None-Match"] = self.etag
        if self.last_modified:
            headers["If-Modified-Since"] = self.last_modified
        return headers

    def renewed(self, headers: Mapping[str, str]) -> "Validators":
        """Return the validators after a "not modified" answer, which may repeat them or not."""
        new = Validators.of(headers)
        return Validators(
            new.etag or self.etag, new.last_modified or self.last_modified
        )


@dataclass(frozen=True)
class ConditionalResult:
    """Answer to a conditional request.

    Args:
        not_modified: The source has nothing newer (304); there is no body.
        validators: To ask with next time. Save them after what they stand for was accepted.
        response: The answer itself.
    """

    not_modified: bool
    validators: Validators
    response: "requests.Response"


@dataclass(frozen=True)
class ConditionalDownload:
    """Outcome of a conditional download.

    Args:
        not_modified: The source has nothing newer (304).
        validators: To ask with next time. Save them after what they stand for was accepted.
        file: What was downloaded; None when not modified.
    """

    not_modified: bool
    validators: Validators
    file: "DownloadedFile | None"

    def required_file(self) -> "DownloadedFile":
        """Return the file.

        Raises:
            ApiClientError: There is none, because nothing was modified.
        """
        if self.file is None:
            raise ApiClientError(
                "The source has nothing newer, so there is no file. Check `not_modified` first."
            )
        return self.file

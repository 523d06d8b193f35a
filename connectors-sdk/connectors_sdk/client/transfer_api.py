"""The client's methods for resources that may not have changed, and for bodies bigger than memory."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

import requests

from connectors_sdk.client.conditional import (
    ConditionalDownload,
    ConditionalResult,
    Validators,
)
from connectors_sdk.client.download import (
    MAX_DOWNLOAD_BYTES,
    DownloadedFile,
    FileSink,
)
from connectors_sdk.client.request_api import RequestApi
from connectors_sdk.client.stream import (
    OnBad,
    Source,
    StreamOptions,
    iter_csv,
    iter_json_array,
    iter_json_lines,
)
from connectors_sdk.client.unpack import unpacked


# pylint: disable=abstract-method  # `BaseClientApi` completes it
class TransferApi(RequestApi):
    """Conditional requests, downloads, and records read out of them."""

    def _get_conditional(
        self, path: str, validators: Validators | None = None, **kwargs: Any
    ) -> ConditionalResult:
        """GET a resource only if it changed.

        Args:
            path: As of `_request`.
            validators: Those of the last result; None or empty asks unconditionally.
            kwargs: Passed on to `requests.Session.request`.

        Raises:
            ApiClientError: As of `_request`.
        """
        known = validators or Validators()
        kwargs["headers"] = {**(kwargs.get("headers") or {}), **known.headers()}
        response = self._checked_request("GET", path, **kwargs)
        if response.status_code == 304:
            return ConditionalResult(True, known.renewed(response.headers), response)
        return ConditionalResult(False, Validators.of(response.headers), response)

    def _download(
        self,
        path: str,
        *,
        directory: Path | None = None,
        max_bytes: int | None = MAX_DOWNLOAD_BYTES,
        **kwargs: Any,
    ) -> DownloadedFile:
        """GET a resource of any size into a temporary file.

        A download that breaks off is started again like any failed request.

        Args:
            path: As of `_request`.
            directory: Where to put the file; None: the system's place for temporary files.
            max_bytes: Biggest file accepted; None for no limit.
            kwargs: Passed on to `requests.Session.request`.

        Returns:
            The file; use it in a `with` statement, which deletes it.

        Raises:
            ApiTooLargeError: It is bigger than `max_bytes`.
            ApiStorageError: It cannot be written.
            ApiClientError: As of `_request`.
        """
        return self._download_if_changed(
            path, None, directory=directory, max_bytes=max_bytes, **kwargs
        ).required_file()

    def _download_if_changed(
        self,
        path: str,
        validators: Validators | None,
        *,
        directory: Path | None = None,
        max_bytes: int | None = MAX_DOWNLOAD_BYTES,
        **kwargs: Any,
    ) -> ConditionalDownload:
        """Download a resource only if it changed; arguments and errors of `_get_conditional` and `_download`."""
        sink = FileSink(self._body.limited_to(max_bytes), directory)
        # `requests` hands `stream` on to the adapter untouched, which lets a sink read the body within the attempt.
        result = self._get_conditional(path, validators, stream=sink, **kwargs)
        if result.not_modified:
            result.response.close()
            return ConditionalDownload(True, result.validators, None)
        if sink.file is None:
            # The answer did not come through the client's adapter.
            sink(result.response)
        return ConditionalDownload(False, result.validators, sink.file)

    def _iter_json_array(
        self,
        path: str,
        array: str = "",
        *,
        decimals: bool = False,
        options: StreamOptions = StreamOptions(),
        **kwargs: Any,
    ) -> Generator[Any, None, None]:
        """Yield the items of an array in a JSON document of any size; see `iter_json_array`.

        Args:
            path: As of `_request`.
            array: Where the array is: keys joined by dots; "" when the document is the array.
            decimals: Numbers with a fraction as `Decimal` instead of float.
            options: By way of a temporary file or directly, size limit.
            kwargs: Passed on to `requests.Session.request`.

        Raises:
            ApiClientError: As of `_download` and `iter_json_array`.
        """
        with self._open_stream(path, options, kwargs) as source:
            yield from iter_json_array(source, array, decimals=decimals)

    def _iter_json_lines(
        self,
        path: str,
        *,
        on_bad: OnBad = None,
        options: StreamOptions = StreamOptions(),
        **kwargs: Any,
    ) -> Generator[Any, None, None]:
        """Yield the values of a document with one JSON value per line; see `iter_json_lines` and `_iter_json_array`."""
        with self._open_stream(path, options, kwargs) as source:
            yield from iter_json_lines(source, on_bad=on_bad)

    def _iter_csv(
        self,
        path: str,
        *,
        fieldnames: Sequence[str] | None = None,
        comment: str | None = "#",
        encoding: str = "utf-8",
        on_bad: OnBad = None,
        dialect: Mapping[str, Any] | None = None,
        options: StreamOptions = StreamOptions(),
        **kwargs: Any,
    ) -> Generator[dict[str, str], None, None]:
        """Yield the rows of a CSV document; see `iter_csv` and `_iter_json_array`."""
        with self._open_stream(path, options, kwargs) as source:
            yield from iter_csv(
                source,
                fieldnames=fieldnames,
                comment=comment,
                encoding=encoding,
                on_bad=on_bad,
                **(dialect or {}),
            )

    def _open_stream(
        self, path: str, options: StreamOptions, kwargs: dict[str, Any]
    ) -> AbstractContextManager[Source]:
        if options.spool:
            return self._download(
                path,
                directory=options.directory,
                max_bytes=options.max_bytes,
                **kwargs,
            )
        response = self._checked_request("GET", path, stream=True, **kwargs)
        return closing(self._live_body(response, path, options.max_bytes))

    def _live_body(
        self, response: requests.Response, path: str, max_bytes: int | None
    ) -> Generator[bytes, None, None]:
        with response:
            chunks = self._body.limited_to(max_bytes).chunks(response)
            yield from unpacked(chunks, self._what(path), max_bytes)

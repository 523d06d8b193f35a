"""Files of the platform, in both directions as streams: their size costs no memory.

pycti reads a file into memory as a whole, on the way in and on the way out.
"""

import json
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple
from urllib.parse import quote

import requests

from connectors_sdk.connectors._causes import describe_status
from connectors_sdk.connectors._patience import is_patient

_CHUNK = 256 * 1024
# Seconds to wait before a file is asked for again that broke off in the middle.
_PAUSES = (0.25, 1, 4)
# What a file's id may hold besides letters and digits without changing the meaning of the address. Such an id may be
# escaped already, by the platform itself.
_SAFE = "/%:@!$&'()*+,;=~"


class FileTooBig(ValueError):
    """The file is bigger than allowed; the text says so."""


def download(helper: Any, path: str, target: Path, max_bytes: int) -> int:
    """Write a file of the platform to disk; one that breaks off in the middle is asked for again.

    Args:
        helper: pycti's `OpenCTIConnectorHelper`.
        path: where the platform offers it, e.g. `/storage/get/import/global/a.pdf`.
        target: where to; an existing file is replaced.
        max_bytes: how big it may be.

    Returns: its size in bytes.

    Raises:
        FileTooBig: it is bigger than that; what was written is removed.
        FileNotFoundError: the platform does not have it.
        requests.RequestException: the platform fails.
    """
    pauses = iter(_PAUSES)
    while True:
        with _opened(helper, path) as response:
            try:
                return _copy(response, target, max_bytes)
            except requests.RequestException:
                # That it could not be asked for has been repeated already.
                pause = next(pauses, None)
                if pause is None or not is_patient():
                    raise
        time.sleep(pause)


def _opened(helper: Any, path: str) -> requests.Response:
    """Return the answer whose body is the file, not read yet."""
    api = helper.api
    url = f"{str(helper.opencti_url).rstrip('/')}/{quote(path.lstrip('/'), safe=_SAFE)}"
    response: requests.Response = api.session.get(
        url,
        headers=api.request_headers,
        verify=api.ssl_verify,
        cert=api.cert,
        proxies=api.proxies,
        timeout=api.session_requests_timeout,
        stream=True,
    )
    if not response.ok:
        response.close()
        if response.status_code == 404:
            raise FileNotFoundError("the platform does not have the file any more")
        words = describe_status(response.status_code)
        raise requests.HTTPError(words, response=response)
    return response


def _copy(response: requests.Response, target: Path, max_bytes: int) -> int:
    """Write the body of an answer to disk, whole or not at all, and return its size in bytes."""
    announced = response.headers.get("Content-Length", "")
    encoded = response.headers.get("Content-Encoding", "identity") != "identity"
    if announced.isdigit() and int(announced) > max_bytes:
        raise _too_big(max_bytes)
    size = 0
    try:
        with open(target, "wb") as file:
            for chunk in response.iter_content(_CHUNK):
                size += len(chunk)
                if size > max_bytes:
                    raise _too_big(max_bytes)
                file.write(chunk)
        if announced.isdigit() and not encoded and size < int(announced):
            raise requests.ConnectionError("the file broke off in the middle")
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return size


def storage_path(file_id: str) -> str:
    """Return where the platform offers a file."""
    return f"/storage/get/{quote(file_id, safe='/')}"


def _too_big(max_bytes: int) -> FileTooBig:
    return FileTooBig(
        f"the file is bigger than the limit of {max_bytes / 1_000_000:.0f} MB"
    )


class Upload(NamedTuple):
    """A file on its way to the platform.

    Attributes:
        name: how it is called there.
        mime_type: its type.
        file: its content.
        size: bytes.
    """

    name: str
    mime_type: str
    file: BinaryIO
    size: int


def upload(api: Any, query: str, variables: Mapping[str, Any], sent: Upload) -> Any:
    """Send a file with a mutation, whose variable `file` it becomes.

    Args:
        api: pycti's `OpenCTIApiClient`.
        query: the mutation.
        variables: its other variables.
        sent: the file.

    Returns: the `data` of the answer.

    Raises:
        ValueError: the platform refuses it, as pycti raises it.
        requests.RequestException: the platform fails.
    """
    body = _Multipart(query, variables, sent)
    response = api.session.post(
        api.api_url,
        data=body,
        headers={**api.request_headers, "Content-Type": body.content_type},
        verify=api.ssl_verify,
        cert=api.cert,
        proxies=api.proxies,
        timeout=api.session_requests_timeout,
    )
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise ValueError(response.text)
    if answer.get("errors"):
        first = answer["errors"][0]
        code = first.get("name") or (first.get("extensions") or {}).get("code")
        message = first.get("message")
        raise ValueError({"name": code or message, "error_message": message})
    if response.status_code != 200 or "data" not in answer:
        raise ValueError(response.text)
    return answer["data"]


class _Multipart:
    """The body of a GraphQL multipart request with one file.

    Has a length and can be iterated over again and again: `requests` then sends it as a stream, and a request that is
    repeated begins at its beginning.
    """

    def __init__(self, query: str, variables: Mapping[str, Any], sent: Upload) -> None:
        boundary = uuid.uuid4().hex
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self._sent = sent
        operations = {"query": query, "variables": {**variables, "file": None}}
        fields = {
            "operations": json.dumps(operations),
            "map": json.dumps({"0": ["variables.file"]}),
        }
        head = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        ]
        # The platform's parser of forms takes quoted strings as RFC 2183 has them, and does not decode percent signs.
        name = sent.name.translate(
            {34: '\\"', 92: "\\\\", **dict.fromkeys((10, 13), " ")}
        )
        head.append(
            f'--{boundary}\r\nContent-Disposition: form-data; name="0"; filename="{name}"\r\n'
            f"Content-Type: {sent.mime_type}\r\n\r\n"
        )
        self._head = "".join(head).encode()
        self._tail = f"\r\n--{boundary}--\r\n".encode()

    def __len__(self) -> int:
        return len(self._head) + self._sent.size + len(self._tail)

    def __iter__(self) -> Iterator[bytes]:
        self._sent.file.seek(0)
        yield self._head
        left = self._sent.size
        while left > 0:
            chunk = self._sent.file.read(min(_CHUNK, left))
            if not chunk:
                raise OSError("the file has become shorter")
            left -= len(chunk)
            yield chunk
        yield self._tail

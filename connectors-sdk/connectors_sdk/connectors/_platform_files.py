"""Files of the platform, in both directions as streams: their size costs no memory.

pycti reads a file into memory as a whole, on the way in and on the way out.
"""

from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests

_CHUNK = 256 * 1024
# What a file's id may hold besides letters and digits without changing the meaning of the address. Such an id may be
# escaped already, by the platform itself.
_SAFE = "/%:@!$&'()*+,;=~"


class FileTooBig(ValueError):
    """The file is bigger than allowed; the text says so."""


def download(helper: Any, path: str, target: Path, max_bytes: int) -> int:
    """Write a file of the platform to disk.

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
    api = helper.api
    url = f"{str(helper.opencti_url).rstrip('/')}/{quote(path.lstrip('/'), safe=_SAFE)}"
    with api.session.get(
        url,
        headers=api.request_headers,
        verify=api.ssl_verify,
        cert=api.cert,
        proxies=api.proxies,
        timeout=api.session_requests_timeout,
        stream=True,
    ) as response:
        if response.status_code == 404:
            raise FileNotFoundError("the platform does not have the file any more")
        response.raise_for_status()
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

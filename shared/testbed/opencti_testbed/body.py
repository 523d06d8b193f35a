"""The bodies of requests, up to the size that the platform accepts."""

from starlette.requests import Request

from opencti_testbed.config import MEBIBYTE


class BodyTooLarge(ValueError):
    """The request is larger than the platform accepts; the text says how large it may be."""

    def __init__(self, limit: int) -> None:
        """Word it for a limit in bytes."""
        super().__init__(
            f"The request is larger than this platform accepts ({limit / MEBIBYTE:g} MB):"
            " send smaller bundles"
        )


async def read_body(request: Request, limit: int) -> bytes:
    """Return the body.

    Raises:
        BodyTooLarge: it is longer than `limit` bytes.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise BodyTooLarge(limit)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise BodyTooLarge(limit)
    return bytes(body)

"""`GET /storage/get/<id>` and `/storage/view/<id>`: the content of files.

Ids are keys, never paths; the answers to failures are those of the platform (403 without a user, 503 without a file).
"""

from collections.abc import Callable
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from opencti_testbed.admin import json_response
from opencti_testbed.store.files import Files

# What a browser may show in the platform's own name; everything else is downloaded or shown as text.
_SHOWN = ("application/pdf", "image/gif", "image/jpeg", "image/png", "image/webp")
_TEXT = ("application/json", "text/")


def routes(files: Files, may_read: Callable[[Request], bool]) -> list[Route]:
    """Return the routes; `may_read` says whether a request comes from a user."""

    async def answer(request: Request, inline: bool) -> Response:
        if not may_read(request):
            return json_response({"error": "You must be logged in to do this."}, 403)
        file_id = request.path_params["file_id"]
        if ".." in file_id.split("/"):
            return json_response({"error": f"{file_id!r} is no id of a file"}, 400)
        found = await run_in_threadpool(files.get, file_id)
        if found is None or not found.path.is_file():
            return json_response({"error": f"There is no file {file_id}"}, 503)
        kind = found.mime_type
        if inline and kind not in _SHOWN:
            inline = kind.startswith(_TEXT)
            kind = "text/plain; charset=utf-8" if inline else kind
        how = "inline" if inline else "attachment"
        return FileResponse(
            found.path,
            media_type=kind,
            headers={
                "Content-Disposition": f"{how}; filename*=utf-8''{quote(found.name, safe='')}",
                "Content-Security-Policy": "sandbox; default-src 'none'",
                "X-Content-Type-Options": "nosniff",
            },
        )

    async def get(request: Request) -> Response:
        return await answer(request, inline=False)

    async def view(request: Request) -> Response:
        return await answer(request, inline=True)

    return [
        Route("/storage/get/{file_id:path}", get),
        Route("/storage/view/{file_id:path}", view),
    ]

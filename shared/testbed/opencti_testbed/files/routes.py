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
from opencti_testbed.store import Store
from opencti_testbed.store.files import StoredFile
from opencti_testbed.store.visibility import VisibleObjects

# What a browser may show in the platform's own name; everything else is downloaded or shown as text.
_SHOWN = ("application/pdf", "image/gif", "image/jpeg", "image/png", "image/webp")
_TEXT = ("application/json", "text/")


def _file(store: Store, file_id: str) -> StoredFile | None:
    """Return what is known of a file; None when there is none, or when its marking or its entity is not shown."""
    found = store.files.get(file_id)
    if found is None:
        return None
    known = (store.objects.get(one) for one in found.markings)
    markings = [one.standard_id for one in known if one is not None]
    if store.objects.hides({"object_marking_refs": markings}):
        return None
    restricted = isinstance(store.objects, VisibleObjects) and found.entity_id
    return None if restricted and not store.objects.get(restricted) else found


def routes(seen: Callable[[Request], Store | None]) -> list[Route]:
    """Return the routes; `seen` returns the store as the user of a request sees it, None when there is no user."""

    async def answer(request: Request, inline: bool) -> Response:
        store = await run_in_threadpool(seen, request)
        if store is None:
            return json_response({"error": "You must be logged in to do this."}, 403)
        file_id = request.path_params["file_id"]
        if ".." in file_id.split("/"):
            return json_response({"error": f"{file_id!r} is no id of a file"}, 400)
        found = await run_in_threadpool(_file, store, file_id)
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

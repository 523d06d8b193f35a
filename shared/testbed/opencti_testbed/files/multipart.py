"""GraphQL requests with files in them.

Source: the GraphQL multipart request specification (`operations`, `map`, then one part per file). The platform's client
deviates: the number at the end of a path in `map` counts all files of the request, not the places of its list.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

MOST_PARTS = 1_000


class BrokenForm(ValueError):
    """The request's body is no GraphQL multipart request; the text says why."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it was sent."""

    name: str
    mime_type: str
    content: bytes


def is_form(content_type: str) -> bool:
    """Return whether a request carries files."""
    return content_type.lower().startswith("multipart/form-data")


async def read_form(content_type: str, body: bytes) -> dict[str, Any]:
    """Return `operations` with an `Upload` in every place that a file was sent for.

    Args:
        content_type: the request's header, with the boundary.

    Raises:
        BrokenForm: the form, its JSON or its map is malformed, or a file that the map names is not there.
    """

    async def whole() -> AsyncGenerator[bytes, None]:
        yield body

    parser = MultiPartParser(
        Headers({"content-type": content_type}),
        whole(),
        max_files=MOST_PARTS,
        max_fields=MOST_PARTS,
        max_part_size=len(body) + 1,
    )
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise BrokenForm(f"The form is broken: {error.message}") from error
    operations = _json(form.get("operations"), "operations")
    for part, paths in _json(form.get("map"), "map").items():
        sent = form.get(part)
        if not isinstance(sent, UploadFile):
            raise BrokenForm(
                f"The form is broken: the file {part} is not in it or not complete"
            )
        upload = Upload(
            sent.filename or "",
            (sent.content_type or "").partition(";")[0].strip(),
            await sent.read(),
        )
        for path in paths if isinstance(paths, list) else [paths]:
            _place(operations, str(path), upload)
    return operations


def _json(text: Any, name: str) -> dict[str, Any]:
    try:
        value = orjson.loads(text)
    except (orjson.JSONDecodeError, TypeError):
        value = None
    if not isinstance(value, dict):
        raise BrokenForm(f"The form is broken: its field {name!r} is no JSON object")
    return value


def _place(operations: dict[str, Any], path: str, upload: Upload) -> None:
    target: Any = operations
    steps = path.split(".")
    for step in steps[:-1]:
        target = _member(target, step)
    last = steps[-1]
    if isinstance(target, dict):
        target[last] = upload
    elif isinstance(target, list) and last.isdigit():
        at = int(last)
        if at >= len(target) or target[at] is not None:
            at = target.index(None) if None in target else len(target)
        target[at : at + 1] = [upload]
    else:
        raise BrokenForm(f"The form is broken: there is no place {path!r} for a file")


def _member(target: Any, step: str) -> Any:
    if isinstance(target, dict):
        return target.get(step)
    if isinstance(target, list) and step.isdigit() and int(step) < len(target):
        return target[int(step)]
    return None

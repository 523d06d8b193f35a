"""Undoing a change: JSON patches as the platform tells them with an update.

Source: RFC 6902 (JSON patch), RFC 6901 (JSON pointer). The platform uses `add`, `remove` and `replace`.
"""

from collections.abc import Iterable, Mapping
from typing import Any


class PatchError(ValueError):
    """An operation does not fit the object."""


def patched(
    document: Mapping[str, Any], operations: Iterable[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return a document after some operations. What they do not touch is shared with the original.

    Raises:
        PatchError: an operation does not fit.
    """
    result: Any = dict(document)
    for operation in operations:
        try:
            kind, path = operation["op"], _steps(operation["path"])
            result = _applied(result, path, kind, operation.get("value"))
        except (KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
            raise PatchError(f"{operation!r} does not fit: {error}") from error
    if not isinstance(result, dict):
        raise PatchError("the document is no object any longer")
    return result


def _steps(path: str) -> list[str]:
    if path and not path.startswith("/"):
        raise ValueError("a pointer begins with a slash")
    return [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]


def _applied(node: Any, path: list[str], kind: str, value: Any) -> Any:
    if kind not in ("add", "remove", "replace"):
        raise ValueError(f"unknown operation {kind!r}")
    if not path:
        return value
    step, *rest = path
    if isinstance(node, list):
        return _in_list(node, step, rest, kind, value)
    copy = dict(node)
    if rest:
        copy[step] = _applied(copy[step], rest, kind, value)
    elif kind == "remove":
        del copy[step]
    else:
        copy[step] = value
    return copy


def _in_list(node: list[Any], step: str, rest: list[str], kind: str, value: Any) -> Any:
    copy = list(node)
    index = len(copy) if step == "-" else int(step)
    if not 0 <= index <= len(copy):
        raise IndexError(f"no place {step}")
    if rest:
        copy[index] = _applied(copy[index], rest, kind, value)
    elif kind == "add":
        copy.insert(index, value)
    elif kind == "remove":
        del copy[index]
    else:
        copy[index] = value
    return copy

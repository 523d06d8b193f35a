"""A document cut into pages."""

import base64
import binascii
import math
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from opencti_testbed.simulator.description import Pagination


class WrongPage(ValueError):
    """The client asks for a page that cannot be."""


def page_of(
    document: Any, records: str, rule: Pagination, query: Mapping[str, str], url: str
) -> tuple[Any, dict[str, str]]:
    """Return one page of a document, and headers.

    Args:
        document: the whole document.
        records: where its list is, dotted; "" when it is the list.
        rule: how it is cut.
        query: the client's query parameters.
        url: address of the route, for links.

    Raises:
        WrongPage: a parameter is no number or cursor.
        KeyError: the document has no list there.
    """
    everything = _at(document, records)
    size = rule.size
    if rule.size_param and rule.size_param in query:
        size = max(1, min(_number(query[rule.size_param]), rule.most))
    first = _first(rule, query, size)
    piece = everything[first : first + size]
    more = first + size < len(everything)
    page = _with(document, records, piece)
    headers: dict[str, str] = {}
    if rule.total_field and isinstance(page, dict):
        page = _with(page, rule.total_field, len(everything))
    if rule.style == "cursor" and isinstance(page, dict):
        page = _with(page, rule.next_field, _cursor(first + size) if more else None)
    if rule.style == "link":
        headers["Link"] = ", ".join(
            _links(rule, query, url, first, size, len(everything))
        )
    return page, {name: value for name, value in headers.items() if value}


def _first(rule: Pagination, query: Mapping[str, str], size: int) -> int:
    given = query.get(rule.parameter)
    if given is None or given == "":
        return 0
    if rule.style == "offset":
        return max(0, _number(given))
    if rule.style == "cursor":
        try:
            return int(base64.urlsafe_b64decode(given))
        except (ValueError, binascii.Error) as error:
            raise WrongPage(f"{given!r} is no cursor of this source") from error
    return max(0, _number(given) - rule.start) * size


def _links(  # pylint: disable=too-many-arguments,too-many-positional-arguments
    rule: Pagination,
    query: Mapping[str, str],
    url: str,
    first: int,
    size: int,
    total: int,
) -> list[str]:
    last = max(math.ceil(total / size) - 1, 0)
    here = first // size
    pages = {"next": here + 1, "last": last} if here < last else {}
    if here > 0:
        pages |= {"first": 0, "prev": here - 1}
    return [
        f'<{url}?{urlencode({**query, rule.parameter: number + rule.start})}>; rel="{name}"'
        for name, number in pages.items()
    ]


def _cursor(first: int) -> str:
    return base64.urlsafe_b64encode(str(first).encode()).decode()


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise WrongPage(f"{text!r} is no number") from error


def _at(document: Any, dotted: str) -> Any:
    for key in filter(None, dotted.split(".")):
        document = document[key]
    if not isinstance(document, list):
        raise KeyError(dotted)
    return document


def _with(document: Any, dotted: str, value: Any) -> Any:
    """Return a copy of a document with a value at a place."""
    key, _, rest = dotted.partition(".")
    if not key:
        return value
    return {**document, key: _with(document.get(key, {}), rest, value)}

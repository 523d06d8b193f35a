"""Walk through what a source gives out in pages.

Each paginator is a generator that asks for a page when the caller wants one. A source that repeats itself (the page number is
ignored, the cursor does not move, links lead in circles) would be read for ever; every paginator notices and stops with
`ApiPaginationError`.
"""

import hashlib
import json
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from typing import Any
from urllib.parse import urljoin

import requests

from connectors_sdk.client.exceptions import (
    ApiConfigurationError,
    ApiDecodeError,
    ApiPaginationError,
)

Extractor = str | Callable[[Any], Any] | None
FetchPage = Callable[[dict[str, Any]], Any]


class Page(list[Any]):
    """The records of one page: a list that also knows where to go on.

    Attributes:
        position: What to hand to the paginator to go on after this page: the next page number, offset, cursor, URL
            or time. None after the last page. Save it once the records were accepted.
    """

    def __init__(self, records: Sequence[Any], position: Any = None) -> None:
        super().__init__(records)
        self.position = position


def extract(body: Any, extractor: Extractor, what: str) -> Any:
    """Take a part out of a parsed body.

    Args:
        body: The parsed answer.
        extractor: None for the body itself, a key, a dotted path (`data.items`), or a function of the body.
        what: What is looked for, for the message.

    Raises:
        ApiDecodeError: The body has no such part.
    """
    if callable(extractor):
        return extractor(body)
    if extractor is None:
        return body
    if isinstance(body, Mapping) and extractor in body:
        return body[extractor]
    part = body
    for key in extractor.split("."):
        if not isinstance(part, Mapping) or key not in part:
            raise ApiDecodeError(
                f"The answer has no {what} under {extractor!r} (it is {_shape(body)}). "
                "Check the address, and whether the source has changed its format."
            )
        part = part[key]
    return part


def records_of(body: Any, extractor: Extractor) -> list[Any]:
    """Return the records of a page; none for null.

    Raises:
        ApiDecodeError: There is no list of records.
    """
    records = extract(body, extractor, "records")
    if records is None:
        return []
    if not isinstance(records, (list, tuple)):
        raise ApiDecodeError(
            f"The records of the page are {_shape(records)}, not a list. "
            "Check the address, and whether the source has changed its format."
        )
    return list(records)


def _shape(value: Any) -> str:
    """Describe a value without quoting it."""
    if isinstance(value, Mapping):
        keys = ", ".join(sorted(map(str, value))[:8])
        return f"an object with the keys {keys}" if keys else "an empty object"
    names = {list: "a list", str: "text", bytes: "binary data", type(None): "empty"}
    return names.get(type(value), "a number or truth value")


@dataclass
class Progress:
    """Remembers what a paginator has seen.

    Args:
        what: The resource, for messages.
    """

    what: str
    _seen: set[bytes] = field(default_factory=set)

    def step(self, marker: Any, kind: str) -> None:
        """Note a page's content, cursor or URL.

        Raises:
            ApiPaginationError: It was there before.
        """
        text = json.dumps(marker, sort_keys=True, default=str, separators=(",", ":"))
        digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
        if digest in self._seen:
            raise ApiPaginationError(
                f"{self.what}: the source sent the same {kind} twice, so there is no way forward. "
                "Check the names of the paging parameters; tell the source if they are right."
            )
        self._seen.add(digest)


def by_page_number(
    fetch: FetchPage,
    what: str,
    *,
    page_param: str,
    page_size_param: str | None,
    page_size: int,
    start_page: int,
    extractor: Extractor,
    stop_on_short_page: bool,
) -> Iterator[Page]:
    """Ask for page 1, 2, 3, ... until one is empty, or short where that marks the end."""
    progress = Progress(what)
    number = start_page
    while True:
        params: dict[str, Any] = {page_param: number}
        if page_size_param:
            params[page_size_param] = page_size
        records = records_of(fetch(params), extractor)
        if not records:
            return
        progress.step(records, "page")
        last = stop_on_short_page and len(records) < page_size
        number += 1
        yield Page(records, None if last else number)
        if last:
            return


def by_offset(
    fetch: FetchPage,
    what: str,
    *,
    offset_param: str,
    limit_param: str | None,
    limit: int,
    start: int,
    extractor: Extractor,
    total: Extractor,
) -> Iterator[Page]:
    """Ask from record 0, from record n, ... until a page is empty or `total` records were seen.

    The offset grows by what really came, so a source that gives out fewer than asked for loses nothing.
    """
    progress = Progress(what)
    offset = start
    while True:
        params: dict[str, Any] = {offset_param: offset}
        if limit_param:
            params[limit_param] = limit
        body = fetch(params)
        records = records_of(body, extractor)
        if not records:
            return
        progress.step(records, "page")
        offset += len(records)
        last = total is not None and offset >= int(extract(body, total, "total"))
        yield Page(records, None if last else offset)
        if last:
            return


def by_cursor(
    fetch: FetchPage,
    what: str,
    *,
    cursor_param: str,
    next_cursor: Extractor,
    cursor: Any,
    extractor: Extractor,
) -> Iterator[Page]:
    """Hand back the cursor of each page to get the next one, until there is none."""
    progress = Progress(what)
    if cursor is not None:
        progress.step(cursor, "cursor")
    while True:
        body = fetch({} if cursor is None else {cursor_param: cursor})
        records = records_of(body, extractor)
        cursor = _next_or_none(body, next_cursor, "cursor")
        if cursor is not None:
            progress.step(cursor, "cursor")
        if records:
            yield Page(records, cursor)
        if cursor is None:
            return


def by_link(
    fetch: Callable[[str | None], tuple[requests.Response, Any]],
    what: str,
    *,
    next_url: Extractor,
    url: str | None,
    extractor: Extractor,
) -> Iterator[Page]:
    """Follow the link to the next page: of the `Link` header (RFC 8288), or of the body where `next_url` says so."""
    progress = Progress(what)
    if url is not None:
        progress.step(url, "link")
    while True:
        response, body = fetch(url)
        records = records_of(body, extractor)
        if next_url is None:
            target = response.links.get("next", {}).get("url")
        else:
            target = _next_or_none(body, next_url, "link")
        url = urljoin(str(response.url), str(target)) if target else None
        if url is not None:
            progress.step(url, "link")
        if records:
            yield Page(records, url)
        if url is None:
            return


def _next_or_none(body: Any, extractor: Extractor, what: str) -> Any:
    """Return the way to the next page; absent, null, empty and false all mean that there is none."""
    try:
        value = extract(body, extractor, what)
    except ApiDecodeError:
        # Many sources leave the key out on the last page.
        return None
    return None if value is None or value is False or value == "" else value


# --- Time --------------------------------------------------------------------------------------------------------------


def rfc3339(moment: datetime) -> str:
    """Write an aware time like `2025-01-31T23:59:59.123456Z`, without a fraction when there is none."""
    text = moment.astimezone(timezone.utc).isoformat()
    return text.replace("+00:00", "Z")


def windows(
    since: datetime, until: datetime, width: timedelta, overlap: timedelta
) -> Iterator[tuple[datetime, datetime]]:
    """Cut a span of time into windows; each begins `overlap` before the end of the former.

    Raises:
        ApiConfigurationError: The windows would not move on.
    """
    if width <= overlap or overlap < timedelta(0):
        raise ApiConfigurationError(
            f"Windows of {width} with an overlap of {overlap} do not move on. The overlap must be shorter than the window."
        )
    start = since - overlap
    while start < until:
        end = min(start + width, until)
        yield start, end
        if end >= until:
            return
        start = end - overlap


def by_time_window(
    pages: Callable[[datetime, datetime], Iterable[Sequence[Any]]],
    what: str,
    *,
    span: Iterable[tuple[datetime, datetime]],
    id_of: Callable[[Any], Hashable],
    result_cap: int | None,
    narrowest: timedelta,
) -> Iterator[Page]:
    """Ask for one window of time after the other; a record that two windows share is yielded once.

    A source that gives out at most `result_cap` records per query hides the rest without a word. A window that reaches the
    cap is therefore halved until its parts stay below.
    """

    def of_window(start: datetime, end: datetime) -> Iterator[Sequence[Any]]:
        found = pages(start, end)
        if result_cap is None:
            yield from found
            return
        kept = list(found)
        if sum(map(len, kept)) < result_cap:
            yield from kept
            return
        middle = start + (end - start) / 2
        if middle - start < narrowest:
            raise ApiPaginationError(
                f"{what}: {result_cap} or more records share the time around {start.isoformat()}, more than the source "
                "gives out. Narrow the query by another parameter, or ask the source to raise the cap."
            )
        kept.clear()
        yield from of_window(start, middle)
        yield from of_window(middle, end)

    earlier: set[Hashable] = set()
    for start, end in span:
        current: set[Hashable] = set()
        # One page is held back, because only the last one of a window may let the position move past it.
        held: list[Any] | None = None
        for records in of_window(start, end):
            fresh = []
            for record in records:
                identity = id_of(record)
                if identity not in earlier and identity not in current:
                    fresh.append(record)
                current.add(identity)
            if held and fresh:
                yield Page(held, start)
            held = fresh or held
        if held:
            yield Page(held, end)
        earlier = current


def by_newest_time(
    fetch: Callable[[datetime], list[Any]],
    what: str,
    *,
    since: datetime,
    overlap: timedelta,
    resolution: timedelta,
    page_size: int,
    time_of: Callable[[Any], datetime],
    id_of: Callable[[Any], Hashable],
) -> Iterator[Page]:
    """Ask for what is not older than the newest record seen, until a page is not full.

    Records with equal times may be cut apart by a page's end. The next page therefore begins at the newest time itself
    (earlier by `resolution`), and records that came before are left out by their id.
    """
    progress = Progress(what)
    seen: dict[Hashable, datetime] = {}
    newest = since
    ask = since - overlap
    while True:
        records = [(time_of(found), id_of(found), found) for found in fetch(ask)]
        full = len(records) >= page_size
        if full and any(later[0] < before[0] for before, later in pairwise(records)):
            raise ApiPaginationError(
                f"{what}: the records are not in ascending order of time, so paging by time would lose some. "
                "Ask the source to sort them oldest first."
            )
        fresh = []
        for time, identity, record in records:
            if identity not in seen:
                seen[identity] = time
                fresh.append(record)
        if full and not fresh:
            raise ApiPaginationError(
                f"{what}: more than {page_size} records share the time {newest.isoformat()}, so paging by time cannot "
                "get past them. Ask for bigger pages, or page by cursor."
            )
        if full:
            # A source that ignores the time sends the same page for ever.
            progress.step([str(identity) for _, identity, _ in records], "page")
        newest = max([newest, *(time for time, _, _ in records)])
        ask = newest - resolution
        seen = {identity: time for identity, time in seen.items() if time >= ask}
        if fresh:
            yield Page(fresh, newest)
        if not full:
            return

"""The client's methods that walk through pages."""

from collections.abc import Callable, Generator, Hashable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import requests

from connectors_sdk.client.paginate import (
    Extractor,
    Page,
    by_cursor,
    by_link,
    by_newest_time,
    by_offset,
    by_page_number,
    by_time_window,
    records_of,
    rfc3339,
    windows,
)
from connectors_sdk.client.request_api import RequestApi


# pylint: disable=abstract-method  # `BaseClientApi` completes it
class PagingApi(RequestApi):
    """Paginators, all generators: a page is asked for when the caller wants it."""

    def _paginate_offset(
        self,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        page_param: str = "page",
        page_size_param: str | None = "per_page",
        page_size: int = 100,
        start_page: int = 1,
        results_extractor: Extractor = None,
        stop_on_short_page: bool = True,
        **kwargs: Any,
    ) -> Generator[Page, None, None]:
        """Walk through pages that are numbered.

        Args:
            path: As of `_request`.
            params: Further query parameters.
            page_param, page_size_param: Names of the parameters; None for the size: not sent.
            page_size: Records per page.
            start_page: Number of the first page; the `position` of a page to go on after it.
            results_extractor: Where the records are in a body: None: it is the list; a key or dotted path; a function.
            stop_on_short_page: A page with fewer records than `page_size` is the last one. Set it to False for sources
                that give out fewer than asked for; they are then asked until a page is empty.
            kwargs: `json` (a dictionary) makes it a POST whose body gets the paging parameters; the rest is passed on
                to `requests.Session.request`.

        Yields:
            Non-empty pages.

        Raises:
            ApiPaginationError: The same page came twice.
            ApiDecodeError: A body has no records where they should be.
            ApiClientError: As of `_request`.
        """
        yield from by_page_number(
            self._page_fetcher(path, params, kwargs),
            self._what(path),
            page_param=page_param,
            page_size_param=page_size_param,
            page_size=page_size,
            start_page=start_page,
            extractor=results_extractor,
            stop_on_short_page=stop_on_short_page,
        )

    def _paginate_records(
        self,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        offset_param: str = "offset",
        limit_param: str | None = "limit",
        limit: int = 100,
        start: int = 0,
        results_extractor: Extractor = None,
        total_extractor: Extractor = None,
        **kwargs: Any,
    ) -> Generator[Page, None, None]:
        """Walk through pages that are asked for by the number of their first record.

        Args:
            path, params, results_extractor, kwargs: As of `_paginate_offset`.
            offset_param, limit_param: Names of the parameters; None for the limit: not sent.
            limit: Records per page asked for; fewer may come.
            start: First record; the `position` of a page to go on after it.
            total_extractor: Where a body says how many records there are; None: ask until a page is empty.

        Yields:
            Non-empty pages.

        Raises:
            ApiPaginationError, ApiDecodeError, ApiClientError: As of `_paginate_offset`.
        """
        yield from by_offset(
            self._page_fetcher(path, params, kwargs),
            self._what(path),
            offset_param=offset_param,
            limit_param=limit_param,
            limit=limit,
            start=start,
            extractor=results_extractor,
            total=total_extractor,
        )

    def _paginate_cursor(
        self,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        cursor_param: str = "cursor",
        next_cursor: Extractor = "next_cursor",
        cursor: Any = None,
        results_extractor: Extractor = None,
        **kwargs: Any,
    ) -> Generator[Page, None, None]:
        """Walk through pages that each name the cursor of the next one.

        Args:
            path, params, results_extractor, kwargs: As of `_paginate_offset`.
            cursor_param: Name of the parameter that takes the cursor.
            next_cursor: Where a body has the cursor of the next page; absent or empty on the last one.
            cursor: Where to begin; the `position` of a page to go on after it.

        Yields:
            Non-empty pages.

        Raises:
            ApiPaginationError: The same cursor came twice.
            ApiDecodeError, ApiClientError: As of `_paginate_offset`.
        """
        yield from by_cursor(
            self._page_fetcher(path, params, kwargs),
            self._what(path),
            cursor_param=cursor_param,
            next_cursor=next_cursor,
            cursor=cursor,
            extractor=results_extractor,
        )

    def _paginate_link(
        self,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        next_url: Extractor = None,
        url: str | None = None,
        results_extractor: Extractor = None,
        **kwargs: Any,
    ) -> Generator[Page, None, None]:
        """Walk through pages that link to the next one. A link to a foreign host is followed without credentials.

        Args:
            path, params, results_extractor, kwargs: As of `_paginate_offset`; `params` go with the first request only,
                links carry their own.
            next_url: Where a body has the link (`"next"`, `"@odata.nextLink"`); None: in the `Link` header.
            url: Where to begin; the `position` of a page to go on after it.

        Yields:
            Non-empty pages.

        Raises:
            ApiPaginationError: The same link came twice.
            ApiDecodeError, ApiClientError: As of `_paginate_offset`.
        """

        def fetch(link: str | None) -> tuple[requests.Response, Any]:
            response = self._checked_request(
                "GET",
                path if link is None else link,
                params=params if link is None else None,
                **kwargs,
            )
            empty = response.status_code == 204
            return response, None if empty else self._parse_response(response)

        yield from by_link(
            fetch,
            self._what(path),
            next_url=next_url,
            url=url,
            extractor=results_extractor,
        )

    def _paginate_time_window(  # pylint: disable=too-many-arguments
        self,
        path: str,
        *,
        since: datetime,
        id_of: Callable[[Any], Hashable],
        until: datetime | None = None,
        window: timedelta = timedelta(days=1),
        overlap: timedelta = timedelta(0),
        params: Mapping[str, Any] | None = None,
        start_param: str = "start",
        end_param: str = "end",
        format_time: Callable[[datetime], Any] = rfc3339,
        pages: Callable[[dict[str, Any]], Iterable[Sequence[Any]]] | None = None,
        result_cap: int | None = None,
        narrowest: timedelta = timedelta(seconds=1),
        results_extractor: Extractor = None,
        **kwargs: Any,
    ) -> Generator[Page, None, None]:
        """Walk through a span of time window by window.

        Args:
            path, params, results_extractor, kwargs: As of `_paginate_offset`.
            since, until: The span (aware); until: default now. `since` is the `position` of a page to go on after it.
            id_of: What makes a record the same one when two windows hold it.
            window: Width of a window.
            overlap: How much each window repeats of the former one (and the first one of the time before `since`), to
                catch records that became visible late.
            start_param, end_param, format_time: Names and notation of the bounds.
            pages: Returns the pages of one window for its parameters, e.g. another paginator of this client; None: each
                window is one request.
            result_cap: Most records the source gives out per window; windows that reach it are halved.
            narrowest: Windows are not halved below this width.

        Yields:
            Non-empty pages.

        Raises:
            ApiPaginationError: Too many records share one time.
            ApiConfigurationError: The windows would not move on.
            ApiDecodeError, ApiClientError: As of `_paginate_offset`.
        """
        fetch = self._page_fetcher(path, params, kwargs)

        def of_window(start: datetime, end: datetime) -> Iterable[Sequence[Any]]:
            bounds = {start_param: format_time(start), end_param: format_time(end)}
            if pages is not None:
                return pages(bounds)
            return [records_of(fetch(bounds), results_extractor)]

        if until is None:
            until = datetime.fromtimestamp(self._timing.now(), timezone.utc)
        yield from by_time_window(
            of_window,
            self._what(path),
            span=windows(since, until, window, overlap),
            id_of=id_of,
            result_cap=result_cap,
            narrowest=narrowest,
        )

    def _paginate_newest(  # pylint: disable=too-many-arguments
        self,
        path: str,
        *,
        since: datetime,
        time_of: Callable[[Any], datetime],
        id_of: Callable[[Any], Hashable],
        overlap: timedelta = timedelta(0),
        resolution: timedelta = timedelta(0),
        params: Mapping[str, Any] | None = None,
        since_param: str = "since",
        page_size_param: str | None = "limit",
        page_size: int = 100,
        format_time: Callable[[datetime], Any] = rfc3339,
        results_extractor: Extractor = None,
        **kwargs: Any,
    ) -> Generator[Page, None, None]:
        """Walk forward from a time with a source that sorts by time and gives out the oldest records first.

        Args:
            path, params, results_extractor, kwargs: As of `_paginate_offset`.
            since: Where to begin (aware); the `position` of a page to go on after it.
            time_of: The time of a record (aware) by which the source sorts.
            id_of: What makes a record the same one when it comes twice.
            overlap: How far before `since` to begin, to catch records that became visible late.
            resolution: How much earlier than the newest time the next page begins. 0 when the source includes records
                of exactly the time asked for; else the finest step of its clock.
            since_param, page_size_param, format_time: Names and notation of the parameters.
            page_size: Records per page.

        Yields:
            Non-empty pages without repetitions.

        Raises:
            ApiPaginationError: A full page brought nothing new (more records than fit a page share one time), or the
                records are not in ascending order.
            ApiDecodeError, ApiClientError: As of `_paginate_offset`.
        """
        fetch = self._page_fetcher(path, params, kwargs)

        def not_older_than(moment: datetime) -> list[Any]:
            page = {since_param: format_time(moment)}
            if page_size_param:
                page[page_size_param] = page_size
            return records_of(fetch(page), results_extractor)

        yield from by_newest_time(
            not_older_than,
            self._what(path),
            since=since,
            overlap=overlap,
            resolution=resolution,
            page_size=page_size,
            time_of=time_of,
            id_of=id_of,
        )

    def _page_fetcher(
        self, path: str, params: Mapping[str, Any] | None, kwargs: dict[str, Any]
    ) -> Callable[[dict[str, Any]], Any]:
        """Return a function that fetches and parses a page, given the parameters that choose it."""
        json = kwargs.pop("json", None)
        if json is not None:
            return lambda page: self._post(
                path, json={**json, **page}, params=params, **kwargs
            )
        return lambda page: self._get(path, params={**(params or {}), **page}, **kwargs)

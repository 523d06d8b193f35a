"""Paginators: everything once, nothing lost, no circles."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors_sdk.client.exceptions import (
    ApiConfigurationError,
    ApiDecodeError,
    ApiPaginationError,
)
from connectors_sdk.client.paginate import (
    Page,
    by_newest_time,
    by_offset,
    by_page_number,
    by_time_window,
    rfc3339,
    windows,
)
from connectors_sdk.testing import Canned, CannedServer, RecordedRequest

START = datetime(2025, 3, 1, tzinfo=timezone.utc)
SECOND = timedelta(seconds=1)


def number(request: RecordedRequest, name: str) -> int:
    return int(request.query[name][0])


def flat(pages: Iterator[Page]) -> list[Any]:
    return [record for page in pages for record in page]


# --- By page number ----------------------------------------------------------------------------------------------------


def numbered(
    records: list[Any], key: str | None = None
) -> Callable[[RecordedRequest], Canned]:
    def answer(request: RecordedRequest) -> Canned:
        size = number(request, "per_page")
        start = (number(request, "page") - 1) * size
        found = records[start : start + size]
        return Canned(found if key is None else {key: found, "total": len(records)})

    return answer


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 20, 25])
def test_numbered_pages(server: CannedServer, client_of: Any, count: int) -> None:
    server.on("GET", "/items", numbered(list(range(count))))
    pages = list(
        client_of(server.url)._paginate_offset(
            "/items", page_size=10, params={"f": "x"}
        )
    )
    assert [record for page in pages for record in page] == list(range(count))
    assert all(0 < len(page) <= 10 for page in pages)
    assert len(server.requests) == count // 10 + 1
    assert all(request.query["f"] == ["x"] for request in server.requests)


def test_pages_are_asked_for_when_wanted(server: CannedServer, client_of: Any) -> None:
    server.on("GET", "/items", numbered(list(range(30))))
    pages = client_of(server.url)._paginate_offset("/items", page_size=10)
    assert not server.requests
    first = next(pages)
    assert first == list(range(10))
    assert len(server.requests) == 1
    # A run that is interrupted goes on from there.
    again = client_of(server.url)._paginate_offset(
        "/items", page_size=10, start_page=first.position
    )
    assert flat(again) == list(range(10, 30))


@pytest.mark.parametrize(
    "extractor", ["data.items", lambda body: body["data"]["items"]]
)
def test_where_the_records_are(
    server: CannedServer, client_of: Any, extractor: Any
) -> None:
    server.on("GET", "/items", Canned({"data": {"items": [1, 2]}}))
    client = client_of(server.url)
    assert list(
        client._paginate_offset(
            "/items",
            page_param="p",
            page_size_param="n",
            page_size=5,
            start_page=0,
            results_extractor=extractor,
        )
    ) == [[1, 2]]
    assert server.requests[0].query == {"p": ["0"], "n": ["5"]}


def test_a_key_with_a_dot_is_a_key_first(server: CannedServer, client_of: Any) -> None:
    server.on("GET", "/items", Canned({"@odata.value": [1], "null": None}))
    client = client_of(server.url)
    assert list(
        client._paginate_offset("/items", results_extractor="@odata.value")
    ) == [[1]]
    assert not list(client._paginate_offset("/items", results_extractor="null"))


@pytest.mark.parametrize(
    ("body", "extractor", "found"),
    [
        ({"error": "x"}, "data", "an object with the keys error"),
        ({"error": "x"}, None, "an object with the keys error"),
        ("<html>", None, "text"),
        ({"data": 5}, "data", "a number"),
    ],
)
def test_answers_of_another_shape_are_no_empty_page(
    server: CannedServer, client_of: Any, body: Any, extractor: Any, found: str
) -> None:
    server.on("GET", "/items", Canned(body))
    with pytest.raises(ApiDecodeError, match=found):
        list(
            client_of(server.url)._paginate_offset(
                "/items", results_extractor=extractor
            )
        )


def test_a_source_that_ignores_the_page_number(
    server: CannedServer, client_of: Any
) -> None:
    server.on("GET", "/items", Canned([1, 2, 3]))
    pages = client_of(server.url)._paginate_offset("/items", page_size=3)
    assert next(pages) == [1, 2, 3]
    with pytest.raises(ApiPaginationError, match="same page twice"):
        next(pages)
    assert len(server.requests) == 2


def test_a_source_that_runs_in_a_larger_circle() -> None:
    pages = by_page_number(
        lambda params: [params["page"] % 3] * 2,
        "x",
        page_param="page",
        page_size_param=None,
        page_size=2,
        start_page=0,
        extractor=None,
        stop_on_short_page=True,
    )
    with pytest.raises(ApiPaginationError):
        list(pages)


def test_a_source_that_gives_out_less_than_asked_for(
    server: CannedServer, client_of: Any
) -> None:
    def capped(request: RecordedRequest) -> Canned:
        start = (number(request, "page") - 1) * 5
        return Canned(list(range(12))[start : start + 5])

    server.on("GET", "/items", capped)
    client = client_of(server.url)
    assert flat(client._paginate_offset("/items", page_size=100)) == list(range(5))
    assert flat(
        client._paginate_offset("/items", page_size=100, stop_on_short_page=False)
    ) == list(range(12))


def test_pages_of_a_search_by_post(server: CannedServer, client_of: Any) -> None:
    def search(request: RecordedRequest) -> Canned:
        assert request.json["query"] == "x"
        assert request.query == {"v": ["2"]}
        return Canned([[1, 2], [3]][request.json["page"] - 1])

    server.on("POST", "/search", search)
    pages = client_of(server.url)._paginate_offset(
        "/search", json={"query": "x"}, params={"v": 2}, page_size=2
    )
    assert list(pages) == [[1, 2], [3]]


# --- By offset ---------------------------------------------------------------------------------------------------------


@given(st.integers(0, 30), st.integers(1, 7), st.integers(1, 7), st.booleans())
def test_offsets(count: int, limit: int, cap: int, with_total: bool) -> None:
    asked = 0

    def fetch(params: dict[str, Any]) -> Any:
        nonlocal asked
        asked += 1
        start = params["from"]
        return {
            "n": count,
            "records": list(range(count))[start : start + min(cap, params["size"])],
        }

    pages = list(
        by_offset(
            fetch,
            "x",
            offset_param="from",
            limit_param="size",
            limit=limit,
            start=0,
            extractor="records",
            total="n" if with_total else None,
        )
    )
    assert [record for page in pages for record in page] == list(range(count))
    assert asked == len(pages) + (not with_total or count == 0)


def test_offsets_through_the_client(server: CannedServer, client_of: Any) -> None:
    server.on(
        "GET",
        "/items",
        lambda request: Canned(
            list(range(7))[number(request, "offset") :][: number(request, "limit")]
        ),
    )
    client = client_of(server.url)
    pages = list(client._paginate_records("/items", limit=3))
    assert pages == [[0, 1, 2], [3, 4, 5], [6]]
    assert flat(
        client._paginate_records("/items", limit=3, start=pages[0].position)
    ) == [3, 4, 5, 6]
    server.on("GET", "/items", Canned([1, 2, 3]))
    with pytest.raises(ApiPaginationError):
        list(client._paginate_records("/items", limit=3))


# --- By cursor ---------------------------------------------------------------------------------------------------------


def test_cursors(server: CannedServer, client_of: Any) -> None:
    book = {
        "first": {"items": [1], "meta": {"next": "a"}},
        "a": {"items": [], "meta": {"next": 0}},
        "0": {"items": [2], "meta": {"next": "b"}},
        "b": {"items": [3], "meta": {}},
    }
    server.on(
        "GET",
        "/items",
        lambda request: Canned(book[request.query.get("after", ["first"])[0]]),
    )
    options = {
        "cursor_param": "after",
        "next_cursor": "meta.next",
        "results_extractor": "items",
    }
    client = client_of(server.url)
    pages = list(client._paginate_cursor("/items", **options))
    assert pages == [[1], [2], [3]]
    assert [page.position for page in pages] == ["a", "b", None]
    assert flat(client._paginate_cursor("/items", cursor="a", **options)) == [2, 3]


@pytest.mark.parametrize("last", [None, "", False])
def test_the_end_of_cursors(server: CannedServer, client_of: Any, last: Any) -> None:
    server.on("GET", "/items", Canned({"items": [1], "next_cursor": last}))
    assert list(
        client_of(server.url)._paginate_cursor("/items", results_extractor="items")
    ) == [[1]]


@pytest.mark.parametrize("start", [None, "a"])
def test_a_cursor_that_does_not_move(
    server: CannedServer, client_of: Any, start: str | None
) -> None:
    server.on("GET", "/items", Canned({"items": [1], "next_cursor": "a"}))
    with pytest.raises(ApiPaginationError, match="same cursor twice"):
        list(
            client_of(server.url)._paginate_cursor(
                "/items", results_extractor="items", cursor=start
            )
        )
    assert len(server.requests) <= 2


# --- By link -----------------------------------------------------------------------------------------------------------


def test_link_headers(
    server: CannedServer, other_server: CannedServer, client_of: Any
) -> None:
    server.on(
        "GET",
        "/items",
        Canned(
            [1], headers={"Link": '</items2?page=2>; rel="next", </items>; rel="first"'}
        ),
    )
    server.on(
        "GET",
        "/items2",
        Canned([], headers={"Link": f'<{other_server.url}/items3>; rel="next"'}),
    )
    other_server.on("GET", "/items3", Canned([3]))
    client = client_of(server.url)
    client._session.headers["X-Key"] = "k3y-of-a-test"
    pages = list(client._paginate_link("/items", params={"size": 1}))
    assert pages == [[1], [3]]
    assert [page.position for page in pages] == [f"{server.url}/items2?page=2", None]
    assert [request.query for request in server.requests] == [
        {"size": ["1"]},
        {"page": ["2"]},
    ]
    assert "x-key" in server.requests[1].headers
    assert "x-key" not in other_server.requests[0].headers
    assert flat(client._paginate_link("/items", url=f"{other_server.url}/items3")) == [
        3
    ]


def test_links_in_the_body(server: CannedServer, client_of: Any) -> None:
    server.on(
        "GET", "/v1/items", Canned({"value": [1], "@odata.nextLink": "items2?skip=1"})
    )
    server.on("GET", "/v1/items2", Canned({"value": [2]}))
    pages = client_of(server.url)._paginate_link(
        "/v1/items", next_url="@odata.nextLink", results_extractor="value"
    )
    assert list(pages) == [[1], [2]]


def test_links_in_a_circle(server: CannedServer, client_of: Any) -> None:
    server.on("GET", "/a", Canned([1], headers={"Link": '</b>; rel="next"'}))
    server.on("GET", "/b", Canned([2], headers={"Link": '</a>; rel="next"'}))
    with pytest.raises(ApiPaginationError, match="same link twice"):
        list(client_of(server.url)._paginate_link("/a"))
    assert len(server.requests) <= 3


# --- By windows of time ------------------------------------------------------------------------------------------------


def test_windows_cover_the_span() -> None:
    span = list(windows(START, START + 10 * SECOND, 4 * SECOND, 1 * SECOND))
    seconds = [
        ((start - START).total_seconds(), (end - START).total_seconds())
        for start, end in span
    ]
    assert seconds == [(-1, 3), (2, 6), (5, 9), (8, 10)]
    assert not list(windows(START, START, SECOND, timedelta(0)))


@pytest.mark.parametrize(
    ("width", "overlap"),
    [
        (SECOND, SECOND),
        (SECOND, 2 * SECOND),
        (timedelta(0), timedelta(0)),
        (SECOND, -SECOND),
    ],
)
def test_windows_that_do_not_move_are_refused(
    width: timedelta, overlap: timedelta
) -> None:
    with pytest.raises(ApiConfigurationError):
        list(windows(START, START + 10 * SECOND, width, overlap))


TIMES = st.lists(st.integers(0, 30), max_size=40)


@given(
    TIMES, st.integers(1, 12), st.integers(0, 3), st.integers(1, 5), st.integers(2, 12)
)
def test_windows_yield_every_record_once(
    times: list[int], width: int, overlap: int, page: int, cap: int
) -> None:
    """Whatever the ties, the windows' overlap, the source's pages and its cap."""
    if width <= overlap:
        return
    records = sorted((START + time * SECOND, name) for name, time in enumerate(times))

    def pages(start: datetime, end: datetime) -> Iterator[list[Any]]:
        # Both bounds are included, as many sources do.
        found = [record for record in records if start <= record[0] <= end][:cap]
        yield from (found[i : i + page] for i in range(0, len(found), page))

    until = START + 30 * SECOND
    most = max((times.count(time) for time in times), default=0)
    walk = by_time_window(
        pages,
        "x",
        span=windows(START, until, width * SECOND, overlap * SECOND),
        id_of=lambda record: record[1],
        result_cap=cap,
        narrowest=timedelta(milliseconds=1),
    )
    if most >= cap:
        with pytest.raises(ApiPaginationError, match="share the time"):
            list(walk)
        return
    got = list(walk)
    assert sorted(record for one in got for record in one) == records
    assert all(got)
    # Going on after any page repeats at most, and never skips.
    for index, one in enumerate(got):
        rest = by_time_window(
            pages,
            "x",
            span=windows(one.position, until, width * SECOND, overlap * SECOND),
            id_of=lambda record: record[1],
            result_cap=cap,
            narrowest=timedelta(milliseconds=1),
        )
        later = {record for page_ in rest for record in page_}
        assert {record for page_ in got[index + 1 :] for record in page_} <= later


def test_windows_through_the_client(
    server: CannedServer, client_of: Any, clock: Any
) -> None:
    records: list[dict[str, Any]] = [
        {"id": name, "at": START + hours * timedelta(hours=1)}
        for name, hours in enumerate([0, 1, 24, 24, 47])
    ]

    def search(request: RecordedRequest) -> Canned:
        low, high = (
            datetime.fromisoformat(request.query[name][0].replace("Z", "+00:00"))
            for name in ("from", "to")
        )
        return Canned(
            {
                "hits": [
                    {"id": record["id"]}
                    for record in records
                    if low <= record["at"] <= high
                ]
            }
        )

    server.on("GET", "/search", search)
    clock.time = (START + timedelta(days=2)).timestamp()
    pages = list(
        client_of(server.url)._paginate_time_window(
            "/search",
            since=START,
            id_of=lambda hit: hit["id"],
            start_param="from",
            end_param="to",
            results_extractor="hits",
        )
    )
    assert [[hit["id"] for hit in page] for page in pages] == [[0, 1, 2, 3], [4]]
    assert [page.position for page in pages] == [
        START + timedelta(days=1),
        START + timedelta(days=2),
    ]
    assert server.requests[0].query == {
        "from": ["2025-03-01T00:00:00Z"],
        "to": ["2025-03-02T00:00:00Z"],
    }


def test_windows_of_pages(server: CannedServer, client_of: Any) -> None:
    server.on("GET", "/search", numbered(list(range(5)), "hits"))
    client = client_of(server.url)

    def pages(bounds: dict[str, Any]) -> Any:
        return client._paginate_offset(
            "/search", params=bounds, page_size=2, results_extractor="hits"
        )

    walk = client._paginate_time_window(
        "/search", since=START, until=START + SECOND, id_of=int, pages=pages
    )
    assert [(list(page), page.position) for page in walk] == [
        ([0, 1], START),
        ([2, 3], START),
        ([4], START + SECOND),
    ]
    assert server.requests[0].query["start"] == ["2025-03-01T00:00:00Z"]


# --- By the newest time ------------------------------------------------------------------------------------------------


@given(TIMES, st.integers(2, 10), st.booleans(), st.integers(0, 5))
def test_following_time_yields_every_record_once(
    times: list[int], size: int, exclusive: bool, overlap: int
) -> None:
    """Thirteen records of one second and a page of ten: three used to be lost."""
    records = sorted((START + time * SECOND, name) for name, time in enumerate(times))
    asked: list[datetime] = []

    def fetch(since: datetime) -> list[Any]:
        asked.append(since)
        return [
            record
            for record in records
            if (record[0] > since if exclusive else record[0] >= since)
        ][:size]

    walk = by_newest_time(
        fetch,
        "x",
        since=START - SECOND,
        overlap=overlap * SECOND,
        resolution=SECOND if exclusive else timedelta(0),
        page_size=size,
        time_of=lambda record: record[0],
        id_of=lambda record: record[1],
    )
    most = max((times.count(time) for time in times), default=0)
    if most >= size:
        # It may still come through by luck of the page's end, but then completely.
        try:
            got = [record for page in walk for record in page]
        except ApiPaginationError as error:
            assert "share the time" in str(error)
            return
    else:
        got = [record for page in walk for record in page]
    assert got == records
    assert asked[0] == START - SECOND - overlap * SECOND
    assert len(asked) <= len(records) + 2


def test_a_source_that_ignores_the_time() -> None:
    records = [(START + second * SECOND, second) for second in range(5)]
    walk = by_newest_time(
        lambda _: records,
        "x",
        since=START,
        overlap=timedelta(0),
        resolution=timedelta(0),
        page_size=5,
        time_of=lambda record: record[0],
        id_of=lambda record: record[1],
    )
    assert next(walk) == records
    with pytest.raises(ApiPaginationError):
        list(walk)


def test_newest_first_is_refused(server: CannedServer, client_of: Any) -> None:
    server.on("GET", "/feed", Canned([{"t": 9, "id": "a"}, {"t": 3, "id": "b"}]))
    walk = client_of(server.url)._paginate_newest(
        "/feed",
        since=START,
        page_size=2,
        time_of=lambda record: START + record["t"] * SECOND,
        id_of=lambda record: record["id"],
    )
    with pytest.raises(ApiPaginationError, match="ascending"):
        list(walk)


def test_following_time_through_the_client(
    server: CannedServer, client_of: Any
) -> None:
    records = [{"t": second, "id": name} for name, second in enumerate([0, 1, 1, 1, 2])]

    def feed(request: RecordedRequest) -> Canned:
        since = int(request.query["after"][0])
        return Canned(
            {
                "items": [record for record in records if record["t"] >= since][
                    : number(request, "n")
                ]
            }
        )

    server.on("GET", "/feed", feed)
    pages = list(
        client_of(server.url)._paginate_newest(
            "/feed",
            since=START,
            time_of=lambda record: START + record["t"] * SECOND,
            id_of=lambda record: record["id"],
            since_param="after",
            page_size_param="n",
            page_size=4,
            format_time=lambda moment: int((moment - START).total_seconds()),
            results_extractor="items",
        )
    )
    assert [[record["id"] for record in page] for page in pages] == [[0, 1, 2, 3], [4]]
    assert [page.position for page in pages] == [START + SECOND, START + 2 * SECOND]


def test_times_are_written_in_utc() -> None:
    assert (
        rfc3339(datetime(2025, 3, 1, 2, tzinfo=timezone(timedelta(hours=2))))
        == "2025-03-01T00:00:00Z"
    )
    assert rfc3339(START.replace(microsecond=5)) == "2025-03-01T00:00:00.000005Z"

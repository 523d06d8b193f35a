"""Conditional requests, downloads, and records read out of bodies of any size."""

import csv
import gzip
import hashlib
import io
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from connectors_sdk.client.conditional import Validators
from connectors_sdk.client.exceptions import (
    ApiClientError,
    ApiContentEncodingError,
    ApiDecodeError,
    ApiJsonDecodeError,
    ApiNotFoundError,
    ApiStorageError,
    ApiTooLargeError,
    ApiTruncatedError,
)
from connectors_sdk.client.stream import (
    BadRecord,
    StreamOptions,
    iter_csv,
    iter_json_array,
    iter_json_lines,
)
from connectors_sdk.client.unpack import ChunkReader, unpacked
from connectors_sdk.testing import Canned, CannedServer, Fault, RecordedRequest

DIRECTLY = StreamOptions(spool=False)


def cut(data: bytes, size: int = 3) -> Iterator[bytes]:
    return (data[i : i + size] for i in range(0, len(data), size))


@pytest.fixture(name="folder")
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


# --- Conditional requests ----------------------------------------------------------------------------------------------


def versioned(request: RecordedRequest) -> Canned:
    current = {"ETag": '"v2"', "Last-Modified": "Sat, 01 Mar 2025 00:00:00 GMT"}
    asked = (
        request.headers.get("if-none-match"),
        request.headers.get("if-modified-since"),
    )
    if asked[0] == current["ETag"] or (
        asked[0] is None and asked[1] == current["Last-Modified"]
    ):
        # Not all servers repeat the validators.
        return Canned(b"", 304)
    return Canned({"version": 2}, headers=current)


@pytest.mark.parametrize(
    ("known", "not_modified"),
    [
        (None, False),
        (Validators(), False),
        (Validators('"v1"'), False),
        (Validators('"v2"'), True),
        (Validators(None, "Sat, 01 Mar 2025 00:00:00 GMT"), True),
        (Validators('"v1"', "Sat, 01 Mar 2025 00:00:00 GMT"), False),
    ],
)
def test_only_what_changed(
    server: CannedServer, client_of: Any, known: Validators | None, not_modified: bool
) -> None:
    server.on("GET", "/feed", versioned)
    result = client_of(server.url)._get_conditional("/feed", known)
    assert result.not_modified is not_modified
    if not_modified:
        assert result.validators == known
    else:
        assert result.validators == Validators('"v2"', "Sat, 01 Mar 2025 00:00:00 GMT")
        assert result.response.json() == {"version": 2}


def test_validators_survive_in_a_state() -> None:
    validators = Validators('W/"1"', None)
    stored = json.loads(json.dumps(validators.to_dict()))
    assert stored == {"etag": 'W/"1"'}
    assert Validators.from_dict(stored) == validators
    assert Validators.from_dict(None) == Validators.from_dict({}) == Validators()
    assert not Validators()
    assert validators


def test_validators_survive_a_redirection(
    server: CannedServer, other_server: CannedServer, client_of: Any
) -> None:
    server.on("GET", "/feed", Canned("", 302, {"Location": f"{other_server.url}/cdn"}))
    other_server.on("GET", "/cdn", versioned)
    assert (
        client_of(server.url)._get_conditional("/feed", Validators('"v2"')).not_modified
    )


# --- Downloads ---------------------------------------------------------------------------------------------------------


def test_a_download(server: CannedServer, client_of: Any, folder: Path) -> None:
    body = os.urandom(300_000)
    server.on(
        "GET",
        "/file",
        Canned(body, headers={"ETag": '"1"', "Content-Type": "application/x-feed"}),
    )
    with client_of(server.url)._download("/file") as file:
        assert file.path.parent == folder
        assert file.path.read_bytes() == body
        assert (file.size, file.sha256) == (len(body), hashlib.sha256(body).hexdigest())
        assert (file.content_type, file.url) == (
            "application/x-feed",
            f"{server.url}/file",
        )
        assert file.validators == Validators('"1"')
        assert b"".join(file.chunks()) == body
        with file.open() as stream:
            assert stream.read(10) == body[:10]
    assert not list(folder.iterdir())
    file.close()


def test_a_download_only_if_changed(
    server: CannedServer, client_of: Any, folder: Path
) -> None:
    server.on("GET", "/feed", versioned)
    client = client_of(server.url)
    first = client._download_if_changed("/feed", None)
    assert json.loads(first.required_file().path.read_bytes()) == {"version": 2}
    again = client._download_if_changed("/feed", first.validators)
    assert again.not_modified
    assert again.file is None
    assert again.validators == first.validators
    with pytest.raises(ApiClientError):
        again.required_file()
    assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize("fault", [Fault.TRUNCATED, Fault.RESET])
def test_a_download_that_breaks_off_begins_anew(
    server: CannedServer, client_of: Any, folder: Path, fault: Fault
) -> None:
    server.on(
        "GET", "/file", Canned(b"half", fault=fault), Canned("", 503), Canned(b"whole")
    )
    with client_of(server.url)._download("/file") as file:
        assert file.path.read_bytes() == b"whole"
        assert file.sha256 == hashlib.sha256(b"whole").hexdigest()
        assert len(list(folder.iterdir())) == 1
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    "body",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n",
    ],
)
def test_a_download_that_always_breaks_off_leaves_nothing(
    raw_server: Any, client_of: Any, folder: Path, body: bytes
) -> None:
    server = raw_server(body)
    with pytest.raises(ApiTruncatedError):
        client_of(server.url, max_retries=2)._download("/file")
    assert len(server.requests) == 3
    assert not list(folder.iterdir())


def test_a_download_that_is_too_large(
    server: CannedServer, client_of: Any, folder: Path
) -> None:
    server.on("GET", "/file", Canned(b"x" * 100_001))
    with pytest.raises(ApiTooLargeError):
        client_of(server.url)._download("/file", max_bytes=100_000)
    assert not list(folder.iterdir())
    assert len(server.requests) == 1


def test_a_compressed_answer_is_measured_unpacked(
    server: CannedServer, client_of: Any, folder: Path
) -> None:
    bomb = gzip.compress(b"\0" * 5_000_000)
    server.on("GET", "/file", Canned(bomb, headers={"Content-Encoding": "gzip"}))
    with pytest.raises(ApiTooLargeError):
        client_of(server.url)._download("/file", max_bytes=1_000_000)
    with pytest.raises(ApiTooLargeError):
        client_of(server.url, max_body_bytes=1_000_000)._get("/file")
    assert client_of(server.url)._get("/file") == b"\0" * 5_000_000


def test_errors_of_a_download(
    server: CannedServer, client_of: Any, folder: Path
) -> None:
    with pytest.raises(ApiNotFoundError):
        client_of(server.url)._download("/nothing")
    server.on("GET", "/file", Canned(b"x"))
    with pytest.raises(ApiStorageError, match="cannot be written"):
        client_of(server.url)._download("/file", directory=folder / "no" / "such")
    assert not list(folder.iterdir())


@pytest.mark.parametrize("end", [b"", b'{"error": "why"}'], ids=["broken off", "whole"])
def test_the_error_of_a_stream_says_why(
    raw_server: Any, client_of: Any, end: bytes
) -> None:
    server = raw_server(b"HTTP/1.1 400 No\r\nContent-Length: 16\r\n\r\n" + end)
    client = client_of(server.url, max_retries=0)
    with pytest.raises(ApiClientError) as caught:
        list(client._iter_json_array("/x", options=DIRECTLY))
    assert caught.value.status_code == 400
    assert caught.value.response_body == ({"error": "why"} if end else None)


def test_the_error_of_a_stream_is_not_read_without_end(
    raw_server: Any, client_of: Any
) -> None:
    def endless(
        connection: socket.socket, _request: bytes, stop: threading.Event
    ) -> None:
        connection.sendall(b"HTTP/1.1 400 No\r\n\r\n")
        while not stop.is_set():
            connection.sendall(b"x" * 65536)

    client = client_of(raw_server(endless).url, max_retries=0)
    with pytest.raises(ApiClientError) as caught:
        client._download("/x")
    assert (caught.value.status_code, caught.value.response_body) == (400, None)


def test_a_failed_download_gives_the_connection_back(
    client_of: Any, folder: Path
) -> None:
    answered: list[requests.Response] = []

    class Transport:
        def send(
            self, request: requests.PreparedRequest, **_: Any
        ) -> requests.Response:
            response = requests.Response()
            response.status_code = 200
            response.raw = io.BytesIO(b"body")
            response.request = request
            answered.append(response)
            return response

    client = client_of("https://api.example.com", transport=Transport())
    with pytest.raises(ApiStorageError):
        client._download("/file", directory=folder / "no")
    assert [response.raw.closed for response in answered] == [True]


def test_a_download_with_a_faked_session(
    client_of: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    response = requests.Response()
    response.status_code = 200
    response.raw = io.BytesIO(b"faked")
    client = client_of("https://api.example.com")
    monkeypatch.setattr(client._session, "request", lambda *_, **__: response)
    with client._download("/file") as file:
        assert file.path.read_bytes() == b"faked"


# --- Gzip --------------------------------------------------------------------------------------------------------------


@given(st.binary(max_size=2000), st.binary(max_size=100), st.integers(1, 50))
def test_gzip_comes_apart_whatever_the_pieces(
    one: bytes, two: bytes, size: int
) -> None:
    packed = gzip.compress(one) + gzip.compress(two) + b"\0\0"
    assert b"".join(unpacked(cut(packed, size), "x")) == one + two
    plain = b"p" + one
    assert b"".join(unpacked(cut(plain, size), "x")) == plain


@given(st.integers(2, 60), st.integers(1, 50))
def test_cut_gzip_is_noticed(kept: int, size: int) -> None:
    packed = gzip.compress(bytes(range(256)), mtime=0)
    with pytest.raises(ApiTruncatedError):
        list(unpacked(cut(packed[:kept], size), "x"))


def test_damaged_and_oversized_gzip() -> None:
    packed = bytearray(gzip.compress(b"abc" * 1000))
    packed[-6] ^= 1
    with pytest.raises(ApiContentEncodingError):
        list(unpacked(cut(bytes(packed), 100), "x"))
    with pytest.raises(ApiTooLargeError):
        list(
            unpacked(cut(gzip.compress(b"\0" * 1_000_000), 100), "x", max_bytes=10_000)
        )


def test_a_gzip_file_is_read_unpacked(
    server: CannedServer, client_of: Any, folder: Path
) -> None:
    server.on(
        "GET",
        "/feed.gz",
        Canned(gzip.compress(b"content")),
        Canned(gzip.compress(b"content")[:-4]),
    )
    client = client_of(server.url)
    with client._download("/feed.gz") as file, file.open() as stream:
        assert stream.read() == b"content"
    with (
        client._download("/feed.gz") as file,
        file.open() as stream,
        pytest.raises(ApiTruncatedError),
    ):
        stream.read()


def test_a_gzip_file_is_bounded_when_unpacked(
    server: CannedServer, client_of: Any, folder: Path
) -> None:
    server.on("GET", "/feed.gz", Canned(gzip.compress(b"\0" * 2_000_000)))
    client = client_of(server.url)
    with client._download("/feed.gz", max_bytes=100_000) as file:
        assert file.size < 100_000
        with pytest.raises(ApiTooLargeError, match="unpacks"):
            list(file.chunks())


def test_a_reader_of_pieces() -> None:
    reader = io.BufferedReader(ChunkReader(iter([b"", b"abc", b"", b"d"])), 2)
    assert (reader.read(2), reader.read()) == (b"ab", b"cd")


# --- JSON arrays -------------------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.text(max_size=8)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(JSON, max_size=5), JSON, st.integers(1, 40))
def test_items_of_an_array(items: list[Any], other: Any, size: int) -> None:
    top = json.dumps(items).encode()
    assert list(iter_json_array(cut(b"\xef\xbb\xbf" + top, size))) == items
    inner = json.dumps(
        {"before": other, "data": {"x": other, "items": items}, "items": other}
    ).encode()
    assert list(iter_json_array(cut(inner, size), "data.items")) == items


def test_numbers() -> None:
    document = b"[1.5, 123456789012345678901234567890]"
    assert list(iter_json_array([document], decimals=True)) == [
        Decimal("1.5"),
        123456789012345678901234567890,
    ]
    with pytest.raises(ApiJsonDecodeError):
        list(iter_json_array([document]))


@pytest.mark.parametrize(
    ("document", "found"),
    [
        (b'{"other": []}', "nothing"),
        (b'{"items": {"a": 1}}', "an object"),
        (b'{"items": "text"}', "a string"),
        (b'"text"', "nothing"),
        (b"[]", "nothing"),
    ],
)
def test_an_array_that_is_not_there_is_no_empty_feed(
    document: bytes, found: str
) -> None:
    with pytest.raises(ApiDecodeError, match=f"no array under 'items', but {found}"):
        list(iter_json_array(cut(document), "items"))


def test_an_empty_array_and_null_are() -> None:
    assert not list(iter_json_array([b'{"items": []}'], "items"))
    assert not list(iter_json_array([b'{"items": null}'], "items"))
    with pytest.raises(ApiDecodeError, match="at the top, but an object"):
        list(iter_json_array([b"{}"]))


@pytest.mark.parametrize(
    ("document", "error"),
    [
        (b"<html>", ApiJsonDecodeError),
        (b'[{"a": 1}] trailing', ApiJsonDecodeError),
        (b'[{"a": 1}', ApiTruncatedError),
        (b'[{"a": 1}, {"a"', ApiTruncatedError),
        (b"", ApiTruncatedError),
    ],
)
def test_documents_that_are_not_whole(document: bytes, error: type[Exception]) -> None:
    got = []
    with pytest.raises(error) as caught:
        for item in iter_json_array(cut(document)):
            got.append(item)
    assert type(caught.value) is error
    assert got == ([{"a": 1}] if document.startswith(b"[{") else [])
    assert "{" not in str(caught.value)


# --- JSON lines --------------------------------------------------------------------------------------------------------


@given(st.lists(JSON, max_size=6), st.integers(1, 40), st.booleans())
def test_lines(values: list[Any], size: int, last_newline: bool) -> None:
    text = "\r\n\n".join(json.dumps(value) for value in values) + (
        "\n" if last_newline else ""
    )
    assert list(iter_json_lines(cut(b"\xef\xbb\xbf" + text.encode(), size))) == values


def test_bad_lines_are_errors_or_set_aside() -> None:
    document = b'{"a": 1}\n\nnonsense \xff\n{"a": 2}\n'
    bad: list[BadRecord] = []
    assert list(iter_json_lines(cut(document), on_bad=bad.append)) == [
        {"a": 1},
        {"a": 2},
    ]
    assert [(record.line, record.raw) for record in bad] == [(3, "nonsense \ufffd")]
    assert bad[0].reason
    with pytest.raises(ApiJsonDecodeError, match="Line 3"):
        list(iter_json_lines(cut(document)))


def test_a_last_line_that_breaks_off_is_not_merely_bad() -> None:
    with pytest.raises(ApiTruncatedError, match="line 2"):
        list(iter_json_lines([b'{"a": 1}\n{"a": '], on_bad=lambda _: None))


def test_a_line_without_end() -> None:
    with pytest.raises(ApiTooLargeError, match="Line 1"):
        list(iter_json_lines(cut(b"x" * 1000, 10), max_line_bytes=500))


# --- CSV ---------------------------------------------------------------------------------------------------------------


@given(
    st.lists(
        st.lists(
            st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8),
            min_size=2,
            max_size=2,
        ),
        max_size=6,
    ),
    st.integers(1, 40),
)
def test_rows(rows: list[list[str]], size: int) -> None:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([["a", "b"], *rows])
    document = b"\xef\xbb\xbf" + text.getvalue().encode()
    assert [list(row.values()) for row in iter_csv(cut(document, size))] == rows


def test_comments_names_and_dialects() -> None:
    document = b'# first; comment\r\n#second\r\n1;"x\n#not a comment"\r\n\r\n2;y\r\n'
    rows = list(iter_csv(cut(document), fieldnames=["id", "text"], delimiter=";"))
    assert rows == [{"id": "1", "text": "x\n#not a comment"}, {"id": "2", "text": "y"}]
    assert list(iter_csv([b"a\n#1\n"], comment=None)) == [{"a": "#1"}]


def test_bad_rows_are_errors_or_set_aside() -> None:
    document = b'a,b\n1,2\n3\n"x"y,4\n5,\xff\n"multi\nline",6,7\n8,9\n'
    bad: list[BadRecord] = []
    assert list(iter_csv(cut(document), on_bad=bad.append)) == [
        {"a": "1", "b": "2"},
        {"a": "8", "b": "9"},
    ]
    assert [(record.line, record.raw) for record in bad] == [
        (3, "3"),
        (4, '"x"y,4'),
        (5, "5,?"),
        (6, '"multi\nline",6,7'),
    ]
    assert bad[0].reason == "it has 1 columns instead of 2"
    with pytest.raises(ApiDecodeError, match="Line 3"):
        list(iter_csv(cut(document)))


def test_a_document_that_ends_inside_quotes() -> None:
    with pytest.raises(ApiTruncatedError, match="line 2"):
        list(iter_csv(cut(b'a,b\n1,"unfinished\n'), on_bad=lambda _: None))


def test_other_encodings() -> None:
    assert list(iter_csv([b"a\n\xe9\n"], encoding="latin-1")) == [{"a": "é"}]


# --- Through the client ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options", [StreamOptions(), DIRECTLY], ids=["spooled", "directly"]
)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_records_from_a_source(
    server: CannedServer,
    client_of: Any,
    folder: Path,
    options: StreamOptions,
    packed: bool,
) -> None:
    pack = gzip.compress if packed else bytes
    server.on("GET", "/array", Canned(pack(b'{"data": [1, 2]}')))
    server.on("GET", "/lines", Canned(pack(b"1\n2\n")))
    server.on("GET", "/csv", Canned(pack(b"# c\na;b\n1;2\n")))
    client = client_of(server.url)
    assert list(
        client._iter_json_array("/array", "data", options=options, params={"q": "1"})
    ) == [1, 2]
    assert list(client._iter_json_lines("/lines", options=options)) == [1, 2]
    assert list(
        client._iter_csv("/csv", dialect={"delimiter": ";"}, options=options)
    ) == [{"a": "1", "b": "2"}]
    assert server.requests[0].query == {"q": ["1"]}
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    "options", [StreamOptions(), DIRECTLY], ids=["spooled", "directly"]
)
def test_a_stream_that_breaks_off(
    raw_server: Any, client_of: Any, folder: Path, options: StreamOptions
) -> None:
    broken = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[1,2,"
    good = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n[1,2,3]"
    client = client_of(raw_server(broken, good).url)
    records = client._iter_json_array("/x", options=options)
    if options.spool:
        # The download was repeated before the first record was handed out.
        assert list(records) == [1, 2, 3]
    else:
        assert next(records) == 1
        with pytest.raises(ApiTruncatedError):
            list(records)
    assert not list(folder.iterdir())


def test_a_consumer_that_stops_early_leaves_nothing(
    server: CannedServer, client_of: Any, folder: Path
) -> None:
    server.on("GET", "/array", Canned(b"[1, 2, 3]"))
    for options in (StreamOptions(), DIRECTLY):
        records = client_of(server.url)._iter_json_array("/array", options=options)
        assert next(records) == 1
        records.close()
    assert not list(folder.iterdir())


def test_memory_does_not_grow_with_the_feed(server: CannedServer) -> None:
    """Ten times the records, hardly more memory: each size is read by a process of its own."""
    script = (
        "import resource, sys\n"
        "from connectors_sdk.client.base_client_api import BaseClientApi\n"
        "count = sum(1 for _ in BaseClientApi(sys.argv[1])._iter_json_array(sys.argv[2], 'data'))\n"
        "print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )

    def measured(count: int) -> int:
        body = (
            b'{"data": ['
            + b",".join([b'{"name": "%s"}' % (b"x" * 300)] * count)
            + b"]}"
        )
        server.on("GET", f"/{count}", Canned(gzip.compress(body, 1)))
        run = subprocess.run(
            [sys.executable, "-c", script, server.url, f"/{count}"],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        got, peak = map(int, run.stdout.split())
        assert got == count
        return peak

    assert measured(100_000) <= 1.3 * measured(10_000)

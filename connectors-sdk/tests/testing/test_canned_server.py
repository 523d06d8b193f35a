"""The canned server over real sockets."""

import threading

import pytest
import requests

from connectors_sdk.testing import Canned, CannedServer, Fault, RecordedRequest

TIMEOUT = 5


def test_answers_in_order_then_the_last_again(canned_server: CannedServer) -> None:
    canned_server.on("get", "/items", Canned([1]), Canned("two", 503), Canned(b"3"))
    url = f"{canned_server.url}/items"
    answers = [requests.get(url, timeout=TIMEOUT) for _ in range(4)]
    assert [a.status_code for a in answers] == [200, 503, 200, 200]
    assert answers[0].json() == [1]
    assert answers[0].headers["Content-Type"] == "application/json"
    assert answers[1].text == "two"
    assert answers[2].content == answers[3].content == b"3"


def test_a_port_of_ones_own() -> None:
    with CannedServer() as server:
        port = int(server.url.rpartition(":")[2])
    with CannedServer(port) as server:
        assert server.url == f"http://127.0.0.1:{port}"


def test_remembers_what_was_asked(canned_server: CannedServer) -> None:
    canned_server.on("POST", "/x", Canned(status=204))
    requests.post(
        f"{canned_server.url}/x?a=1&a=2&b=",
        json={"k": "v"},
        headers={"X-Key": "secret"},
        timeout=TIMEOUT,
    )
    requests.get(f"{canned_server.url}/other", timeout=TIMEOUT)
    (request,) = canned_server.requests_to("/x")
    assert request.method == "POST"
    assert request.query == {"a": ["1", "2"], "b": [""]}
    assert request.headers["x-key"] == "secret"
    assert request.json == {"k": "v"}
    assert [r.path for r in canned_server.requests] == ["/x", "/other"]


def test_an_answer_may_depend_on_the_request(canned_server: CannedServer) -> None:
    def page(request: RecordedRequest) -> Canned:
        return Canned({"page": request.query["page"][0]}, headers={"ETag": '"1"'})

    canned_server.on("GET", "/pages", page)
    answer = requests.get(f"{canned_server.url}/pages?page=7", timeout=TIMEOUT)
    assert answer.json() == {"page": "7"}
    assert answer.headers["ETag"] == '"1"'


def test_what_is_not_prepared_is_404_and_says_what_is(
    canned_server: CannedServer,
) -> None:
    canned_server.on("GET", "/here", Canned())
    answer = requests.get(f"{canned_server.url}/there", timeout=TIMEOUT)
    assert answer.status_code == 404
    assert answer.json()["known"] == ["GET /here"]
    with pytest.raises(ValueError, match="at least one"):
        canned_server.on("GET", "/nothing")


def test_faults(canned_server: CannedServer) -> None:
    canned_server.on("GET", "/reset", Canned(fault=Fault.RESET))
    canned_server.on("GET", "/cut", Canned([1, 2], fault=Fault.TRUNCATED))
    canned_server.on("GET", "/hang", Canned(fault=Fault.HANG))
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{canned_server.url}/reset", timeout=TIMEOUT)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        requests.get(f"{canned_server.url}/cut", timeout=TIMEOUT)
    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{canned_server.url}/hang", timeout=0.2)


def test_stopping_releases_those_who_hang() -> None:
    with CannedServer() as server:
        server.on("GET", "/hang", Canned(fault=Fault.HANG))
        seen: list[Exception] = []

        def ask() -> None:
            try:
                requests.get(f"{server.url}/hang", timeout=60)
            except requests.RequestException as err:
                seen.append(err)

        thread = threading.Thread(target=ask)
        thread.start()
        while not server.requests:
            thread.join(0.01)
    thread.join(TIMEOUT)
    assert len(seen) == 1


def test_head_has_no_body(canned_server: CannedServer) -> None:
    canned_server.on("HEAD", "/x", Canned("four"))
    answer = requests.head(f"{canned_server.url}/x", timeout=TIMEOUT)
    assert answer.headers["Content-Length"] == "4"
    assert not answer.content

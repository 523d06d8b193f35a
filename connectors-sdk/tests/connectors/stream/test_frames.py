"""Server-sent events out of bytes, however they are cut."""

import random

import pytest

from connectors_sdk.connectors.stream._frames import Frame, FrameParser

BODY = (
    b"retry: 1500\nevent: connected\ndata: {}\n\n"
    b": a comment\n\n"
    b'id: 12-1\nevent: create\ndata: {"a": 1}\n\n'
    b"id:12-2\ndata:one\ndata: two\ndata\n\n"
    b"id: 12-3\nevent: heartbeat\ndata: \xc3\xa9\n\n\n\n"
    b"id: 1\x002\ndata: x\nunknown: y\n\n"
    b"data: never completed"
)
FRAMES = [
    Frame("connected", "", b"{}", 1500),
    Frame("create", "12-1", b'{"a": 1}'),
    Frame("message", "12-2", b"one\ntwo\n"),
    Frame("heartbeat", "12-3", "é".encode()),
    Frame("message", "", b"x"),
]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_any_size_of_pieces_and_any_end_of_line(size: int, end: bytes) -> None:
    body = BODY.replace(b"\n", end)
    parser = FrameParser()
    frames = [
        frame
        for start in range(0, len(body), size)
        for frame in parser.feed(body[start : start + size])
    ]
    assert frames == FRAMES


def test_random_pieces() -> None:
    dice = random.Random(5)
    for _ in range(200):
        end = dice.choice([b"\n", b"\r\n", b"\r"])
        body, parser, frames = BODY.replace(b"\n", end), FrameParser(), []
        while body:
            cut = dice.randint(1, 12)
            frames += parser.feed(body[:cut])
            body = body[cut:]
        assert frames == FRAMES


def test_a_huge_frame_takes_linear_time() -> None:
    parser = FrameParser()
    piece = b"x" * 16_384
    assert not parser.feed(b"id: 1-1\ndata: ")
    for _ in range(4_000):
        assert not parser.feed(piece)
    (frame,) = parser.feed(b"\n\n")
    assert len(frame.data) == 4_000 * len(piece)

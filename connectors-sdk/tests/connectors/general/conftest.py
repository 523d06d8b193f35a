"""A platform, what connectors ask, and a connector of each type but the importers of feeds, which have their own tests."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connectors_sdk.testing import CannedServer

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "listening")]

# pylint: disable-next=wrong-import-position
from general_clauses import Bench, Subject  # noqa: E402

# pylint: disable-next=wrong-import-position
from listening_support import Lane, Source  # noqa: E402


@pytest.fixture(name="general_lane", scope="session")
def fixture_general_lane() -> Iterator[Lane]:
    with CannedServer() as server, Lane("http", Source(server)) as lane:
        yield lane


@pytest.fixture(name="bench_of")
def fixture_bench_of(
    general_lane: Lane, tmp_path: Path
) -> Iterator[Callable[..., Bench]]:
    """Make benches whose connectors end with the test."""
    benches: list[Bench] = []

    def make(subject: Subject, broken: str = "") -> Bench:
        benches.append(Bench(general_lane, subject, tmp_path, broken))
        return benches[-1]

    yield make
    for bench in benches:
        bench.discard()

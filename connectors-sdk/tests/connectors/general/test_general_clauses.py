"""Connectors of each type keep the general clauses, and who breaks one is noticed."""

from collections.abc import Callable

import pytest
from general_clauses import SUBJECTS, WATCHERS, Bench, Subject
from listening_support import Violation

# What is broken, and words of what its watcher must say.
BROKEN = {
    "g1_traceback": "a traceback",
    "g2_impatient": "cause is not named",
    "g3_renamed": "another scope",
    "g5_asleep": "does not end",
    "g6_rosy": "health never said",
    "g7_direct": "proxy is not used",
    "g9_chatty": "it connects to .*127.0.0.9",
    "g10_mute": "no summary",
}


@pytest.mark.parametrize("clause", WATCHERS)
@pytest.mark.parametrize("subject", SUBJECTS, ids=str)
def test_the_clause_is_kept(
    subject: Subject, clause: str, bench_of: Callable[..., Bench]
) -> None:
    WATCHERS[clause](bench_of(subject))


@pytest.mark.parametrize(
    ("subject", "broken"),
    [
        pytest.param(subject, broken, id=f"{subject}-{broken}")
        for subject in SUBJECTS
        for broken in BROKEN
        # A stream has no listener.
        if (subject.type, broken) != ("STREAM", "g5_asleep")
    ],
)
def test_who_breaks_a_clause_is_noticed(
    subject: Subject, broken: str, bench_of: Callable[..., Bench]
) -> None:
    with pytest.raises(Violation, match=BROKEN[broken]):
        WATCHERS[broken.partition("_")[0]](bench_of(subject, broken))


def test_every_clause_has_somebody_who_breaks_it() -> None:
    assert {name.partition("_")[0] for name in BROKEN} == set(WATCHERS)

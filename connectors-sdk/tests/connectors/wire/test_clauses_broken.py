"""Each watcher of a clause notices a connector that breaks it."""

import pytest
from wire_clauses import WATCHERS, Bench, Violation

# A broken connector, and words of what its watcher must say.
BROKEN = {
    "g1_traceback": "a traceback",
    "g2_impatient": "cause is not named",
    "g3_renamed": "another scope",
    "g4_talkative": "a secret in the output",
    "g5_deaf": "does not end",
    "g5_abrupt": "code -15",
    "g6_rosy": "health never said",
    "g7_direct": "proxy is not used",
    "g8_patient": "does not answer",
    "g8_endless": "for ever",
    "g9_chatty": "it connects to .*127.0.0.9",
    "g10_mute": "no summary",
    "e1_open": "stays open",
    "e2_bare": "no author",
    "e2_dangling": "rejected|refers to what is not there",
    "e3_random": "new objects",
    "e4_greedy": "asks for what it had",
    "e4_exclusive": "same time is lost",
    "e5_hasty": "are lost",
    "e6_fragile": "fails the run",
    "e6_forgetful": "is gone",
    "e7_swallowing": "a failed run is none",
    "e7_stubborn": "storms|never gives up",
    "e8_hoarding": "ten times the feed",
    "e9_unbounded": "a bundle of",
    "e10_pushy": "queue is full",
    "e11_busy": "a work for nothing",
    "e11_amnesic": "not remembered",
    "e12_cheerful": "counts as good",
    "e13_storming": "again and again",
}


@pytest.mark.parametrize("broken", BROKEN)
def test_who_breaks_a_clause_is_noticed(bench: Bench, broken: str) -> None:
    bench.broken = broken
    with pytest.raises(Violation, match=BROKEN[broken]):
        WATCHERS[broken.partition("_")[0]](bench)


def test_every_clause_has_somebody_who_breaks_it() -> None:
    assert {name.partition("_")[0] for name in BROKEN} == set(WATCHERS)

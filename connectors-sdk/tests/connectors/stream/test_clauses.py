"""The runtime keeps the clauses S1 to S6."""

import pytest
from stream_clauses import (
    Check,
    Stage,
    check_s1,
    check_s2_position,
    check_s2_replay,
    check_s3_batches,
    check_s3_poison,
    check_s3_poison_in_bulk,
    check_s3_poison_server_error,
    check_s4_drops,
    check_s4_refused,
    check_s4_restart,
    check_s4_silence,
    check_s4_target_down,
    check_s5,
    check_s5_map_lost,
    check_s6,
)

KEPT: list[Check] = [
    check_s1,
    check_s2_position,
    check_s2_replay,
    check_s3_batches,
    check_s3_poison,
    check_s3_poison_in_bulk,
    check_s3_poison_server_error,
    check_s4_drops,
    check_s4_refused,
    check_s4_silence,
    check_s4_restart,
    check_s4_target_down,
    check_s5,
    check_s5_map_lost,
    check_s6,
]


@pytest.mark.parametrize("check", KEPT, ids=lambda check: check.__name__)
def test_the_clause_is_kept(stage: Stage, check: Check) -> None:
    check(stage, "")
    assert "Traceback" not in stage.outputs

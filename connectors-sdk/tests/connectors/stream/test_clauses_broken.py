"""Each checker of the clauses S1 to S6 notices a runtime that breaks its clause."""

import pytest
from stream_clauses import (
    Check,
    Stage,
    check_s1,
    check_s2_position,
    check_s2_replay,
    check_s3_batches,
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


@pytest.mark.parametrize(
    ("check", "broken"),
    [
        (check_s1, "deletes_are_lost"),
        (check_s1, "revoked_is_an_update"),
        (check_s1, "types_do_not_matter"),
        (check_s2_position, "position_moves_with_reading"),
        (check_s2_position, "position_stays_in_memory"),
        (check_s2_replay, "nobody_knows_what_was_tried"),
        (check_s2_replay, "map_is_forgotten"),
        (check_s3_batches, "no_batches"),
        (check_s3_batches, "batches_wait_for_ever"),
        (check_s3_poison_in_bulk, "poison_blocks"),
        (check_s3_poison_in_bulk, "poison_takes_its_batch_along"),
        (check_s3_poison_server_error, "poison_blocks"),
        (check_s4_drops, "reads_once"),
        (check_s4_drops, "starts_over_after_each_break"),
        (check_s4_refused, "reads_once"),
        (check_s4_silence, "silence_is_fine"),
        (check_s4_restart, "reads_once"),
        (check_s4_target_down, "an_outage_is_poison"),
        (check_s4_target_down, "health_says_nothing"),
        (check_s5, "everything_may_leave"),
        (check_s5, "raised_markings_are_just_skipped"),
        (check_s5_map_lost, "raised_markings_are_just_skipped"),
        (check_s6, "begins_with_everything"),
        (check_s6, "begins_now"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_a_broken_runtime_is_noticed(stage: Stage, check: Check, broken: str) -> None:
    # Who waits for what does not come need not be generous.
    stage.patience = 10.0
    clause = check.__name__[6:8].upper()
    with pytest.raises(stage.Violation, match=f"^{clause}: "):
        check(stage, broken)
    # It was the break that was noticed, not a connector that could not even start.
    assert "Following the live stream" in stage.outputs

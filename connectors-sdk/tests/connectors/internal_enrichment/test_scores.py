"""What becomes of scores."""

import pytest

from connectors_sdk.connectors.internal_enrichment.scores import ScorePolicy, settle


@pytest.mark.parametrize(
    ("policy", "present", "found", "expected"),
    [
        (ScorePolicy.NEVER_LOWER, [100], 6, 100),
        (ScorePolicy.NEVER_LOWER, [6], 100, 100),
        (ScorePolicy.NEVER_LOWER, [None, 40], 20, 40),
        # A step of a playbook gave it less than the platform holds: neither is undercut.
        (ScorePolicy.NEVER_LOWER, [10, 80], 50, 80),
        (ScorePolicy.MEAN, [50], 75, 63),
        (ScorePolicy.MEAN, [10, 80], 50, 30),
        (ScorePolicy.REPLACE, [100], 6, 6),
        (ScorePolicy.KEEP, [100], 6, 100),
        (ScorePolicy.KEEP, [None], 6, 6),
        *((policy, [None, None], 7, 7) for policy in ScorePolicy),
        *((policy, [0], 0, 0) for policy in ScorePolicy),
    ],
)
def test_policies(
    policy: ScorePolicy, present: list[int | None], found: int, expected: int
) -> None:
    assert settle(present, found, policy) == expected


@pytest.mark.parametrize("wrong", [-1, 101, True])
def test_what_is_no_score(wrong: int) -> None:
    with pytest.raises(ValueError, match="0 to 100"):
        settle([50], wrong, ScorePolicy.REPLACE)

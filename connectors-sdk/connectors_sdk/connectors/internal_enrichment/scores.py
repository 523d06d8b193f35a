"""What becomes of an entity's score when a source has an opinion of its own.

Sources disagree, and a source that knows little says little: were its word simply taken, an entity that an analyst has
rated 100 would fall to 6. So a score is never lowered unless the operator wants that.
"""

from collections.abc import Iterable
from enum import StrEnum


class ScorePolicy(StrEnum):
    """How present and found score become one.

    Attributes:
        NEVER_LOWER: the higher one.
        MEAN: the mean, rounded half up.
        REPLACE: the found one.
        KEEP: the present one; the found one when there is none yet.
    """

    NEVER_LOWER = "never-lower"
    MEAN = "mean"
    REPLACE = "replace"
    KEEP = "keep"


def settle(present: Iterable[int | None], found: int, policy: ScorePolicy) -> int:
    """Return the score that an entity gets.

    Args:
        present: the scores that it is known to have, the most recent first (the step of a playbook may have given it
            one that the platform does not hold yet); None for none.
        found: what the source says.
        policy: how they become one.

    Raises:
        ValueError: the found score is no number from 0 to 100.
    """
    if isinstance(found, bool) or not 0 <= found <= 100:
        raise ValueError(f"a score is a number from 0 to 100, not {found!r}")
    known = [score for score in present if score is not None]
    if not known or policy is ScorePolicy.REPLACE:
        return found
    if policy is ScorePolicy.NEVER_LOWER:
        return max(*known, found)
    if policy is ScorePolicy.MEAN:
        return (known[0] + found + 1) // 2
    return known[0]

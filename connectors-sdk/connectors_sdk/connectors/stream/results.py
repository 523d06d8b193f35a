"""What became of an event at the target."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What the target did with an event.

    Members:
        ACCEPTED: the target has it, durably.
        RETRY: not now; the runtime offers it again.
        REFUSED: never; the runtime sets it aside with the reason.
    """

    ACCEPTED = "accepted"
    RETRY = "retry"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one event. Made with `accepted`, `retry` and `refused`.

    Attributes:
        outcome: see `Outcome`.
        reason: why it was not accepted, in words.
        remote_id: the id of the object at the target, when it has one of its own.
        after: the least number of seconds to wait before the next attempt.
    """

    outcome: Outcome
    reason: str = ""
    remote_id: str | None = None
    after: float = 0.0


_ACCEPTED = Result(Outcome.ACCEPTED)


def accepted(remote_id: str | None = None) -> Result:
    """The target has the event, durably.

    Args:
        remote_id: the id of the object at the target; kept in `StreamConnector.targets` and given with later events
            about the object as `StreamEvent.remote_id`.
    """
    if remote_id is None:
        return _ACCEPTED
    return Result(Outcome.ACCEPTED, remote_id=str(remote_id))


def retry(reason: str, after: float = 0.0) -> Result:
    """The target cannot take the event now; the runtime offers it again.

    Args:
        reason: why, in words.
        after: the least number of seconds to wait before.
    """
    return Result(Outcome.RETRY, reason, after=after)


def refused(reason: str) -> Result:
    """The target will never take the event; the runtime sets it aside.

    Args:
        reason: why, in words. Kept with the event.
    """
    return Result(Outcome.REFUSED, reason)


class TargetUnavailableError(Exception):
    """The target cannot be used at all at the moment. The runtime waits, keeps its position and says so in health."""

    def __init__(self, reason: str, after: float = 0.0) -> None:
        """Say why.

        Args:
            reason: in words, without full stop.
            after: the least number of seconds to wait before the next attempt.
        """
        super().__init__(reason)
        self.after = after

"""The outside world's time and chance, in one replaceable place.

Tests hand a `Timing` with a clock of their own to the client, so that a test of an hour's waiting takes no time.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass


def _sleep(seconds: float) -> None:
    # Looked up when called, so that a test that patches `time.sleep` is obeyed.
    time.sleep(seconds)


def _now() -> float:
    return time.time()


@dataclass(frozen=True)
class Timing:
    """How the client waits, tells the time and rolls dice.

    Args:
        sleep: Waits for that many seconds.
        now: Wall clock, seconds since 1970-01-01T00:00:00Z.
        monotonic: Clock for durations, in seconds; never goes back.
        uniform: Random float between its two arguments.
    """

    sleep: Callable[[float], None] = _sleep
    now: Callable[[], float] = _now
    monotonic: Callable[[], float] = time.monotonic
    uniform: Callable[[float, float], float] = random.uniform

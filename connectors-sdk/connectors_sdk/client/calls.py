"""How many calls the clients of this process have made: what a forecast is made from where no budget counts them."""

import threading


class CallCounter:
    """Counts attempts, retries included. Safe to use from any thread.

    Attributes:
        made: so many since the process began.
    """

    def __init__(self) -> None:
        self.made = 0
        self._lock = threading.Lock()

    def note(self) -> None:
        """Count one."""
        with self._lock:
            self.made += 1


CALLS = CallCounter()

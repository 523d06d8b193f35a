"""Stopping on SIGTERM and SIGINT.

pycti installs no handler, so a connector would die at once and leave its work open. Here the signal becomes an
exception in the main thread: the current batch is given up, the work is closed, the process ends with exit code 0. A
watchdog ends the process should that hang.
"""

import os
import signal
import threading
from types import FrameType
from typing import Any

from connectors_sdk.connectors._patience import hurry

# Together less than the 10 seconds that container engines grant.
_CLOSING_TIMEOUT = 3.0
_GIVE_UP_AFTER = 8.0


class StopRequested(SystemExit):
    """Raised where the main thread happens to be when the process is asked to stop."""

    def __init__(self, signal_name: str) -> None:
        super().__init__(0)
        self.signal_name = signal_name

    def __str__(self) -> str:
        return self.signal_name


class StopSignals:
    """Handles SIGTERM and SIGINT from `install` to `restore`."""

    def __init__(self) -> None:
        self.received: str | None = None
        self._former: dict[signal.Signals, Any] = {}

    def install(self) -> None:
        """Take over the signals; call again after something else may have taken them. Only the main thread can."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            former = signal.signal(number, self._handle)
            self._former.setdefault(number, former)

    def restore(self) -> None:
        """Give the signals back, unless the process is ending because of one."""
        if self.received is None:
            for number, former in self._former.items():
                signal.signal(number, former)
        self._former.clear()

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self.received is not None:
            return
        self.received = signal.Signals(number).name
        hurry(_CLOSING_TIMEOUT)
        watchdog = threading.Timer(_GIVE_UP_AFTER, _give_up)
        watchdog.daemon = True
        watchdog.start()
        raise StopRequested(self.received)


def _give_up() -> None:
    os.write(2, b"Stopping took too long: the current work may stay open.\n")
    os._exit(0)

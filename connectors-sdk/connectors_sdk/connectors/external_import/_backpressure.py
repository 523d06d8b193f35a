"""Holding back while the platform has more than enough to do."""

import socket
import time
from collections.abc import Callable
from typing import Any

from connectors_sdk.connectors._causes import describe
from connectors_sdk.connectors._patience import growing_pauses, is_patient
from connectors_sdk.connectors.logger import ConnectorLogger

# The size of the queue is asked for before a bundle, but not more often than this.
_CHECK_INTERVAL = 2.0
_BROKER_TIMEOUT = 5.0


class Backpressure:
    """Lets a bundle through when the platform's queue is below its threshold and the broker can be reached."""

    def __init__(
        self,
        helper: Any,
        limit: float,
        on_pause: Callable[[float], None] = lambda seconds: None,
    ) -> None:
        """Take what is asked.

        Args:
            helper: pycti's helper.
            limit: for how many seconds a broker may be away.
            on_pause: called with the length in seconds of each pause for the sake of the platform's queue.
        """
        self._helper = helper
        # The runtime puts something else in its place for pycti's own scheduler.
        self._is_over = helper.check_connector_buffering
        self._limit = limit
        self._on_pause = on_pause
        self._logger = ConnectorLogger(helper)
        self._checked = float("-inf")

    def wait(self) -> None:
        """Return when the next bundle may be sent.

        Raises:
            ConnectionError: the broker stays away.
        """
        if time.monotonic() - self._checked >= _CHECK_INTERVAL:
            self.wait_for_queue()
        if self._sends_to_broker():
            self._wait_for_broker()

    def wait_for_queue(self) -> None:
        """Return when the platform's queue is below the connector's threshold (CONNECTOR_QUEUE_THRESHOLD, in MB).

        There is no limit in time: a platform that does not get on with its work needs an operator, not more work.
        """
        waiting = False
        for pause in growing_pauses(float("inf")):
            # Also tells the platform, with the next ping, that this connector is buffering.
            if self._is_over() is not True:
                break
            if not waiting:
                waiting = True
                self._logger.warning(
                    "The platform's queue is over the threshold: holding back until it is not.",
                    {"threshold_mb": self._helper.connect_queue_threshold},
                )
            time.sleep(pause)
            self._on_pause(pause)
        if waiting:
            self._logger.info("The platform's queue is below the threshold: going on.")
        self._checked = time.monotonic()

    def _sends_to_broker(self) -> bool:
        return self._helper.queue_protocol == "amqp" and bool(
            self._helper.bundle_send_to_queue
        )

    def _wait_for_broker(self) -> None:
        """Try to connect before pycti does.

        Once pycti has announced a bundle to the work, sending it again after a failure would make the work expect
        twice as many objects as it gets.
        """
        connection = self._helper.connector_config["connection"]
        address = (connection["host"], int(connection["port"]))
        cause = self._unreachable(address)
        if cause is None:
            return
        for pause in growing_pauses(self._limit if is_patient() else 0):
            self._logger.warning(
                f"The message broker is away: {cause}. Trying again in {pause:.3g} s."
            )
            time.sleep(pause)
            cause = self._unreachable(address)
            if cause is None:
                return
        host, port = address
        raise ConnectionError(f"the message broker at {host}:{port} is away: {cause}")

    @staticmethod
    def _unreachable(address: tuple[str, int]) -> str | None:
        try:
            socket.create_connection(address, timeout=_BROKER_TIMEOUT).close()
        except OSError as err:
            return describe(err)
        return None

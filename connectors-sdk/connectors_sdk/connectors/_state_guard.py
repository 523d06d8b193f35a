"""A state that an operator resets on the platform stays reset, also while a run is under way.

Two things in pycti's helper undo a reset: its forced ping answers a reset by sending the old state once more; and its
regular ping takes a reset into memory, where the run that is under way overwrites it with its next checkpoint. Here a
reset is noticed both ways and ends the run instead.
"""

import json
from typing import Any

from connectors_sdk.connectors._causes import describe
from connectors_sdk.connectors.logger import ConnectorLogger


class StateChangedError(Exception):
    """The state was changed on the platform while a run was under way."""

    def __init__(self) -> None:
        super().__init__(
            "the connector's state was reset or changed on the platform: the next run goes on from there"
        )


class StateGuard:
    """Watches over the state of pycti's helper, from `watch` on."""

    def __init__(self, helper: Any) -> None:
        """Take pycti's helper. A stand-in without regular and forced pings over an API is left as it is."""
        self._helper = helper
        self._logger = ConnectorLogger(helper)
        self._changed = False

    def watch(self) -> None:
        """Change the helper's pings."""
        self._helper.force_ping = self._force_ping
        pinger = getattr(self._helper, "ping", None)
        if pinger is not None:
            # Called by its thread with what the platform says, when that is not what the helper had.
            pinger.set_state = self._take

    def begin(self) -> None:
        """A run begins: what was changed until now is what it starts from.

        The platform answers the first ping after a reset by dropping the state that comes with it, so there is one
        before the run has anything to lose.
        """
        self._force_ping()
        self._changed = False

    def check(self) -> None:
        """Make sure that nobody has changed the state since the run began.

        Raises:
            StateChangedError: somebody has.
        """
        if self._changed:
            raise StateChangedError

    def _take(self, state: Any) -> None:
        self._changed = True
        self._helper.set_state(state)

    def _force_ping(self) -> None:
        """Bring the state to the platform now; take over what the platform has if somebody changed it there.

        Like pycti's, it does not raise when the platform stays away: the next call that matters does.
        """
        helper = self._helper
        sent = helper.get_state()
        try:
            answer = helper.api.connector.ping(
                helper.connector_id, sent, helper.connector_info.all_details
            )
        except Exception as error:  # pylint: disable=broad-exception-caught
            helper.metric.inc("error_count")
            self._logger.error(
                f"The state could not be brought to the platform: {describe(error)}"
            )
            return
        text = answer["connector_state"]
        remote = json.loads(text) if text else None
        if remote != sent:
            self._logger.warning("The state was changed on the platform.")
            self._take(remote)

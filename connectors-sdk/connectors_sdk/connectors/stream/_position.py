"""Where the connector stands in the stream.

Kept in the connector's state on the platform, under the names that pycti's `listen_stream` uses, so that a connector
can change from one to the other. There, and nowhere else: it survives the loss of the connector's container, an operator
can see and reset it, and two places could disagree.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors_sdk import clock
from connectors_sdk.connectors._causes import describe
from connectors_sdk.connectors._patience import impatient
from connectors_sdk.connectors.stream.settings import EVERYTHING, NOW

START_FROM = "start_from"
RECOVER_UNTIL = "recover_until"
# What older versions of pycti called them.
_FORMER = {START_FROM: "connectorLastEventId", RECOVER_UNTIL: "connectorStartTime"}
# What pycti reads as "nothing is recovered".
_NO_RECOVERY = ("", "no", "none", "false")
_SAVE_TIMEOUT = 10.0


def order_of(position: str) -> tuple[int, int]:
    """Return a key by which positions (`<milliseconds>-<number>`) can be compared."""
    moment, _, number = position.partition("-")
    try:
        return int(moment or 0), int(number or 0)
    except ValueError:
        return 0, 0


def milliseconds(moment: datetime) -> int:
    """Return a moment as milliseconds since 1970."""
    return int(moment.timestamp() * 1000)


@dataclass(frozen=True)
class Start:
    """Where a first run begins.

    Attributes:
        start_from: position after which events are told.
        recover_until: up to this date the platform tells of the objects as they are now instead of each change; False:
            only of changes.
        words: for the log.
    """

    start_from: str
    recover_until: str | bool
    words: str

    @classmethod
    def of(cls, wanted: str | datetime) -> "Start":
        """Return the start for `now`, `everything`, or a moment."""
        now = clock.now()
        until = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        if wanted == NOW:
            return cls(f"{milliseconds(now)}-0", False, "with what happens from now on")
        if isinstance(wanted, datetime):
            words = (
                f"with what was changed since {wanted.isoformat(timespec='seconds')}"
            )
            return cls(f"{milliseconds(wanted)}-0", until, words)
        return cls("0-0", until, "with everything that is there")

    @classmethod
    def of_pycti(cls, timestamp: Any, recover: Any) -> "Start":
        """Return the start that pycti's own settings mean.

        Args:
            timestamp: `connector.live_stream_start_timestamp`, milliseconds since 1970.
            recover: `connector.live_stream_recover_iso_date`.
        """
        every = cls.of(EVERYTHING)
        start_from = every.start_from if timestamp in (None, "") else f"{timestamp}-0"
        until = every.recover_until if recover in (None, "") else str(recover)
        return cls(start_from, until, f"after {start_from}, recovering until {until}")


class StreamPosition:
    """The position as the platform keeps it. Used by one thread."""

    def __init__(
        self, helper: Any, start: Callable[[], Start], log: Callable[[str], None]
    ) -> None:
        """Bind to pycti's helper.

        Args:
            helper: pycti's `OpenCTIConnectorHelper`.
            start: returns where to begin when nothing is remembered.
            log: writes a line to the log.
        """
        self._helper = helper
        self._start = start
        self._log = log
        self._is_set = False
        self._problem: str | None = None
        self.is_first = False

    def load(self) -> None:
        """Take the remembered position; begin where the configuration says when there is none."""
        self._is_set = False
        state = self._helper.get_state()
        self.is_first = not state or not (
            START_FROM in state or _FORMER[START_FROM] in state
        )
        if self.is_first:
            start = self._start()
            self._log(f"Nothing is remembered of this stream: beginning {start.words}.")
            # Noted before the first event, so that a crash does not move what "now" means.
            self._keep(
                {START_FROM: start.start_from, RECOVER_UNTIL: start.recover_until}
            )
            self.save()
        self._is_set = True

    @property
    def start_from(self) -> str:
        """The position after which the next events come."""
        return str(self._value(START_FROM) or "0-0")

    @property
    def recover_until(self) -> str | None:
        """The date up to which objects are told as they are now; None for never."""
        value = self._value(RECOVER_UNTIL)
        text = "" if value in (None, False) else str(value)
        return None if text.lower() in _NO_RECOVERY else text

    def no_recovery(self) -> None:
        """Note that the platform does not recover this stream."""
        self._keep({RECOVER_UNTIL: False})

    def move(self, position: str) -> None:
        """Note that everything up to a position is settled. On the platform with the next `save` or ping."""
        self._keep({START_FROM: position})

    def save(self) -> bool:
        """Store the position on the platform, now. Return whether that worked; if not, the next call tries again."""
        state = self._helper.get_state()
        if state is None:
            return False
        # Not `force_ping`: it hides failures, and writes over a reset by the operator.
        try:
            with impatient(_SAVE_TIMEOUT):
                answer = self._helper.api.connector.ping(
                    self._helper.connector_id,
                    state,
                    self._helper.connector_info.all_details,
                )
            known = _state_of(answer)
        # pycti raises whatever it meets.
        except Exception as error:  # pylint: disable=broad-exception-caught
            problem = describe(error)
            if problem != self._problem:
                self._problem = problem
                self._log(
                    f"The position in the stream cannot be saved: {problem}. Going on; what is done since comes again "
                    "if the connector ends before it can."
                )
            return False
        self._problem = None
        if known != state:
            self._helper.set_state(known)
        return True

    @property
    def was_reset(self) -> bool:
        """Whether somebody has reset the state on the platform since `load`."""
        return self._is_set and self._helper.get_state() is None

    def _value(self, name: str) -> Any:
        state = self._helper.get_state() or {}
        return state[_FORMER[name]] if _FORMER[name] in state else state.get(name)

    def _keep(self, values: Mapping[str, Any]) -> None:
        state = self._helper.get_state()
        if state is None and self._is_set:
            return  # reset; whoever asks `was_reset` begins anew
        state = dict(state or {})
        # pycti prefers the former names.
        for name, former in _FORMER.items():
            if former in state:
                state.setdefault(name, state[former])
                del state[former]
        self._helper.set_state({**state, **values})


def _state_of(answer: Any) -> dict[str, Any] | None:
    text = answer["connector_state"]
    state = json.loads(text) if text else None
    return state if isinstance(state, dict) and state else None

"""Which requests a fault meets, and how often."""

import re
import threading
import time
import uuid
from enum import StrEnum
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Action(StrEnum):
    """What goes wrong."""

    DELAY = "delay"
    DROP = "drop"
    STATUS = "status"
    ERROR = "error"
    EXPIRE_TOKEN = "expire-token"  # noqa: S105  # the name of a fault
    ANSWER = "answer"
    TRUNCATE = "truncate"
    LIMIT_BODY = "limit-body"
    BREAK_STREAM = "break-stream"
    PAUSE_WORKER = "pause-worker"
    FILL_QUEUE = "fill-queue"


# These hold while the fault is there; the others meet single requests.
LASTING = {Action.PAUSE_WORKER, Action.FILL_QUEUE, Action.LIMIT_BODY}
API, STREAM = "/graphql", "/stream"
# What says which requests are met, and what only some faults have.
CHOOSING = {"path", "operation", "after", "times"}
DETAILS = {
    Action.DELAY: {"seconds"},
    Action.STATUS: {"status", "message"},
    Action.ERROR: {"code", "message"},
    Action.ANSWER: {"body"},
    Action.TRUNCATE: {"amount"},
    Action.LIMIT_BODY: {"amount"},
    Action.BREAK_STREAM: {"amount"},
    Action.FILL_QUEUE: {"amount"},
}


def _default_path(fault: dict[str, Any]) -> str:
    return STREAM if fault.get("action") is Action.BREAK_STREAM else API


class Fault(BaseModel):
    """One fault.

    Attributes:
        action: what goes wrong. `delay`: the answer comes `seconds` later. `drop`: the connection is reset without an
            answer. `status`: HTTP `status` with `message`. `error`: a GraphQL error with `code` and `message`.
            `expire-token`: as if the token were wrong. `answer`: JSON that says `body`, whatever was asked. `truncate`: the
            answer breaks off after `amount` bytes. `limit-body`: requests larger than `amount` bytes are refused.
            `break-stream`: a live stream is cut after `amount` events. `pause-worker`: nothing is ingested.
            `fill-queue`: every connector's queue counts `amount` bytes more.
        path: regular expression that the path must match from its beginning; default: the API, for `break-stream` the
            streams.
        operation: regular expression that must be found in the body, for example a GraphQL field.
        after: let so many requests pass first.
        times: meet so many requests, then be gone; 0 for all.
        lasts: be gone after so many seconds; 0 for never.

    `pause-worker`, `fill-queue` and `limit-body` hold while they are there and choose no requests. What an action has no
    use for is refused.
    """

    model_config = ConfigDict(extra="forbid")

    action: Action
    path: str = Field(default_factory=_default_path)
    operation: str = ""
    after: int = Field(default=0, ge=0)
    times: int = Field(default=0, ge=0)
    lasts: float = Field(default=0, ge=0)
    seconds: float = Field(default=1, ge=0, le=600)
    status: int = Field(default=503, ge=400, le=599)
    code: str = "FUNCTIONAL_ERROR"
    message: str = "A fault that was asked for"
    body: Any = None
    amount: int = Field(default=0, ge=0)
    id: str = Field(default_factory=lambda: str(uuid.uuid4()))

    @model_validator(mode="after")
    def _check_patterns(self) -> Self:
        for pattern in (self.path, self.operation):
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(
                    f"{pattern!r} is no regular expression: {error}"
                ) from error
        return self

    @model_validator(mode="after")
    def _check_sense(self) -> Self:
        given = self.model_fields_set - {"action", "id", "lasts"}
        useful = DETAILS.get(self.action, set())
        if self.action not in LASTING:
            useful = useful | CHOOSING
        if given - useful:
            raise ValueError(
                f"{self.action} has no use for {', '.join(sorted(given - useful))}"
            )
        if "amount" in useful and "amount" not in given:
            raise ValueError(f"{self.action} needs an amount")
        if self.action in (Action.FILL_QUEUE, Action.BREAK_STREAM) and not self.amount:
            raise ValueError(f"{self.action} with the amount 0 does nothing")
        if self.action is Action.BREAK_STREAM:
            if self.operation:
                raise ValueError("requests for a stream have no body with an operation")
            if not self.path.startswith(STREAM) and not re.match(self.path, STREAM):
                raise ValueError(f"{self.path!r} is the path of no stream ({STREAM}/…)")
        return self


class Faults:
    """The faults that are in force; safe to use from any thread."""

    def __init__(self) -> None:
        """Begin with none."""
        self._lock = threading.Lock()
        self._faults: dict[str, Fault] = {}
        self._until: dict[str, float] = {}
        self._seen: dict[str, int] = {}
        self._met: dict[str, int] = {}

    def add(self, fault: Fault) -> None:
        """Put a fault into force."""
        with self._lock:
            self._faults[fault.id] = fault
            self._seen[fault.id] = self._met[fault.id] = 0
            if fault.lasts:
                self._until[fault.id] = time.monotonic() + fault.lasts

    def remove(self, fault_id: str | None = None) -> int:
        """Lift a fault, or all; return how many there were. How often they met is forgotten."""
        with self._lock:
            gone = [fault_id] if fault_id else list(self._faults)
            return sum(self._drop(key) for key in gone)

    def _drop(self, fault_id: str) -> bool:
        self._until.pop(fault_id, None)
        self._seen.pop(fault_id, None)
        self._met.pop(fault_id, None)
        return self._faults.pop(fault_id, None) is not None

    def listed(self) -> list[dict[str, Any]]:
        """Return the faults with how often each met."""
        with self._lock:
            self._expire()
            return [
                {**fault.model_dump(mode="json"), "met": self._met[fault.id]}
                for fault in self._faults.values()
            ]

    def amount(self, action: Action) -> int | None:
        """Return the amount of a lasting fault, None when there is none."""
        with self._lock:
            self._expire()
            found = [f.amount for f in self._faults.values() if f.action is action]
            return max(found) if found else None

    def meeting(self, path: str, body: bytes) -> list[Fault]:
        """Return the faults that this request meets, and count it."""
        with self._lock:
            self._expire()
            return [
                f for f in list(self._faults.values()) if self._meets(f, path, body)
            ]

    def needs_body(self, path: str) -> bool:
        """Whether a fault looks into the bodies of requests to a path."""
        with self._lock:
            return any(
                fault.operation and re.match(fault.path, path)
                for fault in self._faults.values()
            )

    def _meets(self, fault: Fault, path: str, body: bytes) -> bool:
        if fault.action in LASTING or not re.match(fault.path, path):
            return False
        if fault.times and self._met[fault.id] >= fault.times:
            return False  # spent; it stays listed with its count
        if fault.operation and not re.search(fault.operation.encode(), body):
            return False
        self._seen[fault.id] += 1
        if self._seen[fault.id] <= fault.after:
            return False
        self._met[fault.id] += 1
        return True

    def _expire(self) -> None:
        now = time.monotonic()
        for fault_id, until in list(self._until.items()):
            if until < now:
                self._drop(fault_id)

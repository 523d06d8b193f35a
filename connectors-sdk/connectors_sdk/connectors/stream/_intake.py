"""From a frame of the stream to what the target is to do.

The order of the questions: is it about a type of ours? What is to be done? May the target see it? Does the connector
want it? Something that the target has and must not, or need not, have any longer is removed there.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from connectors_sdk import clock
from connectors_sdk.connectors.egress import EgressGate
from connectors_sdk.connectors.stream._frames import Frame
from connectors_sdk.connectors.stream._scope import TypeScope
from connectors_sdk.connectors.stream.events import Action, EventKind, StreamEvent
from connectors_sdk.well_known import OPENCTI_EXTENSION

# What the platform calls changes.
_KINDS = {
    "create": EventKind.CREATE,
    "update": EventKind.UPDATE,
    "delete": EventKind.DELETE,
    "merge": EventKind.MERGE,
}
# Of an object that the target must not see, it may see these.
_BARE = ("id", "type", "spec_version")

OTHER_TYPE = "other type"
ABOVE_MAXIMUM = "above the maximum marking"
NOT_WANTED = "not wanted"
UNKNOWN_KIND = "unknown kind of event"


class PoisonError(Exception):
    """An event that cannot be understood; the text says why."""


class UndecidedError(Exception):
    """Whether an object may leave cannot be decided at the moment."""


class Intake:  # pylint: disable=too-many-instance-attributes
    """Sorts events. Everything that reaches a target has come through here.

    Attributes:
        pending: tells whether an event about an object is on its way to the target.
    """

    def __init__(
        self,
        scope: TypeScope,
        gate: EgressGate,
        wants: Callable[[Mapping[str, Any]], bool],
        is_known: Callable[[str], bool],
        skipped: Callable[[EventKind | None, str], None],
        decided: Callable[[bool], None],
        *,
        remove_revoked: bool = True,
        remove_expired: bool = True,
    ) -> None:
        """Bind everybody who is asked.

        Args:
            scope: which types there are events about.
            gate: what the target may see.
            wants: what the connector wants, of what it may see.
            is_known: tells by its platform id whether the target has an object.
            skipped: told of each event that is left out, with the reason.
            decided: told of each decision of the gate.
            remove_revoked: whether what is revoked is removed from the target.
            remove_expired: whether what is not valid any longer is removed from the target.
        """
        self._scope = scope
        self._gate = gate
        self._wants = wants
        self._is_known = is_known
        self._skipped = skipped
        self._remove_revoked = remove_revoked
        self._remove_expired = remove_expired
        self._decided = decided
        self._free: set[tuple[Any, ...]] = set()
        self.pending: Callable[[str], bool] = lambda _: False

    def events(self, frame: Frame) -> Iterator[StreamEvent]:
        """Yield what the target is to do about a frame.

        Raises:
            PoisonError: the frame cannot be understood.
            UndecidedError: try again later.
        """
        kind = _KINDS.get(frame.event)
        if kind is None:
            self._skipped(None, UNKNOWN_KIND)
            return
        event = _read(frame, kind)
        sources = event.context.get("sources") if kind is EventKind.MERGE else None
        for source in sources or ():
            gone = self.decided(_merged_away(event, source))
            if gone is not None:
                yield gone
        wanted = self.decided(event)
        if wanted is not None:
            yield wanted

    def decided(self, event: StreamEvent) -> StreamEvent | None:
        """Set what the target is to do about an event; None when that is nothing.

        Raises:
            PoisonError: the author's `wants` failed.
            UndecidedError: try again later.
        """
        if not self._scope.covers(event.data, event.entity_type):
            self._skipped(event.kind, OTHER_TYPE)
            return None
        self._follow_validity(event)
        if not self._may_leave(event.data):
            if self._has(event.id) or self._was(event, self._may_leave):
                event.action = Action.REMOVE
                return _bared(event)
            self._skipped(event.kind, ABOVE_MAXIMUM)
            return None
        if event.action is Action.UPSERT and not self._is_wanted(event.data):
            if self._has(event.id) or self._was(event, self._is_wanted):
                event.action = Action.REMOVE
                return event
            self._skipped(event.kind, NOT_WANTED)
            return None
        return event

    def _follow_validity(self, event: StreamEvent) -> None:
        if event.action is Action.REMOVE:
            return
        if event.data.get("revoked") is True:
            if event.kind is EventKind.UPDATE:
                event.kind = EventKind.REVOKE
            if self._remove_revoked:
                event.action = Action.REMOVE
        elif self._remove_expired and "valid_until" in event.data:
            until = valid_until(event.data)
            if until is not None and until <= clock.now().timestamp():
                event.kind = EventKind.EXPIRE
                event.action = Action.REMOVE

    def _has(self, platform_id: str) -> bool:
        return self.pending(platform_id) or self._is_known(platform_id)

    def _was(
        self, event: StreamEvent, test: Callable[[Mapping[str, Any]], bool]
    ) -> bool:
        """Whether the object passed a test before the change: then the target may have it, whatever the map says."""
        previous = event.previous
        return previous is not None and test(previous)

    def _may_leave(self, data: Mapping[str, Any]) -> bool:
        # Millions of events have the same few markings. Only what may leave is remembered: a marking that nobody
        # explains now may be explained the next time.
        markings = None
        if "granular_markings" not in data:
            markings = _hashable(data.get("object_marking_refs"))
            if markings in self._free:
                self._decided(True)
                return True
        try:
            # The gate takes dictionaries.
            allowed = self._gate.decide(
                data if isinstance(data, dict) else dict(data)
            ).allowed
        except Exception as error:
            # Explaining a marking takes the platform. What cannot be decided does not leave.
            raise UndecidedError(str(error)) from error
        if allowed and markings is not None:
            self._free.add(markings)
        self._decided(allowed)
        return allowed

    def _is_wanted(self, data: Mapping[str, Any]) -> bool:
        try:
            return self._wants(data)
        except Exception as error:
            raise PoisonError(
                f"whether it is wanted cannot be told: {type(error).__name__}: {error}"
            ) from error


def _hashable(refs: Any) -> tuple[Any, ...] | None:
    if refs is None:
        return ()
    if isinstance(refs, list) and all(isinstance(ref, str) for ref in refs):
        return tuple(refs)
    return None


def valid_until(data: Mapping[str, Any]) -> float | None:
    """Return when the validity of an object ends, in seconds since 1970; None for never."""
    text = data.get("valid_until")
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def event_about(
    data: Mapping[str, Any],
    kind: EventKind,
    *,
    platform_id: str | None = None,
    entity_type: str | None = None,
    size: int = 0,
) -> StreamEvent:
    """Return an event about an object as it is now, to be decided upon.

    Args:
        data: the STIX object.
        kind: why there is an event.
        platform_id: the platform's id, when the object's extensions do not tell it.
        entity_type: OpenCTI's type, likewise.
        size: of its JSON in bytes.
    """
    own = (data.get("extensions") or {}).get(OPENCTI_EXTENSION) or {}
    return StreamEvent(
        action=Action.REMOVE if kind is EventKind.DELETE else Action.UPSERT,
        kind=kind,
        data=data,
        id=str(own.get("id") or platform_id or data["id"]),
        entity_type=str(own.get("type") or entity_type or data["type"]),
        size=size,
    )


def _read(frame: Frame, kind: EventKind) -> StreamEvent:
    try:
        body = orjson.loads(frame.data)
    except orjson.JSONDecodeError as error:
        raise PoisonError(f"it is no JSON: {error}") from error
    data = body.get("data") if isinstance(body, dict) else None
    if not isinstance(data, dict) or not data.get("id") or not data.get("type"):
        raise PoisonError("it holds no STIX object")
    try:
        event = event_about(data, kind, size=len(frame.data))
    except (AttributeError, TypeError) as error:
        raise PoisonError(f"its extensions cannot be read: {error}") from error
    event.position = frame.id
    event.context = _mapping(body.get("context"))
    event.origin = _mapping(body.get("origin"))
    event.message = str(body.get("message") or "")
    return event


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _merged_away(merge: StreamEvent, source: Any) -> StreamEvent:
    """Return the removal of an object that was merged into another."""
    if not isinstance(source, dict) or not source.get("id") or not source.get("type"):
        raise PoisonError("a source of its merge is no STIX object")
    event = event_about(source, EventKind.MERGE)
    event.action = Action.REMOVE
    event.position = merge.position
    event.origin = merge.origin
    event.message = merge.message
    return event


def _bared(event: StreamEvent) -> StreamEvent:
    """Leave of an event only what the target knows of the object anyway."""
    event.data = {key: event.data[key] for key in _BARE if key in event.data}
    event.context = {}
    event.message = ""
    return event

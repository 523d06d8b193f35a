"""Events that were set aside: kept with their reason, and read back for a replay."""

from collections.abc import Callable
from typing import Any

from connectors_sdk.connectors.health import Health
from connectors_sdk.connectors.logger import ConnectorLogger
from connectors_sdk.connectors.quarantine import Quarantine, QuarantinedRecord
from connectors_sdk.connectors.stream._frames import Frame
from connectors_sdk.connectors.stream._report import StreamReport
from connectors_sdk.connectors.stream.events import Action, EventKind, StreamEvent

KIND = "event"
# What could not process it: the target, or whatever comes before it.
_BY_TARGET = "deliver"
_BY_INTAKE = "intake"


class DeadLetters:
    """Sets events aside in the connector's quarantine."""

    def __init__(
        self,
        quarantine: Quarantine,
        report: StreamReport,
        health: Health,
        logger: ConnectorLogger,
        redact: Callable[[str], str],
    ) -> None:
        """Bind everybody who is told."""
        self._quarantine = quarantine
        self._report = report
        self._health = health
        self._logger = logger
        self._redact = redact

    def add(self, event: StreamEvent, reason: str) -> None:
        """Set an event aside that the target does not take."""
        raw = {
            "kind": event.kind,
            "action": event.action,
            "id": event.id,
            "entity_type": event.entity_type,
            "position": event.position,
            "data": event.data,
            "context": event.context,
            "origin": event.origin,
            "message": event.message,
            "remote_id": event.remote_id,
        }
        self._keep(raw, reason, _BY_TARGET)
        self._tell(event.kind, reason, event.stix_id or event.id)

    def add_frame(self, frame: Frame, reason: str) -> None:
        """Set a frame aside that cannot be understood."""
        raw = {"event": frame.event, "id": frame.id, "data": frame.data}
        self._keep(raw, reason, _BY_INTAKE)
        self._tell(None, reason, frame.id)

    def _keep(self, raw: dict[str, Any], reason: str, mapper: str) -> None:
        dropped = self._quarantine.dropped.total()
        self._quarantine.add(raw, reason, mapper=mapper, kind=KIND)
        # That older events are lost because of it is the worse news, which health has by then.
        if self._quarantine.dropped.total() == dropped:
            self._health.failed(f"an event was set aside: {self._redact(reason)}")

    def _tell(self, kind: EventKind | None, reason: str, subject: str) -> None:
        reason = self._redact(reason)
        self._report.set_aside(kind)
        self._logger.warning(
            f"An event was set aside: {reason}",
            {"kind": kind.value if kind else None, "about": subject},
        )


def read_back(record: QuarantinedRecord) -> StreamEvent | Frame:
    """Return what was set aside.

    Raises:
        ValueError: the record is no event of a stream.
    """
    raw: dict[str, Any] = record.raw
    try:
        if record.mapper == _BY_INTAKE:
            return Frame(raw["event"], raw["id"], str(raw["data"]).encode())
        return StreamEvent(
            action=Action(raw["action"]),
            kind=EventKind(raw["kind"]),
            data=raw["data"],
            id=raw["id"],
            entity_type=raw["entity_type"],
            position=raw["position"],
            context=raw["context"],
            origin=raw["origin"],
            message=raw["message"],
            remote_id=raw["remote_id"],
            redelivered=True,
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"{record.id} is no event of a stream: {error}") from error

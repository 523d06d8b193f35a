"""What happened on the platform, as an author sees it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from connectors_sdk.connectors.stream._patch import PatchError, patched
from connectors_sdk.connectors.stream.targets import Known
from connectors_sdk.well_known import OBSERVABLE_EXTENSION, OPENCTI_EXTENSION


class EventKind(StrEnum):
    """Why there is an event.

    Members:
        CREATE: the object was created, or came to pass the stream's filters.
        UPDATE: it was changed.
        DELETE: it was deleted, or ceased to pass the stream's filters.
        REVOKE: a change took its validity from it (`revoked` is true).
        MERGE: others were merged into it (action upsert), or it was merged into another (action remove).
        EXPIRE: its `valid_until` has passed.
        RECONCILE: the target does not have what it should have, or has what it should not have.
    """

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    REVOKE = "revoke"
    MERGE = "merge"
    EXPIRE = "expire"
    RECONCILE = "reconcile"


class Action(StrEnum):
    """What the target is to do.

    Members:
        UPSERT: have the object as it is in the event: create it, or change it if it is there.
        REMOVE: not have it any longer. It may be that the target never had it.
    """

    UPSERT = "upsert"
    REMOVE = "remove"


@dataclass(slots=True, eq=False)
class StreamEvent:  # pylint: disable=too-many-instance-attributes  # what the platform tells of an event
    """One change, and what the target is to do about it. To be read, not written.

    Attributes:
        action: what the target is to do.
        kind: why.
        data: the STIX object after the change; of a deletion, as it was last. Of an object that must not be shown to the
            target (any longer), and of one that only the target knows, its ids and type alone.
        id: the platform's own id of the object. Never changes, unlike the id in `data`.
        entity_type: its type in OpenCTI, e.g. `Indicator`, `IPv4-Addr`.
        position: where in the stream this is: the id of the event, `<milliseconds>-<number>`.
        context: patches of an update or merge, sources of a merge, as the platform tells them.
        origin: who made the change, as the platform tells it. `referer` is `init-create` for what was there before the
            connector, `init-dependencies` for what came because another object refers to it.
        message: the change in words.
        remote_id: the object's id at the target, as far as known.
        redelivered: an earlier attempt may have reached the target although nobody knows its outcome (the connector was
            killed, or the connection broke). Only then a target that gives out ids needs to be asked whether it has the
            object already.
        attempt: counts the attempts of this process, from 1.
        size: of its JSON in bytes.
    """

    action: Action
    kind: EventKind
    data: Mapping[str, Any]
    id: str
    entity_type: str
    position: str = ""
    context: Mapping[str, Any] = field(default_factory=dict)
    origin: Mapping[str, Any] = field(default_factory=dict)
    message: str = ""
    remote_id: str | None = None
    redelivered: bool = False
    attempt: int = 1
    size: int = 0
    _first: "StreamEvent | None" = None

    @property
    def stix_id(self) -> str:
        """The STIX id of the object as it is now; empty when it is not known."""
        return str(self.data.get("id", ""))

    @property
    def at(self) -> datetime | None:
        """When the change was made; None when the position does not tell."""
        milliseconds = self.position.partition("-")[0]
        if not milliseconds.isdigit() or milliseconds == "0":
            return None
        try:
            return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
        except (OverflowError, ValueError, OSError):
            return None

    @property
    def previous(self) -> dict[str, Any] | None:
        """The object before the change (of several in one batch, before the first); None when nobody knows."""
        if self._first is not None:
            return self._first.previous
        return previous_of(self.data, self.context)

    def get(self, name: str, default: Any = None) -> Any:
        """Return a property of the object, wherever the platform keeps it.

        Args:
            name: e.g. `score`, `labels`, `main_observable_type`.
            default: what is returned when the object has no such property.
        """
        return attribute(self.data, name, default)


def attribute(data: Mapping[str, Any], name: str, default: Any = None) -> Any:
    """Return a property of a STIX object: out of the platform's extensions, or else its own."""
    extensions = data.get("extensions") or {}
    for extension in (OPENCTI_EXTENSION, OBSERVABLE_EXTENSION):
        found = extensions.get(extension) or {}
        if name in found:
            return found[name]
    for key in (name, f"x_opencti_{name}"):
        if key in data:
            return data[key]
    return default


def previous_of(
    data: Mapping[str, Any], context: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Return an object as it was before a change; None when the platform does not tell."""
    reverse = context.get("reverse_patch")
    if not reverse:
        return None
    try:
        return patched(data, reverse)
    except PatchError:
        return None


def removal_of(known: Known, kind: EventKind) -> StreamEvent:
    """Return the removal of an object of which only the map of the target knows."""
    data = {"id": known.stix_id, "type": known.stix_id.partition("--")[0]}
    return StreamEvent(
        action=Action.REMOVE,
        kind=kind,
        data=data if known.stix_id else {},
        id=known.id,
        entity_type=known.entity_type,
        remote_id=known.remote_id,
    )

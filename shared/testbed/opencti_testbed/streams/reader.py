"""What one listener is told, in order: first what it missed, then what happens."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from opencti_testbed.stix.names import readable_name
from opencti_testbed.stix.types import Family, classify
from opencti_testbed.store import Store
from opencti_testbed.store.events import Event
from opencti_testbed.store.objects import Stored
from opencti_testbed.streams import frames
from opencti_testbed.streams.collections import StreamCollection
from opencti_testbed.streams.matching import passes
from opencti_testbed.streams.position import Position

PAGE = 200
# Dependencies told lately are not told again.
REMEMBERED = 10_000


@dataclass(frozen=True)
class Wishes:
    """What a listener asks for.

    Attributes:
        start: the last event that it has seen.
        recover_until: first tell the objects as they are that changed up to here (milliseconds since 1970); None to go
            through the journal only.
        deletes: tell of deletions.
        dependencies: before an object, tell of what it refers to.
    """

    start: Position = field(default_factory=Position)
    recover_until: int | None = None
    deletes: bool = True
    dependencies: bool = False


class Reader:
    """Walks through the journal for one listener; reads the database, so it belongs into a thread.

    Recovery walks through the journal as well, leaving out what later changes cover: a position means the same
    whether it was reached by recovery or not.

    Attributes:
        position: the last change that was dealt with, told or not.
        at_end: whether the last call of `next_frames` found nothing more to deal with.
    """

    def __init__(self, store: Store, stream: StreamCollection, wishes: Wishes) -> None:
        """Begin at the listener's position; `store` is seen by the listener's user."""
        self._store = store
        self._stream = stream
        self._wishes = wishes
        self._told: OrderedDict[str, None] = OrderedDict()
        self.position = wishes.start
        self.at_end = False
        self._seen = self._number_of(wishes.start)
        self._recover_to = 0
        if wishes.recover_until is not None and wishes.start.ms <= wishes.recover_until:
            until = Position(wishes.recover_until).at
            self._recover_to = store.events.last_id_until(until)

    def _number_of(self, position: Position) -> int:
        """Return the number of the last change that a listener has seen."""
        if not position.ms:
            return 0
        if self._store.events.at(position.number) == position.at:
            return position.number
        # A mere date, or an event of a journal that is gone: its date still tells what is new.
        return self._store.events.last_id_until(Position(position.ms - 1).at)

    def next_frames(self) -> list[bytes]:
        """Deal with the next changes and return the frames that tell of them; there may be none."""
        recovering = self._seen < self._recover_to
        # Who has seen something may know what was deleted or merged since.
        resumed = self._wishes.start.number > 0
        if recovering:
            page = self._store.events.newest_of_each(
                self._seen, self._recover_to, PAGE, with_ends=resumed
            )
        else:
            page = self._store.events.after(self._seen, PAGE)
        sent: list[bytes] = []
        for event in page:
            as_it_was = not recovering or (resumed and event.is_end)
            sent += self._changed(event) if as_it_was else self._recovered(event)
            self._seen = event.id
            self.position = Position.of(event.at, event.id)
        if recovering and len(page) < PAGE:
            self._seen = self._recover_to
        self.at_end = not page and not recovering
        return sent

    def _recovered(self, event: Event) -> Iterator[bytes]:
        """Tell of an object as it is now, as if it had just been created."""
        stored = self._store.objects.get(event.object_id)
        # Labels and markings are told inside of others.
        if stored is None or stored.family is Family.META or not self._passes(stored):
            return
        yield from self._dependencies(stored.data)
        position = Position.of(event.at, event.id)
        yield self._frame("create", stored, position, referer="init-create")

    def _changed(self, event: Event) -> Iterator[bytes]:
        """Tell of a change as this listener sees it."""
        state = self._state(event)
        if state.family is Family.META:
            return
        kind = event.kind
        passed = self._passes(state)
        now = before = passed
        if kind == "delete":
            now = False
        elif kind == "update":
            before = self._passes(replace(state, data=_before(event)))
        # An object that comes into view is created for this listener, one that leaves it deleted.
        told_as = {
            (False, True): "create" if kind == "update" else kind,
            (True, True): kind,
            (True, False): "delete",
        }.get((before, now))
        if told_as is None or (told_as == "delete" and not self._wishes.deletes):
            return
        if told_as != "delete":
            yield from self._dependencies(event.data)
        yield self._frame(
            told_as,
            state,
            Position.of(event.at, event.id),
            context=event.context if told_as == kind else None,
            event_id=f"event-{event.id}",
        )

    def _state(self, event: Event) -> Stored:
        """Return an object as it was after a change; it may have gone since."""
        family, entity_type = classify(event.data)
        present = self._store.objects.get(event.object_id)
        created_at = (
            present.created_at
            if present
            else self._store.events.first_at(event.object_id)
        )
        return Stored(
            pk=present.pk if present else 0,
            standard_id=event.data["id"],
            internal_id=event.object_id,
            family=family,
            entity_type=entity_type,
            name=readable_name(event.data),
            data=event.data,
            created_at=created_at or event.at,
            updated_at=event.at,
        )

    def _passes(self, state: Stored) -> bool:
        objects = self._store.objects
        if objects.hides(state.data):
            return False
        return passes(self._stream.filters, state, objects.get)

    def _dependencies(self, data: Mapping[str, Any]) -> Iterator[bytes]:
        """Yield what an object refers to, as creations, each after what it refers to itself.

        They carry the position before the object: a listener that stops among them gets the object again.
        """
        if not self._wishes.dependencies:
            return
        # Not recursive: how long a chain of references is, is up to whoever sends objects.
        open_references = [_references(data)]
        waiting: list[Stored] = []
        while open_references:
            ref = next(open_references[-1], None)
            if ref is None:
                open_references.pop()
                if waiting:
                    referer = "init-dependencies"
                    yield self._frame(
                        "create", waiting.pop(), self.position, referer=referer
                    )
            elif self._is_new(ref):
                stored = self._store.objects.get(ref)
                if stored is not None:
                    open_references.append(_references(stored.data))
                    waiting.append(stored)

    def _is_new(self, ref: str) -> bool:
        if ref in self._told:
            return False
        self._told[ref] = None
        if len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
        return True

    def _frame(  # pylint: disable=too-many-arguments
        self,
        kind: str,
        state: Stored,
        position: Position,
        *,
        referer: str | None = None,
        context: Mapping[str, Any] | None = None,
        event_id: str | None = None,
    ) -> bytes:
        own = self._store.user_id
        creator = self._store.objects.creator(state.pk) or own
        body = frames.change(
            kind,
            frames.told(state, creator, self._ends(state.data)),
            name=f"{state.entity_type} `{state.name}`",
            event_id=event_id or f"{referer}-{state.internal_id}",
            user_id=self._store.events.made_by(position.number) or own,
            referer=referer,
            context=context,
        )
        return frames.frame(kind, body, position)

    def _ends(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the platform says of the ends of a relationship or sighting: internal ids, types, names."""
        ends: dict[str, Any] = {}
        for key in ("source_ref", "target_ref", "sighting_of_ref"):
            end = self._store.objects.get(data[key]) if key in data else None
            if end is not None:
                name = key.removesuffix("_ref")
                ends[key] = end.internal_id
                ends[f"{name}_type"] = end.entity_type
                ends[f"{name}_value"] = end.name
        if "where_sighted_refs" in data:
            found = [self._store.objects.get(ref) for ref in data["where_sighted_refs"]]
            places = [place for place in found if place is not None]
            ends["where_sighted_refs"] = [place.internal_id for place in places]
            ends["where_sighted_types"] = [place.entity_type for place in places]
            ends["where_sighted_values"] = [place.name for place in places]
        return ends


def _before(event: Event) -> dict[str, Any]:
    """Return an object as it was before an update."""
    data = dict(event.data)
    for operation in event.context.get("reverse_patch", ()):
        # The journal notes changes of whole properties, so a path has one step.
        key = operation["path"][1:].replace("~1", "/").replace("~0", "~")
        if operation["op"] == "remove":
            data.pop(key, None)
        else:
            data[key] = operation["value"]
    return data


def _references(data: Mapping[str, Any]) -> Iterator[str]:
    for key, value in data.items():
        if key.endswith("_ref") and isinstance(value, str):
            yield value
        elif key.endswith("_refs") and isinstance(value, list):
            yield from (item for item in value if isinstance(item, str))

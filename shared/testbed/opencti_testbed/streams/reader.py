"""What one listener is told, in order: first what it missed, then what happens."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

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
    """Walks through the journal for one listener; reads the database, so it belongs into a thread."""

    def __init__(self, store: Store, stream: StreamCollection, wishes: Wishes) -> None:
        """Begin at the listener's position."""
        self._store = store
        self._stream = stream
        self._wishes = wishes
        self._told: OrderedDict[str, None] = OrderedDict()
        self._recovering = (
            wishes.recover_until is not None and wishes.start.ms <= wishes.recover_until
        )
        self.position = wishes.start
        self._journal_id = 0 if self._recovering else self._journal_start()

    def next_frames(self) -> list[bytes]:
        """Return the frames of the next changes, [] when the listener knows everything."""
        if self._recovering:
            sent = list(self._recovered())
            if sent:
                return sent
            self._recovering = False
            until = self._wishes.recover_until or 0
            self._journal_id = self._last_journal_id(until)
        while events := self._store.events.after(self._journal_id, PAGE):
            sent = []
            for event in events:
                sent += self._frames_of(event)
                self._journal_id = event.id
            if sent:
                return sent
        return []

    # -- catching up ---------------------------------------------------------------------------------------------

    def _recovered(self) -> Iterator[bytes]:
        """Yield a page of the objects as they are, in the order of their last change."""
        until = Position(self._wishes.recover_until or 0).at
        # Labels and markings are told inside of others.
        page = self._store.objects.changed_between(
            self.position.at, self.position.number, until, PAGE
        )
        for stored in page:
            position = Position.of(stored.updated_at, stored.pk)
            if stored.family is not Family.META and self._passes(stored.data):
                yield from self._dependencies(stored.data)
                yield self._frame(
                    "create", stored.data, stored, position, referer="init-create"
                )
            self.position = position
        if page and not any(s.family is not Family.META for s in page):
            yield from self._recovered()

    def _journal_start(self) -> int:
        if self.position.number:
            return self.position.number
        return self._last_journal_id(self.position.ms - 1) if self.position.ms else 0

    def _last_journal_id(self, ms: int) -> int:
        """Return the id of the last change that was made up to an instant."""
        return self._store.events.last_id_until(Position(ms).at)

    # -- going on ------------------------------------------------------------------------------------------------

    def _frames_of(self, event: Event) -> Iterable[bytes]:
        position = Position.of(event.at, event.id)
        stored = self._store.objects.get(event.object_id)
        if classify(event.data)[0] is Family.META:
            return
        kind = event.kind
        now = kind != "delete" and self._passes(event.data)
        before = now
        if kind == "delete":
            before = self._passes(event.data)
        elif kind == "update":
            before = self._passes(_before(event))
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
        context = event.context if told_as == kind else None
        yield self._frame(told_as, event.data, stored, position, event, context=context)
        self.position = position

    def _passes(self, data: Mapping[str, Any]) -> bool:
        if not self._stream.filters:
            return True
        family, entity_type = classify(data)
        return passes(
            self._stream.filters,
            data,
            entity_type=entity_type,
            family=family.value,
            resolve=self._standard_id,
        )

    def _standard_id(self, any_id: str) -> str:
        stored = self._store.objects.get(any_id)
        return stored.standard_id if stored else any_id

    def _dependencies(self, data: Mapping[str, Any]) -> Iterator[bytes]:
        """Yield what an object refers to, as creations.

        They carry the position before the object: a listener that stops among them gets the object again.
        """
        if not self._wishes.dependencies:
            return
        for ref in _references(data):
            if ref in self._told:
                continue
            self._told[ref] = None
            if len(self._told) > REMEMBERED:
                self._told.popitem(last=False)
            stored = self._store.objects.get(ref)
            if stored is not None:
                yield from self._dependencies(stored.data)
                yield self._frame(
                    "create",
                    stored.data,
                    stored,
                    self.position,
                    referer="init-dependencies",
                )

    def _frame(  # pylint: disable=too-many-arguments
        self,
        kind: str,
        data: Mapping[str, Any],
        stored: Stored | None,
        position: Position,
        event: Event | None = None,
        *,
        referer: str | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> bytes:
        user_id = self._store.user_id
        internal_id = stored.internal_id if stored else event.object_id if event else ""
        name = stored.name if stored else str(data.get("name", data.get("id")))
        body = frames.change(
            kind,
            frames.told(data, stored, internal_id=internal_id, user_id=user_id),
            name=f"{data.get('type')} `{name}`",
            event_id=f"event-{event.id}" if event else f"{referer}-{internal_id}",
            user_id=user_id,
            referer=referer,
            context=context,
        )
        return frames.frame(kind, body, position)


def _before(event: Event) -> dict[str, Any]:
    """Return an object as it was before an update."""
    data = dict(event.data)
    for operation in event.context.get("reverse_patch", ()):
        key = operation["path"][1:].replace("~1", "/").replace("~0", "~")
        if "/" in key:
            continue
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

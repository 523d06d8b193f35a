"""From a stream of objects to closed, bounded bundles.

What a piece promises:

- **closed**: whatever an object refers to stands in the same piece (author, markings, both ends of a relationship,
  the content of a report...). What was sent with an earlier piece is repeated: that is free, as ids are
  deterministic. The exceptions are listed in `Bundle.external`.
- **ordered**: dependencies first; in a circle of references the member that was met first comes last.
- **no duplicates**: versions of one object are merged, see `connectors_sdk.bundles._merge`. An object that comes
  again unchanged after it was sent is not sent again.
- **bounded** by number of objects and by bytes. One object with all it needs is never cut apart: if that is bigger
  than the bounds the piece is too, and an `OversizedBundleWarning` says so.
- **reproducible**: the same input gives the same bytes.

Where a referenced object comes from, in this order: the piece itself and the one before; the model that refers to it
(models hold the models they refer to); what the builder remembers; `resolve`; the well-known TLP markings; and, for a
reference of a stix2 object or dictionary, the rest of the stream: the object waits until it is there.

Memory: with models it is bounded by two pieces and some 10 MB: which models were sent is known for the last 50,000 at
least; one that comes again later is sent again. Of stix2 objects and dictionaries, at most 36 bytes are kept for each id,
and without `resolve` their JSON as well, because any of it may be referred to later. What waits is kept, too: whose
`resolve` knows all there is lets nothing wait, with `wait=False`.
"""

import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal, TypeAlias

from connectors_sdk.bundles._encode import StixLike, id_of
from connectors_sdk.bundles._entry import Entry
from connectors_sdk.bundles._fingerprints import Fingerprints
from connectors_sdk.bundles._known_markings import known_marking
from connectors_sdk.bundles._waiting import WaitingRoom
from connectors_sdk.bundles.bundle import Bundle, bundle_size
from connectors_sdk.bundles.errors import (
    BundleError,
    DanglingReferenceError,
    OversizedBundleWarning,
)

DEFAULT_MAX_OBJECTS = 1000
DEFAULT_MAX_BYTES = 4_000_000

OnDangling: TypeAlias = Literal["raise", "drop", "keep"]
Resolve: TypeAlias = Callable[[str], StixLike | None]

# Models of these types are remembered, so that dictionaries may refer to an author that was given as a model.
_ALWAYS_REMEMBERED = ("identity--", "marking-definition--")
# How many models are known to have been sent, at least.
_MODELS_KNOWN = 50_000
# How far to look for a circle of references among objects that wait.
_CIRCLE_LIMIT = 100


def iter_bundles(
    objects: Iterable[StixLike],
    *,
    max_objects: int = DEFAULT_MAX_OBJECTS,
    max_bytes: int = DEFAULT_MAX_BYTES,
    resolve: Resolve | None = None,
    on_dangling: OnDangling = "raise",
) -> Iterator[Bundle]:
    """Turn objects into closed, bounded, dependency-ordered bundles.

    Args:
        objects: models, stix2 objects and dictionaries, mixed at will. A list or tuple may be in any order and is
            indexed as a whole; any other iterable is consumed lazily, one object at a time.
        max_objects: most objects in one bundle.
        max_bytes: most bytes of one bundle's JSON.
        resolve: called with a STIX id, returns the object (any of the three forms) or None. It lets a stream refer
            back to what was sent earlier without the builder remembering it.
        on_dangling: what to do about a reference that nothing supplies: "raise", "drop" the reference (and objects
            that are nothing without it), or "keep" it for the platform to resolve. A model's `Reference` is a
            promise that the platform has the object and is always kept.

    Yields:
        `Bundle`s, none of them empty.

    Raises:
        DanglingReferenceError: a reference that nothing supplies, with on_dangling="raise".
        BundleError: something that is not a STIX object.
    """
    if isinstance(objects, (list, tuple)):
        # What a list holds need not be remembered a second time.
        builder = BundleBuilder(
            max_objects=max_objects,
            max_bytes=max_bytes,
            resolve=resolve or (lambda _: None),
            on_dangling=on_dangling,
        )
        yield from builder.add_all(objects)
    else:
        builder = BundleBuilder(
            max_objects=max_objects,
            max_bytes=max_bytes,
            resolve=resolve,
            on_dangling=on_dangling,
        )
        for stix in objects:
            full = builder.add(stix)
            if full:
                yield from full
    yield from builder.flush()


# Three of them remember what was sent.
# pylint: disable-next=too-many-instance-attributes
class BundleBuilder:
    """Collects objects one by one and hands out bundles as they fill. See the module for what it promises.

    Attributes:
        dropped: with on_dangling="drop", the ids of objects that lost references or were dropped themselves, each
            with the missing ids.
    """

    def __init__(
        self,
        *,
        max_objects: int = DEFAULT_MAX_OBJECTS,
        max_bytes: int = DEFAULT_MAX_BYTES,
        resolve: Resolve | None = None,
        on_dangling: OnDangling = "raise",
        wait: bool = True,
    ) -> None:
        """See `iter_bundles` for the arguments.

        `wait` says whether what is referred to may still come; without it, what `resolve` does not know is missing.
        """
        if max_objects < 1 or max_bytes < 1:
            raise ValueError("max_objects and max_bytes must be at least 1")
        if on_dangling not in ("raise", "drop", "keep"):
            raise ValueError(
                f"on_dangling must be raise, drop or keep, not {on_dangling!r}"
            )
        self.dropped: dict[str, tuple[str, ...]] = {}
        self._max_objects = max_objects
        self._max_bytes = max_bytes
        self._resolve = resolve
        self._on_dangling = on_dangling
        self._wait = wait
        self._piece = _Piece()
        self._previous: dict[str, Entry] = {}
        # Found or finished within the current call: the caller has not seen those pieces yet, nor can `resolve`.
        self._recent: dict[str, Entry] = {}
        self._finished: list[Bundle] = []
        self._index: dict[str, list[StixLike]] = {}
        self._waiting = WaitingRoom()
        self._memory: dict[str, bytes] | None = {} if resolve is None else None
        self._sent = Fingerprints()
        # hash(id) -> hash(bytes), for models: in two generations: when the younger is full, the older is forgotten.
        self._sent_models: dict[int, int] = {}
        self._sent_models_before: dict[int, int] = {}
        # Objects that do not fit into the bounds together with what they need.
        self._big: set[str] = set()

    def __len__(self) -> int:
        """Number of objects that were taken in and not handed out yet."""
        return len(self._piece.entries) + len(self._waiting)

    @property
    def waiting(self) -> int:
        """Number of objects that wait for something they refer to; later ones may be handed out before them."""
        return len(self._waiting)

    def add(self, stix: StixLike) -> list[Bundle]:
        """Take one object; return the bundles that became full (most often none).

        Raises: see `iter_bundles`.
        """
        if self._recent:
            self._recent.clear()
        self._accept(Entry.of(stix))
        return self._take_finished()

    def add_all(self, objects: Sequence[StixLike]) -> Iterator[Bundle]:
        """Take objects that are all at hand: they may refer to each other in any order.

        Yields bundles as they fill. The last objects stay in the builder until `flush`.
        """
        self._index = {}
        for stix in objects:
            self._index.setdefault(id_of(stix), []).append(stix)
        for versions in self._index.values():
            self._recent.clear()
            self._accept(Entry.of_versions(versions))
            yield from self._take_finished()
        self._index = {}

    def flush(self) -> list[Bundle]:
        """Return all that is left as bundles. What still waits for something is settled by `on_dangling`.

        The builder can be used further; it knows what it has sent.
        """
        self._recent.clear()
        while self._waiting:
            entry = self._waiting.first()
            self._waiting.leave(entry.id)
            order, _ = self._closure(entry, through_waiting=True)
            self._put(entry, self._settle(order), through_waiting=True)
        self._finish_piece()
        return self._take_finished()

    # -- taking in ---------------------------------------------------------------------------------------------------

    def _accept(self, entry: Entry) -> None:
        if self._is_new(entry.id) and self._append(entry):
            return
        known = (
            self._piece.entries.get(entry.id)
            or self._waiting.get(entry.id)
            or self._remembered(entry.id)
        )
        if known is not None:
            merged = known.merged_with(entry)
            if merged is None:
                return
            entry = merged
            self._waiting.leave(entry.id)
        elif self._was_sent(entry):
            return
        queue: deque[Entry] = deque()
        self._try(entry, queue)
        while queue:
            candidate = queue.popleft()
            # It may have gone into the piece meanwhile, with another.
            if self._waiting.get(candidate.id) is candidate:
                self._try(candidate, queue)

    def _is_new(self, stix_id: str) -> bool:
        """Whether an object was never seen, and nothing waits."""
        return (
            stix_id not in self._piece.entries
            and not self._has_sent(stix_id)
            and not self._waiting
        )

    def _has_sent(self, stix_id: str) -> bool:
        key = hash(stix_id)
        return (
            key in self._sent_models
            or key in self._sent_models_before
            or stix_id in self._sent
        )

    def _was_sent(self, entry: Entry) -> bool:
        """Whether this version of an object was sent last."""
        key, version = hash(entry.id), hash(entry.data)
        for record in (self._sent_models, self._sent_models_before):
            if key in record:
                return record[key] == version
        return self._sent.knows(entry.id, entry.data)

    def _append(self, entry: Entry) -> bool:
        """Put a new object into the piece if all it needs is there and it fits: the short way that most objects go."""
        piece = self._piece
        for ref in entry.refs:
            if ref not in piece.entries:
                return False
        content = piece.content + len(entry.data)
        if not self._fits(len(piece.entries) + 1, content):
            return False
        piece.append(entry)
        return True

    def _try(self, entry: Entry, queue: deque[Entry]) -> None:
        """Put an object and its closure into the piece if all is there, else let it wait.

        Those who waited for what was put are appended to the queue.
        """
        order, wanted = self._closure(entry)
        through_waiting = False
        if wanted:
            self._waiting.hold(entry, wanted)
            if not self._waiting.may_close_circle(entry):
                return
            through_waiting = True
            order, wanted = self._closure(
                entry, through_waiting=True, limit=_CIRCLE_LIMIT
            )
            if wanted:
                return
        settled = self._settle(order)
        for stix_id in self._put(entry, settled, through_waiting=through_waiting):
            queue.extend(self._waiting.arrived(stix_id))

    def _closure(
        self, root: Entry, *, through_waiting: bool = False, limit: int | None = None
    ) -> tuple[list[Entry], list[str]]:
        """Collect an object and all it needs that the piece lacks, dependencies first.

        Returns the objects and the ids that are worth waiting for.
        """
        order: list[Entry] = []
        wanted: dict[str, None] = {}
        visited = {root.id}
        stack = [(root, iter(root.refs))]
        while stack:
            entry, refs = stack[-1]
            for ref in refs:
                if ref in visited or ref in self._piece.entries:
                    continue
                found = self._find(ref, entry, through_waiting)
                if found is None:
                    # A model's bare reference means an object that the platform has: nothing to wait for. Nor is
                    # what was sent before.
                    if self._wait and not entry.models and not self._has_sent(ref):
                        wanted[ref] = None
                    continue
                visited.add(ref)
                if limit is not None and len(visited) > limit:
                    return order, [ref]
                stack.append((found, iter(found.refs)))
                break
            else:
                stack.pop()
                order.append(entry)
        return order, list(wanted)

    def _find(self, ref: str, holder: Entry, through_waiting: bool) -> Entry | None:
        entry = self._recent.get(ref) or self._previous.get(ref)
        if entry is not None:
            return entry
        if through_waiting:
            entry = self._waiting.get(ref)
            if entry is not None:
                return entry
        entry = holder.embedded(ref) or self._indexed(ref) or self._remembered(ref)
        if entry is None and self._resolve is not None:
            supplied = self._resolve(ref)
            if supplied is not None:
                entry = Entry.of(supplied)
                if entry.id != ref:
                    raise BundleError(f"resolve({ref!r}) returned {entry.id}")
        entry = entry or known_marking(ref)
        if entry is not None:
            self._recent[ref] = entry
        return entry

    def _indexed(self, ref: str) -> Entry | None:
        versions = self._index.get(ref)
        return Entry.of_versions(versions) if versions else None

    def _remembered(self, ref: str) -> Entry | None:
        data = self._memory.get(ref) if self._memory else None
        return None if data is None else Entry.of_bytes(ref, data)

    # -- dangling references -----------------------------------------------------------------------------------------

    def _settle(self, order: list[Entry]) -> list[Entry]:
        """Apply `on_dangling` to a closure: after this, what it refers to is there or is meant to be absent."""
        if self._on_dangling == "keep":
            return order
        inside = {entry.id for entry in order}
        result = order
        settled = False
        while not settled:
            settled = True
            kept: list[Entry] = []
            for entry in result:
                missing = {
                    ref
                    for ref in entry.refs
                    if ref not in inside and ref not in self._piece.entries
                }
                if not missing or entry.models:
                    kept.append(entry)
                    continue
                in_order = [ref for ref in entry.refs if ref in missing]
                if self._on_dangling == "raise":
                    raise DanglingReferenceError(entry.id, in_order)
                before = self.dropped.get(entry.id, ())
                self.dropped[entry.id] = tuple(dict.fromkeys((*before, *in_order)))
                stripped = entry.without(missing)
                if stripped is not None:
                    kept.append(stripped)
                else:
                    # Others of this closure may refer to what has just gone.
                    inside.discard(entry.id)
                    settled = False
            result = kept
        return result

    # -- pieces ------------------------------------------------------------------------------------------------------

    def _put(
        self, root: Entry, closure: list[Entry], *, through_waiting: bool
    ) -> list[str]:
        """Put a closure into the current piece, or into the next if it does not fit; return the ids put."""
        if not closure:
            return []
        count, content = self._piece.after(closure)
        if self._piece.entries and not self._fits(count, content):
            joins = self._piece.oversized and self._is_big(root)
            if not joins or not self._piece.may_grow_to(count, content):
                self._finish_piece()
                # The next piece has to repeat what this one had.
                order, _ = self._closure(root, through_waiting=through_waiting)
                closure = self._settle(order)
                count, content = self._piece.after(closure)
        if not self._fits(count, content) and not self._piece.oversized:
            self._big.add(root.id)
            self._piece.oversize(count, content)
            warnings.warn(
                f"{root.id} and all it needs are {count} objects, {bundle_size(count, content)} bytes: "
                f"more than {self._max_objects} objects or {self._max_bytes} bytes. They go as one bundle.",
                OversizedBundleWarning,
                stacklevel=2,
            )
        self._piece.put(closure)
        for entry in closure:
            self._waiting.leave(entry.id)
        return [entry.id for entry in closure]

    def _fits(self, count: int, content: int) -> bool:
        return (
            count <= self._max_objects
            and bundle_size(count, content) <= self._max_bytes
        )

    def _is_big(self, entry: Entry) -> bool:
        if entry.id in self._big or any(ref in self._big for ref in entry.refs):
            self._big.add(entry.id)
            return True
        return False

    def _finish_piece(self) -> None:
        piece, self._piece = self._piece, _Piece()
        if not piece.entries:
            return
        self._finished.append(piece.bundle())
        for entry in piece.entries.values():
            if entry.models:
                self._sent_models[hash(entry.id)] = hash(entry.data)
            else:
                self._sent.note(entry.id, entry.data)
            if self._memory is not None and (
                not entry.models or entry.id.startswith(_ALWAYS_REMEMBERED)
            ):
                self._memory[entry.id] = entry.data
        if len(self._sent_models) >= _MODELS_KNOWN:
            self._sent_models_before, self._sent_models = self._sent_models, {}
        self._recent.update(self._previous)
        self._previous = piece.entries

    def _take_finished(self) -> list[Bundle]:
        if not self._finished:
            return []
        finished, self._finished = self._finished, []
        return finished


class _Piece:
    """A bundle in the making.

    Attributes:
        entries: its objects by id.
        content: bytes of their JSON together.
        oversized: it exceeds the bounds.
    """

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.oversized = False
        self.content = 0
        self._replaced = False
        # Only a closure may come with references that lead out of the piece.
        self._gathered = False
        self._growth = (0, 0)

    def after(self, closure: list[Entry]) -> tuple[int, int]:
        """Return the number of objects and of content bytes that the piece would have with a closure added."""
        count, content = len(self.entries), self.content
        for entry in closure:
            replaced = self.entries.get(entry.id)
            content += len(entry.data)
            if replaced is None:
                count += 1
            else:
                content -= len(replaced.data)
        return count, content

    def oversize(self, count: int, content: int) -> None:
        """Note that the piece exceeds the bounds.

        Objects that build on the same oversized thing may then join until the piece has doubled. Without this, each
        link of a long chain would send the whole chain again.
        """
        self.oversized = True
        self._growth = (2 * count, 2 * content)

    def may_grow_to(self, count: int, content: int) -> bool:
        """Whether an oversized piece may become this big."""
        return count <= self._growth[0] and content <= self._growth[1]

    def append(self, entry: Entry) -> None:
        """Add an object that the piece does not have yet."""
        self.entries[entry.id] = entry
        self.content += len(entry.data)

    def put(self, closure: list[Entry]) -> None:
        """Add a closure."""
        _, self.content = self.after(closure)
        self._gathered = True
        for entry in closure:
            # A version merged later may need what stands behind it.
            self._replaced = self._replaced or entry.id in self.entries
            self.entries[entry.id] = entry

    def bundle(self) -> Bundle:
        """Return the finished bundle."""
        entries = self._sorted() if self._replaced else list(self.entries.values())
        external = (
            dict.fromkeys(
                ref for e in entries for ref in e.refs if ref not in self.entries
            )
            if self._gathered
            else ()
        )
        return Bundle(
            [(entry.id, entry.data) for entry in entries],
            external=tuple(external),
            oversized=self.oversized,
        )

    def _sorted(self) -> list[Entry]:
        order: dict[str, Entry] = {}
        visited: set[str] = set()
        for root in self.entries.values():
            if root.id in visited:
                continue
            visited.add(root.id)
            stack = [(root, iter(root.refs))]
            while stack:
                entry, refs = stack[-1]
                for ref in refs:
                    if ref in self.entries and ref not in visited:
                        visited.add(ref)
                        stack.append((self.entries[ref], iter(self.entries[ref].refs)))
                        break
                else:
                    stack.pop()
                    order[entry.id] = entry
        return list(order.values())

"""Objects that arrived before something they refer to."""

from collections.abc import Iterable

from connectors_sdk.bundles._entry import Entry

# Waiting objects that still miss only this many others are looked at for a circle of references.
_FEW = 8


class WaitingRoom:
    """Holds objects until what they wait for is there. Every operation costs time in proportion to what it changes."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._wanted: dict[str, set[str]] = {}
        # wanted id -> ids of those who wait for it (a dict, because order must not depend on hashing)
        self._waiting_for: dict[str, dict[str, None]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, stix_id: str) -> Entry | None:
        """Return a waiting object."""
        return self._entries.get(stix_id)

    def first(self) -> Entry:
        """Return the object that has waited longest."""
        return next(iter(self._entries.values()))

    def hold(self, entry: Entry, wanted: Iterable[str]) -> None:
        """Keep an object until all the wanted ids have arrived."""
        self._entries[entry.id] = entry
        self._wanted[entry.id] = set(wanted)
        for ref in self._wanted[entry.id]:
            self._waiting_for.setdefault(ref, {})[entry.id] = None

    def leave(self, stix_id: str) -> None:
        """Let an object go, if it is here."""
        self._entries.pop(stix_id, None)
        self._wanted.pop(stix_id, None)

    def arrived(self, stix_id: str) -> list[Entry]:
        """Note that a wanted object is there; return those who may have all they need now."""
        candidates = []
        for waiting_id in self._waiting_for.pop(stix_id, ()):
            wanted = self._wanted.get(waiting_id)
            if wanted is None:
                continue
            wanted.discard(stix_id)
            entry = self._entries[waiting_id]
            if not wanted or self.may_close_circle(entry):
                candidates.append(entry)
        return candidates

    def may_close_circle(self, entry: Entry) -> bool:
        """Whether a waiting object may be part of a circle of references whose members are all here."""
        wanted = self._wanted[entry.id]
        return (
            len(wanted) <= _FEW
            and entry.id in self._waiting_for
            and all(ref in self._entries for ref in wanted)
        )

"""Draft workspaces.

A draft is a copy of the live objects, made when it is first used: reading and writing in it follow the same rules as
live, and its journal tells what was changed. What changes live afterwards is not seen in the draft.
"""

import copy
import sqlite3
import threading
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from opencti_testbed.ingest import attached
from opencti_testbed.ingest.upsert import Upserter
from opencti_testbed.store import Store
from opencti_testbed.store.administration import UnknownRecord
from opencti_testbed.store.database import Database
from opencti_testbed.store.events import Events
from opencti_testbed.store.objects import Objects

RECORD = "DraftWorkspace"
OPEN, VALIDATED = "open", "validated"
# What a copy does not take along: it belongs to the live platform, or to the journal that begins anew.
_LEFT_BEHIND = (
    "events event_user bundle set_aside request work work_message work_count file file_work playbook_step connector administered"
).split()


class DraftLocked(ValueError):
    """There is no such draft, or it is closed."""


class Draft:
    """One opened draft: the live store with the draft's objects in place of the live ones."""

    def __init__(self, live: Store, path: Path) -> None:
        """Open the draft's copy, making it when it is not there."""
        if not path.exists():
            _copy(live.database.path, path)
        database = Database(path)
        self.store = copy.copy(live)
        self.store.database = database
        self.store.events = Events(database)
        self.store.objects = Objects(database, self.store.events)
        self.upserter = Upserter(self.store.objects)
        self.upserter.keep_file = partial(attached.keep, self.store)

    def changed(self) -> tuple[list[dict[str, Any]], list[str]]:
        """Return what the draft has created or changed (STIX), and the internal ids of what it has deleted."""
        touched: dict[str, None] = {}
        place = 0
        while events := self.store.events.after(place):
            touched.update(dict.fromkeys(event.object_id for event in events))
            place = events[-1].id
        present = {one: self.store.objects.get(one) for one in touched}
        return (
            [stored.data for stored in present.values() if stored],
            [one for one, stored in present.items() if stored is None],
        )


def _copy(live: Path, path: Path) -> None:
    """Copy the live objects as they are at this moment; the copy has its name only when it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    with closing(sqlite3.connect(live)) as source:
        source.execute("VACUUM INTO ?", (str(unfinished),))
    with closing(sqlite3.connect(unfinished)) as made:
        for table in _LEFT_BEHIND:
            made.execute(f'DELETE FROM "{table}"')
        made.commit()
    unfinished.rename(path)


class Drafts:
    """Keeps draft workspaces."""

    def __init__(self, live: Store) -> None:
        """Bind to the live store; the copies lie beside its database."""
        self._live = live
        self._folder = live.database.path.parent / "drafts"
        self._opened: dict[str, Draft] = {}
        self._lock = threading.Lock()

    def add(self, name: str, entity_id: str | None, user_id: str) -> dict[str, Any]:
        """Open a draft workspace and return its record."""
        return self._live.administration.add(
            RECORD,
            {
                "name": name,
                "entity_id": entity_id,
                "user_id": user_id,
                "draft_status": OPEN,
            },
        )

    def all(self) -> list[dict[str, Any]]:
        """Return the records of all drafts in the order of their creation."""
        return self._live.administration.all(RECORD)

    def get(self, draft_id: str) -> dict[str, Any] | None:
        """Return a draft's record, or None."""
        return self._live.administration.get(draft_id, RECORD)

    def open(self, draft_id: str) -> Draft:
        """Return a draft to read and write in.

        Raises:
            DraftLocked: there is none, or it was approved.
        """
        record = self.get(draft_id)
        if record is None:
            raise DraftLocked(f"There is no draft {draft_id}")
        if record["draft_status"] != OPEN:
            raise DraftLocked(f"The draft {record['name']} is {record['draft_status']}")
        with self._lock:
            if draft_id not in self._opened:
                # Ids are the platform's own: records are found by them.
                path = self._folder / f"{record['id']}.sqlite3"
                self._opened[draft_id] = Draft(self._live, path)
            return self._opened[draft_id]

    def close(self, draft_id: str) -> None:
        """Note that a draft was approved: nothing is written in it any more."""
        self._live.administration.change(draft_id, RECORD, {"draft_status": VALIDATED})
        self._drop(draft_id)

    def delete(self, draft_id: str) -> None:
        """Throw a draft away with what was written in it.

        Raises:
            DraftLocked: there is none.
        """
        try:
            self._live.administration.delete(draft_id, RECORD)
        except UnknownRecord as error:
            raise DraftLocked(f"There is no draft {draft_id}") from error
        self._drop(draft_id)

    def _drop(self, draft_id: str) -> None:
        with self._lock:
            opened = self._opened.pop(draft_id, None)
            if opened is not None:
                opened.store.database.close()
        for path in self._folder.glob(f"{draft_id}.*"):
            path.unlink(missing_ok=True)

    def close_all(self) -> None:
        """Close the copies' databases."""
        with self._lock:
            for draft in self._opened.values():
                draft.store.database.close()
            self._opened.clear()

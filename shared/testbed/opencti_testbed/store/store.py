"""All of the platform's memory in one place."""

import hashlib
import sqlite3
import uuid
from pathlib import Path
from typing import Any

import orjson

from opencti_testbed.stix.markings import tlp_objects
from opencti_testbed.stix.types import Family
from opencti_testbed.store.administration import Administration
from opencti_testbed.store.connectors import Connectors
from opencti_testbed.store.database import Database
from opencti_testbed.store.events import Events
from opencti_testbed.store.files import Files
from opencti_testbed.store.objects import Objects
from opencti_testbed.store.queue import Queue
from opencti_testbed.store.works import Works

# What stays when the content is thrown away. The numbers of events go on, so that none is used twice.
KEPT = {"meta", "connector", "administered", "sqlite_sequence", "sqlite_schema"}


class Store:
    """The database and what is kept in it."""

    def __init__(self, data_dir: Path) -> None:
        """Open `platform.sqlite3` in a folder; at the first start the TLP markings are put in."""
        self.database = Database(data_dir / "platform.sqlite3")
        self.events = Events(self.database)
        self.objects = Objects(self.database, self.events)
        self.works = Works(self.database)
        self.queue = Queue(self.database)
        self.connectors = Connectors(self.database)
        self.administration = Administration(self.database)
        self.files = Files(self.database, data_dir / "files")
        self.files.sweep()
        if self.database.meta("user_id") is None:
            self._seed()

    def _seed(self) -> None:
        with self.database.write() as connection:
            self._put_markings(connection)
            user_id = str(uuid.uuid4())
            self.database.set_meta("user_id", user_id)
            self.administration.seed(user_id)

    def _put_markings(self, connection: sqlite3.Connection) -> None:
        for marking in tlp_objects():
            self.objects.insert(
                connection, Family.META, "Marking-Definition", marking, None
            )

    def clear(self) -> int:
        """Throw away objects, works and waiting bundles; return the number of objects that were there.

        Connectors with their state, users and groups, definitions of streams and the platform's own identity stay. The
        journal is told nothing: whoever listens sees the platform begin anew.
        """
        with self.database.write() as connection:
            (count,) = connection.execute("SELECT count(*) FROM object").fetchone()
            tables = connection.execute(
                "SELECT name, type FROM pragma_table_list WHERE schema = 'main'"
            ).fetchall()
            for name, kind in tables:
                if kind == "virtual":
                    # An index of words that keeps no texts is emptied by a command of its own (SQLite FTS5, 6.4).
                    connection.execute(
                        f'INSERT INTO "{name}" ("{name}") VALUES (\'delete-all\')'
                    )
                elif kind == "table" and name not in KEPT:
                    connection.execute(f'DELETE FROM "{name}"')
            self.objects.forget_known()
            self._put_markings(connection)
        return int(count)

    @property
    def user_id(self) -> str:
        """The id of the platform's one user."""
        return self.database.meta("user_id") or ""

    def fingerprint(self) -> str:
        """Return a SHA-256 (hex) over the content of all objects.

        Two platforms that hold the same knowledge have the same fingerprint, whatever the order in which it came:
        internal ids and the platform's own dates do not count, lists are compared as sets.
        """
        digest = hashlib.sha256()
        for _, data in self.objects.everything():
            digest.update(orjson.dumps(_as_set(data), option=orjson.OPT_SORT_KEYS))
            digest.update(b"\n")
        return digest.hexdigest()

    def close(self) -> None:
        """Close the database."""
        self.database.close()


def _as_set(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as_set(member) for key, member in value.items()}
    if isinstance(value, list):
        members = [_as_set(member) for member in value]
        return sorted(
            members, key=lambda m: orjson.dumps(m, option=orjson.OPT_SORT_KEYS)
        )
    return value

"""Uploaded files: what is known of them in the database, their content in a folder.

No name that a client chose is ever a path on the disk: content lies under names of our own, and an id is only a key.
"""

import mimetypes
import re
import sqlite3
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from opencti_testbed.store.database import Database, timestamp

LONGEST_NAME = 200
UNKNOWN_TYPE = "application/octet-stream"
_FOLDER = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*")
_COLUMNS = "id, name, size, mime_type, entity_id, markings, user_id, version, uploaded_at, place"


class RefusedFile(ValueError):
    """The file cannot be kept under such a name, or there is none; the text says why."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """What is known of a file.

    Attributes:
        id: folder and name, `import/global/report.pdf`.
        size: in bytes.
        entity_id: internal id of the entity that it belongs to, or None.
        markings: ids of its marking definitions, as they were sent.
        user_id: who uploaded it.
        version: the version that the uploader stated, or the instant of the upload.
        path: where the content lies.
    """

    id: str
    name: str
    size: int
    mime_type: str
    entity_id: str | None
    markings: tuple[str, ...]
    user_id: str
    version: str
    uploaded_at: str
    path: Path

    @property
    def folder(self) -> str:
        """The id without the name."""
        return self.id.rpartition("/")[0]

    def content(self) -> bytes:
        """Return the content."""
        return self.path.read_bytes()


def safe_name(sent: str) -> str:
    """Return the name under which a file is kept: the last part of what was sent.

    Raises:
        RefusedFile: the name climbs out of its folder, is empty, or holds control characters.
    """
    parts = sent.replace("\\", "/").split("/")
    name = parts[-1].strip()
    if ".." in (part.strip() for part in parts) or not name or name == ".":
        raise RefusedFile(f"{sent!r} is no name of a file")
    if any(ord(character) < 32 or ord(character) == 127 for character in name):
        raise RefusedFile("The name of a file cannot hold control characters")
    if len(name) > LONGEST_NAME:
        raise RefusedFile(f"The name of a file has at most {LONGEST_NAME} characters")
    return name


class Files:
    """Keeps files."""

    def __init__(self, database: Database, folder: Path) -> None:
        """Bind to a database and a folder, which is created."""
        self._database = database
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def put(
        self,
        folder: str,
        sent_name: str,
        content: bytes,
        *,
        user_id: str,
        mime_type: str | None = None,
        entity_id: str | None = None,
        markings: Iterable[Any] = (),
        version: str | None = None,
    ) -> StoredFile:
        """Keep a file: its content is on disk when this returns. One of the same name in the folder is replaced.

        Args:
            folder: `import/global`, `import/<Type>/<internal id>`, `import/pending`, `export/<Type>`, ...
            mime_type: default: guessed from the name.

        Raises:
            RefusedFile: the folder or the name is none.
        """
        name = safe_name(sent_name)
        if not _FOLDER.fullmatch(folder):
            raise RefusedFile(f"{folder!r} is no folder of files")
        place = uuid.uuid4().hex
        (self._folder / place).write_bytes(content)
        now = timestamp()
        mime_type = mime_type or mimetypes.guess_type(name)[0] or UNKNOWN_TYPE
        with self._database.write() as connection:
            row = connection.execute(
                f"INSERT OR REPLACE INTO file ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING *",
                (
                    f"{folder}/{name}",
                    name,
                    len(content),
                    mime_type,
                    entity_id,
                    orjson.dumps([str(one) for one in markings]).decode(),
                    user_id,
                    version or now,
                    now,
                    place,
                ),
            ).fetchone()
            return self._file(row)

    def get(self, file_id: str) -> StoredFile | None:
        """Return a file, or None."""
        row = self._database.read.execute(
            "SELECT * FROM file WHERE id = ?", (file_id,)
        ).fetchone()
        return self._file(row) if row else None

    def require(self, file_id: str) -> StoredFile:
        """Return a file.

        Raises:
            RefusedFile: there is none.
        """
        found = self.get(file_id)
        if found is None:
            raise RefusedFile(f"There is no file {file_id}")
        return found

    def within(
        self, folder: str, limit: int = 500, entity_id: str | None = None
    ) -> list[StoredFile]:
        """Return the files of a folder and those below it, the newest first; of one entity or of all."""
        rows = self._database.read.execute(
            "SELECT * FROM file WHERE id >= ?1 || '/' AND id < ?1 || '0'"
            " AND (?2 IS NULL OR entity_id = ?2) ORDER BY uploaded_at DESC, id LIMIT ?3",
            (folder, entity_id, limit),
        )
        return [self._file(row) for row in rows]

    def delete(self, file_id: str) -> None:
        """Remove a file.

        Raises:
            RefusedFile: there is none.
        """
        found = self.require(file_id)
        with self._database.write() as connection:
            connection.execute("DELETE FROM file WHERE id = ?", (file_id,))
            connection.execute("DELETE FROM file_work WHERE file_id = ?", (file_id,))
        found.path.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove content that no file has any more: it was replaced, or its upload did not end."""
        rows = self._database.read.execute("SELECT place FROM file")
        known = {row[0] for row in rows}
        for path in self._folder.iterdir():
            if path.name not in known:
                path.unlink()

    # -- works about files ----------------------------------------------------------------------------------------

    def concern(
        self, connection: sqlite3.Connection, file_id: str, work_id: str
    ) -> None:
        """Note, in the writer's open transaction, that a work reads or makes a file."""
        connection.execute(
            "INSERT OR IGNORE INTO file_work VALUES (?, ?)", (file_id, work_id)
        )

    def works(self, file_id: str) -> list[str]:
        """Return the ids of the works about a file, the newest first."""
        rows = self._database.read.execute(
            "SELECT f.work_id FROM file_work f JOIN work w ON w.id = f.work_id WHERE f.file_id = ?"
            " ORDER BY w.timestamp DESC, w.id DESC",
            (file_id,),
        )
        return [row[0] for row in rows]

    def _file(self, row: sqlite3.Row) -> StoredFile:
        return StoredFile(
            row["id"],
            row["name"],
            row["size"],
            row["mime_type"],
            row["entity_id"],
            tuple(orjson.loads(row["markings"])),
            row["user_id"],
            row["version"],
            row["uploaded_at"],
            self._folder / row["place"],
        )

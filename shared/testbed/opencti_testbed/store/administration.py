"""Users, groups, roles, tokens and settings: what is administered, and is no knowledge."""

import hashlib
import secrets
import uuid
from collections.abc import Mapping
from typing import Any

import orjson

from opencti_testbed.store.database import Database, timestamp

ADMIN_EMAIL = "admin@opencti.io"
# Names of the platform's capabilities that connectors and their users need.
CAPABILITIES = (
    "BYPASS",
    "KNOWLEDGE",
    "KNOWLEDGE_KNUPDATE",
    "KNOWLEDGE_KNUPDATE_KNDELETE",
    "KNOWLEDGE_KNUPLOAD",
    "KNOWLEDGE_KNASKIMPORT",
    "KNOWLEDGE_KNGETEXPORT",
    "KNOWLEDGE_KNENRICHMENT",
    "CONNECTORAPI",
    "SETTINGS",
    "MODULES",
    "TAXIIAPI",
)
_NAMESPACE = uuid.UUID("5f0f2f5d-4e31-4b7e-9a68-0f3f7e0f7a10")


class UnknownRecord(LookupError):
    """Nothing that is administered has this id."""


class Administration:
    """Reads and writes records: dictionaries with an `id`, an `entity_type` and dates."""

    def __init__(self, database: Database) -> None:
        """Bind to a database."""
        self._database = database

    def seed(self, user_id: str) -> None:
        """Put in what a fresh platform has: its user, groups, roles and capabilities."""
        capabilities = [
            self.add("Capability", {"name": name}, name) for name in CAPABILITIES
        ]
        everything = [one["id"] for one in capabilities]
        roles = {
            name: self.add("Role", {"name": name, "capabilities": granted}, name)["id"]
            for name, granted in (
                ("Default", everything[1:2]),
                ("Connector", everything[1:9]),
                ("Administrator", everything),
            )
        }
        groups = {
            name: self.add("Group", {"name": name, "roles": [roles[role]]}, name)["id"]
            for name, role in (
                ("Default", "Default"),
                ("Connectors", "Connector"),
                ("Administrators", "Administrator"),
            )
        }
        admin = {
            "name": "admin",
            "user_email": ADMIN_EMAIL,
            "groups": [groups["Administrators"]],
        }
        self.add("User", {**admin, "id": user_id})
        self.add("Settings", {"platform_title": "OpenCTI testbed"}, "settings")

    def add(
        self, entity_type: str, data: Mapping[str, Any], known_as: str | None = None
    ) -> dict[str, Any]:
        """Store a new record and return it; `known_as` gives it the same id on every platform."""
        record_id = data.get("id") or str(
            uuid.uuid5(_NAMESPACE, f"{entity_type} {known_as}")
            if known_as
            else uuid.uuid4()
        )
        now = timestamp()
        record = {
            **data,
            "id": record_id,
            "entity_type": entity_type,
            "created_at": now,
            "updated_at": now,
        }
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO administered (id, entity_type, data) VALUES (?, ?, ?)",
                (record_id, entity_type, orjson.dumps(record).decode()),
            )
        return record

    def get(self, record_id: str, entity_type: str) -> dict[str, Any] | None:
        """Return a record, or None."""
        row = self._database.read.execute(
            "SELECT data FROM administered WHERE id = ? AND entity_type = ?",
            (record_id, entity_type),
        ).fetchone()
        return orjson.loads(row[0]) if row else None

    def require(self, record_id: str, entity_type: str) -> dict[str, Any]:
        """Return a record.

        Raises:
            UnknownRecord: there is none.
        """
        found = self.get(record_id, entity_type)
        if found is None:
            raise UnknownRecord(f"{entity_type} {record_id} cannot be found")
        return found

    def all(self, entity_type: str) -> list[dict[str, Any]]:
        """Return all records of a type in the order of their creation."""
        rows = self._database.read.execute(
            "SELECT data FROM administered WHERE entity_type = ? ORDER BY rowid",
            (entity_type,),
        )
        return [orjson.loads(row[0]) for row in rows]

    def change(
        self, record_id: str, entity_type: str, members: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Replace some members of a record and return it.

        Raises:
            UnknownRecord: there is none.
        """
        record = {
            **self.require(record_id, entity_type),
            **members,
            "updated_at": timestamp(),
        }
        with self._database.write() as connection:
            connection.execute(
                "UPDATE administered SET data = ? WHERE id = ?",
                (orjson.dumps(record).decode(), record_id),
            )
        return record

    def delete(self, record_id: str, entity_type: str) -> None:
        """Remove a record.

        Raises:
            UnknownRecord: there is none.
        """
        self.require(record_id, entity_type)
        with self._database.write() as connection:
            connection.execute("DELETE FROM administered WHERE id = ?", (record_id,))

    # -- tokens -----------------------------------------------------------------------------------------------

    def add_token(self, user_id: str, name: str) -> tuple[str, str]:
        """Give a user a further token; return its id and the token, of which only a hash is kept."""
        self.require(user_id, "User")
        token = secrets.token_urlsafe(32)
        record = self.add(
            "Token", {"user_id": user_id, "name": name, "hash": _hash(token)}
        )
        return record["id"], token

    def user_of(self, token: str) -> str | None:
        """Return the id of the user that a token was given to, or None."""
        wanted = _hash(token)
        for record in self.all("Token"):
            if secrets.compare_digest(record["hash"], wanted):
                return str(record["user_id"])
        return None


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()

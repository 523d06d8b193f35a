"""Registered connectors and their state."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from opencti_testbed.store.database import Database, timestamp

ALIVE_FOR = timedelta(minutes=5)


class UnknownConnector(ValueError):
    """No connector is registered under this id."""


class Connectors:
    """Reads and writes registrations."""

    def __init__(self, database: Database) -> None:
        """Bind to a database."""
        self._database = database

    def register(self, declared: dict[str, Any]) -> dict[str, Any]:
        """Register a connector or refresh its registration; its state is never touched.

        Args:
            declared: the members of `RegisterConnectorInput`.
        """
        now = timestamp()
        scope = declared.get("scope") or []
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO connector (id, name, type, scope, options, created_at, updated_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET name = excluded.name,"
                " type = excluded.type, scope = excluded.scope, options = excluded.options,"
                " updated_at = excluded.updated_at",
                (
                    declared["id"],
                    declared["name"],
                    declared["type"],
                    orjson.dumps(
                        scope if isinstance(scope, list) else [scope]
                    ).decode(),
                    orjson.dumps(declared).decode(),
                    now,
                    now,
                ),
            )
        return self.require(declared["id"])

    def get(self, connector_id: str) -> dict[str, Any] | None:
        """Return a connector, or None. `active` says that it was heard of within five minutes."""
        row = self._database.read.execute(
            "SELECT * FROM connector WHERE id = ?", (connector_id,)
        ).fetchone()
        return _connector(dict(row)) if row else None

    def require(self, connector_id: str) -> dict[str, Any]:
        """Return a connector.

        Raises:
            UnknownConnector: nobody registered under this id.
        """
        found = self.get(connector_id)
        if found is None:
            raise UnknownConnector(
                f"No connector is registered under the id {connector_id}"
            )
        return found

    def all(self) -> list[dict[str, Any]]:
        """Return all connectors by name."""
        rows = self._database.read.execute("SELECT * FROM connector ORDER BY name, id")
        return [_connector(dict(row)) for row in rows]

    def ping(
        self, connector_id: str, state: str | None, info: dict[str, Any] | None
    ) -> dict[str, Any]:
        """Note that a connector lives, and store its state word for word.

        After a reset the first state that arrives is the old one and is dropped.

        Raises:
            UnknownConnector: nobody registered under this id.
        """
        self.require(connector_id)
        with self._database.write() as connection:
            connection.execute(
                "UPDATE connector SET state = CASE state_reset WHEN 1 THEN state ELSE ? END,"
                " state_reset = 0, info = ?, updated_at = ? WHERE id = ?",
                (state, orjson.dumps(info).decode(), timestamp(), connector_id),
            )
        return self.require(connector_id)

    def reset_state(self, connector_id: str) -> None:
        """Forget a connector's state; the connector hears of it at its next ping."""
        self.require(connector_id)
        with self._database.write() as connection:
            connection.execute(
                "UPDATE connector SET state = '', state_reset = 1 WHERE id = ?",
                (connector_id,),
            )

    def delete(self, connector_id: str) -> None:
        """Remove a registration with its state and works."""
        self.require(connector_id)
        with self._database.write() as connection:
            connection.execute("DELETE FROM connector WHERE id = ?", (connector_id,))
            for table in ("work_message", "work_count"):
                connection.execute(
                    f"DELETE FROM {table} WHERE work_id IN (SELECT id FROM work WHERE connector_id = ?)",
                    (connector_id,),
                )
            connection.execute(
                "DELETE FROM work WHERE connector_id = ?", (connector_id,)
            )


def _connector(row: dict[str, Any]) -> dict[str, Any]:
    heard = datetime.fromisoformat(row["updated_at"])
    options = orjson.loads(row.pop("options"))
    return {
        **options,
        **row,
        "scope": orjson.loads(row["scope"]),
        "info": orjson.loads(row["info"] or "null"),
        "active": datetime.now(UTC) - heard < ALIVE_FOR,
    }

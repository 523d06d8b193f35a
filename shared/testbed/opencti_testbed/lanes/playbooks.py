"""Steps of playbooks: what a connector was given, and what it gave back.

There is no engine behind it: each execution has one step, whose answer is ingested.
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from opencti_testbed.store.database import Database


class UnknownExecution(ValueError):
    """No step of a playbook is executed under this id."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step; `answer` is None until the connector has answered."""

    execution_id: str
    connector_id: str
    work_id: str
    sent: dict[str, Any]
    answer: dict[str, Any] | None


class PlaybookSteps:
    """Keeps steps."""

    def __init__(self, database: Database) -> None:
        """Bind to a database."""
        self._database = database

    def begin(
        self,
        connection: sqlite3.Connection,
        execution_id: str,
        connector_id: str,
        work_id: str,
        sent: Mapping[str, Any],
    ) -> None:
        """Note, in the writer's open transaction, what a connector is given."""
        connection.execute(
            "INSERT INTO playbook_step (execution_id, connector_id, work_id, sent) VALUES (?, ?, ?, ?)",
            (execution_id, connector_id, work_id, orjson.dumps(sent).decode()),
        )

    def answered(self, execution_id: str, bundle: str) -> Step:
        """Note what a connector gave back, a bundle's JSON text, and return the step.

        Raises:
            UnknownExecution: nobody asked for it.
        """
        with self._database.write() as connection:
            changed = connection.execute(
                "UPDATE playbook_step SET answer = ? WHERE execution_id = ?",
                (bundle, execution_id),
            ).rowcount
        found = self.get(execution_id)
        if not changed or found is None:
            raise UnknownExecution(f"No playbook is executed under {execution_id}")
        return found

    def get(self, execution_id: str) -> Step | None:
        """Return a step, or None."""
        row = self._database.read.execute(
            "SELECT execution_id, connector_id, work_id, sent, answer FROM playbook_step WHERE execution_id = ?",
            (execution_id,),
        ).fetchone()
        if row is None:
            return None
        answer = orjson.loads(row[4]) if row[4] is not None else None
        return Step(row[0], row[1], row[2], orjson.loads(row[3]), answer)

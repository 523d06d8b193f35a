"""The statuses that objects go through while people work on them.

Source: the default statuses of the types that a fresh platform has a workflow for.
"""

import uuid
from dataclasses import dataclass

from opencti_testbed.stix.ids import NAMESPACE
from opencti_testbed.stix.types import CONTAINERS

TEMPLATES = {
    "NEW": "#ff9800",
    "IN_PROGRESS": "#5c7bf5",
    "PENDING": "#5c7bf5",
    "TO_BE_QUALIFIED": "#5c7bf5",
    "ANALYZED": "#4caf50",
    "CLOSED": "#607d8b",
}
# Types whose instances are worked on. Indicators are among them because connectors ask for theirs.
WORKED_ON = frozenset(CONTAINERS) | {"Incident", "Indicator"}


@dataclass(frozen=True, slots=True)
class Status:
    """A step of the workflow of a type; its id is what `x_opencti_workflow_id` holds."""

    id: str
    entity_type: str
    template: str
    order: int


def template_id(name: str) -> str:
    """Return the id of a template, the same on every platform."""
    return str(uuid.uuid5(NAMESPACE, f"status template {name}"))


def _of_type(entity_type: str) -> tuple[Status, ...]:
    return tuple(
        Status(
            str(uuid.uuid5(NAMESPACE, f"status {name} of {entity_type}")),
            entity_type,
            name,
            order,
        )
        for order, name in enumerate(TEMPLATES)
    )


# Entity type -> its statuses in order.
STATUSES = {entity_type: _of_type(entity_type) for entity_type in sorted(WORKED_ON)}
BY_ID = {status.id: status for steps in STATUSES.values() for status in steps}

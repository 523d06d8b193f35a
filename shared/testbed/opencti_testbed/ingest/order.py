"""In which order a bundle's objects are ingested: what is referred to comes first."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from opencti_testbed.ingest.references import references


@dataclass(frozen=True, slots=True)
class Step:
    """Ingest the object at `index`.

    `partial` objects stand in a circle of references: they are first stored without the references that cannot
    be there yet, and come a second time, whole.
    """

    index: int
    partial: bool = False


def plan(objects: Sequence[Any]) -> list[Step]:
    """Return the steps that ingest all objects, each object whole exactly once. Linear in objects and references.

    The same input gives the same plan: an interrupted bundle is resumed by the number of steps done.
    """
    by_id = {
        stix["id"]: index
        for index, stix in enumerate(objects)
        if isinstance(stix, dict) and isinstance(stix.get("id"), str)
    }
    waits_for = [0] * len(objects)
    needed_by: list[list[int]] = [[] for _ in objects]
    for index, stix in enumerate(objects):
        if not isinstance(stix, dict):
            continue
        needs = {by_id[target] for _, target in references(stix) if target in by_id}
        needs.discard(index)
        waits_for[index] = len(needs)
        for other in needs:
            needed_by[other].append(index)

    ready = deque(index for index, count in enumerate(waits_for) if count == 0)
    steps: list[Step] = []
    while ready:
        index = ready.popleft()
        steps.append(Step(index))
        for dependent in needed_by[index]:
            waits_for[dependent] -= 1
            if waits_for[dependent] == 0:
                ready.append(dependent)
    circle = [index for index, count in enumerate(waits_for) if count > 0]
    # What merely waits for a circle is also left over; going through it twice is harmless.
    steps.extend(Step(index, partial=True) for index in circle)
    steps.extend(Step(index) for index in circle)
    return steps

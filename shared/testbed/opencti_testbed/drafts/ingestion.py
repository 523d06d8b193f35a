"""Bundles that go to a draft, and drafts that are approved."""

import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

import orjson

from opencti_testbed.drafts.workspaces import DraftLocked, Drafts
from opencti_testbed.ingest.order import plan
from opencti_testbed.ingest.refusals import FAULTS, check_shape, describe, source_text
from opencti_testbed.ingest.worker import Counts, IngestWorker, Offer
from opencti_testbed.store import Store

APPROVER = "testbed-drafts"


def ingest(
    drafts: Drafts, draft_id: str, objects: list[Any], goes_on: Callable[[], bool]
) -> tuple[Counts, list[tuple[str, str]]] | None:
    """Ingest a bundle's objects into a draft.

    Returns:
        {(entity type, outcome): n} and (message, source) of each object that was rejected; None when it was broken off
        because `goes_on()` was no longer so.
    """
    counts: Counter[tuple[str, str]] = Counter()
    errors: list[tuple[str, str]] = []
    try:
        draft = drafts.open(draft_id)
    except DraftLocked as error:
        return {("bundle", "rejected"): len(objects)}, [(str(error), "")]
    for step in plan(objects):
        if not goes_on():
            return None
        raw = objects[step.index]
        try:
            check_shape(raw)
            with draft.store.database.write() as connection:
                outcome = draft.upserter.upsert(connection, raw, step.partial)
        except FAULTS as error:
            draft.store.objects.forget_known()
            kind, words = describe(raw, error)
            outcome = (kind, "rejected")
            if not step.partial:
                errors.append((words, source_text(raw)))
        if not step.partial:
            counts[outcome] += 1
    return counts, errors


def approve(drafts: Drafts, draft_id: str, live: Store, worker: IngestWorker) -> str:
    """Send what a draft has changed to live ingestion, delete there what it has deleted; return the id of the work.

    Raises:
        DraftLocked: there is no such draft, or it is closed.
    """
    draft = drafts.open(draft_id)
    changed, deleted = draft.changed()
    work = live.works.add(APPROVER, f"Draft validation ({draft_id})")
    with live.database.write() as connection:
        for internal_id in deleted:
            known = live.objects.resolve_for_writing(connection, internal_id)
            if known is not None:
                worker.upserter.editor.delete(connection, known[0])
    if changed:
        bundle = {
            "type": "bundle",
            "id": f"bundle--{uuid.uuid4()}",
            "objects": changed,
        }
        text = orjson.dumps(bundle).decode()
        worker.accept_all([Offer(APPROVER, "Drafts", work["id"], text, len(changed))])
    live.works.processed(work["id"], "The draft is approved", in_error=False)
    drafts.close(draft_id)
    return str(work["id"])

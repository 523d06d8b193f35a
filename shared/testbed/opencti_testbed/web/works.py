"""The overview, and works: what a run sent, what it created, changed and left alone, what went wrong."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from opencti_testbed.admin import summary
from opencti_testbed.store.events import Event
from opencti_testbed.store.objects import Stored
from opencti_testbed.store.works import OUTCOMES
from opencti_testbed.web import readable
from opencti_testbed.web.site import Site, integer

PAGE_SIZE = 50
LATELY = 8
# What works do to objects -> what it is called.
KINDS = {
    "create": "created",
    "update": "changed",
    "merge": "merged",
    "delete": "deleted",
}
FAMILIES = (
    ("sdo", "Entities"),
    ("sco", "Observables"),
    ("relationship", "Relationships"),
    ("sighting", "Sightings"),
    ("meta", "Labels, references, markings"),
)


class Works:
    """Renders the overview and works."""

    def __init__(self, site: Site) -> None:
        """Bind to the site."""
        self._site = site
        self._store = site.platform.store

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            self._site.shows("/", self.overview),
            self._site.shows("/works", self.works),
            self._site.shows("/works/{work_id:path}", self.work),
        ]

    def overview(self, request: Request) -> Response:
        """What is there and what is going on."""
        families = self._store.objects.families()
        state = summary(self._site.platform)
        counts = sorted(state["objects_by_type"].items(), key=lambda kv: -kv[1])
        groups: dict[str, list[tuple[str, int]]] = {}
        for entity_type, n in counts:
            groups.setdefault(families[entity_type], []).append((entity_type, n))
        return self._site.page(
            request,
            "overview.html",
            summary=state,
            groups=[(title, groups[key]) for key, title in FAMILIES if key in groups],
            connectors=self._store.connectors.all(),
            works=self._site.works(self._store.works.page(limit=LATELY)),
        )

    def works(self, request: Request) -> Response:
        """What was sent, the newest first."""
        offset = integer(request, "offset")
        connector = self._store.connectors.get(
            request.query_params.get("connector", "")
        )
        rows = self._store.works.page(
            [connector["id"]] if connector else [], PAGE_SIZE + 1, offset
        )
        return self._site.page(
            request,
            "works.html",
            works=self._site.works(rows[:PAGE_SIZE]),
            connector=connector,
            first=not offset,
            older=offset + PAGE_SIZE if len(rows) > PAGE_SIZE else None,
        )

    def work(self, request: Request) -> Response:
        """One work with its messages, errors and counts, and what it did to which objects."""
        works = self._store.works
        row = works.get(request.path_params["work_id"])
        if row is None:
            return self._site.missing(request, "work")
        show = request.query_params.get("show", "")
        show = show if show in KINDS else ""
        after = integer(request, "after")
        found = self._site.changes.of_work(row["id"], show, after, PAGE_SIZE + 1)
        page = found[:PAGE_SIZE]
        counts = works.counts(row["id"])
        return self._site.page(
            request,
            "work.html",
            work=self._site.works([row])[0],
            messages=works.messages(row["id"], errors=False),
            errors=works.messages(row["id"], errors=True),
            counts=counts,
            totals={o: sum(by[o] for by in counts.values()) for o in OUTCOMES},
            outcomes=OUTCOMES,
            kinds=KINDS,
            show=show,
            changes=[
                (event, stored, readable.differences(event))
                for event, stored in zip(page, self._changed(page), strict=True)
            ],
            first=not after,
            following=page[-1].id if len(found) > PAGE_SIZE else None,
            files=self._files(row["id"]),
            steps=self._steps(row["id"]),
            draft=(
                self._site.platform.drafts.get(row["draft_id"])
                if row["draft_id"]
                else None
            ),
        )

    def _changed(self, events: list[Event]) -> list[Stored | None]:
        """Return the objects that changed as they are now; None for those that are gone."""
        return [self._store.objects.get(event.object_id) for event in events]

    def _files(self, work_id: str) -> list[dict[str, Any]]:
        ids = self._site.browsing.files_of_work(work_id)
        return [
            {
                "id": file_id,
                "name": file_id.rpartition("/")[2],
                "file": self._store.files.get(file_id),
            }
            for file_id in ids
        ]

    def _steps(self, work_id: str) -> list[dict[str, Any]]:
        """Return what a step of a playbook was given and gave back."""
        found = [
            self._site.platform.lanes.steps.get(execution_id)
            for execution_id in self._site.browsing.steps_of_work(work_id)
        ]
        return [
            {
                "execution_id": step.execution_id,
                "sent": readable.pretty(step.sent),
                "sent_number": len(step.sent.get("objects") or ()),
                "answer": readable.pretty(step.answer) if step.answer else None,
                "answer_number": len((step.answer or {}).get("objects") or ()),
            }
            for step in found
            if step
        ]

"""Draft workspaces: what was written in them, approved or thrown away."""

from urllib.parse import quote

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from opencti_testbed.drafts.ingestion import approve
from opencti_testbed.stix.names import readable_name
from opencti_testbed.web import readable
from opencti_testbed.web.site import Site, integer, see

PAGE_SIZE = 50
OPEN = "open"


class Drafts:
    """Renders drafts."""

    def __init__(self, site: Site) -> None:
        """Bind to the site."""
        self._site = site
        self._drafts = site.platform.drafts

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            self._site.shows("/drafts", self.drafts),
            self._site.shows("/drafts/{draft_id}", self.draft),
            self._site.shows("/drafts/{draft_id}/changes", self.changes),
            self._site.does("/drafts/{draft_id}/approve", self.approve),
            self._site.does("/drafts/{draft_id}/delete", self.delete),
        ]

    def drafts(self, request: Request) -> Response:
        """All drafts, the newest first."""
        store = self._site.platform.store
        rows = [
            {
                **draft,
                "entity": (
                    store.objects.get(draft["entity_id"])
                    if draft.get("entity_id")
                    else None
                ),
                "works": len(self._site.browsing.works_of_draft(draft["id"])),
            }
            for draft in reversed(self._drafts.all())
        ]
        return self._site.page(request, "drafts.html", drafts=rows)

    def draft(self, request: Request) -> Response:
        """One draft."""
        draft = self._drafts.get(request.path_params["draft_id"])
        if draft is None:
            return self._site.missing(request, "draft")
        store = self._site.platform.store
        works = [
            store.works.get(work_id)
            for work_id in self._site.browsing.works_of_draft(draft["id"])
        ]
        entity_id = draft.get("entity_id")
        return self._site.page(
            request,
            "draft.html",
            draft=draft,
            open=draft["draft_status"] == OPEN,
            entity=store.objects.get(entity_id) if entity_id else None,
            works=self._site.works(work for work in works if work),
        )

    def changes(self, request: Request) -> Response:
        """What a draft changes: its own journal."""
        draft = self._drafts.get(request.path_params["draft_id"])
        if draft is None or draft["draft_status"] != OPEN:
            return self._site.missing(request, "open draft")
        opened = self._drafts.open(draft["id"])
        after = integer(request, "after")
        found = opened.store.events.after(after, PAGE_SIZE + 1)
        page = found[:PAGE_SIZE]
        return self._site.page(
            request,
            "draft_changes.html",
            draft=draft,
            changes=[
                (
                    event,
                    readable_name(event.data),
                    readable.differences(event),
                    readable.pretty(event.data),
                )
                for event in page
            ],
            first=not after,
            following=page[-1].id if len(found) > PAGE_SIZE else None,
        )

    def approve(self, request: Request, _: FormData) -> Response:
        """Send what a draft holds to ingestion."""
        platform = self._site.platform
        draft_id = request.path_params["draft_id"]
        work_id = approve(platform.drafts, draft_id, platform.live, platform.worker)
        return see(f"/works/{quote(work_id)}")

    def delete(self, request: Request, _: FormData) -> Response:
        """Throw a draft away."""
        self._drafts.delete(request.path_params["draft_id"])
        return see("/drafts")

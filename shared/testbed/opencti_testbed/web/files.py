"""Files: uploaded ones, those that wait for validation, what connectors exported."""

from typing import Any
from urllib.parse import urlencode

import orjson
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from opencti_testbed.files.keeping import GLOBAL, PENDING, attach, keep
from opencti_testbed.stix.names import readable_name
from opencti_testbed.store.files import StoredFile
from opencti_testbed.store.objects import Stored
from opencti_testbed.web.asking import Asking
from opencti_testbed.web.site import Refused, Site, see, text_of, texts_of

MOST_LISTED = 100
# Larger files are not looked into.
MOST_READ = 2 * 1024 * 1024
MOST_OBJECTS = 100
SECTIONS = (
    (
        "Waiting for validation",
        PENDING,
        "The workbench: connectors bring findings here that somebody has to look at first.",
    ),
    ("Uploaded", "import", "Files of entities are among them."),
    ("Exported", "export", "What connectors made of entities and lists."),
)


class Files:
    """Renders files."""

    def __init__(self, site: Site, asking: Asking) -> None:
        """Bind to the site and to what connectors can be asked for."""
        self._site = site
        self._asking = asking
        self._files = site.platform.store.files

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            self._site.shows("/files", self.files),
            self._site.shows("/files/one", self.file),
            self._site.does("/files/upload", self.upload),
            self._site.does("/files/delete", self.delete),
        ]

    def files(self, request: Request) -> Response:
        """All files by what they are for."""
        sections = [
            (title, why, self._within(folder)) for title, folder, why in SECTIONS
        ]
        return self._site.page(
            request,
            "files.html",
            sections=sections,
            most=MOST_LISTED,
            markings=self._markings(),
        )

    def _within(self, folder: str) -> list[StoredFile]:
        found = self._files.within(folder, MOST_LISTED + 1)
        # What waits lies below what is imported, and is listed for itself.
        if folder != PENDING:
            found = [file for file in found if file.folder != PENDING]
        return found[:MOST_LISTED]

    def _markings(self) -> list[Stored]:
        return self._site.browsing.of_type("Marking-Definition", 100)

    def file(self, request: Request) -> Response:
        """One file: what is known of it, what is in it, what can be done with it."""
        file = self._files.get(request.query_params.get("id", ""))
        if file is None:
            return self._site.missing(request, "file")
        store = self._site.platform.store
        works = [store.works.get(work_id) for work_id in self._files.works(file.id)]
        marked = [store.objects.get(one) for one in file.markings]
        return self._site.page(
            request,
            "file.html",
            file=file,
            of=store.objects.get(file.entity_id) if file.entity_id else None,
            marked=[one for one in marked if one],
            works=self._site.works(work for work in works if work),
            importers=self._asking.importers(file),
            can_import=not file.id.startswith("export/"),
            pending=file.folder == PENDING,
            content=_content(file),
        )

    def upload(self, _: Request, form: FormData) -> Response:
        """Take a file, of an entity or of none; connectors that import such files by themselves are asked to."""
        sent: Any = form.get("file")
        platform, entity_id = self._site.platform, text_of(form, "entity")
        marking = texts_of(form, "marking")
        if sent is None or isinstance(sent, str) or not sent.name:
            raise Refused("Choose a file.")
        if entity_id:
            entity = self._site.entity(entity_id)
            details = {"fileMarkings": list(marking)}
            file = attach(platform, entity, sent, details)
        else:
            file = keep(platform, GLOBAL, sent, markings=marking)
            platform.lanes.imports.arrived(file, platform.caller.user_id)
        return see(address_of(file.id))

    def delete(self, _: Request, form: FormData) -> Response:
        """Throw a file away."""
        self._files.delete(text_of(form, "file"))
        return see("/files")


def address_of(file_id: str) -> str:
    """Return the address of a file's page."""
    return f"/files/one?{urlencode({'id': file_id})}"


def _content(file: StoredFile) -> dict[str, Any] | None:
    """Return what a STIX bundle holds: objects by type, and the first of them; None for other files."""
    if file.size > MOST_READ or "json" not in file.mime_type:
        return None
    try:
        bundle = orjson.loads(file.content())
    except (OSError, orjson.JSONDecodeError):
        return None
    objects = bundle.get("objects") if isinstance(bundle, dict) else None
    if not isinstance(objects, list):
        return None
    found = [one for one in objects if isinstance(one, dict) and one.get("type")]
    counts: dict[str, int] = {}
    for one in found:
        counts[str(one["type"])] = counts.get(str(one["type"]), 0) + 1
    return {
        "number": len(objects),
        "counts": counts,
        "objects": [
            (str(one["type"]), readable_name(one), str(one.get("id") or ""))
            for one in found[:MOST_OBJECTS]
        ],
    }

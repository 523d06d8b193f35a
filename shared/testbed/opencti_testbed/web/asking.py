"""What people ask connectors for on the page: to enrich an entity, to import a file, to export a list."""

from typing import Any
from urllib.parse import quote

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from opencti_testbed.lanes.asking import Wish, in_scope
from opencti_testbed.lanes.enrichment import KIND as ENRICHMENT
from opencti_testbed.lanes.exports import KIND as EXPORT
from opencti_testbed.lanes.exports import TYPES, Order
from opencti_testbed.lanes.imports import KIND as IMPORT
from opencti_testbed.store.files import StoredFile
from opencti_testbed.store.objects import Stored
from opencti_testbed.web.choice import API_ORDERS, KINDS, ORDERS, Choice, condition_of
from opencti_testbed.web.site import Refused, Site, see, text_of, texts_of

# A list that the filters of the API cannot describe is exported object by object, up to so many.
MOST_NAMED = 300


class Asking:
    """Asks connectors, and says which can be asked."""

    def __init__(self, site: Site) -> None:
        """Bind to the site."""
        self._site = site
        self._lanes = site.platform.lanes

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            self._site.does("/enrichments", self.enrich),
            self._site.does("/imports", self.import_file),
            self._site.does("/exports", self.export),
        ]

    def _wish(self) -> Wish:
        return Wish(self._site.platform.caller.user_id)

    def _alive(self, kind: str) -> list[dict[str, Any]]:
        return [
            connector
            for connector in self._site.platform.store.connectors.all()
            if connector["type"] == kind
        ]

    # -- enrichment ---------------------------------------------------------------------------------------------------

    def enrichers(self, stored: Stored) -> dict[str, list[dict[str, Any]]]:
        """Return who can enrich an object: when `asked`, and as a step of a `playbook`."""
        known = self._alive(ENRICHMENT)
        return {
            "asked": [c for c in known if in_scope(c, stored.entity_type)],
            "playbook": [c for c in known if c.get("playbook_compatible")],
        }

    def enrich(self, _: Request, form: FormData) -> Response:
        """Ask a connector to enrich an entity, or give it the entity as the step of a playbook."""
        entity, connector = text_of(form, "entity"), text_of(form, "connector")
        if text_of(form, "how") == "playbook":
            work_id, _execution = self._lanes.enrichment.ask_in_playbook(
                entity, connector, None
            )
        else:
            work_id = self._lanes.enrichment.ask(entity, connector, self._wish())
        return see(f"/works/{quote(work_id)}")

    # -- import -------------------------------------------------------------------------------------------------------

    def importers(self, file: StoredFile) -> list[dict[str, Any]]:
        """Return who can import a file."""
        return [c for c in self._alive(IMPORT) if in_scope(c, file.mime_type)]

    def import_file(self, _: Request, form: FormData) -> Response:
        """Ask a connector, or all that read such files, to import a file."""
        context = text_of(form, "entity")
        works = self._lanes.imports.ask(
            text_of(form, "file"),
            text_of(form, "connector") or None,
            wish=self._wish(),
            entity_id=self._named(context).internal_id if context else None,
            mode=text_of(form, "mode") or None,
            bypass=bool(text_of(form, "bypass")),
            force=bool(text_of(form, "force")),
        )
        return see(f"/works/{quote(works[0])}")

    def _named(self, text: str) -> Stored:
        """Return the object that an id or a name stands for."""
        store = self._site.platform.store
        stored = store.objects.get(text)
        if stored is not None:
            return stored
        found = store.objects.query(
            "o.name = ? COLLATE NOCASE AND o.family IN ('sdo', 'sco')",
            [text],
            "o.pk",
            2,
            0,
        )
        if len(found) != 1:
            how = "Several objects are" if found else "No object is"
            raise Refused(f"{how} called {text!r}: write the id of one.")
        return found[0]

    # -- export -------------------------------------------------------------------------------------------------------

    def export_choices(self) -> list[dict[str, str]]:
        """Return what can be exported to: a connector and one of the formats that it makes."""
        return [
            {
                "value": f"{connector['id']} {scope}",
                "connector": str(connector["name"]),
                "format": str(scope),
            }
            for connector in self._alive(EXPORT)
            for scope in connector["scope"]
            if "/" in str(scope)
        ]

    def export(self, _: Request, form: FormData) -> Response:
        """Ask a connector to export one entity, a selection or a list."""
        connector_id, _space, mime_type = text_of(form, "choice").partition(" ")
        if not mime_type:
            raise Refused("Choose who shall export to which format.")
        how: dict[str, Any] = {
            "connector_id": connector_id,
            "format": mime_type,
            "export_type": text_of(form, "type") or TYPES[0],
            "content_max_markings": texts_of(form, "max_marking"),
            "file_markings": texts_of(form, "file_marking"),
        }
        scope = text_of(form, "scope")
        if scope == "single":
            order = Order(entity_id=text_of(form, "entity"), **how)
            asked = self._lanes.exports.ask_single(order, self._wish())
        else:
            order = Order(**how, **self._listed(form, scope == "selection"))
            asked = self._lanes.exports.ask_list(order, self._wish())
        return see(f"/works/{quote(asked[0].work_id)}")

    def _listed(self, form: FormData, selection: bool) -> dict[str, Any]:
        """Return what of an order says which list, or which of its objects."""
        objects = self._site.platform.store.objects
        query = {key: value for key, value in form.items() if isinstance(value, str)}
        choice = Choice.of_query(query, objects.families())
        listed = KINDS[choice.kind][2]
        if choice.type and choice.kind in ("entities", "observables"):
            listed = choice.type
        if selection:
            chosen = texts_of(form, "selected")
            if not chosen:
                raise Refused("Nothing is selected.")
            return {"entity_type": listed, "selected_ids": chosen}
        order_by, mode = API_ORDERS[choice.order]
        filters = choice.filters()
        if choice.type and listed != choice.type:
            filters["filters"].append({"key": "entity_type", "values": [choice.type]})
        if not choice.is_sayable:
            filters = self._by_ids(choice)
        return {
            "entity_type": listed,
            "list_params": {
                "search": choice.search or None if choice.is_sayable else None,
                "orderBy": order_by,
                "orderMode": mode,
                "filters": filters,
            },
        }

    def _by_ids(self, choice: Choice) -> dict[str, Any]:
        selection = choice.selection(condition_of(self._site, choice))
        found = self._site.browsing.page(
            selection, ORDERS[choice.order][1], MOST_NAMED + 1
        )
        if len(found) > MOST_NAMED:
            raise Refused(
                f"A list by work, or by what relationships join, is exported up to {MOST_NAMED} objects: choose fewer."
            )
        ids = {"key": "ids", "values": [stored.internal_id for stored, _ in found]}
        return {"mode": "and", "filters": [ids], "filterGroups": []}

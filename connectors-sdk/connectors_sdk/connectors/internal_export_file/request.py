"""What shall be exported."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Scope = Literal["single", "selection", "query"]


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What shall be exported, and how.

    Attributes:
        scope: `single`: one entity; `selection`: the chosen ones; `query`: all of a list.
        full: whether what is around the entities is exported, too.
        mime_type: of the file.
        file_name: of the file.
        file_markings: ids of the markings of the file.
        entity_type: the type of the entity, or of the list, e.g. `Malware`, `Stix-Core-Object`.
        entity_id: the entity, or that on whose page the list stands; None for a global list.
        entity_name: its name, or `global`.
        selected_ids: the chosen ones.
        search: words that are searched for in the list.
        order_by: what the list is ordered by.
        order_mode: `asc` or `desc`.
        filters: of the list.
        columns: what the user sees of the list, as the platform tells it; empty when it does not.
        access: what is left out of the file, as a filter of the platform.
        configuration: text that came with the request, if any.
    """

    scope: Scope
    full: bool
    mime_type: str
    file_name: str
    file_markings: tuple[str, ...]
    entity_type: str
    entity_id: str | None
    entity_name: str
    selected_ids: tuple[str, ...] = ()
    search: str | None = None
    order_by: str | None = None
    order_mode: str | None = None
    filters: Mapping[str, Any] | None = None
    columns: tuple[str, ...] = ()
    access: Mapping[str, Any] | None = None
    configuration: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> "ExportRequest":
        """Read what pycti's listener hands over.

        Raises:
            ValueError: it is no request for an export.
        """
        scope = message.get("export_scope")
        if scope not in ("single", "selection", "query"):
            raise ValueError(f"{scope!r} is no scope of an export")
        if not message.get("file_name"):
            raise ValueError("the file has no name")
        listed = message.get("list_params") or {}
        return cls(
            scope=scope,
            full=message.get("export_type") == "full",
            mime_type=str(message.get("format") or "application/octet-stream"),
            file_name=str(message["file_name"]),
            file_markings=tuple(map(str, message.get("file_markings") or ())),
            entity_type=str(message.get("entity_type") or "Stix-Core-Object"),
            entity_id=message.get("entity_id"),
            entity_name=str(message.get("entity_name") or "global"),
            selected_ids=tuple(map(str, message.get("selected_ids") or ())),
            search=listed.get("search") or None,
            order_by=listed.get("orderBy"),
            order_mode=listed.get("orderMode"),
            filters=listed.get("filters") or None,
            columns=tuple(_columns(listed.get("visible_columns"))),
            access=message.get("access_filter") or None,
            configuration=message.get("configuration"),
        )

    @property
    def excluded_markings(self) -> frozenset[str]:
        """The ids of the markings that nothing in the file may have."""
        return frozenset(_excluded(self.access))


def _columns(visible: Any) -> Iterator[str]:
    for one in visible or ():
        yield str(one.get("attribute") if isinstance(one, Mapping) else one)


def _excluded(group: Mapping[str, Any] | None) -> Iterator[str]:
    if not group:
        return
    for one in group.get("filters") or ():
        keys = one.get("key")
        keys = keys if isinstance(keys, list) else [keys]
        if "objectMarking" in keys and one.get("operator") == "not_eq":
            yield from map(str, one.get("values") or ())
    for inner in group.get("filterGroups") or ():
        yield from _excluded(inner)

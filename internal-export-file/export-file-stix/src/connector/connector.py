"""Says what the file looks like; which objects stand in it is the SDK's business."""

import uuid
from collections.abc import Iterable
from typing import Any, BinaryIO, ClassVar, Literal

import orjson
from connector.settings import ConnectorSettings
from stix2.registry import STIX2_OBJ_MAPS

from connectors_sdk.connectors.internal_export_file import (
    ExportRequest,
    InternalExportFileConnector,
)
from connectors_sdk.connectors.run_report import RunReport
from connectors_sdk.well_known import OPENCTI_EXTENSION

CUSTOM = "x_opencti_"
# Somebody else's, though the platform has them as well.
MITRE = "x_mitre_"
# Names that STIX 2.1 keeps for itself, and that the platform uses all the same.
RESERVED = frozenset({"severity"})
_TYPES = {
    **STIX2_OBJ_MAPS["2.1"]["objects"],
    **STIX2_OBJ_MAPS["2.1"]["observables"],
}


class StixExporter(InternalExportFileConnector):
    """Makes one bundle after the other (STIX 2.1, section 8)."""

    settings: ConnectorSettings
    content: ClassVar[Literal["entities", "stix"]] = "stix"
    separator = b",\n"

    def __init__(self, settings: ConnectorSettings, **more: Any) -> None:
        super().__init__(settings, **more)
        self._is_empty = True
        options = settings.export_file_stix
        self._keep_custom = options.custom_properties
        self._extends = options.custom_properties and options.extension

    def render(
        self,
        entities: Iterable[dict[str, Any]],
        file: BinaryIO,
        request: ExportRequest,
        report: RunReport,
    ) -> None:
        self._is_empty = True
        super().render(entities, file, request, report)
        if self._is_empty:
            # A list may not be empty (section 3.2): there is none.
            file.seek(0)
            file.truncate()
            file.write(f"{{{_begin()}}}\n".encode())

    def begin(self, request: ExportRequest) -> str:
        return f'{{{_begin()},"objects":[\n'

    def row(self, entity: dict[str, Any], request: ExportRequest) -> bytes:
        stix = self._clean(entity)
        if self._extends:
            stix = _extended(stix)
        written = orjson.dumps(stix)
        self._is_empty = False
        return written

    def _clean(self, stix: dict[str, Any], nested: bool = False) -> dict[str, Any]:
        """Return an object without what STIX does not know: nulls and empty lists (section 3.2)."""
        # An extension holds what an object has, not what its parts have.
        keep_custom = self._keep_custom and not (nested and self._extends)
        cleaned: dict[str, Any] = {}
        for key, value in stix.items():
            if not (keep_custom or _is_known(key, None if nested else stix["type"])):
                continue
            if isinstance(value, dict):
                value = self._clean(value, True)
            elif isinstance(value, list):
                several = (
                    self._clean(one, True) if isinstance(one, dict) else one
                    for one in value
                )
                value = [one for one in several if one is not None and one != {}]
            if value is not None and value != [] and value != {}:
                cleaned[key] = value
        return cleaned

    def end(self, request: ExportRequest) -> str:
        return "\n]}\n"


def _begin() -> str:
    return f'"type":"bundle","id":"bundle--{uuid.uuid4()}"'


def _is_known(key: str, kind: str | None) -> bool:
    """Return whether STIX has a property, as far as it has the type; None: a part of an object."""
    if kind is None:
        return not key.startswith(CUSTOM)
    if _is_own(key):
        return False
    # The library tells it nowhere else.
    # pylint: disable-next=protected-access
    known = _TYPES[kind]._properties if kind in _TYPES else (key,)
    return key in known or key.startswith(MITRE)


def _is_own(key: str) -> bool:
    return key.startswith(CUSTOM) or key in RESERVED


def _extended(stix: dict[str, Any]) -> dict[str, Any]:
    """Return an object whose custom properties stand in an extension (section 7.3)."""
    # Importers do not look for what is a marking's own in there.
    if stix["type"] == "marking-definition":
        return stix
    rest: dict[str, Any] = {}
    own: dict[str, Any] = {}
    for key, value in stix.items():
        if _is_own(key):
            own[key.removeprefix(CUSTOM)] = value
        else:
            rest[key] = value
    if own:
        extension = {"extension_type": "property-extension", **own}
        rest["extensions"] = {
            **rest.get("extensions", {}),
            OPENCTI_EXTENSION: extension,
        }
    return rest

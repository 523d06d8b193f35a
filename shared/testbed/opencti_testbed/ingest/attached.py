"""Files that travel in objects of bundles.

Source: what the platform's importer obeys: `x_opencti_files`, or `files` in OpenCTI's extension, of an object and of its
external references: a list of `{name, data (Base64), mime_type, object_marking_refs, version, embedded}`.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from opencti_testbed.ingest.normalise import InvalidObject
from opencti_testbed.ingest.operations import said
from opencti_testbed.stix import ids
from opencti_testbed.store import Store
from opencti_testbed.store.objects import Stored


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file that came with an object; `reference` is the id of the external reference that it belongs to, if to one."""

    name: str
    content: bytes
    mime_type: str | None
    markings: tuple[str, ...]
    version: str | None
    embedded: bool
    reference: str | None


def sent_with(raw: Any) -> list[SentFile]:
    """Return the files of an object of a bundle; what has no content is known to the platform already, and left out.

    Raises:
        InvalidObject: a file without a name, or whose content is not Base64.
    """
    if not isinstance(raw, Mapping):
        return []
    found = list(_files(raw, None))
    references = raw.get("external_references")
    for one in references if isinstance(references, list) else ():
        if isinstance(one, Mapping) and (
            "x_opencti_files" in one or "extensions" in one
        ):
            found += _files(one, ids.external_reference_id(one))
    return found


def _files(holder: Mapping[str, Any], reference: str | None) -> Iterator[SentFile]:
    listed = [holder.get("x_opencti_files")]
    if "extensions" in holder:
        listed.append(said({"extensions": holder["extensions"]}, "files"))
    for sent in (one for files in listed if files for one in files):
        if not isinstance(sent, Mapping):
            raise InvalidObject("x_opencti_files must be a list of files")
        if sent.get("data") is None:
            continue
        name = sent.get("name")
        if not isinstance(name, str) or not name:
            raise InvalidObject("x_opencti_files: a file without a name")
        try:
            content = base64.b64decode(sent["data"], validate=True)
        except (binascii.Error, TypeError, ValueError) as error:
            raise InvalidObject(f"x_opencti_files: {name} is not Base64") from error
        yield SentFile(
            name,
            content,
            sent.get("mime_type"),
            tuple(sent.get("object_marking_refs") or ()),
            sent.get("version"),
            bool(sent.get("embedded")),
            reference,
        )


def keep(store: Store, owner: Stored, sent: SentFile) -> None:
    """Attach a file to an object, unless it has the same already.

    Raises:
        RefusedFile: the name is none.
    """
    place = "embedded" if sent.embedded else "import"
    folder = f"{place}/{owner.entity_type}/{owner.internal_id}"
    known = store.files.get(f"{folder}/{sent.name}")
    if known is not None and known.content() == sent.content:
        return
    store.files.put(
        folder,
        sent.name,
        sent.content,
        user_id=store.user_id,
        mime_type=sent.mime_type,
        entity_id=owner.internal_id,
        markings=sent.markings,
        version=sent.version,
    )

"""What connectors push into their queue.

Source: the messages of the platform's client: JSON with a bundle in base64, one object per bundle unless it was told not
to split.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from opencti_testbed.ingest.refusals import FAULTS
from opencti_testbed.ingest.worker import InvalidBundle, bundle_objects
from opencti_testbed.stix.types import SCO, Family, classify

# Told from others by a property of their own, or by their family.
_TOLD_BY = {"identity": "identity_class", "location": "x_opencti_location_type"}


class UnreadableMessage(ValueError):
    """The message is none of the client's; the text says why."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """A message.

    Attributes:
        applicant_id: the user whom the connector acts for.
        objects: what shall be ingested.
        dropped: how many objects were of types that the connector does not want.
        expected: how many objects of this message the client has not told the work to expect.
    """

    work_id: str | None
    draft_id: str | None
    applicant_id: str | None
    objects: list[Any]
    dropped: int
    expected: int


def read(body: bytes) -> Pushed:
    """Return what a message says.

    Raises:
        UnreadableMessage: not JSON, no content, not base64, or no bundle in it.
    """
    try:
        message = orjson.loads(body)
        for name in ("work_id", "draft_id", "applicant_id"):
            if not isinstance(message.get(name), str | None):
                raise UnreadableMessage(f"a {name} that is no text")
        types = message.get("entities_types") or []
        if not _is_list_of_texts(types):
            raise UnreadableMessage("entities_types that are no list of texts")
        text = base64.b64decode(message["content"], validate=True).decode()
        found = bundle_objects(text)
    except (KeyError, TypeError, AttributeError, orjson.JSONDecodeError) as error:
        raise UnreadableMessage(f"no message with a content: {error}") from error
    except (binascii.Error, UnicodeDecodeError) as error:
        raise UnreadableMessage(f"content that is no base64 text: {error}") from error
    except InvalidBundle as error:
        raise UnreadableMessage(str(error)) from error
    objects = [one for one in found if not types or is_wanted(one, types)]
    whole = len(found) == 1 or bool(message.get("no_split"))
    return Pushed(
        work_id=message.get("work_id") or None,
        draft_id=message.get("draft_id") or None,
        applicant_id=message.get("applicant_id") or None,
        objects=objects,
        dropped=len(found) - len(objects),
        expected=0 if whole else len(found),
    )


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def is_wanted(stix: Any, types: list[str]) -> bool:
    """Return whether an object is of one of the types that a connector names; markings and relations always are."""
    if not isinstance(stix, Mapping):
        return True
    kind = str(stix.get("type") or "")
    try:
        family, _ = classify(dict(stix))
    except FAULTS:
        # Ingestion says what is wrong with it.
        return True
    if kind == "marking-definition" or family in (Family.RELATIONSHIP, Family.SIGHTING):
        return True
    names = {kind, str(stix.get(_TOLD_BY.get(kind, "")) or "").lower()}
    if kind in SCO:
        names.add("observable")
    return not names.isdisjoint(types)

"""From whatever a connector has at hand to one JSON object."""

from collections.abc import Mapping
from datetime import date, datetime, timezone
from typing import Any, TypeAlias

import orjson

from connectors_sdk.bundles.errors import BundleError

# A model, a stix2 object or a dictionary. stix2 publishes no types, so nothing narrower can be said.
StixLike: TypeAlias = Any


def id_of(stix: StixLike) -> str:
    """Return the STIX id of a model, stix2 object or dictionary without converting it.

    Raises:
        BundleError: what was given is none of these, or has no id.
    """
    stix_id = getattr(stix, "id", None)
    if stix_id is None and isinstance(stix, Mapping):
        stix_id = stix.get("id")
    if not isinstance(stix_id, str) or "--" not in stix_id:
        raise BundleError(
            f"a STIX object needs an id of the form <type>--<uuid>, got {stix_id!r} from {type(stix).__name__}"
        )
    if stix_id.startswith("bundle--"):
        raise BundleError(f"{stix_id} is a bundle: give its objects one by one")
    return stix_id


def to_plain(stix: StixLike) -> tuple[dict[str, Any], bytes]:
    """Return the JSON form of an object, as dictionary and as compact UTF-8 bytes.

    A dictionary may hold what has an obvious JSON form: datetimes (naive ones are UTC), sets, parts made by stix2.

    Raises:
        BundleError: the object cannot be expressed as JSON.
    """
    if hasattr(stix, "to_stix_dict"):
        data = stix.to_stix_dict()
        return data, _dump(data, stix)
    if hasattr(stix, "to_stix2_object"):
        stix = stix.to_stix2_object()
    if hasattr(stix, "serialize"):
        # stix2 writes spaces after separators; what is sent is counted exactly, so one form for all.
        data = orjson.loads(stix.serialize())
        return data, orjson.dumps(data)
    encoded = _dump(stix, stix)
    return orjson.loads(encoded), encoded


def _dump(data: Any, stix: StixLike) -> bytes:
    try:
        return orjson.dumps(
            data, default=_stix_value, option=orjson.OPT_PASSTHROUGH_DATETIME
        )
    except TypeError as err:
        reason = err.__cause__ or err
        raise BundleError(f"{id_of(stix)} cannot be written as JSON: {reason}") from err


def _stix_value(value: Any) -> Any:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            value = value.replace(tzinfo=timezone.utc)
        value = value.astimezone(timezone.utc)
        return (
            value.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"
        )
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if hasattr(value, "serialize"):
        return orjson.loads(value.serialize())
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a value of type {type(value).__name__} has no JSON form")

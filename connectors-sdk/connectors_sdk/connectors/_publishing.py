"""Handing bundles to the platform, over its API or through its broker.

Through the broker a bundle travels object by object. pycti finds out the order with a splitter of its own, whose time grows
with the square of the references; of our bundles order and dependencies are known already.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from connectors_sdk.bundles import Bundle
from connectors_sdk.bundles._references import references_of
from connectors_sdk.tracing import span

# Options of `send_stix2_bundle` that ask for nothing but what is done here.
_KNOWN = frozenset(
    {
        "work_id",
        "draft_id",
        "entities_types",
        "update",
        "cleanup_inconsistent_bundle",
        "bypass_validation",
    }
)


def send_bundle(
    helper: Any,
    bundle: Bundle,
    *,
    limit: float,
    log: Callable[[str], None],
    **options: Any,
) -> None:
    """Send a bundle; return when the platform, or its broker, has it.

    Args:
        helper: pycti's helper.
        bundle: what is sent.
        limit: for how many seconds a broker may be away.
        log: writes a line.
        options: as pycti's `send_stix2_bundle` takes them.

    Raises:
        ValueError: the platform refuses it.
        ConnectionError: the broker stays away.
        requests.RequestException: the platform stays away.
    """
    options = {"cleanup_inconsistent_bundle": not bundle.external, **options}
    with span("send bundle", bundle_objects=len(bundle), bundle_bytes=bundle.size):
        _send(helper, bundle, options, limit, log)


def _send(
    helper: Any,
    bundle: Bundle,
    options: dict[str, Any],
    limit: float,
    log: Callable[[str], None],
) -> None:
    if _may_be_published(helper, options):
        objects = _in_order(bundle)
        if objects is not None:
            # pika is there only where bundles go through a broker.
            from connectors_sdk.connectors._pipeline import publish

            publish(helper, objects, options, limit=limit, log=log)
            return
    if helper.queue_protocol == "api":
        # The platform gets the whole bundle there: splitting it first would be work for nothing.
        options.setdefault("no_split", True)
    helper.send_stix2_bundle(bundle.to_json(), **options)


def _may_be_published(helper: Any, options: Mapping[str, Any]) -> bool:
    """Whether a bundle goes to the queue and nowhere else, as it is: everything else is pycti's to do."""
    return (
        helper.queue_protocol == "amqp"
        and bool(helper.bundle_send_to_queue)
        and "push_exchange" in helper.connector_config
        and options.keys() <= _KNOWN
        and helper.playbook is None
        and helper.enrichment_shared_organizations is None
        and not helper.bundle_send_to_directory
        and not helper.bundle_send_to_s3
        and (
            bool(options.get("bypass_validation"))
            or not (helper.connect_validate_before_import or helper.force_validation)
        )
    )


def _in_order(bundle: Bundle) -> Sequence[bytes] | None:
    """Return each object as a bundle (JSON), each after what it refers to; None when they have no such order.

    None as well for types that pycti leaves out: it says what becomes of those who refer to them.
    """
    # Slow to load; by now whoever made the helper has loaded it.
    from pycti.utils.opencti_stix2_splitter import is_id_supported

    inside, seen = set(bundle.ids), set[str]()
    found = []
    for number, (stix_id, data) in enumerate(bundle.members, start=1):
        references = references_of(orjson.loads(data))
        if not all(map(is_id_supported, (stix_id, *references))):
            return None
        needed = inside.intersection(references)
        if not needed <= seen:
            return None
        seen.add(stix_id)
        found.append(
            b'{"type":"bundle","id":"%s","spec_version":"2.1","x_opencti_seq":%d,"objects":[%s,"nb_deps":%d}]}'
            % (bundle.id.encode(), number, data[:-1], len(needed) + 1)
        )
    return found

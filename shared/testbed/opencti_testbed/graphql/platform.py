"""The platform itself: version, user, connectors, works, bundles.

The context of these resolvers is the `Platform`; reading resolvers get its store.
"""

import base64
import copy
import json
import logging
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from opencti_testbed.config import PLATFORM_VERSION
from opencti_testbed.drafts.workspaces import Drafts
from opencti_testbed.graphql.execute import ApiError, Registry, Resolver
from opencti_testbed.graphql.nodes import connection
from opencti_testbed.graphql.registration import registration
from opencti_testbed.graphql.works import shown
from opencti_testbed.ingest.worker import IngestWorker, InvalidBundle
from opencti_testbed.lanes.broker import BrokerAway
from opencti_testbed.lanes.lanes import Lanes
from opencti_testbed.store import Store
from opencti_testbed.store.connectors import UnknownConnector
from opencti_testbed.store.visibility import VisibleObjects, hidden_markings
from opencti_testbed.store.works import WorkNotAlive

LOGGER = logging.getLogger("opencti_testbed.lanes")
# Who receives requests.
LISTENING = frozenset(
    {
        "INTERNAL_ENRICHMENT",
        "INTERNAL_IMPORT_FILE",
        "INTERNAL_EXPORT_FILE",
        "INTERNAL_ANALYSIS",
    }
)
USER_EMAIL = "admin@opencti.io"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and where.

    Attributes:
        user_id: whose token it is, or whom the token's user acts for.
        draft_id: the draft workspace that is read and written; None: live.
    """

    user_id: str
    draft_id: str | None = None


class Platform:
    """The store together with what works on it."""

    def __init__(
        self, store: Store, worker: IngestWorker, lanes: Lanes, drafts: Drafts
    ) -> None:
        """Bind them."""
        # What is read and written: live, or a draft.
        self.store = store
        self.live = store
        self.worker = worker
        self.upserter = worker.upserter
        self.lanes = lanes
        self.drafts = drafts
        self.caller = Caller(store.user_id)
        # Bytes that every queue is said to hold besides what waits.
        self.extra_backlog: Callable[[], int] = lambda: 0

    def called_by(self, caller: Caller) -> "Platform":
        """Return the platform as a caller sees it.

        Raises:
            DraftLocked: the caller's draft does not exist, or is closed.
        """
        seen = copy.copy(self)
        seen.caller = caller
        if caller.draft_id:
            draft = self.drafts.open(caller.draft_id)
            seen.store, seen.upserter = draft.store, draft.upserter
        hidden = hidden_markings(seen.store, caller.user_id)
        if hidden:
            seen.store = copy.copy(seen.store)
            seen.store.objects = VisibleObjects(seen.store.objects, hidden)
        return seen

    def key_set(self) -> str:
        """Return the public signing key as the text of a JWKS; the key is made once and kept.

        Source: RFC 8037 (Ed25519 in JOSE), RFC 7517 (key sets).
        """
        known = self.live.database.meta("signing_key")
        if known is None:
            raw = Ed25519PrivateKey.generate().private_bytes(
                serialization.Encoding.Raw,
                serialization.PrivateFormat.Raw,
                serialization.NoEncryption(),
            )
            known = json.dumps({"kid": str(uuid.uuid4()), "d": raw.hex()})
            self.live.database.set_meta("signing_key", known)
        kept = json.loads(known)
        private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(kept["d"]))
        public = private.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw
        )
        key = {
            "kty": "OKP",
            "crv": "Ed25519",
            "alg": "EdDSA",
            "use": "sig",
            "kid": kept["kid"],
            "x": base64.urlsafe_b64encode(public).rstrip(b"=").decode(),
        }
        return json.dumps({"keys": [key]})

    def connector(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return a registered connector as the client expects it."""
        backlog = self.store.queue.backlog(row["id"])
        connector_id = row["id"]
        return {
            **row,
            "connector_state": row["state"],
            "connector_scope": row["scope"],
            "connector_type": row["type"],
            "connector_info": row["info"],
            "connector_user_id": self.store.user_id,
            "connector_user": self.user(),
            "connector_priority_group": "default",
            "works": [
                shown(self.store, work) for work in self.store.works.page([row["id"]])
            ],
            "connector_queue_details": {
                "messages_number": backlog.objects,
                "messages_size": backlog.bytes + self.extra_backlog(),
            },
            "jwks": self.key_set(),
            "config": {
                **self.lanes.config(connector_id),
                # Nothing is kept in an object store; the client wants the members all the same.
                "s3": dict.fromkeys(
                    (
                        "endpoint",
                        "port",
                        "use_ssl",
                        "bucket_name",
                        "bucket_region",
                        "access_key",
                        "secret_key",
                    )
                ),
            },
        }

    def user(self) -> dict[str, Any]:
        """Return the one user."""
        return {
            "id": self.store.user_id,
            "name": "admin",
            "user_email": USER_EMAIL,
            "api_token": None,
            "capabilities": [{"name": "BYPASS"}],
            "groups": connection([]),
            "organizations": connection([]),
        }


def register(registry: Registry) -> None:
    """Register the platform's own fields."""
    registry.query("about: AppInfo")(
        lambda p, _: {"version": PLATFORM_VERSION, "dependencies": []}
    )
    registry.query("connector")(_connector)
    registry.query("connectors", "connectorsForWorker")(
        lambda p, _: [p.connector(row) for row in p.store.connectors.all()]
    )
    registry.query("connectorsForImport")(_of_kind("INTERNAL_IMPORT_FILE"))
    registry.query("connectorsForExport")(_of_kind("INTERNAL_EXPORT_FILE"))
    registry.query("connectorsForEnrichment")(_of_kind("INTERNAL_ENRICHMENT"))
    registry.mutation("connectorJWT: String")(_connector_token)
    registry.mutation("registerConnector")(_register_connector)
    registry.mutation("pingConnector")(_ping_connector)
    registry.mutation("resetStateConnector")(_reset_state)
    registry.mutation("deleteConnector")(_delete_connector)
    registry.mutation(
        "stixBundlePush(connectorId: String!, bundle: String!, work_id: String): Boolean"
    )(_push)


def _known(action: Callable[[], Any]) -> Any:
    try:
        return action()
    except UnknownConnector as error:
        raise ApiError("FUNCTIONAL_ERROR", str(error)) from error


def _through_broker(action: Callable[[], None]) -> None:
    try:
        action()
    except BrokerAway as error:
        raise ApiError("FUNCTIONAL_ERROR", str(error)) from error


def _of_kind(kind: str) -> Resolver:
    return lambda platform, _: [
        platform.connector(row)
        for row in platform.store.connectors.all()
        if row["type"] == kind
    ]


def _connector_token(platform: Platform, _: Mapping[str, Any]) -> str:
    platform.key_set()
    return platform.lanes.delivery.token()


def _connector(platform: Platform, arguments: Mapping[str, Any]) -> Any:
    row = platform.store.connectors.get(str(arguments.get("id")))
    return platform.connector(row) if row else None


def _register_connector(platform: Platform, arguments: Mapping[str, Any]) -> Any:
    declared = registration(arguments.get("input"))
    # Queues first: a connector that is told of an error is not to be listed.
    _through_broker(lambda: platform.lanes.declare(declared))
    row = platform.store.connectors.register(declared)
    if row["type"] in LISTENING and not row.get("listen_callback_uri"):
        if platform.lanes.broker is None:
            LOGGER.warning(
                "%s listens to a queue, and there is no broker: set CONNECTOR_LISTEN_PROTOCOL=API, or start the"
                " testbed with --amqp",
                row["name"],
            )
    return platform.connector(row)


def _ping_connector(platform: Platform, arguments: Mapping[str, Any]) -> Any:
    return platform.connector(
        _known(
            lambda: platform.store.connectors.ping(
                str(arguments.get("id")),
                arguments.get("state"),
                arguments.get("connectorInfo"),
            )
        )
    )


def _reset_state(platform: Platform, arguments: Mapping[str, Any]) -> Any:
    connector_id = str(arguments.get("id"))
    _known(lambda: platform.store.connectors.reset_state(connector_id))
    return platform.connector(platform.store.connectors.require(connector_id))


def _delete_connector(platform: Platform, arguments: Mapping[str, Any]) -> str:
    connector_id = str(arguments.get("id"))
    _through_broker(lambda: _known(lambda: platform.lanes.remove(connector_id)))
    return connector_id


def _push(platform: Platform, arguments: Mapping[str, Any]) -> bool:
    connector_id = str(arguments.get("connectorId"))
    row = _known(lambda: platform.store.connectors.require(connector_id))
    try:
        platform.worker.accept(
            connector_id,
            row["name"],
            arguments.get("work_id"),
            str(arguments.get("bundle") or ""),
            platform.caller.draft_id,
            platform.caller.user_id,
        )
    except InvalidBundle as error:
        raise ApiError("FUNCTIONAL_ERROR", str(error)) from error
    except WorkNotAlive as error:
        raise ApiError("WORK_NOT_ALIVE", str(error)) from error
    return True

"""The platform itself: version, user, connectors, works, bundles.

The context of these resolvers is the `Platform`; reading resolvers get its store.
"""

import base64
import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from opencti_testbed.config import PLATFORM_VERSION
from opencti_testbed.graphql.execute import ApiError, Registry
from opencti_testbed.graphql.nodes import connection
from opencti_testbed.ingest.worker import IngestWorker, InvalidBundle
from opencti_testbed.store import Store
from opencti_testbed.store.connectors import UnknownConnector
from opencti_testbed.store.works import WorkNotAlive

USER_EMAIL = "admin@opencti.io"


class Platform:
    """The store together with what works on it."""

    def __init__(self, store: Store, worker: IngestWorker) -> None:
        """Bind both."""
        self.store = store
        self.worker = worker
        # Bytes that every queue is said to hold besides what waits.
        self.extra_backlog: Callable[[], int] = lambda: 0

    def key_set(self) -> str:
        """Return the public signing key as the text of a JWKS; the key is made once and kept.

        Source: RFC 8037 (Ed25519 in JOSE), RFC 7517 (key sets).
        """
        known = self.store.database.meta("signing_key")
        if known is None:
            raw = Ed25519PrivateKey.generate().private_bytes(
                serialization.Encoding.Raw,
                serialization.PrivateFormat.Raw,
                serialization.NoEncryption(),
            )
            known = json.dumps({"kid": str(uuid.uuid4()), "d": raw.hex()})
            self.store.database.set_meta("signing_key", known)
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
            "connector_queue_details": {
                "messages_number": backlog.objects,
                "messages_size": backlog.bytes + self.extra_backlog(),
            },
            "jwks": self.key_set(),
            "works": [],
            # The client wants these members although nothing is sent over a broker here.
            "config": {
                "connection": {
                    "host": "127.0.0.1",
                    "vhost": "/",
                    "use_ssl": False,
                    "port": 5672,
                    "user": "guest",
                    "pass": "guest",
                },
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
                "listen": f"listen_{connector_id}",
                "listen_routing": f"listen_routing_{connector_id}",
                "listen_exchange": "amqp.connector.exchange",
                "push": f"push_{connector_id}",
                "push_routing": f"push_routing_{connector_id}",
                "push_exchange": "amqp.worker.exchange",
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
    registry.query("connectors", "connectorsForImport")(
        lambda p, _: [p.connector(row) for row in p.store.connectors.all()]
    )
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


def _connector(platform: Platform, arguments: Mapping[str, Any]) -> Any:
    row = platform.store.connectors.get(str(arguments.get("id")))
    return platform.connector(row) if row else None


def _register_connector(platform: Platform, arguments: Mapping[str, Any]) -> Any:
    declared = dict(arguments.get("input") or {})
    absent = [key for key in ("id", "name", "type") if not declared.get(key)]
    if absent:
        raise ApiError("BAD_USER_INPUT", f"registerConnector needs {', '.join(absent)}")
    return platform.connector(platform.store.connectors.register(declared))


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
    _known(lambda: platform.store.connectors.delete(connector_id))
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
        )
    except InvalidBundle as error:
        raise ApiError("FUNCTIONAL_ERROR", str(error)) from error
    except WorkNotAlive as error:
        raise ApiError("WORK_NOT_ALIVE", str(error)) from error
    return True

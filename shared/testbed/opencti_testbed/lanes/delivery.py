"""Takes requests to connectors, in order: into the queue that a connector listens to, or, to one that listens over HTTP,
one at a time.

Source: what pycti's listener accepts (`CONNECTOR_LISTEN_PROTOCOL=api`): a POST with a JWT (RFC 7519) signed by the key
that the platform gave out at registration.
"""

import json
import logging
import threading
import time
from dataclasses import dataclass

import jwt
import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from requests.exceptions import InvalidSchema, InvalidURL, MissingSchema
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from opencti_testbed.lanes.broker import Broker, BrokerAway
from opencti_testbed.lanes.requests import Requests, Waiting
from opencti_testbed.store import Store
from opencti_testbed.store.works import WorkNotAlive

LOGGER = logging.getLogger("opencti_testbed.lanes")
TOKEN_SECONDS = 3600
# A connector answers when it is done with the request.
ANSWER_SECONDS = 3600
# A connector that has just registered does not listen yet.
RETRY_SECONDS = 0.5
SENT_AT_ONCE = 500
# So long a connector may take to listen before it is said that nobody does.
PATIENCE_SECONDS = 5.0
# What tells that nobody listens; whatever else fails had begun to take the request.
_NOBODY = (ConnectTimeoutError, NewConnectionError)


@dataclass(slots=True)
class _Unreached:
    """Since when a connector cannot be reached (monotonic seconds), and whether that was said."""

    since: float
    said: bool = False


class Delivery:
    """Delivers requests in the background."""

    def __init__(self, store: Store, broker: Broker | None = None) -> None:
        """Bind to a store, and to a broker for connectors that listen to a queue; `start()` begins."""
        self._store = store
        self._broker = broker
        self._requests = Requests(store.database)
        self._wake = threading.Event()
        self._stopping = threading.Event()
        # One for each connector that has work: a slow one keeps nobody else waiting. They are daemons, so that the
        # platform can end while a connector is at work.
        self._under_way: dict[str, threading.Thread] = {}
        self._not_before: dict[str, float] = {}
        self._unreached: dict[str, _Unreached] = {}
        self._thread = threading.Thread(target=self._run, name="lanes", daemon=True)

    def start(self) -> None:
        """Begin with what waits."""
        self._thread.start()

    def stop(self) -> None:
        """Start nothing more; what is under way is delivered again after the next start."""
        self._stopping.set()
        self._wake.set()
        self._thread.join(timeout=5)

    def wake(self) -> None:
        """Look for requests now."""
        self._wake.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            for waiting in self._requests.first_of_each():
                try:
                    self._begin(waiting)
                except Exception:  # pylint: disable=broad-exception-caught
                    # Nothing may end this thread; what waits is tried again.
                    LOGGER.exception("A request could not be delivered")
                    self._later(waiting.connector_id)
            self._wake.wait(timeout=RETRY_SECONDS)

    def _later(self, connector_id: str) -> None:
        self._not_before[connector_id] = time.monotonic() + RETRY_SECONDS

    def _begin(self, waiting: Waiting) -> None:
        busy = self._under_way.get(waiting.connector_id)
        if busy is not None and busy.is_alive():
            return
        if self._not_before.get(waiting.connector_id, 0) > time.monotonic():
            return
        if self._store.works.get(waiting.work_id) is None:
            self._requests.done(waiting.pk)
            self._wake.set()
            return
        connector = self._store.connectors.get(waiting.connector_id)
        if connector is None:
            return
        if connector.get("listen_callback_uri"):
            # It ends after this one request, and reads nothing: each thread that reads keeps a connection to the file.
            uri, token = str(connector["listen_callback_uri"]), self.token()
            thread = threading.Thread(
                target=self._try,
                args=(waiting, uri, token),
                name="delivery",
                daemon=True,
            )
            self._under_way[waiting.connector_id] = thread
            thread.start()
        elif self._broker is not None:
            self._send(self._broker, waiting.connector_id)

    def _send(self, broker: Broker, connector_id: str) -> None:
        """Put what waits for a connector into its queue."""
        found = self._requests.of(connector_id, SENT_AT_ONCE)
        alive = [one for one in found if self._store.works.get(one.work_id)]
        try:
            broker.send(connector_id, [one.body for one in alive])
        except BrokerAway as error:
            # Once for all, the collector says that the broker is away.
            LOGGER.info("Requests wait: %s", error)
            self._later(connector_id)
            return
        for one in found:
            self._requests.done(one.pk)
        self._wake.set()

    def _try(self, waiting: Waiting, uri: str, token: str) -> None:
        try:
            self._deliver(waiting, uri, token)
        except WorkNotAlive:
            self._requests.done(waiting.pk)
        except Exception:  # pylint: disable=broad-exception-caught
            # When the platform has ended meanwhile, the request is delivered again after the next start.
            if not self._stopping.is_set():
                LOGGER.exception("A request could not be delivered")
            self._later(waiting.connector_id)

    def _deliver(self, waiting: Waiting, uri: str, token: str) -> None:
        try:
            response = requests.post(
                uri,
                json=waiting.body,
                headers={"Authorization": f"Bearer {token}"},
                timeout=(5, ANSWER_SECONDS),
            )
        except (InvalidSchema, InvalidURL, MissingSchema) as error:
            # No patience makes it an address.
            self._give_up(waiting, f"The connector's callback is no URL: {error}")
            return
        except requests.RequestException as error:
            self._later(waiting.connector_id)
            if not isinstance(_root(error), _NOBODY):
                # It was there until now: patience begins anew.
                self._unreached.pop(waiting.connector_id, None)
            self._say_unreached(waiting, uri, error)
            return
        if self._unreached.pop(waiting.connector_id, _Unreached(0)).said:
            LOGGER.warning("%s takes requests again", uri)
        if response.status_code not in (200, 202):
            code = response.status_code
            self._give_up(waiting, f"The connector refused the request: HTTP {code}")
            return
        self._requests.done(waiting.pk)
        self._wake.set()

    def _give_up(self, waiting: Waiting, why: str) -> None:
        LOGGER.warning("Work %s: %s", waiting.work_id, why)
        self._store.works.processed(waiting.work_id, why, in_error=True)
        self._requests.done(waiting.pk)
        self._wake.set()

    def _say_unreached(self, waiting: Waiting, uri: str, error: Exception) -> None:
        """Say once, when it has lasted, that a connector cannot be reached: in the log and on the work that waits."""
        now = time.monotonic()
        state = self._unreached.setdefault(waiting.connector_id, _Unreached(now))
        if state.said or now - state.since < PATIENCE_SECONDS:
            return
        state.said = True
        text = f"Nobody takes requests at {uri} ({_cause(error)}); they wait"
        LOGGER.warning("%s", text)
        self._store.works.note(waiting.work_id, text)

    def token(self) -> str:
        """Return a fresh token that connectors can check with the key they got at registration."""
        kept = json.loads(self._store.database.meta("signing_key") or "{}")
        key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(kept["d"]))
        now = int(time.time())
        claims = {
            "iss": "opencti",
            "sub": "connector",
            "iat": now,
            "exp": now + TOKEN_SECONDS,
        }
        return jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": kept["kid"]})


def _root(error: BaseException) -> BaseException:
    """Return what a client wraps several times."""
    while True:
        inner = getattr(error, "reason", None) or next(iter(error.args), None)
        if not isinstance(inner, BaseException):
            return error
        error = inner


def _cause(error: BaseException) -> str:
    """Return what a client wraps several times, in words."""
    root = _root(error)
    return str(root).rpartition(": ")[2] or type(root).__name__

"""Questions to the platform that need no registered connector."""

import json
import os
from collections.abc import Mapping
from typing import Any

import requests

from connectors_sdk.connectors._causes import (
    describe,
    describe_graphql,
    describe_status,
)
from connectors_sdk.connectors._startup import request_headers

_TIMEOUT = 30.0
_PING = (
    "mutation Ping($id: ID!, $state: String, $info: ConnectorInfoInput)"
    " { pingConnector(id: $id, state: $state, connectorInfo: $info) { connector_state } }"
)
_INFO = {
    "run_and_terminate": False,
    "buffering": False,
    "queue_threshold": 500.0,
    "queue_messages_size": 0.0,
    "next_run_datetime": None,
    "last_run_datetime": None,
}


class PlatformError(Exception):
    """The platform did not answer as it should; the text says why."""


class PlatformApi:
    """The platform's GraphQL API.

    Attributes:
        url: the platform's address.
        last: the last answer.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        """Take the helper's configuration (`settings.to_helper_config()`)."""
        opencti = config.get("opencti") or {}
        self.url = str(opencti.get("url", "")).rstrip("/")
        self.connector_id = str((config.get("connector") or {}).get("id", ""))
        self.last: requests.Response | None = None
        self._session = requests.Session()
        self._session.headers.update(request_headers(opencti))
        self._session.verify = verification(opencti)

    def ask(self, query: str, variables: Mapping[str, Any] | None = None) -> Any:
        """Return the data of an answer.

        Raises:
            PlatformError: there is no such answer.
        """
        try:
            response = self.last = self._session.post(
                f"{self.url}/graphql",
                json={"query": query, "variables": dict(variables or {})},
                timeout=_TIMEOUT,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise PlatformError(describe(error)) from error
        problem = describe_status(response.status_code)
        if problem:
            raise PlatformError(problem)
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise PlatformError(
                "what answers is not an OpenCTI API: its answer is not JSON"
            )
        for first in answer.get("errors") or ():
            message = first.get("message")
            extensions = first.get("extensions") or {}
            name = first.get("name") or extensions.get("code") or message
            raise PlatformError(describe_graphql(name, message))
        return answer.get("data")

    def state_and_activity(self) -> tuple[str | None, bool]:
        """Return the text of the connector's state (None when it is not registered) and whether it seems to run.

        Raises:
            PlatformError: the platform does not answer.
        """
        data = self.ask(
            "query State($id: String!) { connector(id: $id) { connector_state active } }",
            {"id": self.connector_id},
        )
        found = data.get("connector")
        if not found:
            return None, False
        return found.get("connector_state") or "", bool(found.get("active"))

    def save_state(self, state: Mapping[str, Any]) -> None:
        """Let the platform remember a state. A connector that runs would write its own over it.

        Raises:
            PlatformError: the platform does not answer.
        """
        self.ask(
            _PING,
            {"id": self.connector_id, "state": json.dumps(state), "info": _INFO},
        )


def parse_state(text: str) -> dict[str, Any]:
    """Return a state from its text; empty when it is none."""
    try:
        state = json.loads(text) if text else {}
    except ValueError:
        state = {}
    return state if isinstance(state, dict) else {}


def verification(opencti: Mapping[str, Any]) -> bool | str:
    """Return how the platform's certificate is checked, as pycti does it: not at all unless it is told to.

    A private authority (HTTPS_CA_CERTIFICATES) is used when it is named by a file.
    """
    private = os.environ.get("HTTPS_CA_CERTIFICATES", "").strip()
    if private:
        return private if os.path.isfile(private) else True
    return str(opencti.get("ssl_verify")).lower() in ("true", "yes")

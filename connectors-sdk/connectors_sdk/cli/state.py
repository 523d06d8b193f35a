"""`state`: what the connector remembers on the platform."""

import argparse
import json
from typing import Any

from connectors_sdk.cli.building import build_connector
from connectors_sdk.cli.output import complain, say
from connectors_sdk.cli.platform import PlatformApi, PlatformError
from connectors_sdk.cli.types import Build
from connectors_sdk.connectors.errors import UsageError
from connectors_sdk.connectors.main import ExitCode

_PING = (
    "mutation Ping($id: ID!, $state: String, $info: ConnectorInfoInput)"
    " { pingConnector(id: $id, state: $state, connectorInfo: $info) { connector_state } }"
)
_RESET = "mutation Reset($id: ID!) { resetStateConnector(id: $id) { id } }"
_INFO = {
    "run_and_terminate": False,
    "buffering": False,
    "queue_threshold": 500.0,
    "queue_messages_size": 0.0,
    "next_run_datetime": None,
    "last_run_datetime": None,
}


def show(build: Build, options: argparse.Namespace) -> int:
    """Write the state as JSON; exit code 1 when the platform does not know the connector."""
    del options
    api = _api(build)
    try:
        text, _ = api.state_and_activity()
    except PlatformError as error:
        return _away(api, error)
    if text is None:
        return _unknown(api)
    say(json.dumps(_parsed(text), indent=2, ensure_ascii=False))
    return ExitCode.OK


def change(build: Build, options: argparse.Namespace) -> int:
    """Change values of the state.

    Raises:
        UsageError: an assignment that is none, or a connector that seems to run.
    """
    api = _api(build)
    try:
        text, active = api.state_and_activity()
        if text is None:
            return _unknown(api)
        if active and not options.force:
            raise UsageError(
                "The platform heard of the connector within the last minutes. Stop it first, it would write its own "
                "state over this one; if it is stopped already, add --force."
            )
        state = _parsed(text)
        for assignment in options.assignment:
            _assign(state, assignment)
        api.ask(
            _PING,
            {"id": api.connector_id, "state": json.dumps(state), "info": _INFO},
        )
    except PlatformError as error:
        return _away(api, error)
    say(json.dumps(state, indent=2, ensure_ascii=False))
    return ExitCode.OK


def reset(build: Build, options: argparse.Namespace) -> int:
    """Forget the whole state; exit code 1 when the platform does not know the connector."""
    del options
    api = _api(build)
    try:
        text, _ = api.state_and_activity()
        if text is None:
            return _unknown(api)
        api.ask(_RESET, {"id": api.connector_id})
    except PlatformError as error:
        return _away(api, error)
    say("The state is reset.")
    return ExitCode.OK


def _api(build: Build) -> PlatformApi:
    return PlatformApi(build_connector(build).settings.to_helper_config())


def _parsed(text: str) -> dict[str, Any]:
    try:
        state = json.loads(text) if text else {}
    except ValueError:
        state = {}
    return state if isinstance(state, dict) else {}


def _assign(state: dict[str, Any], assignment: str) -> None:
    path, equals, text = assignment.partition("=")
    keys = path.split(".")
    if not equals or not all(keys):
        raise UsageError(f"{assignment!r} is no assignment: write KEY=VALUE.")
    target = state
    for key in keys[:-1]:
        inner = target.setdefault(key, {})
        if not isinstance(inner, dict):
            raise UsageError(f"{key!r} of {path!r} holds {inner!r}, which has no keys.")
        target = inner
    if not text:
        target.pop(keys[-1], None)
        return
    try:
        target[keys[-1]] = json.loads(text)
    except ValueError:
        target[keys[-1]] = text


def _away(api: PlatformApi, error: PlatformError) -> int:
    complain(f"The platform at {api.url} cannot be asked: {error}.")
    return ExitCode.FAILURE


def _unknown(api: PlatformApi) -> int:
    complain(
        f"The platform knows no connector with the id {api.connector_id}: it has never run there, or under another id."
    )
    return ExitCode.FAILURE

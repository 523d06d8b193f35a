"""`state`: what the connector remembers on the platform."""

import argparse
import json
from typing import Any

from connectors_sdk.cli.building import build_connector
from connectors_sdk.cli.output import complain, say
from connectors_sdk.cli.platform import PlatformApi, PlatformError, parse_state
from connectors_sdk.cli.types import Build
from connectors_sdk.connectors.errors import UsageError
from connectors_sdk.connectors.exit_codes import ExitCode

_RESET = "mutation Reset($id: ID!) { resetStateConnector(id: $id) { id } }"


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
    say(json.dumps(parse_state(text), indent=2, ensure_ascii=False))
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
        state = parse_state(text)
        for assignment in options.assignment:
            _assign(state, assignment)
        api.save_state(state)
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

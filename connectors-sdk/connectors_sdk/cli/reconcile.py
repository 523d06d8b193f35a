"""`reconcile`: what the target of a stream connector should have, next to what it has."""

import argparse
import json
from dataclasses import asdict

from connectors_sdk.cli.building import build_connector, single_run
from connectors_sdk.cli.output import complain, say
from connectors_sdk.cli.types import Build
from connectors_sdk.connectors._startup import PlatformUnavailableError
from connectors_sdk.connectors.errors import UnsupportedError
from connectors_sdk.connectors.exit_codes import ExitCode


def reconcile(build: Build, options: argparse.Namespace) -> int:
    """Compare and, if asked to, bring the target in step; exit code 1 when that did not succeed.

    Raises:
        UnsupportedError: the connector has no target, or does not tell what it has.
    """
    with single_run():
        connector = build_connector(build)
        run = getattr(connector, "reconcile", None)
        if run is None:
            raise UnsupportedError("be reconciled: they have no target")
        try:
            with connector.opened():
                result = run(apply=options.apply)
        except UnsupportedError:
            raise
        except PlatformUnavailableError as error:
            complain(str(error))
            return ExitCode.FAILURE
        # The target and its client may fail in any way.
        except Exception as error:  # pylint: disable=broad-exception-caught
            text = connector.redact(str(error) or type(error).__name__)
            complain(f"The comparison was given up: {text}")
            return ExitCode.FAILURE
    if options.json:
        say(json.dumps(asdict(result), ensure_ascii=False))
    else:
        say(*result.lines())
    return ExitCode.FAILURE if result.failed else ExitCode.OK

"""`health`: ask a running connector on this machine how it is."""

import argparse
import json
import os
import urllib.error
import urllib.request

from connectors_sdk.cli.output import complain, say
from connectors_sdk.cli.types import Build
from connectors_sdk.connectors.errors import UsageError
from connectors_sdk.connectors.exit_codes import ExitCode

_TIMEOUT = 5.0


def health(build: Build, options: argparse.Namespace) -> int:
    """Write what the connector answers; exit code 1 when it is not well or does not answer.

    Raises:
        UsageError: no port is set.
    """
    host, port = _address(build)
    if port is None:
        raise UsageError(
            "CONNECTOR_HEALTH_PORT (connector.health_port) is not set: the connector offers no health page."
        )
    if host in ("0.0.0.0", "::", ""):
        host = "127.0.0.1"
    url = f"http://{host}:{port}/health" + (
        f"/{options.probe}" if options.probe else ""
    )
    # Not through a proxy, whatever the environment says.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=_TIMEOUT) as answer:
            report, good = json.load(answer), True
    except urllib.error.HTTPError as error:
        with error:
            report, good = json.load(error), False
    except (OSError, ValueError) as error:
        complain(f"{url} does not answer: {getattr(error, 'reason', error)}")
        return ExitCode.FAILURE
    reasons = "; ".join(report.get("reasons") or [])
    say(f"{report['status']}: {reasons or report.get('doing', '')}")
    return ExitCode.OK if good else ExitCode.FAILURE


def _address(build: Build) -> tuple[str, int | None]:
    """Return where the connector offers its health."""
    host, port = (
        os.environ.get(f"CONNECTOR_HEALTH_{name}", "") for name in ("HOST", "PORT")
    )
    # As in an image. A probe every half minute must not load the whole connector.
    if port.isdigit():
        return host, int(port)
    from connectors_sdk.cli.building import build_without_platform

    connector = build_without_platform(build)
    connector.prepare()
    return connector.runtime.health_host, connector.runtime.health_port

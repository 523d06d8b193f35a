"""The entry point of a connector.

A connector's `main.py` is three lines:

    from connectors_sdk.connectors import run_connector
    from connector import build  # reads the settings, returns the connector
    run_connector(build)
"""

import sys
from collections.abc import Callable
from enum import IntEnum
from typing import NoReturn, Protocol

from connectors_sdk.settings.exceptions import ConfigError


class ExitCode(IntEnum):
    """What the exit code of a connector's process means.

    OK: stopped on request, or, in run-and-terminate mode, the run was good.
    FAILURE: the platform stayed away, the run failed in run-and-terminate mode, or the connector itself is broken.
    CONFIGURATION: a setting is missing or wrong. Starting again without changing it is of no use.
    """

    OK = 0
    FAILURE = 1
    CONFIGURATION = 2


class Startable(Protocol):
    """A connector of any type."""

    def start(self) -> None:
        """Run until done or told to stop."""


def run_connector(build: Callable[[], Startable]) -> NoReturn:
    """Build a connector, run it, end the process.

    Args:
        build: reads the settings and returns the connector. Called once.

    Raises:
        SystemExit: always, with an `ExitCode`. A wrong configuration is told in words on stderr, without traceback.
    """
    try:
        build().start()
    except ConfigError as err:
        print(err, file=sys.stderr)
        sys.exit(ExitCode.CONFIGURATION)
    except Exception:  # pylint: disable=broad-exception-caught
        # The process ends here; the hook prints the traceback without the secrets it knows.
        kind, error, trace = sys.exc_info()
        if kind and error:
            sys.excepthook(kind, error, trace)
        sys.exit(ExitCode.FAILURE)
    sys.exit(ExitCode.OK)

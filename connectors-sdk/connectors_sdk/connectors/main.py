"""The entry point of a connector.

A connector's `main.py` is three lines:

    from connectors_sdk.connectors import run_connector
    from connector import build  # reads the settings, returns the connector
    run_connector(build)
"""

import inspect
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import NoReturn, Protocol

from connectors_sdk.connectors.exit_codes import ExitCode
from connectors_sdk.settings.exceptions import ConfigError


class Startable(Protocol):
    """A connector of any type."""

    def start(self) -> None:
        """Run until done or told to stop."""


def run_connector(
    build: Callable[[], Startable], arguments: Sequence[str] | None = None
) -> NoReturn:
    """Build a connector and run it, or do what the command line says; end the process.

    Args:
        build: reads the settings and returns the connector. Called once.
        arguments: the command line without the program's name, see `python main.py --help`. By default that of the
            process when it was the program itself that called; nobody else's arguments are meant for a connector.

    Raises:
        SystemExit: always, with an `ExitCode`. A wrong configuration is told in words on stderr, without traceback.
    """
    if arguments is None:
        frame = inspect.currentframe()
        caller = frame.f_back.f_globals if frame and frame.f_back else {}
        arguments = sys.argv[1:] if caller.get("__name__") == "__main__" else ()
    # A warning is for the operator, who does not want to know which line of which file gave it.
    warnings.formatwarning = lambda message, *_, **__: f"Warning: {message}\n"
    try:
        if arguments:
            from connectors_sdk.cli import main

            sys.exit(main(build, arguments))
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

"""Which commands there are, and what their arguments mean."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from connectors_sdk.cli.output import complain
from connectors_sdk.cli.types import Build
from connectors_sdk.connectors.errors import UsageError
from connectors_sdk.connectors.exit_codes import ExitCode
from connectors_sdk.settings.exceptions import ConfigError

Command = Callable[[Build, argparse.Namespace], int]

_EPILOG = """
Exit codes:
  0  it went well
  1  it did not: a run or a check failed, the platform stayed away, something was not found
  2  the configuration or the arguments are wrong; trying again without changing them is of no use

Settings come from the environment, or from config.yml or .env; `check` shows which value came from where.
"""


def main(build: Build, arguments: Sequence[str]) -> int:
    """Do what a command line says and return the exit code.

    Args:
        build: reads the settings and returns the connector.
        arguments: the command line without the program's name.

    Raises:
        SystemExit: wrong arguments (code 2), help (code 0), or a run that ends the process.
    """
    options = _parser().parse_args(arguments)
    module = import_module(f"connectors_sdk.cli.{options.module}")
    command: Command = getattr(module, options.function)
    try:
        return command(build, options)
    except (ConfigError, UsageError) as error:
        complain(str(error))
        return ExitCode.CONFIGURATION
    except BrokenPipeError:
        # Whoever read the output has seen enough. Python would complain once more when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=os.path.basename(sys.argv[0]) or "main.py",
        description="An OpenCTI connector. Without a command it runs.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_run(commands)
    _add_looking(commands)
    _add_quarantine(commands)
    _add_state(commands)
    _add_reconcile(commands)
    return parser


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    function: str,
    summary: str,
    details: str = "",
) -> argparse.ArgumentParser:
    """Add a command; `function` is `module.function` below this package."""
    parser = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}. {details}".strip(),
        allow_abbrev=False,
    )
    module, _, attribute = function.partition(".")
    parser.set_defaults(module=module, function=attribute)
    return parser


def _add_run(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> None:
    run = _add(
        commands,
        "run",
        "run.run",
        "run the connector, or rehearse without a platform",
        "With --dry-run no platform is needed and nothing is sent, saved or set aside: what would be sent is shown as a "
        "table and, with --out, written as a STIX 2.1 bundle. Connectors that work on request are tried on what is given; "
        "those of files to export and of streams work on what is on a platform, and say so (exit code 2).",
    )
    run.add_argument("--once", action="store_true", help="one run, then end")
    run.add_argument(
        "--dry-run", action="store_true", help="one run without a platform; see above"
    )
    run.add_argument(
        "--limit",
        type=_positive,
        metavar="N",
        help="with --dry-run: stop after N records of each processor",
    )
    run.add_argument(
        "--out", metavar="FILE", help="with --dry-run: write the bundle to this file"
    )
    _add_given(run, "with --dry-run: ")


def _add_given(parser: argparse.ArgumentParser, when: str = "") -> None:
    """Add what connectors that work on request are tried on."""
    parser.add_argument(
        "--entity",
        metavar="FILE_OR_VALUE",
        help=f"{when}what an enrichment connector is asked about: a JSON file with a STIX object or bundle, or a type and "
        "a value, e.g. IPv4-Addr:198.51.100.7",
    )
    parser.add_argument(
        "--file", metavar="PATH", help=f"{when}what a file import connector imports"
    )


def _add_looking(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> None:
    check = _add(
        commands,
        "check",
        "check.check",
        "find out why the connector does not work",
        "Looks at the configuration (and where each value comes from), name resolution, proxies, TLS, the clock, the "
        "platform's version and the token's permissions, the broker, and the source's credentials and quota. Each "
        "failure comes with what to do about it. Registers the connector on the platform; imports nothing.",
    )
    check.add_argument("--json", action="store_true", help="write the result as JSON")
    plan = _add(
        commands,
        "plan",
        "plan.plan",
        "tell what the next run would create, change and leave alone on the platform",
        "Runs from the state that the platform remembers, or on what is given, but sends and saves nothing.",
    )
    plan.add_argument(
        "--limit", type=_positive, metavar="N", help="stop after N records"
    )
    _add_given(plan)
    plan.add_argument("--json", action="store_true", help="write the result as JSON")
    describe = _add(
        commands,
        "describe",
        "describe.describe",
        "tell what this connector is: name, type, scope, version, settings",
        "Needs neither a configuration nor a platform.",
    )
    describe.add_argument(
        "--json",
        action="store_true",
        help="write it as JSON, with the settings' schema",
    )
    explain = _add(
        commands,
        "explain",
        "explain.explain",
        "tell where an object came from: the run, the raw record, the mapper",
        "Works for objects that were sent while CONNECTOR_PROVENANCE was true.",
    )
    explain.add_argument("stix_id", help="the object's STIX id, e.g. malware--...")
    explain.add_argument("--json", action="store_true", help="write it as JSON")
    health = _add(
        commands,
        "health",
        "health.health",
        "ask a running connector on this machine how it is",
        "For HEALTHCHECK and probes; needs CONNECTOR_HEALTH_PORT.",
    )
    health.add_argument(
        "probe",
        nargs="?",
        choices=("live", "ready", "fresh"),
        help="one aspect alone; by default all must be well",
    )


def _add_quarantine(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> None:
    quarantine = commands.add_parser(
        "quarantine",
        help="look at records that could not be processed, and replay them",
        description="Records that could not be processed are kept on disk with the reason (CONNECTOR_DATA_PATH).",
        allow_abbrev=False,
    )
    actions = quarantine.add_subparsers(
        title="actions", metavar="ACTION", required=True
    )
    listing = _add(actions, "list", "quarantine.show_all", "list what is there")
    listing.add_argument("--json", action="store_true", help="one JSON document a line")
    show = _add(actions, "show", "quarantine.show_one", "show a record with its reason")
    show.add_argument("id", help="the record's id, or how it begins")
    replay = _add(
        actions,
        "replay",
        "quarantine.replay",
        "process records once more",
        "Those that go through are sent to the platform and leave the quarantine.",
    )
    replay.add_argument(
        "id", nargs="*", help="the records' ids, or how they begin; by default all"
    )
    remove = _add(actions, "remove", "quarantine.remove", "forget records")
    remove.add_argument("id", nargs="+", help="the records' ids, or how they begin")


def _add_state(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> None:
    state = commands.add_parser(
        "state",
        help="see and change what the connector remembers on the platform",
        description="What the connector remembers from run to run is kept by the platform.",
        allow_abbrev=False,
    )
    actions = state.add_subparsers(title="actions", metavar="ACTION", required=True)
    _add(actions, "show", "state.show", "write the state as JSON")
    change = _add(
        actions,
        "set",
        "state.change",
        "change values of the state",
        "The connector must not run meanwhile: it would write its own state over it.",
    )
    change.add_argument(
        "assignment",
        nargs="+",
        metavar="KEY=VALUE",
        help="VALUE is JSON, or else text; KEY may have dots (cursor.token). KEY= removes it",
    )
    change.add_argument(
        "--force", action="store_true", help="although the connector seems to run"
    )
    _add(
        actions,
        "reset",
        "state.reset",
        "forget the whole state: the next run begins at the beginning",
        "A connector that runs gives up its run and begins anew.",
    )


def _add_reconcile(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> None:
    reconcile = _add(
        commands,
        "reconcile",
        "reconcile.reconcile",
        "compare what the target of a stream connector should have with what it has",
        "Without --apply nothing is changed. The connector may run meanwhile.",
    )
    reconcile.add_argument(
        "--apply",
        action="store_true",
        help="write what is missing or different, remove what is surplus",
    )
    reconcile.add_argument(
        "--json", action="store_true", help="write the result as JSON"
    )


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number

"""`run`: the connector itself, or a rehearsal without a platform."""

import argparse
import os
import tempfile
from pathlib import Path

from connectors_sdk.cli.building import build_without_platform
from connectors_sdk.cli.output import complain, say, table
from connectors_sdk.cli.rehearsal import (
    RehearsalHelper,
    Sink,
    rehearse,
    row_of,
    subject_of,
)
from connectors_sdk.cli.spending import tell_calls
from connectors_sdk.cli.types import Build
from connectors_sdk.connectors.errors import UsageError
from connectors_sdk.connectors.exit_codes import ExitCode
from connectors_sdk.connectors.quarantine import QuarantinedRecord

# So many lines of the table are enough to see whether the conversion is right.
_ROWS = 50
_BAD_SHOWN = 10
_OF_A_REHEARSAL = ("out", "limit", "entity", "file")


def run(build: Build, options: argparse.Namespace) -> int:
    """Run the connector.

    Raises:
        SystemExit: with the connector's own exit code.
        UsageError: arguments that do not go together.
    """
    if options.dry_run:
        return _rehearse(build, options)
    if any(getattr(options, name) for name in _OF_A_REHEARSAL):
        names = ", ".join(f"--{name}" for name in _OF_A_REHEARSAL)
        raise UsageError(f"{names} go with --dry-run only.")
    if options.once:
        # Stronger than any file.
        os.environ["CONNECTOR_RUN_AND_TERMINATE"] = "true"
    build().start()
    return ExitCode.OK


def _rehearse(build: Build, options: argparse.Namespace) -> int:
    connector = build_without_platform(build)
    subject = subject_of(connector, options)
    with tempfile.TemporaryDirectory(prefix="rehearsal-") as folder:
        # What goes to the quarantine now must not be there when it counts.
        connector.use_data_path(Path(folder))
        with Sink(Path(options.out) if options.out else None) as sink:
            connector.use_helper(lambda c: RehearsalHelper(c, sink, connector.redact))
            with connector.opened():
                good = rehearse(connector, options, subject)
                bad = list(connector.quarantine.records())
                tell_calls(connector, "of which the connector will not know")
    _show(sink, bad)
    if options.out:
        say("", f"{sink.count} objects written to {options.out}")
    return ExitCode.OK if good else ExitCode.FAILURE


def _show(sink: Sink, bad: list[QuarantinedRecord]) -> None:
    rows = [row_of(stix, sink.names) for stix in sink.first(_ROWS)]
    if rows:
        say(*table(("type", "what", "details", "marking", "author"), rows))
    if sink.count > _ROWS:
        say(f"... and {sink.count - _ROWS} more")
    say("", f"{sink.count} objects" + (":" if sink.count else ""))
    say(*(f"  {number:6} {kind}" for kind, number in sorted(sink.types.items())))
    if bad:
        say("", f"{len(bad)} records could not be processed:")
        say(*(f"  {record.mapper}: {record.reason}" for record in bad[:_BAD_SHOWN]))
        if len(bad) > _BAD_SHOWN:
            say(f"  ... and {len(bad) - _BAD_SHOWN} more")
    if not sink.count and not bad:
        complain("The run brought nothing.")

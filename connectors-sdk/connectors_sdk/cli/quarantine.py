"""`quarantine`: records that could not be processed."""

import argparse
import json
from dataclasses import asdict

from connectors_sdk.cli.building import (
    build_connector,
    build_without_platform,
    single_run,
)
from connectors_sdk.cli.output import complain, say, table
from connectors_sdk.cli.types import Build
from connectors_sdk.connectors._startup import PlatformUnavailableError
from connectors_sdk.connectors.errors import UsageError
from connectors_sdk.connectors.exit_codes import ExitCode
from connectors_sdk.connectors.quarantine import Quarantine

_EMPTY = "The quarantine is empty."


def show_all(build: Build, options: argparse.Namespace) -> int:
    """List all records."""
    quarantine = _quarantine(build)
    if options.json:
        for record in quarantine.records():
            say(json.dumps(asdict(record), ensure_ascii=False))
        return ExitCode.OK
    rows = [(r.id, r.last, r.times, r.mapper, r.reason) for r in quarantine.records()]
    if not rows:
        complain(_EMPTY)
        return ExitCode.OK
    say(*table(("id", "last", "times", "mapper", "reason"), rows))
    return ExitCode.OK


def show_one(build: Build, options: argparse.Namespace) -> int:
    """Show one record.

    Raises:
        UsageError: there is none of this id, or more than one.
    """
    quarantine = _quarantine(build)
    (record_id,) = _ids(quarantine, [options.id])
    (record,) = quarantine.find(record_id)
    say(json.dumps(asdict(record), indent=2, ensure_ascii=False))
    return ExitCode.OK


def remove(build: Build, options: argparse.Namespace) -> int:
    """Forget records.

    Raises:
        UsageError: there is none of an id, or more than one.
    """
    quarantine = _quarantine(build)
    count = quarantine.remove(*_ids(quarantine, options.id))
    say(f"{count} records removed")
    return ExitCode.OK


def replay(build: Build, options: argparse.Namespace) -> int:
    """Process records once more; exit code 1 when one did not go through.

    Raises:
        UsageError: there is none of an id, or more than one.
    """
    with single_run():
        connector = build_connector(build)
        connector.prepare()
        ids = _ids(connector.quarantine, options.id)
        if len(connector.quarantine) == 0:
            complain(_EMPTY)
            return ExitCode.OK
        try:
            with connector.opened():
                replayed = connector.replay(*ids)
        except PlatformUnavailableError as error:
            complain(str(error))
            return ExitCode.FAILURE
    say(f"{len(replayed.done)} went through, {len(replayed.failed)} did not")
    say(*(f"  {key}: {reason}" for key, reason in replayed.failed.items()))
    return ExitCode.FAILURE if replayed.failed else ExitCode.OK


def _quarantine(build: Build) -> Quarantine:
    connector = build_without_platform(build)
    connector.prepare()
    return connector.quarantine


def _ids(quarantine: Quarantine, prefixes: list[str]) -> list[str]:
    """Return whole ids for how they begin."""
    known = [record.id for record in quarantine.records()]
    ids: list[str] = []
    for prefix in prefixes:
        found = [record_id for record_id in known if record_id.startswith(prefix)]
        if len(found) != 1:
            raise UsageError(
                f"{len(found) or 'no'} records have an id that begins with {prefix!r}: see `quarantine list`."
            )
        ids += found
    return ids

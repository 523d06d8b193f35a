"""`explain`: where an object came from."""

import argparse
import json
from dataclasses import asdict

from connectors_sdk.cli.building import build_without_platform
from connectors_sdk.cli.output import complain, say
from connectors_sdk.cli.types import Build
from connectors_sdk.connectors.exit_codes import ExitCode


def explain(build: Build, options: argparse.Namespace) -> int:
    """Show what an object was made from; exit code 1 when nothing is known of it."""
    connector = build_without_platform(build)
    connector.prepare()
    origins = connector.provenance.explain(options.stix_id)
    if not origins:
        hint = (
            ""
            if connector.runtime.provenance
            else " Provenance is off: set CONNECTOR_PROVENANCE=true before the next run."
        )
        complain(
            f"Nothing is known of {options.stix_id} in {connector.data_path}.{hint}"
        )
        return ExitCode.FAILURE
    if options.json:
        say(json.dumps([asdict(origin) for origin in origins], ensure_ascii=False))
        return ExitCode.OK
    for origin in origins:
        say(
            f"{origin.noted}  run {origin.run}  mapper {origin.mapper}  record {origin.record_hash[:16]}",
            json.dumps(origin.record, indent=2, ensure_ascii=False),
        )
    return ExitCode.OK

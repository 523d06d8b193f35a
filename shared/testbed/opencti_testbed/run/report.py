"""What a person and a machine read after a run."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from opencti_testbed.run.connector import Ended

OUTCOMES = ("created", "updated", "unchanged", "rejected")
SHOWN_ERRORS = 5


@dataclass
class Run:
    """One run of the connector and what it brought.

    Attributes:
        ended_well: whether its end was as it should be; one that was stopped may say so in its exit code.
        interrupted: whether somebody stopped it.
        asked: ids of the works that it was asked for.
    """

    started_at: str
    ended: Ended
    duration_s: float
    outcomes: dict[str, int]
    works: list[dict[str, Any]] = field(default_factory=list)
    ended_well: bool = True
    interrupted: bool = False
    asked: tuple[str, ...] = ()

    @property
    def asked_works(self) -> list[dict[str, Any]]:
        """What it was asked for, the oldest first."""
        return [work for work in reversed(self.works) if work["id"] in self.asked]

    def as_json(self) -> dict[str, Any]:
        """Return the run for `summary.json`."""
        return {
            "exit_code": self.ended.exit_code,
            "interrupted": self.interrupted,
            "started_at": self.started_at,
            "duration_s": round(self.duration_s, 3),
            **self.outcomes,
            "works": [
                {
                    "name": work["name"],
                    "status": work["status"],
                    "messages": [m["message"] for m in work["messages"]],
                    "errors": [m["message"] for m in work["error_messages"]],
                }
                for work in self.works
            ],
        }


def summary_json(runs: list[Run], platform: dict[str, Any]) -> dict[str, Any]:
    """Return the content of `summary.json`.

    Times are seconds, memory is bytes; `objects_per_s` counts every object that was ingested.
    """
    duration = sum(run.duration_s for run in runs)
    ingested = sum(sum(run.outcomes.values()) for run in runs)
    return {
        "objects_by_type": platform["objects_by_type"],
        "rejected": platform["rejected"],
        "runs": [run.as_json() for run in runs],
        "duration_s": round(duration, 3),
        "objects_per_s": round(ingested / duration, 1) if duration else 0.0,
        "peak_rss_bytes": {
            "connector": max((run.ended.peak_rss_bytes for run in runs), default=0),
            "platform": platform["peak_rss_bytes"],
        },
    }


def write_summary(path: Path, summary: dict[str, Any]) -> None:
    """Write `summary.json`, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(summary, option=orjson.OPT_INDENT_2) + b"\n")


def print_report(
    console: Console,
    summary: dict[str, Any],
    platform: dict[str, Any],
    errors: list[dict[str, Any]],
) -> None:
    """Print the table of what arrived, the first errors and the figures."""
    table = Table(title="What arrived", title_justify="left", pad_edge=False)
    table.add_column("type", no_wrap=True)
    table.add_column("stored", justify="right")
    for outcome in OUTCOMES:
        table.add_column(outcome, justify="right")
    outcomes = platform["outcomes_by_type"]
    for entity_type in sorted({*platform["objects_by_type"], *outcomes}):
        counts = outcomes.get(entity_type, {})
        rejected = counts.get("rejected", 0)
        table.add_row(
            entity_type,
            f"{platform['objects_by_type'].get(entity_type, 0):,}",
            *(f"{counts[o]:,}" if counts.get(o) else "" for o in OUTCOMES),
            style="red" if rejected else None,
        )
    table.add_section()
    table.add_row(
        "total",
        f"{platform['total']:,}",
        *(f"{platform[outcome]:,}" for outcome in OUTCOMES),
        style="bold",
    )
    console.print(table)
    for error in errors[:SHOWN_ERRORS]:
        console.print(Text(f"rejected: {error['message']}", style="red"))
    if len(errors) > SHOWN_ERRORS:
        console.print(Text(f"... and {len(errors) - SHOWN_ERRORS} more", style="red"))
    memory = summary["peak_rss_bytes"]
    console.print(
        f"{summary['duration_s']:.1f} s, {summary['objects_per_s']:,.0f} objects/s,"
        f" peak memory: connector {mebibytes(memory['connector'])},"
        f" platform {mebibytes(memory['platform'])}"
    )


def print_works(console: Console, works: list[dict[str, Any]]) -> None:
    """Print works with all that was said about them."""
    for work in works:
        console.print(Text(f"{work['name']}: {work['status']}", style="bold"))
        for message in work["messages"]:
            console.print(Text(f"  {message['message']}"))
        for message in work["error_messages"]:
            console.print(Text(f"  {message['message']}", style="red"))


def mebibytes(number: int) -> str:
    """Return a number of bytes as text in MiB."""
    return f"{number / 1024 / 1024:,.0f} MiB"

"""Write what connectors' settings classes say, or check that it is written.

    python shared/tools schemas [CONNECTOR ...] [--all | --changed] [--check]

From the settings class alone it writes, in the folder of the connector: `__metadata__/connector_config_schema.json`,
`__metadata__/CONNECTOR_CONFIG_DOC.md`, `config.yml.sample`, `.env.sample`, the environment block of `docker-compose.yml` and the
table of settings in `README.md`. Without a connector it asks which. CONNECTOR is any folder, of this repository or
not, or the name of one of this repository.

Exit code: 0 everything is as the classes say, 1 something is not (`--check`) or cannot be, 2 wrong usage.
"""

import difflib
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ci.usage import add_choice, command_line
from ci.which import NotChosen, choose_connectors, display_name
from composer.extract import Described, Failed, describe_all
from composer.places import Place, places


@dataclass
class Outcome:
    """What became of one connector.

    Attributes:
        name: Its folder, as the user knows it.
        verdict: In words.
        ok: False when something is not as it should be.
        details: Lines to show below.
    """

    name: str
    verdict: str
    ok: bool = True
    details: list[str] = field(default_factory=list)


def handle(found: Described | Failed, check: bool, batch: bool) -> Outcome:
    """Write or check the places of one connector.

    Args:
        found: What its settings class declares.
        check: Write nothing, show differences.
        batch: Nobody asked for this very connector: one without a settings class is passed over.
    """
    if isinstance(found, Failed):
        passed_over = found.absent and batch
        word = "passed over" if passed_over else "FAILED"
        name = display_name(found.folder)
        return Outcome(name, f"{word}: {found.reason}", passed_over)
    folder = found.source.folder
    outcome = Outcome(display_name(folder), "")
    if found.environment:
        outcome.details.append(f"  {found.environment}")
    changed = 0
    for place in places(found):
        if place.problem:
            outcome.details.append(f"  {place.path}: not written, {place.problem}")
            continue
        difference = _difference(folder / place.path, place)
        if not difference:
            continue
        changed += 1
        if check:
            outcome.details += difference
        else:
            target = folder / place.path
            target.parent.mkdir(exist_ok=True)
            target.write_text(place.text, encoding="utf-8")
            outcome.details.append(f"  {place.path}")
    outcome.ok = not (check and changed)
    action = "not as the settings class says" if check else "written"
    outcome.verdict = f"{changed} of 6 {action}" if changed else "up to date"
    return outcome


def _difference(path: Path, place: Place) -> list[str]:
    """Return the unified difference between a file and what it should be; nothing when they are the same."""
    current = path.read_text(encoding="utf-8") if path.is_file() else ""
    if current == place.text and path.is_file():
        return []
    return [
        line.rstrip("\n")
        for line in difflib.unified_diff(
            current.splitlines(keepends=True),
            place.text.splitlines(keepends=True),
            f"{place.path} (as it is)" if path.is_file() else f"{place.path} (missing)",
            f"{place.path} (as it should be)",
        )
    ] or [f"{place.path}: differs in its line ends"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as a program; see the module's description."""
    parser = command_line("schemas", __doc__)
    add_choice(parser, "connectors", "CONNECTOR")
    parser.add_argument("--all", action="store_true", help="every connector")
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("--class", dest="settings_class", default="", metavar="NAME")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N")
    options = parser.parse_args(arguments)
    try:
        folders = choose_connectors(
            options.connectors, options.all, options.changed, options.base
        )
    except NotChosen as error:
        print(error, file=sys.stderr)
        return 2
    batch = options.all or options.changed
    start = time.monotonic()
    outcomes = []
    for found in describe_all(folders, options.settings_class, options.jobs):
        outcome = handle(found, options.check, batch)
        outcomes.append(outcome)
        print("\n".join([f"{outcome.name}: {outcome.verdict}", *outcome.details]))
    bad = sum(not outcome.ok for outcome in outcomes)
    if len(outcomes) != 1 or bad:
        seconds = time.monotonic() - start
        print(f"{len(outcomes)} connectors, {bad} not in order, {seconds:.1f} s")
    if bad and options.check:
        print("Write them: make connector_config_schema CONNECTOR=<folder>")
    return 1 if bad else 0

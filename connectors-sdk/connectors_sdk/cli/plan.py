"""`plan`: what the next run would create, change and leave alone on the platform."""

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from connectors_sdk.cli.building import build_connector
from connectors_sdk.cli.output import complain, say, table
from connectors_sdk.cli.platform import PlatformApi, PlatformError, parse_state
from connectors_sdk.cli.rehearsal import (
    RehearsalHelper,
    Sink,
    name_of,
    rehearse,
    subject_of,
)
from connectors_sdk.cli.spending import remember, tell_calls
from connectors_sdk.cli.types import Build
from connectors_sdk.connectors.exit_codes import ExitCode
from connectors_sdk.well_known import OBSERVABLE_EXTENSION, OPENCTI_EXTENSION

# Objects of one question; each is a field of its own in the query.
_AT_ONCE = 50
_ROWS = 50
_EXTENSIONS = (OPENCTI_EXTENSION, OBSERVABLE_EXTENSION)
# What the platform decides itself, or what says nothing about the content.
_NOT_COMPARED = frozenset(
    "id type spec_version created modified extensions lang nb_deps x_opencti_stix_ids".split()
)


def plan(build: Build, options: argparse.Namespace) -> int:
    """Rehearse the next run and compare with the platform."""
    connector = build_connector(build)
    subject = subject_of(connector, options)
    config = connector.settings.to_helper_config()
    api = PlatformApi(config)
    try:
        text, _ = api.state_and_activity()
        state = parse_state(text or "")
        with tempfile.TemporaryDirectory(prefix="plan-") as folder:
            file = Path(folder) / "objects.json"
            connector.use_data_path(Path(folder))
            with Sink(file) as sink:
                connector.use_helper(
                    lambda c: RehearsalHelper(c, sink, connector.redact, state=state)
                )
                with connector.opened():
                    good = rehearse(connector, options, subject)
                bad = len(connector.quarantine)
                # Whatever the comparison comes to: they are spent.
                calls = tell_calls(connector, remember(connector, api))
            rows = list(_compare(api, file))
    except PlatformError as error:
        complain(f"The platform at {api.url} cannot be asked: {error}.")
        return ExitCode.FAILURE
    if options.json:
        keys = ("id", "type", "name", "action", "changes")
        found = [dict(zip(keys, row, strict=True)) for row in rows]
        say(
            json.dumps(
                {"objects": found, "set_aside": bad, "calls": calls}, ensure_ascii=False
            )
        )
    else:
        _show(rows, bad)
    return ExitCode.OK if good else ExitCode.FAILURE


Row = tuple[str, str, str, str, list[str]]


def _show(rows: Sequence[Row], bad: int) -> None:
    touched = [row for row in rows if row[3] != "unchanged"]
    if touched:
        say(
            *table(
                ("action", "type", "what", "changes"),
                [(r[3], r[1], r[2], ", ".join(r[4])) for r in touched[:_ROWS]],
            )
        )
    if len(touched) > _ROWS:
        say(f"... and {len(touched) - _ROWS} more")
    counts = Counter(row[3] for row in rows)
    say(
        "" if touched else "",
        f"{counts['create']} created, {counts['change']} changed, {counts['unchanged']} unchanged, {bad} set aside",
    )


def _compare(api: PlatformApi, file: Path) -> Iterator[Row]:
    """Yield each object with what would become of it."""
    objects = _objects(file)
    while some := list(islice(objects, _AT_ONCE)):
        known = _known(api, [stix["id"] for stix in some])
        for stix, there in zip(some, known, strict=True):
            # The platform does not change a marking that it has.
            changes = []
            if there is not None and stix["type"] != "marking-definition":
                changes = sorted(differences(stix, there))
            action = "create" if there is None else "change" if changes else "unchanged"
            yield stix["id"], _kind(stix), name_of(stix), action, changes


def _objects(file: Path) -> Iterator[dict[str, Any]]:
    # The sink writes an object a line.
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            text = line.strip().rstrip(",")
            if text.startswith('{"') and not text.startswith('{"type":"bundle"'):
                yield json.loads(text)


def _kind(stix: dict[str, Any]) -> str:
    return str(stix.get("relationship_type") or stix["type"])


def _known(api: PlatformApi, ids: list[str]) -> list[dict[str, Any] | None]:
    """Return the platform's version of objects, None for those that it does not have."""
    names = [f"o{number}" for number in range(len(ids))]
    declared = ", ".join(f"${name}: String!" for name in names)
    fields = " ".join(f"{name}: stix(id: ${name})" for name in names)
    data = api.ask(
        f"query Plan({declared}) {{ {fields} }}", dict(zip(names, ids, strict=True))
    )
    answers = [data.get(name) for name in names]
    return [json.loads(text) if text else None for text in answers]


def differences(ours: dict[str, Any], theirs: dict[str, Any]) -> Iterator[str]:
    """Yield the names of properties that the platform would change.

    Lists grow on the platform: what is there already is no change. What the source does not say changes nothing.
    """
    for key, value in ours.items():
        if key in _NOT_COMPARED or value in (None, "", [], {}, False):
            continue
        there = _lookup(theirs, key)
        if isinstance(value, list):
            known = [_plain(item) for item in there] if isinstance(there, list) else []
            if any(_plain(item) not in known for item in value):
                yield key
        elif _plain(value) != _plain(there):
            yield key


def _lookup(stix: dict[str, Any], key: str) -> Any:
    if key in stix:
        return stix[key]
    short = key.removeprefix("x_opencti_")
    if short in stix:
        return stix[short]
    for extension in _EXTENSIONS:
        content = (stix.get("extensions") or {}).get(extension) or {}
        for name in (key, short):
            if name in content:
                return content[name]
    return None


def _plain(value: Any) -> Any:
    """Return a value in a form in which equal things are equal."""
    if isinstance(value, str):
        text = value.strip()
        try:
            return datetime.fromisoformat(text).timestamp() if "T" in text else text
        except ValueError:
            return text
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items() if v not in (None, "", [])}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value

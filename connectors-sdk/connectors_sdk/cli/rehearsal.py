"""A run without a platform: what would be sent is kept, and nothing else happens."""

import argparse
import json
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any, Self, TextIO

import orjson

from connectors_sdk.cli.output import complain, say
from connectors_sdk.connectors.base_connector import BaseConnector
from connectors_sdk.connectors.errors import UsageError
from connectors_sdk.testing import RecordingHelper

_LEVELS = ("debug", "info", "warning", "error")
_NAMES = (
    "name value pattern user_id account_login abstract x_opencti_definition"
).split()
# What connectors that work on request are tried on.
_GIVEN = {
    "entity": "a JSON file with a STIX object, or e.g. IPv4-Addr:198.51.100.7",
    "file": "what shall be imported",
}
_QUIET = frozenset({"marking-definition", "identity"})


class Sink:
    """Takes the objects of a run, each once: the first ones to be shown, all of them into a file.

    A context manager: the file is complete when the block is left.

    Attributes:
        count: how many objects there were.
        types: how many of each type.
        names: what objects are called, by id: for showing the ends of relationships.
    """

    def __init__(self, file: Path | None = None, *, keep: int = 1000) -> None:
        """Take a file to write to, and how many objects to keep for `first`."""
        self.count = 0
        self.types: Counter[str] = Counter()
        self.names: dict[str, str] = {}
        self._kept: list[dict[str, Any]] = []
        self._keep = keep
        self._seen: set[str] = set()
        self._path = file
        self._file: TextIO | None = None

    def __enter__(self) -> Self:
        if self._path is not None:
            self._file = self._path.open("w", encoding="utf-8")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.write("\n]}\n" if self.count else self._head() + "]}\n")
            self._file.close()

    def take(self, bundle: str) -> None:
        """Take a bundle's JSON."""
        for stix in orjson.loads(bundle)["objects"]:
            if stix["id"] in self._seen:
                continue
            self._seen.add(stix["id"])
            self.names[stix["id"]] = name_of(stix)
            if self._file is not None:
                self._file.write(",\n" if self.count else self._head() + "\n")
                self._file.write(orjson.dumps(stix).decode())
            if len(self._kept) < self._keep:
                self._kept.append(stix)
            self.count += 1
            self.types[stix["type"]] += 1

    def first(self, number: int) -> list[dict[str, Any]]:
        """Return the first objects; authors and markings only when there is nothing else."""
        loud = [stix for stix in self._kept if stix["type"] not in _QUIET]
        return (loud or self._kept)[:number]

    @staticmethod
    def _head() -> str:
        return '{"type":"bundle","id":"bundle--00000000-0000-4000-8000-000000000000","objects":['


class RehearsalHelper(RecordingHelper):
    """Hands bundles to a sink, and writes the log to standard error."""

    def __init__(
        self,
        config: Mapping[str, Any],
        sink: Sink,
        redact: Callable[[str], str],
        *,
        state: Mapping[str, Any] | None = None,
    ) -> None:
        """Take the helper's configuration, where bundles go, what takes secrets out of the log, and a state."""
        super().__init__(config, state=state)
        self._sink = sink
        level = {"warn": "warning"}.get(self.log_level.lower(), self.log_level.lower())
        self.connector_logger = _EchoLogger(redact, level)
        self.connect_run_and_terminate = True
        # Whatever the settings say: there is no broker.
        self.queue_protocol = "api"
        # Nor anybody who explains markings.
        self.api.marking_definition = SimpleNamespace(read=lambda **_: None)

    def send_stix2_bundle(self, bundle: str, **kwargs: Any) -> list[str]:
        """Keep a bundle."""
        self._sink.take(bundle)
        return [bundle]


def subject_of(connector: BaseConnector, options: argparse.Namespace) -> str:
    """Return what a connector shall be tried on; empty when its type wants nothing. The connector need not be open.

    Raises:
        UsageError: what its type wants was not given, or something else was; or its type cannot be tried at all.
    """
    wanted = connector.rehearses_on
    given = {n: getattr(options, n) for n in _GIVEN if getattr(options, n)}
    needs = f"give --{wanted} ({_GIVEN[wanted]})" if wanted else ""
    for name in given.keys() - {wanted}:
        raise UsageError(
            f"--{name} means nothing to connectors of this type{needs and ': ' + needs}."
        )
    if not wanted:
        if type(connector).rehearse is BaseConnector.rehearse:
            # Says that it cannot be done.
            connector.rehearse()
        return ""
    if options.limit:
        raise UsageError(f"--limit means nothing to connectors of this type: {needs}.")
    if wanted not in given:
        raise UsageError(f"Connectors of this type work on request: {needs}.")
    return str(given[wanted])


def rehearse(
    connector: BaseConnector, options: argparse.Namespace, subject: str
) -> bool:
    """Let a connector that is open work once, on its subject if it has one; return whether that went well.

    Raises:
        UsageError: the subject is no such thing.
    """
    if not subject:
        return connector.rehearse(options.limit)
    good = connector.rehearse_on(subject)
    # JSON on standard output stays alone there.
    tell = say if good and not getattr(options, "json", False) else complain
    for work in connector.helper.works:
        for message in work.messages:
            tell(connector.redact(message))
    return good


class _EchoLogger:
    """Writes log lines for people."""

    def __init__(self, redact: Callable[[str], str], level: str) -> None:
        self._redact = redact
        self._least = _LEVELS.index(level) if level in _LEVELS else len(_LEVELS) - 1

    def _write(self, level: str, message: str, meta: Any) -> None:
        if _LEVELS.index(level) >= self._least:
            more = f" {json.dumps(meta, default=str)}" if meta else ""
            complain(self._redact(f"{level}: {message}{more}"))

    def debug(self, message: str, meta: Any = None) -> None:
        """Write a line."""
        self._write("debug", message, meta)

    def info(self, message: str, meta: Any = None) -> None:
        """Write a line."""
        self._write("info", message, meta)

    def warning(self, message: str, meta: Any = None) -> None:
        """Write a line."""
        self._write("warning", message, meta)

    def error(self, message: str, meta: Any = None) -> None:
        """Write a line."""
        self._write("error", message, meta)


def name_of(stix: Mapping[str, Any]) -> str:
    """Return what a person would call an object."""
    for key in _NAMES:
        if isinstance(stix.get(key), str):
            return str(stix[key])
    hashes = stix.get("hashes")
    if isinstance(hashes, dict) and hashes:
        return str(next(iter(hashes.values())))
    if stix.get("number") is not None:
        return f"AS{stix['number']}"
    for key in ("content", "path", "url", "key"):
        if stix.get(key):
            return str(stix[key])
    statement = (stix.get("definition") or {}).get("statement")
    return str(statement or stix["id"])


def row_of(stix: Mapping[str, Any], names: Mapping[str, str]) -> tuple[str, ...]:
    """Return an object as a row: type, what it is, details, marking, author."""

    def called(stix_id: Any) -> str:
        return names.get(str(stix_id), str(stix_id))

    kind = stix["type"]
    what = name_of(stix)
    if kind == "relationship":
        ends = called(stix.get("source_ref")), called(stix.get("target_ref"))
        what = f"{ends[0]} {stix.get('relationship_type')} {ends[1]}"
    elif kind == "sighting":
        places = ", ".join(called(ref) for ref in stix.get("where_sighted_refs") or ())
        what = f"{called(stix.get('sighting_of_ref'))} at {places}"
    details = [
        f"score {stix['x_opencti_score']}" if stix.get("x_opencti_score") else "",
        f"{len(stix['object_refs'])} objects" if stix.get("object_refs") else "",
        ", ".join(stix.get("labels") or stix.get("x_opencti_labels") or ()),
        str(stix.get("description") or stix.get("x_opencti_description") or ""),
    ]
    markings = ", ".join(called(ref) for ref in stix.get("object_marking_refs") or ())
    author = stix.get("created_by_ref") or stix.get("x_opencti_created_by_ref")
    return (
        kind,
        what,
        "; ".join(part for part in details if part),
        markings,
        called(author) if author else "",
    )

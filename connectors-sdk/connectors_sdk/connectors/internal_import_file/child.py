"""The process in which a file is read: `python -m connectors_sdk.connectors.internal_import_file.child <folder>`.

A file comes from anywhere. What reads it has bounded memory and time, no token of the platform, and a folder of its own
which is removed afterwards; it ends when its parent does.
"""

import ctypes
import logging
import os
import pickle
import resource
import runpy
import signal
import sys
import traceback
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

REQUEST, OUTPUT, SET_ASIDE, ORIGINS, LOG, RESULT = (
    "request.pickle",
    "bundles.jsonl",
    "set_aside.jsonl",
    "origins.jsonl",
    "log.jsonl",
    "result.json",
)
MEGA = 1_000_000
# So many records of one file that were set aside are kept at most; beyond that they are counted.
MOST_SET_ASIDE = 1000
_MOST_LOGGED = 1000
_LONGEST_TEXT = 2000
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading a file may take.

    Attributes:
        memory: bytes.
        disk: bytes of a single file that is written.
        seconds: of the processor, for when nobody is there to look at the clock.
        objects: how many there may be.
        set_aside: how many records that were set aside are kept.
    """

    memory: int
    disk: int
    seconds: int
    objects: int
    set_aside: int

    def apply(self) -> None:
        """Let the kernel enforce them on this process and its children."""
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.disk, self.disk))
        resource.setrlimit(resource.RLIMIT_CPU, (self.seconds, self.seconds + 5))
        # What is allocated, not what is mapped: libraries map much more than they use.
        resource.setrlimit(resource.RLIMIT_DATA, (self.memory, self.memory))


@dataclass(frozen=True, slots=True)
class Task:
    """What shall be read, and by what.

    Attributes:
        connector: the connector's class.
        settings: its settings, without the platform's token.
        file: an `ImportedFile`.
        dress: a `Dress`.
        limits: what it may take.
        with_origins: whether it is written down what objects were made from.
    """

    connector: type[Any]
    settings: Any
    file: Any
    dress: Any
    limits: Limits
    with_origins: bool = False


def write_request(folder: Path, task: Task) -> None:
    """Write down what a child shall do."""
    program = sys.modules.get("__main__")
    with open(folder / REQUEST, "wb") as file:
        pickle.dump(
            {
                "parent": os.getpid(),
                "limits": [
                    task.limits.memory,
                    task.limits.disk,
                    task.limits.seconds,
                    task.limits.objects,
                    task.limits.set_aside,
                ],
                # A connector in a single file is found in its main module.
                "main": (
                    getattr(program, "__file__", None)
                    if task.connector.__module__ == "__main__"
                    else None
                ),
            },
            file,
        )
        pickle.dump(task, file)


def main(folder: Path) -> int:
    """Read the file; return the process's exit code."""
    with open(folder / REQUEST, "rb") as file:
        about = pickle.load(file)
        _end_with(about["parent"])
        Limits(*about["limits"]).apply()
        if about["main"]:
            _become(about["main"])
        task: Task = pickle.load(file)
    # Whatever reads the file need not know how it came here.
    (folder / REQUEST).unlink()
    logger = _Log(folder / LOG)
    result: dict[str, Any] = {"error": None}
    try:
        result.update(_read(folder, task, logger))
    except MemoryError:
        result["error"] = {
            "kind": "memory",
            "words": f"it needs more memory than the limit of {task.limits.memory // MEGA} MB",
        }
    # Whatever happens in an author's code is told to the parent.
    except BaseException as error:  # pylint: disable=broad-exception-caught
        result["error"] = _told(error)
    content = orjson.dumps(result)
    unfinished = folder / f"{RESULT}.unfinished"
    unfinished.write_bytes(content)
    unfinished.rename(folder / RESULT)
    return 0


def _read(folder: Path, task: Task, logger: Any) -> dict[str, Any]:
    # Only now: the limits hold for what is loaded, too.
    from connectors_sdk.connectors.internal_import_file.objects import Findings

    connector = task.connector(task.settings)
    connector.logger = logger
    tally = task.file.tally
    refused = _Refused(folder / SET_ASIDE, task.limits.set_aside)
    tally.refuse = refused.add
    findings = Findings(
        dress=task.dress,
        max_objects=task.limits.objects,
        refuse=lambda raw, reason: refused.add(raw, reason, ""),
        look_up=connector.look_up if connector.knows_all else None,
    )
    found = connector.parse(task.file) or ()
    if task.with_origins:
        found = _traced(found, task.file, folder / ORIGINS)
    with open(folder / OUTPUT, "wb") as output:
        for bundle in findings.bundles(found):
            line = {"external": bundle.external, "objects": bundle.objects}
            output.write(orjson.dumps(line) + b"\n")
    refused.close()
    return {
        "found": findings.found,
        "filtered": dict(tally.filtered),
        "set_aside": refused.count,
        "remarks": tally.remarks,
    }


def _traced(found: Iterable[Any], file: Any, path: Path) -> Iterator[Any]:
    """Pass on what is found, and write down what it was made from: a record, or the file as a whole."""
    from connectors_sdk.bundles._encode import id_of

    whole = {"file": file.name}, "parse"
    with open(path, "wb") as origins:
        for one in found:
            record, mapper = file.tally.origin or whole
            # What has no id is no object, which is said elsewhere.
            with suppress(Exception):
                line = {"id": id_of(one), "record": record, "mapper": mapper}
                option = orjson.OPT_NON_STR_KEYS
                content = orjson.dumps(line, default=_plain, option=option)
                origins.write(content + b"\n")
            yield one


class _Refused:
    """Writes down what was set aside."""

    def __init__(self, path: Path, most: int) -> None:
        self.count = 0
        self._most = most
        # Closed with the process, or before.
        self._file = open(path, "wb")  # pylint: disable=consider-using-with

    def add(self, raw: Any, reason: str, mapper: str) -> None:
        """Set one record aside."""
        self.count += 1
        if self.count > self._most:
            return
        line = {"raw": raw, "reason": reason[:_LONGEST_TEXT], "mapper": mapper}
        option = orjson.OPT_NON_STR_KEYS
        try:
            content = orjson.dumps(line, default=_plain, option=option)
        except TypeError:
            # Nested too deep, or a number of hundreds of digits: whoever looks at it needs the reason more.
            line["raw"] = repr(type(raw).__name__)
            content = orjson.dumps(line)
        self._file.write(content + b"\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class _Log:
    """The log of an author's code in the child: the parent writes it, redacted, when the child has ended."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._left = _MOST_LOGGED

    def _write(
        self, level: str, message: str, meta: Mapping[str, Any] | None = None
    ) -> None:
        if self._left <= 0:
            return
        self._left -= 1
        line = {"level": level, "message": str(message)[:_LONGEST_TEXT], "meta": meta}
        with open(self._path, "ab") as file:
            file.write(orjson.dumps(line, default=_plain) + b"\n")

    def debug(self, message: str, meta: Mapping[str, Any] | None = None) -> None:
        """See `ConnectorLogger`."""
        self._write("debug", message, meta)

    def info(self, message: str, meta: Mapping[str, Any] | None = None) -> None:
        """See `ConnectorLogger`."""
        self._write("info", message, meta)

    def warning(self, message: str, meta: Mapping[str, Any] | None = None) -> None:
        """See `ConnectorLogger`."""
        self._write("warning", message, meta)

    def error(self, message: str, meta: Mapping[str, Any] | None = None) -> None:
        """See `ConnectorLogger`."""
        self._write("error", message, meta)


def _told(error: BaseException) -> dict[str, str]:
    from connectors_sdk.connectors._causes import describe
    from connectors_sdk.connectors.internal_import_file.file import UnreadableFile
    from connectors_sdk.connectors.internal_import_file.objects import TooManyObjects

    if isinstance(error, (UnreadableFile, TooManyObjects)):
        return {"kind": "file", "words": str(error)}
    trace = "".join(traceback.format_exception(error))
    name = type(error).__name__
    words = describe(error)
    told = words if name in words else f"{name}: {words}"
    return {"kind": "bug", "words": told, "trace": trace[-20 * _LONGEST_TEXT :]}


def _plain(value: Any) -> Any:
    if hasattr(value, "to_stix_dict"):
        return value.to_stix_dict()
    if isinstance(value, (bytes, bytearray)):
        return bytes(value[:_LONGEST_TEXT]).decode(errors="replace")
    return str(value)


def _become(main_file: str) -> None:
    """Load the parent's main module under the name by which its classes are known."""
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    module.__dict__.update(runpy.run_path(main_file, run_name="__reading__"))


def _end_with(parent: int) -> None:
    """Let the kernel end this process when its parent ends."""
    try:
        prctl: Callable[..., int] = ctypes.CDLL(None).prctl
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    except (OSError, AttributeError):
        pass  # not on Linux: the limit of processor time remains
    if os.getppid() != parent:
        os._exit(1)


if __name__ == "__main__":
    # Nothing that is logged here reaches the connector's log.
    logging.disable(logging.CRITICAL)
    sys.exit(main(Path(sys.argv[1])))

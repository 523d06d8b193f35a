"""Run pylint over groups of modules that must not see each other, without inferring the libraries anew for each.

    pylint_groups.py < task

Reads `{"chains": [{"first": group or null, "others": [group, ...]}, ...], "jobs": number, "remember": file}` from standard
input; a group is `{"path": [folders to import from], "arguments": [for pylint], "key": text}`. Each chain is a process: it
checks its first group, and then forks a process for each other group, which inherits what pylint has learnt about the SDK and
the libraries by then. That is most of the work, and the same for every connector. At any time as many groups are checked as there
are jobs, whichever chain they are of.

Prints what was found, and adds the key of each group in which nothing was found as a line to the file. Exit code: 0 nothing,
else 1.
"""

import contextlib
import fcntl
import gc
import io
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

PAUSE = 0.02


@contextlib.contextmanager
def place(places: Sequence[str]) -> Iterator[None]:
    """Wait for a place to work in. A process that is killed leaves its own.

    Args:
        places: A file for each.
    """
    while True:
        for name in places:
            with open(name, "w", encoding="ascii") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                yield
                return
        time.sleep(PAUSE)


def check(group: dict[str, Any]) -> tuple[bool, str]:
    """Check one group; return whether it is clean, and what was found."""
    # Loads for a second: only when there is something to check.
    from pylint.lint import Run

    sys.path[:0] = group["path"]
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        try:
            status: int = Run(group["arguments"], exit=False).linter.msg_status
        except SystemExit as error:  # wrong usage
            status = int(error.code or 0) or 32
    return not status, output.getvalue()


def check_chain(chain: dict[str, Any], places: Sequence[str], remember: str) -> bool:
    """Check the groups of a chain; return whether all are clean."""
    clean = True
    if chain["first"]:
        clean = report(chain["first"], places, remember)
    others = [partial(report, group, places, remember) for group in chain["others"]]
    return fork_all(others, len(places)) and clean


def report(group: dict[str, Any], places: Sequence[str], remember: str) -> bool:
    """Check a group, print what was found or remember that nothing was; return whether nothing was."""
    with place(places):
        clean, text = check(group)
    if clean:
        with open(remember, "a", encoding="ascii") as file:
            file.write(f"{group['key']}\n")
    else:
        # With one call: other processes write, too.
        os.write(1, f"{text.rstrip()}\n".encode())
    return clean


def fork_all(works: Sequence[Callable[[], bool]], jobs: int) -> bool:
    """Do each work in a process forked from this one, several at a time; return whether all are done well."""
    running: set[int] = set()
    good = True
    for work in works:
        if len(running) >= max(1, jobs):
            good &= _ended_well(running)
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                code = 0 if work() else 1
            finally:
                os._exit(code)
        running.add(pid)
    while running:
        good &= _ended_well(running)
    return good


def _ended_well(running: set[int]) -> bool:
    pid, status = os.wait()
    running.discard(pid)
    return os.waitstatus_to_exitcode(status) == 0


def main() -> int:
    """Run as a program; see the module's description."""
    # Trees refer to each other in circles and live until the end: looking for rubbish among them is a third of the time.
    gc.disable()
    # Nothing in the folder of this program is a module for what is checked.
    del sys.path[0]
    task = json.load(sys.stdin)
    Path(task["remember"]).parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        places = [f"{folder}/{number}" for number in range(max(1, task["jobs"]))]
        chains = [
            partial(check_chain, chain, places, task["remember"])
            for chain in task["chains"]
        ]
        return 0 if fork_all(chains, len(chains)) else 1


if __name__ == "__main__":
    sys.exit(main())

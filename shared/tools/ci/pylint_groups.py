"""Run pylint over groups of modules that must not see each other, without inferring the libraries anew for each.

    pylint_groups.py < groups

Reads `{"first": group or null, "others": [group, ...], "jobs": number}` from standard input; a group is `{"path": [folders to
import from], "arguments": [for pylint]}`. The first group is checked in this process; the others in processes forked from
it, which inherit what pylint has learnt about the SDK and the libraries by then. That is most of the work, and the same for
every connector.

Prints what was found. Exit code: 0 nothing, else 1.
"""

import contextlib
import gc
import io
import json
import os
import sys
from collections.abc import Iterator
from typing import Any

from pylint.lint import Run


def check(group: dict[str, Any]) -> tuple[int, str]:
    """Check one group; return pylint's exit status and output."""
    sys.path[:0] = group["path"]
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        try:
            status: int = Run(group["arguments"], exit=False).linter.msg_status
        except SystemExit as error:  # wrong usage
            status = int(error.code or 0) or 32
    return status, output.getvalue()


def check_all(groups: list[dict[str, Any]], jobs: int) -> Iterator[tuple[int, str]]:
    """Check groups in forked processes, several at a time."""
    waiting = list(reversed(groups))
    running: dict[int, int] = {}
    while waiting or running:
        while waiting and len(running) < max(1, jobs):
            group = waiting.pop()
            ours, theirs = os.pipe()
            pid = os.fork()
            if pid == 0:
                os.close(ours)
                _answer(group, theirs)
            os.close(theirs)
            running[pid] = ours
        # In the order of their start: what is written meanwhile fits into a pipe, or waits.
        pid = list(running)[0]
        with os.fdopen(running.pop(pid), encoding="utf-8") as channel:
            text = channel.read()
        _, status = os.waitpid(pid, 0)
        yield os.waitstatus_to_exitcode(status), text


def _answer(group: dict[str, Any], channel: int) -> None:
    """Check a group, hand over what was found, and end the process."""
    code = 32
    try:
        status, text = check(group)
        with os.fdopen(channel, "w", encoding="utf-8") as file:
            file.write(text)
        code = 1 if status else 0
    finally:
        os._exit(code)


def main() -> int:
    """Run as a program; see the module's description."""
    # Trees refer to each other in circles and live until the end: looking for rubbish among them is a third of the time.
    gc.disable()
    # Nothing in the folder of this program is a module for what is checked.
    del sys.path[0]
    task = json.load(sys.stdin)
    results = [check(task["first"])] if task["first"] else []
    results += check_all(task["others"], task["jobs"])
    for status, text in results:
        if status:
            print(text.rstrip())
    return 1 if any(status for status, _ in results) else 0


if __name__ == "__main__":
    sys.exit(main())

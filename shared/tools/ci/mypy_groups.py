"""Run mypy over groups of modules that must not see each other: modules of different connectors have the same names.

    mypy_groups.py < task

Reads `{"groups": [{"path": folder or "", "arguments": [for mypy], "key": text or ""}, ...], "remember": file}` from standard input. The
groups are checked one after the other, since they share mypy's cache: what it knows of the SDK after the first is a
fraction of a second for each connector.

Prints what was found, and adds the key of each group in which nothing was found as a line to the file. Exit code: 0 nothing,
else 1.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from mypy import api


def check(group: dict[str, Any], remember: Path) -> bool:
    """Check a group, print what was found or remember that nothing was; return whether nothing was."""
    os.environ["MYPYPATH"] = group["path"]
    output, errors, code = api.run(group["arguments"])
    if code:
        print(f"{output}{errors}".rstrip())
    elif group["key"]:
        remember.parent.mkdir(parents=True, exist_ok=True)
        with remember.open("a", encoding="ascii") as file:
            file.write(f"{group['key']}\n")
    return not code


def main() -> int:
    """Run as a program; see the module's description."""
    # Nothing in the folder of this program is a module for what is checked.
    del sys.path[0]
    task = json.load(sys.stdin)
    verdicts = [check(group, Path(task["remember"])) for group in task["groups"]]
    return 0 if all(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())

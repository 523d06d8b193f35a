"""One verdict on several jobs of a workflow, for the branch protection to wait for.

    NEEDS='{"lint": {"result": "success"}, ...}' python shared/tools verdict

`NEEDS` is GitHub's `toJSON(needs)`. A job that was skipped because nothing is touched is fine; one that failed or was
cancelled is not.

Exit code: 0 all fine, 1 something is not, 2 wrong usage.
"""

import json
import os
from collections.abc import Sequence

from ci.usage import command_line


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as a program; see the module's description."""
    parser = command_line("verdict", __doc__)
    parser.parse_args(arguments)
    try:
        jobs = json.loads(os.environ.get("NEEDS", ""))
        results = {name: job["result"] for name, job in jobs.items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        print("NEEDS is not what toJSON(needs) gives")
        return 2
    for name, result in results.items():
        print(f"{name:12} {result}")
    return 0 if results and set(results.values()) <= {"success", "skipped"} else 1

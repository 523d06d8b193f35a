"""What CI has to do, as matrices for its jobs.

    python shared/tools plan [--base COMMIT | --all] [--limit N] >> "$GITHUB_OUTPUT"

Prints `name=value` lines: `tests` and `images`, each a matrix of jobs with a `name` and the `projects` it is for, and
`any_tests` and `any_images`, true or false, since a matrix must not be empty. What exceeds the limit of jobs shares some.
"""

import json
from collections.abc import Iterable, Sequence

from ci.changes import everything, known_projects, touched
from ci.projects import ROOT, tested_projects
from ci.usage import command_line

# GitHub runs no matrix with more jobs.
MAX_JOBS = 256


def matrix(
    projects: Iterable[str], limit: int = MAX_JOBS
) -> dict[str, list[dict[str, str]]]:
    """Return a matrix with at most so many jobs, projects of about the same number in each.

    Args:
        projects: Names of projects; neighbours share a job where there are too many.
        limit: Most jobs.
    """
    names = list(projects)
    count = min(len(names), max(1, min(limit, MAX_JOBS)))
    jobs = []
    for number in range(count):
        own = names[number * len(names) // count : (number + 1) * len(names) // count]
        more = f" and {len(own) - 1} more" if len(own) > 1 else ""
        jobs.append({"name": f"{own[0]}{more}", "projects": " ".join(own)})
    return {"include": jobs}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as a program; see the module's description."""
    parser = command_line("plan", __doc__)
    parser.add_argument("--base", default="", metavar="COMMIT")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--limit", type=int, default=MAX_JOBS, metavar="N")
    options = parser.parse_args(arguments)
    projects = known_projects()
    found = everything(projects, "asked for") if options.all else touched(options.base)
    tested = {folder.relative_to(ROOT).as_posix() for folder in tested_projects()}
    buildable = {
        name for name in found.images if (ROOT / name / "Dockerfile").is_file()
    }
    for kind, names in (
        ("tests", [name for name in found.tests if name in tested]),
        ("images", [name for name in found.images if name in buildable]),
    ):
        print(f"{kind}={json.dumps(matrix(names, options.limit))}")
        print(f"any_{kind}={str(bool(names)).lower()}")
    return 0

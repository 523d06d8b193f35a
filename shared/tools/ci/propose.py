"""Propose what a tool has changed in the working tree as a pull request.

    python shared/tools propose --branch BRANCH --title TITLE [--base BRANCH]

Commits every changed file on a branch, pushes it to `origin` and opens a pull request with GitHub's command line program
`gh`. If the branch was proposed before, it is replaced, and with it what its pull request holds. Without a change nothing happens.

Exit code: 0 proposed or nothing to propose, 1 git or `gh` failed, 2 wrong usage.
"""

import subprocess
import sys
from collections.abc import Sequence

from ci.projects import ROOT
from ci.usage import command_line

_BOT = (
    *("-c", "user.name=github-actions[bot]"),
    *("-c", "user.email=41898282+github-actions[bot]@users.noreply.github.com"),
)


def _call(*command: str) -> str:
    """Run a command and return its output.

    Raises:
        subprocess.CalledProcessError: It failed.
    """
    return subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    ).stdout


def propose(branch: str, title: str, base: str) -> str:
    """Propose what is changed; return what became of it in words.

    Raises:
        subprocess.CalledProcessError: git or `gh` failed.
    """
    if not _call("git", "status", "--porcelain").strip():
        return "Nothing has changed."
    _call("git", "checkout", "--quiet", "-B", branch)
    _call("git", "add", "--all")
    _call("git", *_BOT, "commit", "--quiet", "--message", title)
    _call("git", "push", "--quiet", "--force", "origin", branch)
    listed = _call(
        "gh", "pr", "list", "--head", branch, "--json", "number", "--jq", "length"
    )
    if listed.strip() not in {"", "0"}:
        return f"The pull request of {branch} holds the new state."
    body = (
        "Close and open it to start the checks: what a workflow proposes starts none."
    )
    _call(
        "gh",
        "pr",
        "create",
        "--head",
        branch,
        "--base",
        base,
        "--title",
        title,
        "--body",
        body,
    )
    return f"{branch} is proposed."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as a program; see the module's description."""
    parser = command_line("propose", __doc__)
    parser.add_argument("--branch", required=True)
    parser.add_argument("--title", required=True)
    parser.add_argument("--base", default="main", metavar="BRANCH")
    options = parser.parse_args(arguments)
    try:
        print(propose(options.branch, options.title, options.base))
    except (subprocess.CalledProcessError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0

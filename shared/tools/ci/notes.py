"""What a release brings, from the commits since the one before."""

import re
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from ci.projects import ROOT
from ci.requirements import uses_sdk
from ci.versions import Release, previous

_TITLES = {
    "!": "Breaking changes",
    "feat": "New",
    "fix": "Repaired",
    "perf": "Faster",
    "": "Other changes",
}
# What nobody who runs the connector sees.
_INTERNAL = {"chore", "ci", "build", "test", "style", "refactor", "docs"}
_SUBJECT = re.compile(r"(?P<type>[a-z]+)(?:\([^)]*\))?(?P<breaking>!)?: +(?P<text>.+)")
_SDK_SOURCES = ("connectors-sdk/connectors_sdk", "connectors-sdk/requirements.txt")


def release_notes(release: Release, root: Path = ROOT) -> str:
    """Return the notes of a release in Markdown.

    They list the commits that touch the connector's folder since its release before, and, if it is built on it, those that touch
    the SDK's sources. Commits follow `type(scope)!: text`; those that do not are listed as they are.
    """
    before = previous(release, root)
    name = release.folder.name
    since = f"{name}/{before}..HEAD" if before else "HEAD"
    inside = release.folder.relative_to(root).as_posix()
    own = _sections(_subjects(since, [inside], root), level="##")
    first = f"Changes since {before}." if before else "First release."
    parts = [
        f"# {name} {release.version}\n\n{first}\n",
        own or "Nothing that is seen.\n",
    ]
    if uses_sdk(release.folder) and before:
        sdk = _sections(_subjects(since, _SDK_SOURCES, root), level="###")
        if sdk:
            parts.append(f"## In the SDK\n\n{sdk}")
    return "\n".join(parts)


def _subjects(since: str, paths: Sequence[str], root: Path) -> list[str]:
    command = ["git", "log", "--no-merges", "--format=%s", since, "--", *paths]
    return subprocess.run(
        command, cwd=root, stdout=subprocess.PIPE, text=True, check=True
    ).stdout.splitlines()


def _sections(subjects: Iterable[str], level: str) -> str:
    found: dict[str, list[str]] = {kind: [] for kind in _TITLES}
    for subject in dict.fromkeys(subjects):
        match = _SUBJECT.fullmatch(subject.strip())
        if match is None:
            found[""].append(subject.strip())
        elif match["breaking"]:
            found["!"].append(match["text"])
        elif match["type"] not in _INTERNAL:
            found[match["type"] if match["type"] in _TITLES else ""].append(
                match["text"]
            )
    return "\n".join(
        f"{level} {_TITLES[kind]}\n\n" + "".join(f"- {text}\n" for text in texts)
        for kind, texts in found.items()
        if texts
    )

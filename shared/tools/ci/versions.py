"""Versions and tags of connectors' releases: `<connector>/<major>.<yymmdd>.<number>`, for old lines with `-lts.<number>`."""

import re
import subprocess
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ci.projects import CONNECTOR_FOLDERS, ROOT

_VERSION = re.compile(r"(\d+)\.(\d{6})\.(\d+)(?:-lts\.(\d+))?")


class BadTag(Exception):
    """A tag does not name a release; the text says why."""


@dataclass(frozen=True, order=True)
class Version:
    """A version. Later ones are greater.

    Attributes:
        major: That of the platform it is made for.
        day: `yymmdd`.
        number: Counts the releases of a day, from 0.
        lts: Counts the repairs of an old line, from 1; 0 for the current line.
    """

    major: int
    day: int
    number: int
    lts: int = 0

    @classmethod
    def parse(cls, text: str) -> "Version":
        """Read a version.

        Raises:
            BadTag: It is none.
        """
        match = _VERSION.fullmatch(text)
        if match is None:
            raise BadTag(f"{text} is no version like 7.261121.0 or 7.261121.0-lts.1")
        major, day, number, lts = match.groups()
        try:
            date.fromisoformat(f"20{day[:2]}-{day[2:4]}-{day[4:]}")
        except ValueError as error:
            raise BadTag(f"{text}: {day} is no day") from error
        return cls(int(major), int(day), int(number), int(lts or 0))

    def __str__(self) -> str:
        end = f"-lts.{self.lts}" if self.lts else ""
        return f"{self.major}.{self.day:06}.{self.number}{end}"


@dataclass(frozen=True)
class Release:
    """One release of one connector."""

    folder: Path
    version: Version

    @property
    def tag(self) -> str:
        """The tag that stands for it."""
        return f"{self.folder.name}/{self.version}"

    @classmethod
    def of_tag(cls, tag: str, root: Path = ROOT) -> "Release":
        """Read a tag.

        Raises:
            BadTag: It names no connector, or several, or no version.
        """
        name, _, version = tag.partition("/")
        found = [root / kind / name for kind in CONNECTOR_FOLDERS]
        found = [folder for folder in found if name and folder.is_dir()]
        if not found:
            raise BadTag(f"{tag}: there is no connector {name}")
        if len(found) > 1:
            places = " and ".join(str(folder.relative_to(root)) for folder in found)
            raise BadTag(f"{tag}: {name} is {places}")
        return cls(found[0], Version.parse(version))


def released(connector: str, root: Path = ROOT) -> list[Version]:
    """Return the versions of a connector that there are tags of, in order."""
    listing = subprocess.run(
        ["git", "tag", "--list", f"{connector}/*"],
        cwd=root,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout.splitlines()
    found = []
    for tag in listing:
        try:
            found.append(Version.parse(tag.partition("/")[2]))
        except BadTag:
            continue
    return sorted(found)


def next_version(connector: str, major: int, today: date, root: Path = ROOT) -> Version:
    """Return the version that a connector's next release has."""
    day = int(today.strftime("%y%m%d"))
    same_day = [
        version.number
        for version in released(connector, root)
        if (version.major, version.day) == (major, day) and not version.lts
    ]
    return Version(major, day, max(same_day, default=-1) + 1)


def previous(release: Release, root: Path = ROOT) -> Version | None:
    """Return the version before a release: of its own line if it repairs an old one, else of the current line."""
    before = [v for v in released(release.folder.name, root) if v < release.version]
    if not release.version.lts:
        before = [version for version in before if not version.lts]
    return before[-1] if before else None


def is_latest(release: Release, root: Path = ROOT) -> bool:
    """Say whether a release is the newest of the current line."""
    if release.version.lts:
        return False
    current = [v for v in released(release.folder.name, root) if not v.lts]
    return all(version <= release.version for version in current)

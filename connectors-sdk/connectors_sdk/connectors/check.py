"""One thing that the command `check` looked at."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Verdict: TypeAlias = Literal["ok", "warning", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, what was found, and what to do about it.

    Attributes:
        name: what was looked at, e.g. `source: credentials`.
        verdict: `ok`; `warning`: the connector works, somebody should know; `failed`: it will not work; `skipped`: it
            could not be looked at.
        found: what was found, in one sentence. No secrets.
        fix: what to do about it, in one sentence; empty when there is nothing to do.
    """

    name: str
    verdict: Verdict
    found: str = ""
    fix: str = ""

    @classmethod
    def ok(cls, name: str, found: str = "") -> "Check":
        """Return a check that went well."""
        return cls(name, "ok", found)

    @classmethod
    def warning(cls, name: str, found: str, fix: str = "") -> "Check":
        """Return a check that found something somebody should know."""
        return cls(name, "warning", found, fix)

    @classmethod
    def failed(cls, name: str, found: str, fix: str = "") -> "Check":
        """Return a check that failed."""
        return cls(name, "failed", found, fix)

    @classmethod
    def skipped(cls, name: str, why: str) -> "Check":
        """Return a check that could not be made."""
        return cls(name, "skipped", why)

"""Findings that are switched off where they are: `# noqa: VC123 reason`."""

import re
from dataclasses import dataclass

_NOQA = re.compile(
    r"#\s*noqa\b(?:\s*:\s*(?P<codes>[A-Z]+\d+(?:[\s,]+[A-Z]+\d+)*))?[\s:,-]*(?P<reason>.*)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Noqa:
    """What a line switches off.

    Attributes:
        codes: the checks, or empty for all.
        reason: why.
    """

    codes: frozenset[str]
    reason: str

    def covers(self, code: str) -> bool:
        """Tell whether a check is switched off."""
        return not self.codes or code in self.codes


def noqa(line: str) -> Noqa | None:
    """Return what a line switches off, or None."""
    match = _NOQA.search(line)
    if match is None:
        return None
    codes = re.split(r"[\s,]+", (match["codes"] or "").upper())
    return Noqa(frozenset(filter(None, codes)), match["reason"].strip())

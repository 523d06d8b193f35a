"""What commands write: plain text that also reads well in a log file, colours only on a terminal."""

import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import TextIO

_COLOURS = {"ok": "32", "warning": "33", "failed": "31;1", "skipped": "90"}
_WIDTH_WITHOUT_TERMINAL = 120
_NARROWEST = 12


def width(stream: TextIO | None = None) -> int:
    """Return how many characters fit into a line."""
    if (stream or sys.stdout).isatty():
        return shutil.get_terminal_size().columns
    return _WIDTH_WITHOUT_TERMINAL


def coloured(text: str, style: str) -> str:
    """Return a text in the colour of a verdict, on a terminal that wants colours."""
    code = _COLOURS.get(style)
    if not code or not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"\033[{code}m{text}\033[0m"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Return lines of a table whose columns fit into the width; what is too long is cut off with an ellipsis."""
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [
        max(len(text) for text in column) for column in zip(head, *cells, strict=True)
    ]
    room = width() - 2 * (len(head) - 1)
    while sum(widths) > room and max(widths) > _NARROWEST:
        widths[widths.index(max(widths))] -= 1
    lines = [head, ["-" * size for size in widths], *cells]
    return [
        "  ".join(
            _fit(text, size) for text, size in zip(line, widths, strict=True)
        ).rstrip()
        for line in lines
    ]


def say(*lines: str) -> None:
    """Write lines to standard output."""
    for line in lines:
        print(line)


def complain(text: str) -> None:
    """Write a line to standard error."""
    print(text, file=sys.stderr)


def _cell(value: object) -> str:
    return "" if value is None else " ".join(str(value).split())


def _fit(text: str, size: int) -> str:
    return text.ljust(size) if len(text) <= size else f"{text[: size - 1]}…"

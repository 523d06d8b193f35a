"""What is seen while a connector runs: one live line in a terminal, a plain line now and then elsewhere."""

import time
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

PLAIN_EVERY_SECONDS = 5.0


class Progress:
    """Shows how many objects the platform has ingested, how fast, and what waits."""

    def __init__(self, console: Console, what: str) -> None:
        """Begin to count the time.

        Args:
            what: what is running, in a few words.
        """
        self._console = console
        self._what = what
        self._started = time.monotonic()
        self._base: int | None = None
        self._next_plain = self._started + PLAIN_EVERY_SECONDS
        self._live: Live | None = None

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live = Live(
                Spinner("dots", text=self._what),
                console=self._console,
                transient=True,
                refresh_per_second=8,
            )
            self._live.start()
        else:
            self._console.print(self._what)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live:
            self._live.stop()

    def show(self, summary: dict[str, Any] | None, last_line: str, phase: str) -> None:
        """Show where things stand; `summary` is None while the platform does not answer."""
        line = self._line(summary, phase)
        if self._live:
            width = max(20, self._console.width - 4)
            text = Text(line[:width])
            if last_line:
                text.append(f"\n    {last_line[:width]}", style="dim")
            self._live.update(Spinner("dots", text=text))
        elif time.monotonic() >= self._next_plain:
            self._next_plain = time.monotonic() + PLAIN_EVERY_SECONDS
            self._console.print(line)

    def warn(self, texts: Iterable[str]) -> None:
        """Show what the connector warns of, to stay."""
        for text in texts:
            self._console.print(
                f"  {text}", style="yellow", markup=False, soft_wrap=True
            )

    def _line(self, summary: dict[str, Any] | None, phase: str) -> str:
        elapsed = time.monotonic() - self._started
        if summary is None:
            return f"{phase}: the platform does not answer, {elapsed:.0f} s"
        done = sum(
            summary[key] for key in ("created", "updated", "unchanged", "rejected")
        )
        if self._base is None:
            self._base = done
        ingested, waiting = done - self._base, summary["queue"]["objects"]
        if not ingested and not waiting:
            # A connector that sends nothing to the platform, or not yet.
            return f"{phase}, {elapsed:.0f} s"
        parts = [
            f"{phase}: {ingested:,} objects",
            f"{ingested / elapsed if elapsed else 0:,.0f}/s",
            f"{waiting:,} waiting",
            f"{elapsed:.0f} s",
        ]
        if summary["rejected"]:
            parts.append(f"{summary['rejected']:,} rejected")
        return ", ".join(parts)

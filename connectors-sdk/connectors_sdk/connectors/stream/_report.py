"""What the runtime did with the stream, in numbers and in one line."""

import time
from collections import Counter

from connectors_sdk.connectors.metrics import Metrics
from connectors_sdk.connectors.stream.events import EventKind


class StreamReport:
    """Counts events, for the metrics and for the log."""

    def __init__(self, metrics: Metrics) -> None:
        """Take the connector's metrics."""
        self._metrics = metrics
        # Not counted one by one in the metrics: an event must cost little.
        self._untold: Counter[tuple[str, str]] = Counter()
        self._decisions: Counter[str] = Counter()
        self._total: Counter[str] = Counter()
        self._skipped: Counter[str] = Counter()
        self._began = time.monotonic()

    def written(self, kind: EventKind) -> None:
        """Count an event that the target accepted."""
        self._untold[kind.value, "written"] += 1
        self._total["written"] += 1

    def skipped(self, kind: EventKind | None, reason: str) -> None:
        """Count an event that was left out."""
        self._untold[kind.value if kind else "other", "skipped"] += 1
        self._skipped[reason] += 1

    def set_aside(self, kind: EventKind | None) -> None:
        """Count an event that was set aside."""
        self._untold[kind.value if kind else "other", "quarantined"] += 1
        self._total["set aside"] += 1

    def decided(self, allowed: bool) -> None:
        """Count a decision of the egress gate."""
        self._decisions["passed" if allowed else "refused"] += 1

    def batch(self, seconds: float) -> None:
        """Count a batch that was settled after so many seconds."""
        self._total["batches"] += 1
        self._metrics.count("work", outcome="good")
        self._metrics.observe("work_seconds", seconds)

    def tell(self) -> None:
        """Bring the metrics up to date."""
        for (action, outcome), count in self._untold.items():
            self._metrics.count("events", count, action=action, outcome=outcome)
        self._untold.clear()
        for decision, count in self._decisions.items():
            self._metrics.count("egress", count, decision=decision)
        self._decisions.clear()

    @property
    def is_empty(self) -> bool:
        """Whether nothing has happened since the last summary."""
        return not self._total and not self._skipped

    def summary(self) -> str:
        """Return what happened since the last summary as one line, and begin anew."""
        seconds = time.monotonic() - self._began
        skipped = f"skipped {self._skipped.total()}"
        if self._skipped:
            reasons = ", ".join(f"{why}: {n}" for why, n in self._skipped.items())
            skipped += f" ({reasons})"
        line = (
            f"Stream: written {self._total['written']} events in {self._total['batches']} batches, {skipped}, "
            f"set aside {self._total['set aside']}, in {seconds:.0f} s"
        )
        self._total.clear()
        self._skipped.clear()
        self._began = time.monotonic()
        return line

"""What a run did, in numbers and in one line."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connectors_sdk.connectors.metrics import Metrics


@dataclass
class RunReport:
    """Counts what happens to records and objects during one run.

    The runtime counts what is sent, and as read what `collect` returns. A processor that knows better says so with
    the `add_` methods.

    Attributes:
        read: records that came from the source.
        sent: STIX objects that the platform accepted, repeated authors and markings included.
        bundles: bundles in which they went.
        skipped: records left out, by reason.
        quarantined: records set aside because they could not be converted.
        errors: what went wrong, in words.
        run_id: names the run in the log, in the quarantine and in provenance.
    """

    read: int = 0
    sent: int = 0
    bundles: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    quarantined: int = 0
    errors: list[str] = field(default_factory=list)
    run_id: str = ""
    _counts_itself: bool = False
    _shown: Counter[str] = field(default_factory=Counter)

    def add_read(self, count: int = 1) -> None:
        """Count records of the source. Once used, what `collect` returns is no longer counted."""
        if not self._counts_itself:
            self._counts_itself = True
            self.read = 0
        self.read += count

    def add_skipped(self, reason: str, count: int = 1) -> None:
        """Count records that are left out on purpose, e.g. `add_skipped("not modified")`."""
        self.skipped[reason] += count

    def add_quarantined(self, count: int = 1) -> None:
        """Count records that were set aside because they could not be converted."""
        self.quarantined += count

    def add_error(self, reason: str) -> None:
        """Note something that went wrong, in words."""
        self.errors.append(reason)

    def add_bundle(self, objects: int) -> None:
        """Count a bundle that the platform accepted."""
        self.bundles += 1
        self.sent += objects

    def show(self, metrics: Metrics) -> None:
        """Bring the metrics up to what was counted so far."""
        counts = {
            "read": self.read,
            "skipped": sum(self.skipped.values()),
            "quarantined": self.quarantined,
        }
        for outcome, count in counts.items():
            # What was counted as read may turn out not to have been.
            new = max(count - self._shown[outcome], 0)
            if new:
                metrics.count("records", new, outcome=outcome)
                self._shown[outcome] = count

    def observe(self, collected: Any) -> Any:
        """Count what `collect` returned and hand it on; an iterator is counted as it is consumed."""
        if isinstance(collected, (list, tuple, set, frozenset)):
            self._count(len(collected))
            return collected
        return (
            self._observed(collected) if isinstance(collected, Iterator) else collected
        )

    def _observed(self, collected: Iterable[Any]) -> Iterator[Any]:
        for record in collected:
            # A page of records, or a record.
            self._count(len(record) if isinstance(record, (list, tuple)) else 1)
            yield record

    def _count(self, count: int) -> None:
        if not self._counts_itself:
            self.read += count

    @property
    def remarks(self) -> str:
        """What an operator should know about an otherwise good run; empty when there is nothing."""
        parts = [f"{count} skipped ({why})" for why, count in self.skipped.items()]
        if self.quarantined:
            parts.append(f"{self.quarantined} set aside")
        parts.extend(self.errors)
        return "; ".join(parts)

    def summary(self, seconds: float, next_run: datetime | None) -> str:
        """Return the run as one line.

        Args:
            seconds: how long it took.
            next_run: when the next begins, or None if there is none.
        """
        skipped = f"skipped {sum(self.skipped.values())}"
        if self.skipped:
            reasons = ", ".join(
                f"{why}: {count}" for why, count in self.skipped.items()
            )
            skipped += f" ({reasons})"
        following = next_run.isoformat(timespec="seconds") if next_run else "none"
        return (
            f"Run finished: read {self.read}, sent {self.sent} objects in {self.bundles} bundles, {skipped}, "
            f"quarantined {self.quarantined}, errors {len(self.errors)}, took {seconds:.1f} s, next run {following}"
        )

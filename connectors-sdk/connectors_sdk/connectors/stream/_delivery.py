"""Handing batches to the target until each event is settled: accepted, or set aside with the reason.

Who is to blame for a failure decides what happens. The target: wait, for as long as it takes. An event: set it aside.
When that is unclear (a server error, a connection that breaks in the middle, an event that the target asks for again
and again): try again some times, then find out. An event is set aside only after the target refused it while it took
others; where there are no others, it is parked until the target takes something, and then offered once more.
"""

from collections.abc import Callable, Iterable, Sequence

from connectors_sdk.connectors.stream._intake import valid_until
from connectors_sdk.connectors.stream._trouble import Blame, Trouble, trouble_of
from connectors_sdk.connectors.stream.events import Action, StreamEvent
from connectors_sdk.connectors.stream.results import Outcome, Result, accepted
from connectors_sdk.connectors.stream.targets import Known, Targets
from connectors_sdk.tracing import span

_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 30.0
# So many events are offered alone, one after the other, to see whether the target takes anything at all.
_PROBES = 3
# So many events are parked; when there are more, the target is taken to be away.
_MOST_PARKED = 1000

Deliver = Callable[[Sequence[StreamEvent]], Iterable[Result] | None]


class ContractError(TypeError):
    """`deliver` does not return one result for each event: a mistake of the connector, not of any event."""


class Delivery:  # pylint: disable=too-many-instance-attributes
    """Hands events to the target.

    Attributes:
        parked: events of a former batch that may be poison; see the module.
    """

    def __init__(  # pylint: disable=too-many-arguments
        self,
        deliver: Deliver,
        targets: Targets,
        *,
        attempts: int,
        every_event: bool,
        expires: bool,
        pause: Callable[[Trouble, float], None],
        well: Callable[[], None],
        settled: Callable[[StreamEvent], None],
        set_aside: Callable[[StreamEvent, str], None],
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """Bind everybody who takes part.

        Args:
            deliver: the author's method.
            targets: the map of the target.
            attempts: how often an event is offered before the question arises whether it is poison.
            every_event: whether an event counts even if a later one about the same object was accepted.
            expires: whether the map keeps when the validity of an object ends.
            pause: waits because of a trouble for so many seconds.
            well: told whenever the target accepts something.
            settled: told of each event that the target accepted.
            set_aside: keeps an event that the target does not take, with the reason.
            check: raises when what the author's method says does not count, see `MemoryFuse.check`.
        """
        self._deliver = deliver
        self._targets = targets
        self._attempts = attempts
        self._every_event = every_event
        self._expires = expires
        self._pause = pause
        self._well = well
        self._settled = settled
        self._set_aside = set_aside
        self._check = check
        self.parked: list[StreamEvent] = []
        self._accepted = 0
        # By identity of the event: how often it was tried in vain, what had been accepted when it failed first, and
        # whether the target was asked about it alone.
        self._tries: dict[int, int] = {}
        self._failed_at: dict[int, int] = {}
        self._alone: set[int] = set()

    def settle(self, events: Sequence[StreamEvent]) -> None:
        """Return when each event is accepted, set aside, or parked.

        Raises:
            ContractError: see there.
        """
        before = self._accepted
        pending = list(events)
        pause = _FIRST_PAUSE
        while pending:
            left, trouble = self._offer(pending)
            if len(left) < len(pending):
                pause = _FIRST_PAUSE
            left = self._judge(left, trouble)
            if not left:
                break
            if self._may_park(left):
                self.parked += left
                break
            self._pause(trouble, max(pause, trouble.after))
            pause = min(2 * pause, _LONGEST_PAUSE)
            pending = left
        self._forget()
        if self._accepted > before:
            self.retry_parked(lives=True)

    def retry_parked(self, lives: bool = False) -> None:
        """Offer the parked events once more.

        Args:
            lives: whether the target has just accepted something.
        """
        events, self.parked = self.parked, []
        if not events:
            return
        for event in events:
            self._tries[id(event)] = self._attempts
            self._failed_at[id(event)] = self._accepted - int(lives)
        left, trouble = self._offer(events)
        self.parked = self._judge(left, trouble)
        self._forget()

    # -- one attempt ---------------------------------------------------------------------------------------------

    def _offer(
        self, events: Sequence[StreamEvent]
    ) -> tuple[list[StreamEvent], Trouble]:
        """Offer events once; return those that are not settled, and why."""
        results: list[Result] = []
        error: Exception | None = None
        with self._targets.turn():
            known = self._targets.get_all([event.id for event in events])
            for event in events:
                found = known.get(event.id)
                if found is not None:
                    event.remote_id = found.remote_id
            try:
                self._collect(events, results)
            except ContractError:
                raise
            # An author's code may raise anything.
            except Exception as failure:  # pylint: disable=broad-exception-caught
                error = failure
            finally:
                # Also on the way out: what the target has accepted, it has.
                self._note(events, results)
        left = self._sorted(events, results)
        for event in left:
            event.attempt += 1
            event.redelivered = True
            self._tries[id(event)] = self._tries.get(id(event), 0) + 1
            self._failed_at.setdefault(id(event), self._accepted)
        if error is not None:
            return left, trouble_of(error)
        again = [result for result in results if result.outcome is Outcome.RETRY]
        reason = again[0].reason if again else ""
        after = max((result.after for result in again), default=0.0)
        return left, Trouble(Blame.UNCLEAR, reason, after, each=True)

    def _collect(self, events: Sequence[StreamEvent], results: list[Result]) -> None:
        with span("deliver", events=len(events)):
            answer = self._deliver(events)
        if answer is None:
            self._check()
            results.extend([accepted()] * len(events))
            return
        for result in answer:
            if not isinstance(result, Result):
                raise ContractError(
                    f"deliver() returned {result!r}; it returns accepted(), retry() or refused() for each event, or None "
                    "when all are accepted"
                )
            results.append(result)
        self._check()
        if len(results) != len(events):
            raise ContractError(
                f"deliver() returned {len(results)} results for {len(events)} events"
            )

    def _note(self, events: Sequence[StreamEvent], results: Sequence[Result]) -> None:
        """Keep in the map what the target has now."""
        have: list[Known] = []
        have_not: list[str] = []
        for event, result in zip(events, results, strict=False):
            if result.outcome is not Outcome.ACCEPTED:
                continue
            if event.action is Action.REMOVE:
                have_not.append(event.id)
            else:
                have.append(
                    Known(
                        event.id,
                        result.remote_id,
                        event.stix_id,
                        event.entity_type,
                        valid_until(event.data) if self._expires else None,
                    )
                )
        self._targets.link_all(have)
        self._targets.unlink_all(have_not)

    def _sorted(
        self, events: Sequence[StreamEvent], results: Sequence[Result]
    ) -> list[StreamEvent]:
        """Act on the results; return the events that are not settled."""
        left = [
            event
            for event, result in zip(events, results, strict=False)
            if result.outcome is Outcome.RETRY
        ]
        left += events[len(results) :]
        taken: set[str] = set()
        for event, result in zip(events, results, strict=False):
            if result.outcome is Outcome.REFUSED:
                self._set_aside(event, result.reason)
            elif result.outcome is Outcome.ACCEPTED:
                self._settled(event)
                taken.add(event.id)
        if taken:
            self._accepted += len(taken)
            self._well()
            if not self._every_event:
                # Each event holds its object whole: what came before needs no further attempt.
                self.parked = [e for e in self.parked if e.id not in taken]
        return left

    # -- whose fault is it? --------------------------------------------------------------------------------------

    def _judge(self, events: list[StreamEvent], trouble: Trouble) -> list[StreamEvent]:
        """Settle what can be settled of events that were offered together in vain; return what is left."""
        if not events or trouble.blame is Blame.TARGET:
            return events
        if trouble.blame is Blame.EVENT:
            return self._isolate(events, trouble)
        tired = [e for e in events if self._tries[id(e)] >= self._attempts]
        if not tired:
            return events
        if trouble.each:
            self._alone.update(map(id, tired))
            poison = [event for event in tired if self._others_since(event)]
            self._set_all_aside(poison, trouble.reason)
            return [event for event in events if event not in poison]
        if len(events) == 1 or any(map(self._others_since, tired)):
            return self._isolate(events, trouble)
        return self._probe(events, tired)

    def _isolate(
        self, events: list[StreamEvent], trouble: Trouble
    ) -> list[StreamEvent]:
        """Set aside what is to blame, found by offering halves; return what is left for other reasons."""
        if len(events) == 1:
            (event,) = events
            self._alone.add(id(event))
            if trouble.blame is Blame.EVENT or self._others_since(event):
                self._set_aside(event, trouble.reason)
                return []
            return events
        middle = len(events) // 2
        left: list[StreamEvent] = []
        for half in (events[:middle], events[middle:]):
            left += self._judge(*self._offer(half))
        return left

    def _probe(
        self, events: list[StreamEvent], tired: list[StreamEvent]
    ) -> list[StreamEvent]:
        """Offer some events alone, to see whether the target takes anything; if so, find the others that it takes."""
        for event in sorted(tired, key=lambda e: id(e) in self._alone)[:_PROBES]:
            rest, why = self._offer([event])
            self._alone.add(id(event))
            if not rest or why.blame is Blame.EVENT:
                self._set_all_aside(rest, why.reason)
                others = [e for e in events if e is not event]
                return self._judge(*self._offer(others)) if others else []
            if why.blame is Blame.TARGET:
                break
        return events

    def _others_since(self, event: StreamEvent) -> bool:
        """Whether the target has accepted something since an event failed first."""
        return self._accepted > self._failed_at[id(event)]

    def _may_park(self, events: list[StreamEvent]) -> bool:
        return len(self.parked) + len(events) <= _MOST_PARKED and all(
            id(event) in self._alone and self._tries[id(event)] >= self._attempts
            for event in events
        )

    def _set_all_aside(self, events: Iterable[StreamEvent], reason: str) -> None:
        for event in events:
            self._set_aside(event, reason)

    def _forget(self) -> None:
        self._tries.clear()
        self._failed_at.clear()
        self._alone.clear()

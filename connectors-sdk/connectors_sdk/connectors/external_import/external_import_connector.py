"""The loop of a connector that imports on its own schedule.

One run: load the state, let each processor do its part, note the time, save the state. The state is saved after each
processor that succeeded; the first one that fails ends the run, and its changes to the state are forgotten. The next
run tries again.
"""

import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from connectors_sdk import clock
from connectors_sdk.bundles import Bundle
from connectors_sdk.client.exceptions import QuotaExceededError
from connectors_sdk.connectors._causes import describe
from connectors_sdk.connectors._signals import StopRequested
from connectors_sdk.connectors._state_guard import StateChangedError, StateGuard
from connectors_sdk.connectors.base_connector import BaseConnector, HelperFactory
from connectors_sdk.connectors.check import Check
from connectors_sdk.connectors.credits import DailyCredits
from connectors_sdk.connectors.exit_codes import ExitCode
from connectors_sdk.connectors.external_import._backpressure import Backpressure
from connectors_sdk.connectors.external_import._state_reset import InitialState
from connectors_sdk.connectors.external_import._work_manager import (
    NO_FAILURE,
    close_leftover_works,
)
from connectors_sdk.connectors.external_import.base_data_processor import (
    BaseDataProcessor,
)
from connectors_sdk.connectors.log_context import log_context
from connectors_sdk.connectors.memory_fuse import MemoryLimitError
from connectors_sdk.connectors.quarantine import QuarantinedRecord, Replayed
from connectors_sdk.connectors.run_report import RunReport
from connectors_sdk.states.states import ExternalImportConnectorState
from connectors_sdk.tracing import span

# Where the budget of calls is kept in the state.
CREDITS = "credits"
GIVEN_UP = "given up"


class ExternalImportConnector(BaseConnector):
    """Runs data processors, now and then once every `connector.duration_period`.

    Attributes:
        settings: the connector's settings.
        state: the connector's state.
        data_processors: what it runs, in this order.
        last_report: what the last run did; None before the first.
        credits: the budget of calls per day; None when none is set.
    """

    connector_type: ClassVar[str] = "EXTERNAL_IMPORT"

    def __init__(
        self,
        settings: Any,
        data_processors: Sequence[BaseDataProcessor],
        state: Any = None,
        *,
        helper_factory: HelperFactory | None = None,
    ) -> None:
        """Put a connector together. Nothing is connected to before `start`.

        Args:
            settings: the connector's `BaseConnectorSettings`.
            data_processors: at least one.
            state: an `ExternalImportConnectorState` or subclass; by default a plain one.
            helper_factory: for tests: makes a stand-in of pycti's helper out of the helper's configuration.

        Raises:
            ValueError: there are no processors.
        """
        if not data_processors:
            raise ValueError("A connector needs at least one data processor.")
        super().__init__(settings, helper_factory=helper_factory)
        self.data_processors = list(data_processors)
        self.state = ExternalImportConnectorState() if state is None else state
        self.last_report: RunReport | None = None
        self.credits: DailyCredits | None = None
        self._initial_state = InitialState(self.state)
        self._last_run_failed = False
        self._check_platform: Callable[[], None] = lambda: None
        self._begin_state: Callable[[], None] = lambda: None

    # -- runs ----------------------------------------------------------------------------------------------------

    def callback(self) -> None:
        """Do one run. Failures are logged and shown on the platform, not raised.

        Raises:
            SystemExit: code 0, when the process was told to stop; 1, when its memory stays used up.
        """
        again = True
        while again:
            report = self.last_report = RunReport(run_id=uuid.uuid4().hex[:12])
            with log_context(run_id=report.run_id), span("run", run_id=report.run_id):
                # Somebody who resets the state does not want to wait for the next period.
                again = self._do_run(report) == GIVEN_UP

    def _do_run(self, report: RunReport) -> str:
        """Do a run and return its outcome; see `callback`."""
        began = clock.now()
        started = time.monotonic()
        self.helper.metric.inc("run_count")
        self.helper.metric.state("running")
        self.health.working("the run")
        outcome = "failed"
        try:
            outcome = self._run_guarded(report, began)
        except (KeyboardInterrupt, SystemExit) as stop:
            outcome = "stopped"
            name = f" by {stop}" if isinstance(stop, StopRequested) else ""
            self.logger.info(f"Connector stopped{name}.")
            sys.exit(ExitCode.OK)
        # The loop must outlive any failure.
        except (  # pylint: disable=broad-exception-caught
            Exception,
            MemoryLimitError,
        ) as err:
            self._note_failure(report, err)
        finally:
            seconds = time.monotonic() - started
            self.helper.metric.state("idle")
            self.health.idle("waiting for the next run")
            self.metrics.count("work", outcome=outcome)
            self.metrics.observe("work_seconds", seconds)
            self._show(report)
        self._last_run_failed = outcome == "failed"
        self.logger.info(report.summary(seconds, self._next_run()))
        if self._last_run_failed and self.fuse.is_blown:
            self.logger.error("The memory stays used up: the process ends.")
            sys.exit(ExitCode.FAILURE)
        return outcome

    def _run_guarded(self, report: RunReport, began: datetime) -> str:
        """Do a run and return its outcome: good, paused, or given up. A failure is raised."""
        try:
            with self.fuse.guard():
                self._run(report, began)
        except QuotaExceededError as pause:
            # What came before is accepted, the cursor stands where the next run goes on: nothing is wrong.
            self.logger.warning(f"The run pauses: {self.redact(describe(pause))}")
            report.add_skipped("the rest: today's budget of calls is used up")
            self.health.succeeded()
            return "paused"
        except StateChangedError as change:
            self.logger.warning(f"The run is given up: {change}.")
            return GIVEN_UP
        self.health.succeeded()
        return "good"

    def _run(self, report: RunReport, began: datetime) -> None:
        close_leftover_works(self.helper)
        self.provenance.prune()
        self._begin_state()
        self._initial_state.restore()
        self.state.load(force=True)
        for number, processor in enumerate(self.data_processors):
            if number:
                self._save()
            processor.work_manager.report = report
            try:
                processor.process()
            except NO_FAILURE:
                raise
            except (Exception, MemoryLimitError) as err:
                processor.work_manager.report_failure(processor.work_name, err)
                raise
        # The beginning of the run: what appears at the source while it lasts belongs to the next one.
        self.state.last_run = began
        self._save()

    def _check_state(self) -> None:
        """Make sure that what was done counts.

        Raises:
            MemoryLimitError: it goes on although it was told to stop.
            StateChangedError: somebody has changed the state on the platform.
        """
        self.fuse.check()
        self._check_platform()

    def _save(self) -> None:
        self._check_state()
        self.state.save()
        self._check_state()

    def _note_failure(self, report: RunReport, err: BaseException) -> None:
        reason = self.redact(describe(err))
        report.add_error(reason)
        self.health.failed(reason)
        self.metrics.count("errors", kind=type(err).__name__)
        self.helper.metric.inc("error_count")
        # pycti's logger adds the traceback.
        self.logger.error(f"Run failed: {reason}")

    def _show(self, report: RunReport) -> None:
        """Bring metrics and files up to what happened so far."""
        report.show(self.metrics)
        self.metrics.set("quarantine_records", len(self.quarantine))
        self.provenance.save()

    # -- replay --------------------------------------------------------------------------------------------------

    def replay(self, *record_ids: str) -> Replayed:
        """Convert records of the quarantine once more and send what comes of them. The connector must be open.

        Args:
            record_ids: which records; by default all.

        Returns:
            Which went through (they have left the quarantine), and which did not.
        """
        report = RunReport(run_id=uuid.uuid4().hex[:12])
        with log_context(run_id=report.run_id):
            for processor in self.data_processors:
                processor.work_manager.report = report

            def handle(record: QuarantinedRecord) -> None:
                processor = self._processor_of(record)
                with processor.work_manager:
                    processor.send(iter(processor.replay(record)))

            return self.quarantine.replay(handle, *record_ids)

    def rehearse(self, limit: int | None = None) -> bool:
        """Do one run, each processor with so many records at most; return whether it went well."""
        for processor in self.data_processors:
            processor.limit = limit
        self.callback()
        return not self._last_run_failed

    def _processor_of(self, record: QuarantinedRecord) -> BaseDataProcessor:
        wanted, work = record.details.get("processor"), record.details.get("work")
        for processor in self.data_processors:
            if (type(processor).__name__, processor.work_name) == (wanted, work):
                return processor
        for processor in self.data_processors:
            if type(processor).__name__ == wanted:
                return processor
        raise LookupError(f"there is no processor {wanted} any more")

    def check_source(self) -> Iterator[Check]:
        """Yield what the processors say about their sources."""
        for processor in self.data_processors:
            yield from processor.check_source()

    # -- the runtime ---------------------------------------------------------------------------------------------

    def _bind(self) -> None:
        self.state.inject_dependencies(self.helper)
        if self._helper_factory is None:
            guard = StateGuard(self.helper)
            guard.watch()
            self._check_platform, self._begin_state = guard.check, guard.begin
        budget = self.runtime.daily_credits
        # Loads the HTTP client's package: only when it is needed.
        self.credits = (
            DailyCredits(
                budget,
                lambda: getattr(self.state, CREDITS, None),
                lambda used: self.state.save_part(**{CREDITS: used}),
                self.metrics,
            )
            if budget
            else None
        )
        self.metrics.set("credits_left", budget or -1)
        limit = self.runtime.platform_timeout.total_seconds()
        for processor in self.data_processors:
            processor.inject_dependencies(
                settings=self.settings, helper=self.helper, state=self.state
            )
            processor.health = self.health
            processor.quarantine = self.quarantine
            processor.credits = self.credits
            processor.check_state = self._check_state
            if self.runtime.provenance:
                processor.provenance = self.provenance
            manager = processor.work_manager
            manager.redact = self.redact
            manager.platform_limit = limit
            manager.on_sent = self._note_sent
            manager.on_pause = self._note_pause

    def _note_sent(self, bundle: Bundle) -> None:
        self.metrics.count("bundles_sent")
        self.metrics.count("objects_sent", len(bundle))
        self.metrics.count("bytes_sent", bundle.size)
        self.health.progress()
        self.provenance.save()

    def _set_up(self) -> None:
        for processor in self.data_processors:
            processor.post_init()

    @property
    def _default_freshness_limit(self) -> timedelta | None:
        period = self.settings.connector.duration_period
        return 3 * period if isinstance(period, timedelta) and period else None

    def _serve(self) -> None:
        """Run, until told to stop or, in run-and-terminate mode, once.

        Raises:
            SystemExit: code 0 after a good run in run-and-terminate mode; 1 after a failed one.
        """
        try:
            self._run_scheduled()
        except SystemExit as stop:
            # pycti ends a single run with code 0, however it went.
            if stop.code or self.signals.received or not self._last_run_failed:
                raise
        if (
            self.signals.received is None
            and self._last_run_failed
            and (self._runs_once() or self.fuse.is_blown)
        ):
            sys.exit(ExitCode.FAILURE)

    def _run_scheduled(self) -> None:
        seconds = self.settings.connector.duration_period.total_seconds()
        backpressure = Backpressure(self.helper, 0, self._note_pause)

        def wait_for_queue() -> bool:
            backpressure.wait_for_queue()
            return False

        if self._helper_factory is None:
            # pycti would leave a run out while the queue is over the threshold; this one waits.
            self.helper.check_connector_buffering = wait_for_queue
        elif self._runs_once():
            wait_for_queue()
        self.helper.schedule_process(
            message_callback=self.callback, duration_period=seconds
        )

    def _runs_once(self) -> bool:
        seconds = self.settings.connector.duration_period.total_seconds()
        return self.helper.connect_run_and_terminate is True or seconds == 0

    def _next_run(self) -> datetime | None:
        period = self.settings.connector.duration_period
        if self._runs_once() or not isinstance(period, timedelta):
            return None
        return clock.now() + period

"""The loop of a connector that imports on its own schedule.

One run: load the state, let each processor do its part, note the time, save the state. The state is saved after each
processor that succeeded; the first one that fails ends the run, and its changes to the state are forgotten. The next
run tries again.
"""

import sys
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from connectors_sdk import clock
from connectors_sdk.connectors._causes import describe
from connectors_sdk.connectors._signals import StopRequested
from connectors_sdk.connectors.base_connector import BaseConnector, HelperFactory
from connectors_sdk.connectors.external_import._backpressure import Backpressure
from connectors_sdk.connectors.external_import._state_reset import InitialState
from connectors_sdk.connectors.external_import._work_manager import (
    close_leftover_works,
)
from connectors_sdk.connectors.external_import.base_data_processor import (
    BaseDataProcessor,
)
from connectors_sdk.connectors.main import ExitCode
from connectors_sdk.connectors.run_report import RunReport
from connectors_sdk.states.states import ExternalImportConnectorState


class ExternalImportConnector(BaseConnector):
    """Runs data processors, now and then once every `connector.duration_period`.

    Attributes:
        settings: the connector's settings.
        state: the connector's state.
        data_processors: what it runs, in this order.
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
        self._initial_state = InitialState(self.state)
        self._last_run_failed = False

    def callback(self) -> None:
        """Do one run. Failures are logged and shown on the platform, not raised.

        Raises:
            SystemExit: code 0, when the process was told to stop.
        """
        began = clock.now()
        started = time.monotonic()
        report = RunReport()
        self.helper.metric.inc("run_count")
        self.helper.metric.state("running")
        self.health.working("the run")
        outcome = "failed"
        try:
            self._run(report, began)
            self._last_run_failed = False
            outcome = "good"
            self.health.succeeded()
        except (KeyboardInterrupt, SystemExit) as stop:
            outcome = "stopped"
            name = f" by {stop}" if isinstance(stop, StopRequested) else ""
            self.logger.info(f"Connector stopped{name}.")
            sys.exit(ExitCode.OK)
        # The loop must outlive any failure.
        except Exception as err:  # pylint: disable=broad-exception-caught
            self._last_run_failed = True
            reason = self.redact(describe(err))
            report.add_error(reason)
            self.health.failed(reason)
            self.helper.metric.inc("error_count")
            # pycti's logger adds the traceback.
            self.logger.error(f"Run failed: {reason}")
        finally:
            seconds = time.monotonic() - started
            self.helper.metric.state("idle")
            self.health.idle("waiting for the next run")
            self.metrics.count("work", outcome=outcome)
            self.metrics.observe("work_seconds", seconds)
        self.logger.info(report.summary(seconds, self._next_run()))

    def _bind(self) -> None:
        limit = self.runtime.platform_timeout.total_seconds()
        self.state.inject_dependencies(self.helper)
        for processor in self.data_processors:
            processor.inject_dependencies(
                settings=self.settings, helper=self.helper, state=self.state
            )
            processor.work_manager.redact = self.redact
            processor.work_manager.platform_limit = limit

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
        except SystemExit:
            # pycti ends a single run with code 0, however it went.
            if self.signals.received or not self._last_run_failed:
                raise
        if (
            self.signals.received is None
            and self._last_run_failed
            and self._runs_once()
        ):
            sys.exit(ExitCode.FAILURE)

    def _run_scheduled(self) -> None:
        seconds = self.settings.connector.duration_period.total_seconds()
        if self._runs_once():
            # pycti would end the process without a run while the queue is over the threshold.
            Backpressure(self.helper, 0).wait_for_queue()
        self.helper.schedule_process(
            message_callback=self.callback, duration_period=seconds
        )

    def _run(self, report: RunReport, began: datetime) -> None:
        close_leftover_works(self.helper)
        self._initial_state.restore()
        self.state.load(force=True)
        for number, processor in enumerate(self.data_processors):
            if number:
                self.state.save()
            processor.work_manager.report = report
            try:
                processor.process()
            except Exception as err:
                processor.work_manager.report_failure(processor.work_name, err)
                raise
        # The beginning of the run: what appears at the source while it lasts belongs to the next one.
        self.state.last_run = began
        self.state.save()

    def _runs_once(self) -> bool:
        seconds = self.settings.connector.duration_period.total_seconds()
        return self.helper.connect_run_and_terminate is True or seconds == 0

    def _next_run(self) -> datetime | None:
        period = self.settings.connector.duration_period
        if self._runs_once() or not isinstance(period, timedelta):
            return None
        return clock.now() + period

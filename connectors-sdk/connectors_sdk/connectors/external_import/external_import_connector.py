"""The loop of a connector that imports on its own schedule.

One run: load the state, let each processor do its part, note the time, save the state. The state is saved after each
processor that succeeded; the first one that fails ends the run, and its changes to the state are forgotten. The next
run tries again.
"""

import logging
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from pycti import OpenCTIConnectorHelper

from connectors_sdk import clock
from connectors_sdk.connectors._causes import describe
from connectors_sdk.connectors._patience import make_patient
from connectors_sdk.connectors._redaction import Redactor
from connectors_sdk.connectors._signals import StopRequested, StopSignals
from connectors_sdk.connectors._startup import (
    PlatformUnavailableError,
    connect,
    platform_timeout,
)
from connectors_sdk.connectors.external_import._backpressure import Backpressure
from connectors_sdk.connectors.external_import._state_reset import InitialState
from connectors_sdk.connectors.external_import._work_manager import (
    close_leftover_works,
)
from connectors_sdk.connectors.external_import.base_data_processor import (
    BaseDataProcessor,
)
from connectors_sdk.connectors.external_import.logger import ConnectorLogger
from connectors_sdk.connectors.main import ExitCode
from connectors_sdk.connectors.run_report import RunReport
from connectors_sdk.states.states import ExternalImportConnectorState


class ExternalImportConnector:
    """Runs data processors, now and then once every `connector.duration_period`.

    Attributes:
        settings: the connector's settings.
        state: the connector's state.
        data_processors: what it runs, in this order.
        helper: pycti's helper, once started.
        logger: the connector's log, once started.
    """

    helper: Any
    logger: ConnectorLogger

    def __init__(
        self,
        settings: Any,
        data_processors: Sequence[BaseDataProcessor],
        state: Any = None,
        *,
        helper_factory: Callable[[dict[str, Any]], Any] | None = None,
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
        self.settings = settings
        self.data_processors = list(data_processors)
        self.state = ExternalImportConnectorState() if state is None else state
        self._helper_factory = helper_factory
        self._redact: Callable[[str], str] = str
        self._initial_state = InitialState(self.state)
        self._last_run_failed = False

    def start(self) -> None:
        """Connect to the platform and run, until told to stop or, in run-and-terminate mode, once.

        Raises:
            SystemExit: code 0 after SIGTERM or SIGINT and after a good run in run-and-terminate mode; 1 when the
                platform cannot be reached, and after a failed run in run-and-terminate mode.
            ConfigValidationError: a setting of the runtime is wrong.
        """
        signals = StopSignals()
        signals.install()
        try:
            try:
                self._init_dependencies()
            except PlatformUnavailableError:
                sys.exit(ExitCode.FAILURE)
            # pycti takes the signals when there is a private CA.
            signals.install()
            try:
                self._run_scheduled()
            except SystemExit:
                # pycti ends a single run with code 0, however it went.
                if signals.received or not self._last_run_failed:
                    raise
        finally:
            signals.restore()
        if signals.received is None and self._last_run_failed and self._runs_once():
            sys.exit(ExitCode.FAILURE)

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
        try:
            self._run(report, began)
            self._last_run_failed = False
        except (KeyboardInterrupt, SystemExit) as stop:
            name = f" by {stop}" if isinstance(stop, StopRequested) else ""
            self.logger.info(f"Connector stopped{name}.")
            sys.exit(ExitCode.OK)
        # The loop must outlive any failure.
        except Exception as err:  # pylint: disable=broad-exception-caught
            self._last_run_failed = True
            reason = self._redact(describe(err))
            report.add_error(reason)
            self.helper.metric.inc("error_count")
            # pycti's logger adds the traceback.
            self.logger.error(f"Run failed: {reason}")
        finally:
            self.helper.metric.state("idle")
        seconds = time.monotonic() - started
        self.logger.info(report.summary(seconds, self._next_run()))

    def _init_dependencies(self) -> None:
        """Build the helper and hand everybody what they need.

        Raises:
            PlatformUnavailableError: the platform stays away.
        """
        config = self.settings.to_helper_config()
        limit = platform_timeout(config)
        self._redact = Redactor(self.settings)
        if self._helper_factory is not None:
            self.helper = self._helper_factory(config)
            self.logger = ConnectorLogger(self.helper)
        else:
            self.helper = connect(
                lambda c: OpenCTIConnectorHelper(config=c), config, limit
            )
            self.logger = ConnectorLogger(self.helper)
            make_patient(self.helper, limit, self.logger.warning)
            self._redact.guard_logs()
            self._redact.guard_excepthook()
            logging.captureWarnings(True)
        self.state.inject_dependencies(self.helper)
        for processor in self.data_processors:
            processor.inject_dependencies(
                settings=self.settings, helper=self.helper, state=self.state
            )
            processor.work_manager.redact = self._redact
            processor.work_manager.platform_limit = limit
            processor.post_init()

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

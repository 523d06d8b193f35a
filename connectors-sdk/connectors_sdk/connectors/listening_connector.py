"""What connectors that work on request have in common: one request after the other, each with its work on the platform.

The life of a request: it arrives over AMQP or HTTP, the platform's work is set to "received", the runtime of the type
does it, and the work is closed with a message or, in error, with the reason. Whatever goes wrong concerns one request.
"""

import sqlite3
import sys
import time
import uuid
from abc import abstractmethod
from collections.abc import Iterable
from typing import Any, ClassVar, NamedTuple

from connectors_sdk.bundles import Bundle
from connectors_sdk.connectors._causes import describe
from connectors_sdk.connectors._publishing import send_bundle
from connectors_sdk.connectors._signals import StopRequested
from connectors_sdk.connectors.base_connector import BaseConnector
from connectors_sdk.connectors.errors import UnsupportedError
from connectors_sdk.connectors.exit_codes import ExitCode
from connectors_sdk.connectors.external_import._backpressure import Backpressure
from connectors_sdk.connectors.log_context import log_context, set_in_context
from connectors_sdk.connectors.memory_fuse import MemoryLimitError
from connectors_sdk.connectors.run_report import RunReport
from connectors_sdk.tracing import span

# How long the request under way may go on when the process is told to stop; less than the signals' own deadline.
_GRACE_SECONDS = 3.0
_LONGEST_REASON = 2000
# Below the data folder.
_UNFINISHED = "unfinished"


class RequestFailed(Exception):
    """A request could not be done; the text is what the operator reads."""


class Done(NamedTuple):
    """What became of a request.

    Attributes:
        words: what the operator reads in the work.
        outcome: `good`, or `skipped` when there was nothing to be done on purpose.
    """

    words: str
    outcome: str = "good"


class ListeningConnector(BaseConnector):
    """A connector that does what the platform asks for."""

    # What a request is called in the log.
    request_name: ClassVar[str] = "Request"

    _backpressure: Backpressure
    _limit: float

    @abstractmethod
    def _do(self, message: dict[str, Any], report: RunReport) -> Done:
        """Do what a message asks for.

        Args:
            message: the event as pycti's listener hands it over.
            report: counts what happens.

        Raises:
            RequestFailed: it cannot be done; any other exception means the same, with its text described.
        """

    def _title(self, message: dict[str, Any]) -> str:
        """Return what the log calls a request; never holds a value."""
        return f"{self.request_name} of {message.get('entity_id') or message.get('file_id')}"

    def _request_about(self, given: str) -> dict[str, Any]:
        """Return the request, as pycti's listener would hand it over, about what a rehearsal was given.

        Raises:
            UsageError: it is no such thing.
        """
        raise UnsupportedError(f"be tried on {given}")

    def rehearse_on(self, given: str) -> bool:
        """Do one request with the helper at hand; its work tells what became of it. See `BaseConnector`."""
        message = self._request_about(given)
        works = self.helper.api.work
        work_id = works.initiate_work(self.helper.connect_id, self._title(message))
        try:
            works.to_processed(work_id, self.callback(message))
        except RequestFailed as error:
            works.to_processed(work_id, str(error), True)
            return False
        return True

    def _note_origins(
        self, origins: Iterable[tuple[str, Any, str]], report: RunReport
    ) -> None:
        """Note down where objects came from, if that is wanted: id, record, mapper."""
        if not self.runtime.provenance:
            return
        try:
            for stix_id, record, mapper in origins:
                self.provenance.note(
                    stix_id, record, mapper=mapper, run_id=report.run_id
                )
            self.provenance.save()
        # What was sent is sent, whether or not the disk works.
        except (sqlite3.Error, OSError) as error:
            self.logger.warning(f"Where objects came from cannot be noted: {error}")

    def _bind(self) -> None:
        limit = self.runtime.platform_timeout.total_seconds()
        self._limit = limit
        self._backpressure = Backpressure(self.helper, limit, self._note_pause)
        if self.runtime.provenance:
            self.provenance.prune()

    def _serve(self) -> None:
        # Loads pycti: only when it is needed.
        from pycti import OpenCTIConnectorHelper

        from connectors_sdk.connectors._listening import Listener, ListenerEnded

        if not isinstance(self.helper, OpenCTIConnectorHelper):
            self.helper.listen(self.callback)
            return
        listener = Listener(
            self.helper, self.callback, self.health, self.data_path / _UNFINISHED
        )
        try:
            listener.listen()
        except ListenerEnded as error:
            self.logger.error(self.redact(str(error)))
            sys.exit(ExitCode.FAILURE)
        except StopRequested as stop:
            if listener.finish(_GRACE_SECONDS, str(stop)):
                self.logger.info(f"Connector stopped by {stop}.")
            else:
                self.metrics.count("work", outcome="stopped")
                self.logger.warning(
                    f"Connector stopped by {stop} in the middle of a request, which is done again later."
                )
            raise

    def callback(self, message: dict[str, Any]) -> str:
        """Do one request and return what its work is told.

        Args:
            message: the event as pycti's listener hands it over.

        Raises:
            RequestFailed: it failed; the text is what its work is told. Holds no secret.
        """
        report = RunReport(run_id=uuid.uuid4().hex[:12])
        with log_context(run_id=report.run_id), span("request", run_id=report.run_id):
            if self.helper.work_id:
                set_in_context("work_id", str(self.helper.work_id))
            return self._answer_for(message, report)

    def _answer_for(self, message: dict[str, Any], report: RunReport) -> str:
        started = time.monotonic()
        title = self._title(message)
        self.helper.metric.inc("run_count")
        self.helper.metric.state("running")
        self.health.working(title)
        outcome = "failed"
        try:
            with self.fuse.guard():
                done = self._do(message, report)
            outcome = done.outcome
            self.health.succeeded()
            return self.redact(done.words)[:_LONGEST_REASON]
        except (Exception, MemoryLimitError) as error:
            reason = self.redact(
                str(error) if isinstance(error, RequestFailed) else describe(error)
            )
            report.add_error(reason)
            self.health.failed(reason)
            self.metrics.count("errors", kind=type(error).__name__)
            if isinstance(error, RequestFailed):
                self.logger.warning(f"{title} failed: {reason}")
            else:
                # pycti's logger adds the traceback.
                self.logger.error(f"{title} failed: {reason}")
            raise RequestFailed(reason[:_LONGEST_REASON]) from None
        finally:
            seconds = time.monotonic() - started
            self.helper.metric.state("idle")
            self.health.idle()
            self.metrics.count("work", outcome=outcome)
            self.metrics.observe("work_seconds", seconds)
            report.show(self.metrics)
            self.metrics.set("quarantine_records", len(self.quarantine))
            self.logger.info(f"{title}: {_summary(report, outcome, seconds)}")

    def _send(self, bundle: Bundle, report: RunReport, **options: Any) -> None:
        """Send a bundle under the work of the request; return when the platform has accepted it.

        Args:
            bundle: what is sent.
            report: counts it.
            options: passed on to pycti's `send_stix2_bundle`.

        Raises:
            ValueError: the platform refuses it.
            requests.RequestException: the platform stays away.
            MemoryLimitError: the request was told to stop, and goes on nevertheless.
        """
        self.fuse.check()
        self._backpressure.wait()
        send_bundle(
            self.helper,
            bundle,
            limit=self._limit,
            log=self.logger.warning,
            **options,
        )
        self.helper.metric.inc("record_send", len(bundle))
        report.add_bundle(len(bundle))
        self.metrics.count("objects_sent", len(bundle))
        self.metrics.count("bundles_sent")
        self.metrics.count("bytes_sent", bundle.size)
        self.health.progress()


def _summary(report: RunReport, outcome: str, seconds: float) -> str:
    skipped = ", ".join(f"{why}: {count}" for why, count in report.skipped.items())
    return (
        f"{outcome}, read {report.read}, sent {report.sent} objects in {report.bundles} bundles, skipped "
        f"{sum(report.skipped.values())}{f' ({skipped})' if skipped else ''}, quarantined {report.quarantined}, "
        f"errors {len(report.errors)}, took {seconds:.1f} s"
    )

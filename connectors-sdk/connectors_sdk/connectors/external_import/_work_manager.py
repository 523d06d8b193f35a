"""Works: what an operator sees of a run on the platform.

The life of a work:

- it is opened by the first bundle, so a run that has nothing to send leaves no work behind;
- one work is open at a time: sending under another name closes the former as successful;
- whatever happens, it is closed: successfully, or in error with the reason. The reference deletes a work whose first
  bundle failed, which hides the failure from the operator; here it is closed in error like any other.
"""

from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Any

from connectors_sdk.bundles import Bundle, iter_bundles
from connectors_sdk.client.exceptions import QuotaExceededError
from connectors_sdk.connectors._causes import describe
from connectors_sdk.connectors._patience import DEFAULT_LIMIT, impatient
from connectors_sdk.connectors._publishing import send_bundle
from connectors_sdk.connectors._signals import StopRequested
from connectors_sdk.connectors._state_guard import StateChangedError
from connectors_sdk.connectors.external_import._backpressure import Backpressure
from connectors_sdk.connectors.log_context import set_in_context
from connectors_sdk.connectors.logger import ConnectorLogger
from connectors_sdk.connectors.run_report import RunReport

# A list is one bundle, as long as that stays well below the platform's limit of 50 MB for a request.
LIST_MAX_OBJECTS = 10_000
LIST_MAX_BYTES = 20_000_000
_LONGEST_REASON = 2000
# What ends a run although nothing is wrong.
NO_FAILURE = (QuotaExceededError, StateChangedError)


class _Work:
    """An open work on the platform."""

    def __init__(self, helper: Any, name: str) -> None:
        self.name = name
        self._api = helper.api.work
        # Multipart: the work stays open between bundles even when the platform is done with all it has got so far.
        self.id: str | None = self._api.initiate_work(
            helper.connect_id, name, is_multipart=True
        )

    def close(self, message: str, *, in_error: bool = False) -> None:
        """Close the work with a last message."""
        if in_error:
            self._api.to_processed(self.id, message, in_error=True)
        else:
            self._api.to_processed(self.id, message)


class WorkManager:
    """Sends bundles within works. A context manager: works live inside of it.

    Attributes:
        report: counts what is sent.
        redact: takes secrets out of what is written into a work.
        platform_limit: for how many seconds a message broker may be away.
        runs_once: the connector ends after this run.
        on_sent: called with each bundle that the platform has accepted.
        on_pause: called with the length in seconds of each pause for the sake of the platform's queue.
    """

    def __init__(self, helper: Any) -> None:
        """Take pycti's `OpenCTIConnectorHelper`."""
        self.report = RunReport()
        self.redact: Callable[[str], str] = str
        self.platform_limit = DEFAULT_LIMIT
        self.runs_once = getattr(helper, "connect_run_and_terminate", False) is True
        self.on_sent: Callable[[Bundle], None] = lambda bundle: None
        self.on_pause: Callable[[float], None] = lambda seconds: None
        self._helper = helper
        self._logger = ConnectorLogger(helper)
        self._active = False
        self._current_work: _Work | None = None
        self._backpressure: Backpressure | None = None
        self._reported: BaseException | None = None

    def __enter__(self) -> "WorkManager":
        self._active = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._active = False
        work, self._current_work = self._current_work, None
        set_in_context("work_id", None)
        if work is None:
            return
        if error is None:
            work.close(self._success())
        else:
            self._close_unfinished(work, error)

    def send(self, objects: Iterable[Any], work_name: str, **send_options: Any) -> None:
        """Send objects under the work of this name, which is opened if need be.

        Args:
            objects: models, stix2 objects or dictionaries. A list is sent as one bundle (as several if it has more
                than 10,000 objects or 20 MB). Anything else is consumed as a stream: bundles go out as they fill.
                Author, markings and other models that the models hold go with them. Nothing in, nothing sent.
            work_name: what the operator reads on the platform.
            send_options: passed on to pycti's `send_stix2_bundle`, e.g. `update=True`. By default references to
                what is not in the bundle are cleaned up, unless the bundle holds such references on purpose.

        Raises:
            RuntimeError: the manager was not entered (`with`).
            connectors_sdk.bundles.BundleError: something that is not a STIX object.
            ValueError: the platform refuses the bundle.
            requests.RequestException: the platform stays away.
        """
        self._check_active()
        if isinstance(objects, Sequence):
            pieces = iter_bundles(
                list(objects),
                max_objects=LIST_MAX_OBJECTS,
                max_bytes=LIST_MAX_BYTES,
                on_dangling="keep",
            )
        else:
            pieces = iter_bundles(objects, on_dangling="keep")
        for piece in pieces:
            self.send_bundle(piece, work_name, **send_options)

    def send_bundle(self, bundle: Bundle, work_name: str, **send_options: Any) -> None:
        """Send one finished bundle, see `send`. Returns when the platform has accepted it."""
        self._check_active()
        if self._backpressure is None:
            self._backpressure = Backpressure(
                self._helper, self.platform_limit, self.on_pause
            )
        self._backpressure.wait()
        work = self._work(work_name)
        if bundle.external:
            self._logger.debug(
                "The bundle refers to objects that the platform is believed to have.",
                {"count": len(bundle.external), "first": bundle.external[0]},
            )
        send_bundle(
            self._helper,
            bundle,
            limit=self.platform_limit,
            log=self._logger.warning,
            **{"work_id": work.id, **send_options},
        )
        self._helper.metric.inc("record_send", len(bundle))
        self.report.add_bundle(len(bundle))
        self.on_sent(bundle)

    def report_failure(self, work_name: str, error: BaseException) -> None:
        """Show a failure on the platform that happened while no work was open.

        A failure with which a work was closed is not shown again. Never raises: the failure itself matters more.
        """
        if self._reported is error:
            return
        self._reported = error
        try:
            with impatient():
                _Work(self._helper, work_name).close(
                    self._failure(error), in_error=True
                )
        except Exception as err:  # pylint: disable=broad-exception-caught
            self._logger.warning(
                f"The failure could not be shown on the platform: {describe(err)}"
            )

    def _check_active(self) -> None:
        if not self._active:
            raise RuntimeError(
                "Works live inside the manager's context: use `with work_manager:` around sending."
            )

    def _work(self, name: str) -> _Work:
        current = self._current_work
        if current is not None and current.name != name:
            self._current_work = None
            current.close(self._success())
            current = None
        if current is None:
            current = self._current_work = _Work(self._helper, name)
            set_in_context("work_id", current.id)
        return current

    def _close_unfinished(self, work: _Work, error: BaseException) -> None:
        self._reported = error
        try:
            # What failed may be the platform itself: it has been waited for long enough.
            with impatient():
                if isinstance(error, (KeyboardInterrupt, SystemExit)):
                    reason = f" ({error})" if isinstance(error, StopRequested) else ""
                    work.close(f"Stopped before the end{reason}; the next run goes on.")
                elif isinstance(error, NO_FAILURE):
                    work.close(f"Ended early: {self.redact(describe(error))}")
                else:
                    work.close(self._failure(error), in_error=True)
        except Exception as err:  # pylint: disable=broad-exception-caught
            # The error that is on its way out matters more; the next run closes what stayed open.
            self._logger.warning(
                f"The work {work.name!r} could not be closed: {describe(err)}"
            )

    def _success(self) -> str:
        remarks = self.redact(self.report.remarks)
        return "Work completed successfully" + (f": {remarks}" if remarks else "")

    def _failure(self, error: BaseException) -> str:
        reason = self.redact(describe(error))
        return f"Work failed with error: {reason}"[:_LONGEST_REASON]


def close_leftover_works(helper: Any) -> None:
    """Close the works that a former life of this connector left open when it was killed. Never raises."""
    logger = ConnectorLogger(helper)
    try:
        with impatient():
            for work in helper.api.work.get_connector_works(helper.connect_id):
                if work["status"] == "complete" or work["processed_time"]:
                    continue
                logger.info("Closing a work that was left open.", {"work": work["id"]})
                helper.api.work.to_processed(
                    work["id"],
                    "The connector ended before it had finished this work; a later run goes on.",
                    in_error=True,
                )
    except Exception as err:  # pylint: disable=broad-exception-caught
        logger.warning(f"Works left open could not be closed: {describe(err)}")

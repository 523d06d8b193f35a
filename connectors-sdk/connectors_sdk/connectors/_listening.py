"""Listening for requests of the platform: pycti's listener, made safe against the death of either side.

pycti acknowledges a message of the broker before it works on it, so whoever dies meanwhile has lost it. Here a message
is acknowledged when it is done. The same message may come again, then: because the process died, because the broker
went away, or because the platform did not see the answer. What becomes of it is told by its work on the platform:

- the work was closed: the message is done, nothing happens;
- it was begun three times and never closed: the message is what kills the connector, it is given up;
- otherwise it is done again. That is free, as ids are deterministic.

A broker takes a message back that is not acknowledged for long: RabbitMQ closes the channel after 30 minutes, by
default, and hands the message to another replica while this one still works on it. Hence a long request is written to
disk after some minutes and acknowledged then; it leaves the disk when it is done. What a process leaves there when it
ends is done by the next one that starts with the same data folder.

Over HTTP the answer takes the place of the acknowledgement.

When the process is told to stop, the request under way gets some seconds to end by itself. Otherwise its work is closed
with a word that says so, and the message stays in the queue.
"""

import hashlib
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import pika
from pika.exceptions import AMQPError
from pycti.connector.opencti_connector_helper import ListenQueue
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse

from connectors_sdk.connectors._broker import broker_parameters, broker_problem
from connectors_sdk.connectors._causes import describe
from connectors_sdk.connectors._patience import growing_pauses
from connectors_sdk.connectors._unfinished import Unfinished
from connectors_sdk.connectors.health import Health
from connectors_sdk.connectors.logger import ConnectorLogger

MAX_ATTEMPTS = 3
# What pycti tells a work when it begins; each time is an attempt.
_READY = "Connector ready to process the operation"
_STOPPED = "Stopped before the end"
_PING_SECONDS = 300.0
# Less than the `consumer_timeout` of every version of RabbitMQ as it comes: 15 minutes once, 30 now.
LONGEST_UNACKNOWLEDGED = 10 * 60.0
_LISTENING_SECONDS = 0.25
_SERVICING_SECONDS = 0.05
_BROKER = "broker"
# What pycti answers after it has handed a request over.
_ANSWERS = (202, 500)

Callback = Callable[[dict[str, Any]], str]


class ListenerEnded(RuntimeError):
    """Nobody listens any more, and nobody wanted that."""


class Listener(ListenQueue):  # type: ignore[misc]  # pycti publishes no types
    """Hands requests to a callback, one at a time, over AMQP or HTTP as the connector is configured."""

    def __init__(
        self, helper: Any, callback: Callback, health: Health, folder: Path
    ) -> None:
        """Bind pycti's helper, what takes requests, the health that hears of the broker, and a folder for long requests."""
        super().__init__(
            helper,
            helper.opencti_token,
            helper.config,
            helper.connector_config,
            helper.applicant_id,
            str(helper.listen_protocol).upper(),
            helper.listen_protocol_api_ssl,
            helper.listen_protocol_api_path,
            int(helper.listen_protocol_api_port),
            self._call,
        )
        self._callback = callback
        # The process ends when the main thread wants it to, whatever hangs here.
        self.daemon = True
        self._callback_executor = _OneDaemonThread()
        self._health = health
        self._logger = ConnectorLogger(helper)
        self._stopping = threading.Event()
        self._requests = _UnderWay()
        self._under_way: Mapping[str, Any] = {}
        self._reached = False
        self._trouble: BaseException | None = None
        # Messages that were done, but whose acknowledgement the broker did not get.
        self._done: deque[str] = deque(maxlen=16)
        self._unfinished = Unfinished(folder)

    # -- for the main thread -----------------------------------------------------------------------------------------

    def listen(self) -> None:
        """Take requests until the process is told to stop.

        Raises:
            ListenerEnded: nobody listens any more, e.g. because the port is taken.
        """
        self.start()
        # A signal that comes right before a wait without end is only heard after it.
        while self.is_alive():
            self.join(_LISTENING_SECONDS)
        raise ListenerEnded(
            f"the connector cannot listen for requests: {describe(self._trouble)}"
            if isinstance(self._trouble, Exception)
            else "the connector cannot listen for requests; is its port "
            f"{self.listen_protocol_api_port} in use?"
        )

    def finish(self, grace: float, why: str) -> bool:
        """Take no further requests; let the one under way end within `grace` seconds, else close its work.

        Args:
            why: what an operator reads about it.

        Returns: whether nothing is under way any more.
        """
        self._stopping.set()
        if self._requests.wait_for_none(grace):
            if self.listen_protocol == "AMQP":
                # The acknowledgement is still to come.
                self.join(grace)
            return True
        work_id = (self._under_way.get("internal") or {}).get("work_id")
        if work_id:
            try:
                self.helper.api.work.to_processed(
                    work_id,
                    f"{_STOPPED} ({why}): done again when the connector is back.",
                )
            # The process ends, whatever the platform says.
            except Exception as error:  # pylint: disable=broad-exception-caught
                self._logger.warning(
                    f"The work could not be closed: {describe(error)}",
                    {"work": work_id},
                )
        return False

    # -- for the listening thread ------------------------------------------------------------------------------------

    def run(self) -> None:
        """See `threading.Thread.run`."""
        try:
            if self.listen_protocol == "AMQP":
                self._listen_to_broker()
            else:
                super().run()
        # The main thread says it.
        except BaseException as error:  # pylint: disable=broad-exception-caught
            self._trouble = error

    def _listen_to_broker(self) -> None:
        pauses: Iterator[float] | None = None
        away = False
        while not self._stopping.is_set():
            try:
                self._connect()
                if away:
                    away = False
                    self._logger.info("The message broker is back.")
                self._health.cleared(_BROKER)
                pauses = None
                self._resume()
                self._consume()
            except (AMQPError, OSError) as error:
                cause = broker_problem(error)
                away = True
                self._health.obstacle(_BROKER, f"the message broker is away: {cause}")
                pauses = pauses or growing_pauses(float("inf"))
                pause = next(pauses)
                self._logger.warning(
                    f"The message broker at {self.host}:{self.port} is away: {cause}. Trying again in {pause:.3g} s."
                )
                self._stopping.wait(pause)
            finally:
                self._disconnect()

    def _connect(self) -> None:
        self.pika_connection = pika.BlockingConnection(
            broker_parameters(self.helper, heartbeat=10, blocked_connection_timeout=30)
        )
        self.channel = self.pika_connection.channel()
        self.channel.basic_qos(prefetch_count=1)

    def _disconnect(self) -> None:
        connection, self.pika_connection = self.pika_connection, None
        try:
            if connection is not None and connection.is_open:
                connection.close()
        except (AMQPError, OSError):
            pass  # it is gone, which is what was wanted

    def _consume(self) -> None:
        incoming = self.channel.consume(
            self.queue_name, inactivity_timeout=_LISTENING_SECONDS
        )
        for method, _, body in incoming:
            if self._stopping.is_set():
                return
            if method is not None:
                self._take(method, body)

    def _resume(self) -> None:
        """Do what was acknowledged and not done, by a process that has ended."""
        self._await_end()
        for fingerprint, body in self._unfinished.left():
            if self._stopping.is_set():
                return
            self._logger.info("A request that was acknowledged before is done now.")
            message = self._read(body)
            if message is not None:
                self._begin(message, True, fingerprint)
            self._await_end()

    def _take(self, method: Any, body: bytes) -> None:
        """Work on a message, and acknowledge it."""
        # The connection was lost while another message was under way.
        self._await_end()
        fingerprint = hashlib.sha256(body).hexdigest()
        acknowledged = False
        message = self._read(body)
        if message is not None and fingerprint not in self._done:
            self._begin(message, bool(method.redelivered), fingerprint)
            deadline = time.monotonic() + LONGEST_UNACKNOWLEDGED
            self._service(lambda: self._requests.none() or time.monotonic() > deadline)
            if not self._requests.none():
                acknowledged = self._acknowledge_early(method, fingerprint, body)
            self._await_end()
        if not acknowledged:
            self.channel.basic_ack(method.delivery_tag)
        if fingerprint in self._done:
            self._done.remove(fingerprint)

    def _await_end(self) -> None:
        """Wait until no request is under way; then none has to be kept on disk."""
        self._service(self._requests.none)
        self._unfinished.forget()

    def _begin(
        self, message: dict[str, Any], redelivered: bool, fingerprint: str
    ) -> None:
        self._requests.begin()
        self._under_way = message
        threading.Thread(
            target=self._work_on,
            args=(message, redelivered, fingerprint),
            name="request",
            daemon=True,
        ).start()

    def _acknowledge_early(self, method: Any, fingerprint: str, body: bytes) -> bool:
        """Acknowledge a message that is still under way, if it can be kept elsewhere; return whether that was done."""
        try:
            self._unfinished.keep(fingerprint, body)
        except OSError as error:
            self._logger.warning(
                f"A request that takes long cannot be written down ({error}): it is not acknowledged, and the broker may "
                "hand it to another replica meanwhile. Set CONNECTOR_DATA_PATH to a folder that can be written."
            )
            return False
        self.channel.basic_ack(method.delivery_tag)
        self._logger.info(
            "A request takes long: it is acknowledged, and kept on disk until it is done."
        )
        return True

    def _read(self, body: bytes) -> dict[str, Any] | None:
        try:
            message = json.loads(body)
        except ValueError as error:
            self._logger.error(f"A message that cannot be read is dropped: {error}")
            return None
        if not isinstance(message, dict):
            self._logger.error("A message that is no request is dropped.")
            return None
        return message

    def _service(self, is_over: Callable[[], bool]) -> None:
        """Keep the connection and the work alive until something is over."""
        pinged = time.monotonic()
        while not is_over():
            self.pika_connection.process_data_events(time_limit=_SERVICING_SECONDS)
            if time.monotonic() - pinged > _PING_SECONDS:
                pinged = time.monotonic()
                self._ping()

    def _ping(self) -> None:
        work_id = (self._under_way.get("internal") or {}).get("work_id")
        try:
            if work_id:
                self.helper.api.work.ping(work_id)
        # A sign of life that does not arrive is no reason to give up what lives.
        except Exception as error:  # pylint: disable=broad-exception-caught
            self._logger.debug(f"The work could not be pinged: {describe(error)}")

    def _work_on(
        self, message: dict[str, Any], redelivered: bool, fingerprint: str
    ) -> None:
        try:
            if not redelivered or self._shall_be_done(message):
                self._data_handler(message)
        finally:
            self._done.append(fingerprint)
            self._under_way = {}
            self._requests.end()

    # -- over HTTP ---------------------------------------------------------------------------------------------------

    # FastAPI reads the types of arguments.
    async def _http_process_callback(self, request: Request) -> JSONResponse:
        response: JSONResponse = await super()._http_process_callback(request)
        if response.status_code in _ANSWERS:
            # Only when the answer is on its way the request is over.
            response.background = BackgroundTask(self._requests.end)
        return response

    def _data_handler(self, json_data: dict[str, Any]) -> None:
        """Work on a message, see pycti."""
        if self.listen_protocol == "AMQP":
            self._handle(json_data)
            return
        if self._stopping.is_set():
            # No answer: the platform sends it again to whoever listens then.
            threading.Event().wait()
        self._requests.begin()
        self._under_way = json_data
        try:
            if self._shall_be_done(json_data):
                self._handle(json_data)
        finally:
            self._under_way = {}

    # -- one message -------------------------------------------------------------------------------------------------

    def _handle(self, message: dict[str, Any]) -> None:
        self._reached = False
        # Never raises: what fails is told to the work.
        super()._data_handler(message)
        if not self._reached:
            self._give_back(message)

    def _call(self, data: dict[str, Any]) -> str:
        self._reached = True
        return self._callback(data)

    def _give_back(self, message: Mapping[str, Any]) -> None:
        """Let a playbook go on with what it has: pycti failed before the connector heard of the request."""
        step = (message.get("internal") or {}).get("playbook")
        bundle = (message.get("event") or {}).get("bundle")
        if not step or not bundle:
            return
        text = json.dumps(bundle)
        begun = {"execution_start": self.helper.date_now(), "previous_bundle": text}
        try:
            self.helper.api.playbook.playbook_step_execution({**begun, **step}, text)
        except Exception as error:  # pylint: disable=broad-exception-caught
            self._logger.error(f"A playbook cannot go on: {describe(error)}")

    # -- messages that may have come before --------------------------------------------------------------------------

    def _shall_be_done(self, message: Mapping[str, Any]) -> bool:
        """Find out whether a message that may have come before still has to be done."""
        work_id = (message.get("internal") or {}).get("work_id")
        if not work_id:
            return True
        try:
            work = self.helper.api.work.get_work(work_id)
        # Whoever cannot be asked about the past does it again.
        except Exception as error:  # pylint: disable=broad-exception-caught
            self._logger.warning(f"The work cannot be read: {describe(error)}")
            return True
        if work is None:
            self._logger.info("A request is dropped: its work was deleted.")
            return False
        said = [str(one.get("message")) for one in work.get("messages") or ()]
        stopped = [text for text in said if text.startswith(_STOPPED)]
        # The platform may have a word of its own after that.
        latest = (
            said[len(said) - said[::-1].index(_READY) :] if _READY in said else said
        )
        if work.get("processed_time") and not any(text in stopped for text in latest):
            self._logger.info("A request came again that is done.", {"work": work_id})
            return False
        attempts = said.count(_READY) - len(stopped)
        if attempts >= MAX_ATTEMPTS:
            self.helper.api.work.to_processed(
                work_id,
                f"Given up: the connector ended {attempts} times while it worked on this.",
                True,
            )
            return False
        if _READY in said:
            self._logger.info("A request is done again.", {"work": work_id})
            self._settle(work)
        return True

    def _settle(self, work: Mapping[str, Any]) -> None:
        """Let a work no longer wait for what a former attempt has announced and never sent."""
        tracking = work.get("tracking") or {}
        missing = int(tracking.get("import_expected_number") or 0) - int(
            tracking.get("import_processed_number") or 0
        )
        if self.helper.queue_protocol != "amqp":
            # The platform itself announces what it has got.
            return
        for _ in range(missing):
            self.helper.api.work.report_expectation(work["id"], None)


class _UnderWay:
    """Counts the requests whose end the other side has not been told."""

    def __init__(self) -> None:
        self._count = 0
        self._changed = threading.Condition()

    def begin(self) -> None:
        """Note that one begins."""
        with self._changed:
            self._count += 1

    def end(self) -> None:
        """Note that one is over."""
        with self._changed:
            self._count -= 1
            self._changed.notify_all()

    def none(self) -> bool:
        """Return whether there is none."""
        with self._changed:
            return self._count == 0

    def wait_for_none(self, seconds: float) -> bool:
        """Wait until there is none; return whether that came to pass."""
        with self._changed:
            return self._changed.wait_for(lambda: self._count == 0, seconds)


class _OneDaemonThread(Executor):
    """Runs one call after the other, in a thread that does not keep the process alive."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def submit(
        self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> "Future[Any]":
        """See `concurrent.futures.Executor.submit`."""
        future: Future[Any] = Future()

        def run() -> None:
            with self._lock:
                try:
                    future.set_result(fn(*args, **kwargs))
                except BaseException as error:  # pylint: disable=broad-exception-caught
                    future.set_exception(error)

        threading.Thread(target=run, name="request", daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """See `concurrent.futures.Executor.shutdown`."""

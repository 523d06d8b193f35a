"""Publishing to the platform's broker with many messages on their way at once.

pycti publishes one object, waits for the broker's confirmation, publishes the next. Here only what was not confirmed is
published again.

Sources: RabbitMQ's publisher confirms and mandatory messages; the message of pycti's `_send_bundle`.
"""

import base64
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import orjson
import pika
from pika.channel import Channel
from pika.exceptions import AMQPError
from pika.frame import Method
from pika.spec import Basic

from connectors_sdk.connectors._broker import broker_parameters, broker_problem
from connectors_sdk.connectors._patience import growing_pauses, is_patient

# So many messages are on their way at once; so many bytes of them, unless one alone has more.
WINDOW, WINDOW_BYTES = 500, 8_000_000
_HEARTBEAT = 30
_PROPERTIES = pika.BasicProperties(delivery_mode=2, content_encoding="utf-8")


def publish(
    helper: Any,
    objects: Sequence[bytes],
    options: Mapping[str, Any],
    *,
    limit: float,
    log: Callable[[str], None],
) -> None:
    """Publish bundles of one object each; return when the broker has confirmed all of them.

    Args:
        helper: pycti's helper.
        objects: the bundles (JSON).
        options: `work_id`, `draft_id`, `entities_types`, `update`, as pycti's `send_stix2_bundle` takes them.
        limit: for how many seconds the broker may be away.
        log: writes a line.

    Raises:
        ConnectionError: the broker stays away, or goes on to refuse messages.
        requests.RequestException: the platform cannot be told what to expect.
    """
    work_id = options.get("work_id", helper.work_id)
    if work_id:
        # Once, however often something has to be published again.
        helper.api.work.add_expectations(work_id, len(objects))
    common = {
        "bundle_type": "QUEUE_BUNDLE",
        "applicant_id": helper.applicant_id,
        "entities_types": options.get("entities_types") or [],
        "update": bool(options.get("update", False)),
        "draft_id": options.get("draft_id", helper.draft_id),
        "no_split": False,
        **({} if work_id is None else {"work_id": work_id}),
    }

    def message(number: int) -> bytes:
        content = base64.b64encode(objects[number]).decode()
        return orjson.dumps(
            {**common, "action_sequence": number + 1, "content": content}
        )

    connection = helper.connector_config["connection"]
    place = f"the message broker at {connection['host']}:{connection['port']}"
    waiting = dict.fromkeys(range(len(objects)))
    pauses: Iterator[float] = iter(())
    first = True
    while True:
        before = len(waiting)
        problem = _attempt(helper, message, waiting, limit)
        helper.metric.inc("bundle_send", before - len(waiting))
        if not waiting:
            return
        if first or len(waiting) < before:
            first, pauses = False, growing_pauses(limit if is_patient() else 0)
        pause = next(pauses, None)
        if pause is None:
            raise ConnectionError(f"{place}: {problem}")
        log(
            f"{place}: {problem}. {len(waiting)} of {len(objects)} messages wait, trying again in {pause:.3g} s."
        )
        helper.metric.inc("error_count")
        time.sleep(pause)


def _attempt(
    helper: Any,
    message: Callable[[int], bytes],
    waiting: dict[int, None],
    limit: float,
) -> str:
    """Publish what waits and take away what is confirmed; return why something may be left."""
    config = helper.connector_config
    parameters = broker_parameters(
        helper,
        heartbeat=_HEARTBEAT,
        blocked_connection_timeout=limit,
        connection_attempts=1,
    )
    destination = config["push_exchange"], config["push_routing"]
    try:
        _Pipeline(parameters, destination, message, waiting).run()
    except (AMQPError, OSError) as error:
        return broker_problem(error)
    return "it refuses messages, or has no queue for them"


class _Pipeline:
    """One connection over which messages are published with several on their way.

    Attributes:
        waiting: the messages that are not confirmed; confirmed ones are taken away.
    """

    def __init__(
        self,
        parameters: pika.ConnectionParameters,
        destination: tuple[str, str],
        message: Callable[[int], bytes],
        waiting: dict[int, None],
    ) -> None:
        self.waiting = waiting
        self._parameters = parameters
        self._exchange, self._routing_key = destination
        self._message = message
        self._next = iter(list(waiting))
        # Delivery tag -> (message, bytes), of what is on its way; the messages that came back.
        self._on_way: dict[int, tuple[int, int]] = {}
        self._bytes = self._tag = 0
        self._returned: set[int] = set()
        self._over = False
        self._error: BaseException | None = None

    def run(self) -> None:
        """Publish what waits; return when each message is confirmed, refused or returned.

        Raises:
            AMQPError, OSError: the broker is away, or left.
        """
        connection = pika.SelectConnection(
            self._parameters,
            on_open_callback=self._opened,
            on_open_error_callback=self._closed,
            on_close_callback=self._closed,
        )
        try:
            connection.ioloop.start()
        finally:
            connection.ioloop.close()
        if self._error is not None and not self._over:
            raise self._error

    def _opened(self, connection: pika.SelectConnection) -> None:
        connection.channel(on_open_callback=self._begin)

    def _closed(self, connection: pika.SelectConnection, error: BaseException) -> None:
        self._error = error
        connection.ioloop.stop()

    def _begin(self, channel: Channel) -> None:
        channel.add_on_return_callback(self._came_back)
        channel.add_on_close_callback(self._channel_closed)
        channel.confirm_delivery(
            partial(self._confirmed, channel), callback=lambda _: self._fill(channel)
        )

    def _channel_closed(self, channel: Channel, error: BaseException) -> None:
        if not self._over:
            # The exchange is gone, for example.
            self._error = error
            channel.connection.ioloop.stop()

    def _fill(self, channel: Channel) -> None:
        """Publish until the window is full; end when there is nothing left."""
        while len(self._on_way) < WINDOW and self._bytes < WINDOW_BYTES:
            number = next(self._next, None)
            if number is None:
                break
            body = self._message(number)
            self._tag += 1
            self._on_way[self._tag] = (number, len(body))
            self._bytes += len(body)
            channel.basic_publish(
                self._exchange, self._routing_key, body, _PROPERTIES, mandatory=True
            )
        if not self._on_way:
            self._over = True
            channel.connection.close()

    def _came_back(
        self,
        _: Channel,
        method: Basic.Return,
        properties: pika.BasicProperties,
        body: bytes,
    ) -> None:
        del method, properties
        self._returned.add(orjson.loads(body)["action_sequence"] - 1)

    def _confirmed(self, channel: Channel, frame: Method) -> None:
        tag, several = frame.method.delivery_tag, frame.method.multiple
        tags = [one for one in self._on_way if one <= tag] if several else [tag]
        taken = isinstance(frame.method, Basic.Ack)
        for one in tags:
            number, size = self._on_way.pop(one)
            self._bytes -= size
            # What cannot be routed comes back, and is confirmed as well.
            if taken and number not in self._returned:
                self.waiting.pop(number, None)
        self._fill(channel)

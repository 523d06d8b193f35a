"""A RabbitMQ broker between the platform and connectors.

Source: AMQP 0-9-1; names and kinds of exchanges and queues are those that the platform declares for each connector.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import orjson
import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError

LISTEN_EXCHANGE, PUSH_EXCHANGE = "amqp.connector.exchange", "amqp.worker.exchange"
PERSISTENT = 2
# What is wrong is said once and in words by whoever needs the broker.
logging.getLogger("pika").setLevel(logging.CRITICAL)
# A message of this type is the platform's own: it marks a place in a queue.
MARKER = "opencti-testbed-marker"


class BrokerAway(RuntimeError):
    """The broker does not answer; the text says where it was looked for."""


def queue_config(connector_id: str) -> dict[str, str]:
    """Return the names of a connector's queues, routing keys and exchanges, as the platform tells the connector."""
    return {
        "listen": f"listen_{connector_id}",
        "listen_routing": f"listen_routing_{connector_id}",
        "listen_exchange": LISTEN_EXCHANGE,
        "push": f"push_{connector_id}",
        "push_routing": f"push_routing_{connector_id}",
        "push_exchange": PUSH_EXCHANGE,
    }


def _cause(error: BaseException) -> str:
    """Return what a broker's client wraps several times, in words."""
    while error.args and isinstance(error.args[0], BaseException):
        error = error.args[0]
    inner = getattr(error, "exception", None)
    return str(inner or error) or type(error).__name__


class Broker:
    """Opens connections to one broker; each caller has its own, for as long as it needs it."""

    def __init__(self, url: str) -> None:
        """Bind to a broker: `amqp://user:password@host:port/vhost`, or `amqps://`.

        Raises:
            ValueError: the URL is none.
        """
        if not url.startswith(("amqp://", "amqps://")):
            raise ValueError(
                f"{url!r} is no AMQP URL: it begins with neither amqp:// nor amqps://"
            )
        try:
            self._parameters = pika.URLParameters(url)
        except (ValueError, TypeError, LookupError) as error:
            # Not the URL itself: there may be a password in it.
            raise ValueError(f"The broker's address is no AMQP URL: {error}") from error
        self._parameters.heartbeat = 30
        self._parameters.blocked_connection_timeout = 30
        self._parameters.socket_timeout = 5
        self._parameters.connection_attempts = 1
        self.address = f"{self._parameters.host}:{self._parameters.port}"

    def connection_data(self) -> dict[str, Any]:
        """Return how connectors reach the broker, as the answer to a registration holds it."""
        return {
            "host": self._parameters.host,
            "vhost": self._parameters.virtual_host,
            "use_ssl": self._parameters.ssl_options is not None,
            "port": self._parameters.port,
            "user": self._parameters.credentials.username,
            "pass": self._parameters.credentials.password,
        }

    @contextmanager
    def connected(self) -> Iterator[pika.BlockingConnection]:
        """Give a connection.

        Raises:
            BrokerAway: the broker does not answer, or left.
        """
        try:
            connection = pika.BlockingConnection(self._parameters)
            try:
                yield connection
            finally:
                if connection.is_open:
                    connection.close()
        except (AMQPError, OSError) as error:
            raise BrokerAway(
                f"The broker at {self.address} is not there: {_cause(error)}"
            ) from error

    def declare(self, connectors: Iterable[Mapping[str, Any]]) -> None:
        """Declare exchanges, queues and bindings of connectors; what is there stays as it is.

        Raises:
            BrokerAway: the broker does not answer, or left.
        """
        with self.connected() as connection:
            channel = connection.channel()
            for connector in connectors:
                declare(channel, connector)

    def remove(
        self, connector_id: str, forget: Callable[[], None] = lambda: None
    ) -> None:
        """Delete a connector's queues with all that is in them.

        Args:
            forget: called once it is known that the broker is there, and before the queues go: who sees a connector
                without queues declares them again.

        Raises:
            BrokerAway: the broker does not answer, or left.
        """
        names = queue_config(connector_id)
        with self.connected() as connection:
            channel = connection.channel()
            forget()
            for name in (names["listen"], names["push"]):
                channel.queue_delete(name)

    def mark(self, markers: Mapping[str, str]) -> None:
        """Put a marker behind all that connectors have pushed so far.

        Args:
            markers: {name of the marker: id of the connector}.

        Raises:
            BrokerAway: the broker does not answer, left, or has no such queue.
        """
        with self.connected() as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            for marker, connector_id in markers.items():
                names = queue_config(connector_id)
                channel.basic_publish(
                    names["push_exchange"],
                    names["push_routing"],
                    b"",
                    pika.BasicProperties(type=MARKER, message_id=marker),
                    mandatory=True,
                )

    def send(self, connector_id: str, bodies: Iterable[Mapping[str, Any]]) -> None:
        """Put messages into the queue that a connector listens to; the broker has them when this returns.

        Raises:
            BrokerAway: the broker does not answer, left, or did not take a message: some may be there, some not.
        """
        names = queue_config(connector_id)
        with self.connected() as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            for body in bodies:
                channel.basic_publish(
                    names["listen_exchange"],
                    names["listen_routing"],
                    orjson.dumps(body),
                    pika.BasicProperties(
                        delivery_mode=PERSISTENT, content_encoding="utf-8"
                    ),
                    mandatory=True,
                )


def declare(channel: BlockingChannel, connector: Mapping[str, Any]) -> None:
    """Declare what one connector needs."""
    names = queue_config(str(connector["id"]))
    arguments = {
        "name": str(connector["name"]),
        "config": {
            "id": str(connector["id"]),
            "type": str(connector["type"]),
            "scope": ",".join(map(str, connector["scope"])),
        },
    }
    for lane in ("listen", "push"):
        exchange = names[f"{lane}_exchange"]
        channel.exchange_declare(exchange, exchange_type="direct", durable=True)
        channel.queue_declare(names[lane], durable=True, arguments=arguments)
        channel.queue_bind(names[lane], exchange, names[f"{lane}_routing"])

"""How the platform's message broker is reached."""

import logging
from typing import Any

import pika
from pika.adapters.utils.connection_workflow import (
    AMQPConnectionWorkflowFailed,
    AMQPConnectorException,
)
from pika.exceptions import AMQPConnectionError
from pycti.connector.opencti_connector_helper import create_mq_ssl_context

from connectors_sdk.connectors._causes import describe

# pika writes seven lines about each failed attempt; whoever tries says it in one.
logging.getLogger("pika").setLevel(logging.CRITICAL)


def broker_parameters(helper: Any, **more: Any) -> pika.ConnectionParameters:
    """Return how to connect to the broker that the platform named at the registration.

    Args:
        helper: pycti's helper.
        more: further arguments of `pika.ConnectionParameters`.
    """
    connection = helper.connector_config["connection"]
    host = connection["host"]
    secure = connection["use_ssl"]
    return pika.ConnectionParameters(
        host=host,
        port=int(connection["port"]),
        virtual_host=connection["vhost"],
        credentials=pika.PlainCredentials(connection["user"], connection["pass"]),
        ssl_options=(
            pika.SSLOptions(create_mq_ssl_context(helper.config), host)
            if secure
            else None
        ),
        **more,
    )


def broker_problem(error: BaseException) -> str:
    """Return in a few words why the broker is away; pika wraps the cause several times."""
    cause: Any = error
    while True:
        inner: Any = None
        if isinstance(cause, AMQPConnectionWorkflowFailed):
            inner = cause.exceptions[-1] if cause.exceptions else None
        elif isinstance(cause, AMQPConnectorException):
            inner = getattr(cause, "exception", None)
        elif isinstance(cause, AMQPConnectionError) and cause.args:
            inner = cause.args[0]
        if not isinstance(inner, BaseException):
            return describe(cause) if str(cause) else type(cause).__name__
        cause = inner

"""The log of a connector."""

from typing import Any


class ConnectorLogger:
    """Writes to the log of pycti's helper: JSON lines on stderr, below the configured level nothing."""

    def __init__(self, helper: Any) -> None:
        """Take pycti's `OpenCTIConnectorHelper`."""
        self._logger = helper.connector_logger

    def debug(self, message: str, meta: dict[str, Any] | None = None) -> None:
        """Write what only a developer wants to know. `meta` holds JSON-ready values that belong to the message."""
        self._logger.debug(message, meta)

    def info(self, message: str, meta: dict[str, Any] | None = None) -> None:
        """Write what an operator may want to know."""
        self._logger.info(message, meta)

    def warning(self, message: str, meta: dict[str, Any] | None = None) -> None:
        """Write what an operator should know."""
        self._logger.warning(message, meta)

    def error(self, message: str, meta: dict[str, Any] | None = None) -> None:
        """Write what an operator must know, with the traceback of the exception that is being handled, if any."""
        self._logger.error(message, meta)

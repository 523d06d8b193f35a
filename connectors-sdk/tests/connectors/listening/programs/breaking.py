"""Ways to break a clause that are the same for every runtime; mixed in before it."""

# pylint: disable=abstract-method  # the runtimes, into which these are mixed, have the methods

import signal

from connectors_sdk.connectors.listening_connector import ListeningConnector


class TellsSecrets(ListeningConnector):
    """Writes what it knows as it is."""

    def prepare(self) -> None:
        super().prepare()
        self.redact = type(self.redact)(None)


class AcknowledgesFirst(ListeningConnector):
    """Takes requests off the queue before they are done, as pycti does."""

    def _serve(self) -> None:
        from pycti.connector.opencti_connector_helper import ListenQueue

        from connectors_sdk.connectors._listening import Listener

        Listener.run = ListenQueue.run
        super()._serve()


class IgnoresSignals(ListeningConnector):
    """Dies of a signal."""

    def _serve(self) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        super()._serve()
